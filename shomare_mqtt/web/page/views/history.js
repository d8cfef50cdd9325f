import { html, useState } from "../vendor/preact.js";
import { orderChange, useAnswer } from "../asking.js";
import { money, t as tr, when, wordsOf } from "../i18n.js";
import { choicesOf, nameOf } from "../names.js";
import { Action, Badge, Copy, CopyCode, Facts, Foreign, Icon, Latin, Place, Said } from "../parts.js";
import { csvOf, matching, moneyOf, OUTCOMES, totalOf } from "../past.js";
import { isOrder } from "../store.js";

const t = wordsOf("history");
const MOST = 500;
const STEP = 50;

export function History({ app }) {
	const { state, unit, viewer } = app;
	const [wish, setWish] = useState({ outcome: "all", application: "", find: "" });
	const [shown, setShown] = useState(STEP);
	const { busy, data, problem } = useAnswer(viewer ? null : "query/orders", { state: "all", limit: MOST }, orderChange(state));
	const orders = ((viewer ? keptOrders(state) : data) ?? []).map((order) => named(app, order));
	const found = matching(orders, wish);
	const n = found.length;
	const { codes, spent, back } = totalOf(found);
	const filter = (more) => (setWish({ ...wish, ...more }), setShown(STEP));
	return html`<h1>${tr("nav.history")}</>
	${viewer && html`<p class=hint>${t("viewer")}</>`}
	<${Filter} wish=${wish} filter=${filter} orders=${orders} />
	<p class=soft role=status>${busy && !data ? tr("press.busy") : t("total", { n, codes, spent: money(spent, unit), back: money(back, unit) })}</>
	${problem && html`<${Said} said=${problem} />`}
	${!n && !busy && html`<p class=soft>${t(orders.length ? "none_found" : "none")}</>`}
	${n > 0 && html`<ol class="orders card">${found.slice(0, shown).map((order) => html`<${Order} key=${order.order} order=${order} app=${app} />`)}</>`}
	${n > shown && html`<button class=quiet onClick=${() => setShown(shown + STEP)}>${t("more", { n: n - shown })}</>`}
	${n > 0 && !viewer && html`<div><${Action} run=${async () => save(found)}>${t("export", { n })}</><p class=hint>${t("export_hint")}</></>`}
	${orders.length >= MOST && html`<p class=hint>${t("most", { n: MOST })}</>`}`;
}

// What a viewer sees: the topics hold an order until an hour after its end.
const keptOrders = (state) => Object.keys(state).filter(isOrder).map((topic) => state[topic]).sort((one, other) => (one.created_at < other.created_at ? 1 : -1));

function named(app, order) {
	const names = [];
	const shown = { ...order, names };
	for (const kind of ["country", "operator", "application"]) {
		const name = `${kind}_name`;
		shown[name] = nameOf(app, kind, order[kind], order[name]);
		names.push(order[name], ...(choicesOf(app, kind).find(({ id }) => id === order[kind])?.keys ?? []));
	}
	return shown;
}

function Filter({ wish, filter, orders }) {
	const put = ({ target }) => filter({ [target.id]: target.value });
	const field = (id, control) => html`<div class=field><label for=${id}>${t(id)}</>${control}</>`;
	const select = (id, options) => field(id, html`<select id=${id} value=${wish[id]} onChange=${put}>${options.map(([value, name]) => html`<option key=${value} value=${value}>${name}</>`)}</>`);
	return html`<div class=filter role=search>
	${field("find", html`<input id=find type=search dir=auto autocomplete=off spellcheck=false placeholder=${t("find_what")} value=${wish.find} onInput=${put} />`)}
	${select("outcome", Object.keys(OUTCOMES).map((outcome) => [outcome, t(`came.${outcome}`)]))}
	${select("application", [["", t("came.all")], ...new Map(orders.map((order) => [order.application, order.application_name]))])}</>`;
}

function save(orders) {
	const href = URL.createObjectURL(new Blob([csvOf(orders)], { type: "text/csv" }));
	const download = `shomare-${new Date().toISOString().slice(0, 10)}.csv`;
	Object.assign(document.createElement("a"), { href, download }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000); // Not at once: the browser only begins to read it.
	return t("exported", { n: orders.length });
}

const latin = (text) => text && html`<${Latin} text=${text} />`;

function Order({ order, app }) {
	const { charged, closed_at, created_at, error, phone, purchase, sms = [], state, tries = [] } = order;
	const codes = sms.map(({ code }) => code).filter(Boolean);
	const fate = moneyOf(order);
	return html`<li><details>
	<summary>
	<span><b><bdi>${order.application_name}</></> <small><${Place} app=${app} of=${order} /></></>
	<span class=got>${latin(phone)} ${codes.length > 0 && html`<b>${latin(codes.at(-1))}</>`}</>
	<span class=cost>${money(charged ?? order.price, app.unit)} <small class=${fate}>${t(`money.${fate}`)}</></>
	<span class=how><${Badge} state=${state} /> <time datetime=${created_at}>${when(created_at)}</></>
	<${Icon} name=down /></>
	<div class=more>
	${order.refunded === false && html`<p>${t("not_refunded")}</>`}
	${error && html`<p><${Foreign} text=${error.message} /></>`}
	${!app.viewer && html`<div class=row>${phone && html`<${Copy} text=${phone} label=${t("copy_number", { number: phone })}>${t("number")}</>`}
	${codes.map((code) => html`<${CopyCode} key=${code} code=${code}>${t("code")} ${latin(code)}</>`)}</>`}
	${sms.map(({ text }) => text && html`<blockquote><${Foreign} text=${text} /></>`)}
	${tries.length > 0 && html`<div><p>${t("tries")}</><ol>${tries.map((one) => html`<li><${Place} app=${app} of=${one} />: ${money(one.price, app.unit)} <small><${Foreign} text=${one.error?.message} /></></>`)}</></>`}
	<${Facts} t=${t} facts=${{
				closed: closed_at && when(closed_at),
				charged: charged !== null && money(charged, app.unit),
				purchase: latin(purchase),
				order: latin(order.order),
			}} />
	</></></>`;
}
