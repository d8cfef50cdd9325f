import { fold } from "./names.js";

export const OUTCOMES = {
	all: () => true,
	open: (order) => !order.closed_at,
	code: (order) => order.sms_count > 0,
	unused: (order) => order.closed_at && order.state !== "failed" && !order.sms_count,
	failed: (order) => order.state === "failed",
	unknown: (order) => order.state === "unknown",
};

export function matching(orders, { outcome, application, find }) {
	const words = fold(find).split(" ");
	return orders.filter((order) => {
		const { purchase, phone, error, names, sms = [] } = order;
		const text = fold([order.order, purchase, phone, error?.message, ...names, ...sms.flatMap(({ code, text, sender }) => [code, text, sender])].join(" "));
		return OUTCOMES[outcome](order) && (!application || order.application === application) && words.every((word) => text.includes(word));
	});
}

// What became of an order's money: `none` (nothing was bought), `back`, `held` (its time is not over), `kept` (for a
// code, or since the provider keeps it), `unclear`.
export function moneyOf({ state, refunded, closed_at, sms_count, purchase }) {
	if (state === "failed") return "none";
	if (refunded) return "back";
	if (state === "unknown" || state === "buying") return "unclear";
	if (!closed_at) return "held";
	if (refunded === false || sms_count > 0) return "kept";
	return purchase ? "unclear" : "none"; // Without a purchase there was nothing to pay.
}

// What left the account where that is known, else the price. Of an order in `unknown` only what is known to be gone is spent.
export function totalOf(orders) {
	const total = { codes: 0, spent: 0, back: 0 };
	for (const order of orders) {
		const fate = moneyOf(order);
		if (order.sms_count > 0) total.codes += 1;
		if (fate !== "none") total[fate === "back" ? "back" : "spent"] += order.charged ?? (order.state === "unknown" ? 0 : (order.price ?? 0));
	}
	return total;
}

const PLAIN = "order purchase created_at closed_at state country_name operator_name application_name phone price charged refunded".split(" ");

export function csvOf(orders) {
	const head = [...PLAIN.map((name) => name.replace("_name", "")), "codes", "texts", "error"];
	const lines = orders.map((order) => {
		const all = (field) => (order.sms ?? []).map((one) => one[field]).filter(Boolean).join("\n");
		return [...PLAIN.map((name) => order[name]), all("code"), all("text"), order.error?.message];
	});
	return `\ufeff${[head, ...lines].map((line) => `${line.map(cell)}\r\n`).join("")}`;
}

// What a spreadsheet would take for a formula gets an apostrophe: texts are strangers'.
function cell(value) {
	let text = String(value ?? "");
	if (/^[=+\-@\t\r]/.test(text) && !/^[+-]?[\d.]+$/.test(text)) text = `'${text}`;
	return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
