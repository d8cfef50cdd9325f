// The SMS of orders, which no state topic holds: as they come, and asked for where the page came later than they.

import { command } from "./api.js";
import { added, isOrder, store } from "./store.js";

const known = new Map();
const recent = new Map();
const listeners = new Set();
let asked = "";

function add(order, list) {
	if (!known.has(order)) known.set(order, new Map());
	for (const sms of list) known.get(order).set(sms.sms, sms);
}

// An order with every SMS that is known of it, newest first; `sms` is empty for a viewer.
export function withCodes(order) {
	const found = new Map(known.get(order.order));
	for (const sms of order.sms ?? []) if (sms.text !== undefined && !found.has(sms.sms)) found.set(sms.sms, sms);
	const sms = [...found.values()].sort((a, b) => b.received_at.localeCompare(a.received_at));
	return { ...order, sms, sms_count: Math.max(order.sms_count, sms.length) };
}

export function closedLately(state, but) {
	const all = new Map(recent);
	for (const topic in state) if (isOrder(topic)) all.set(state[topic].order, state[topic]);
	for (const one of but) all.delete(one.order);
	return [...all.values()]
		.filter((one) => one.closed_at)
		.sort((a, b) => b.closed_at.localeCompare(a.closed_at))
		.slice(0, 8)
		.map(withCodes);
}

export async function fetchCodes(orders) {
	const missing = orders.filter((one) => one.sms_count > (known.get(one.order)?.size ?? 0));
	const key = missing.map((one) => one.order + one.sms_count).join() || "first";
	if (asked === key || (asked && !missing.length)) return;
	asked = key;
	try {
		for (const order of await command("query/orders", { state: "all", limit: 40 })) {
			add(order.order, order.sms);
			recent.set(order.order, order);
		}
		store.changed();
	} catch {
		if (asked === key) asked = ""; // Asked again with the next change.
	}
}

export const onCode = (listener) => added(listeners, listener);

store.onEvent((topic, event) => {
	if (topic !== "event/sms" || store.role === "viewer") return;
	const isNew = !known.get(event.order)?.has(event.sms);
	add(event.order, [event]);
	if (isNew) for (const listener of listeners) listener(event);
});
