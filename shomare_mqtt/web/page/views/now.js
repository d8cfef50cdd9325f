import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { alarmOn, quietTitle, setAlarm } from "../alarm.js";
import { command } from "../api.js";
import { closedLately, fetchCodes, withCodes } from "../codes.js";
import { explain, money, t as tr, when, wordsOf } from "../i18n.js";
import { nameOf } from "../names.js";
import { Notices } from "../notices.js";
import { Action, Badge, Confirmed, Copy, CopyCode, Foreign, Icon, Latin, Notice, Place, TimeLeft, useId, useTick } from "../parts.js";
import { moneyOf } from "../past.js";

const t = wordsOf("now");

export function Now({ app }) {
	const [note, tell] = useState(""); // What came of a press whose order is no longer here.
	const open = app.orders.map(withCodes);
	const closed = closedLately(app.state, open);
	const all = [...open, ...closed];
	useEffect(() => {
		if (app.owner) fetchCodes(all);
	}, [app.owner, app.connection, all.map((one) => one.order + one.sms_count).join()]);
	return html`<div class="row between"><h1>${t("title")}</>${app.owner && html`<${Alarm} />`}</>
	<${Notices} app=${app} />
	<div role=status>${note && html`<${Notice} kind=ok icon=done><p>${note}</></>`}</>
	${!open.length && html`<section class="card nothing"><p>${app.connection === "connecting" ? tr("shell.starting") : t("nothing")}</>
	${app.owner && html`<a class="button main" href="#buy">${t("to_buy")}</>`}</>`}
	<div class=open>${open.map((order) => html`<${Order} key=${order.order} order=${order} app=${app} tell=${tell} />`)}</>
	${closed.length > 0 && html`<section class=card aria-labelledby=lately><h2 id=lately>${t("lately")}</>
	<ul class=places>${closed.map((order) => html`<${Closed} key=${order.order} order=${order} app=${app} />`)}</></>`}`;
}

function Alarm() {
	const [on, set] = useState(alarmOn);
	return html`<button class=quiet aria-pressed=${on} onClick=${() => (setAlarm(!on), set(!on))}><${Icon} name=bell /><span>${t(on ? "alarm_on" : "alarm")}</></>`;
}

const titleOf = (app, order) => nameOf(app, "application", order.application, order.application_name);
const paid = (app, order) => money(order.charged ?? order.price, app.unit);

function Order({ order, app, tell }) {
	const { state, order: id, phone, sms, sms_count } = order;
	const parts = { order, app, tell };
	return html`<article class="card order" aria-labelledby=${id}>
	<header class="row between"><h2 id=${id}><bdi>${titleOf(app, order)}</></><${Badge} state=${state} /></>
	<p class=soft><${Place} app=${app} of=${order} />${order.price !== null && html` · ${money(order.price, app.unit)}`}</>
	${state === "buying" && html`<p class=row><span class=spinner /><span>${t("buying")}</></>`}
	${order.tries?.length > 0 && html`<ul>${order.tries.map((one) => html`<li><small><${Place} app=${app} of=${one} />: ${explain(one.error).text}</></>`)}</>`}
	${sms.map((one, n) => html`<${Sms} key=${one.sms} sms=${one} app=${app} first=${n === 0} />`)}
	${app.viewer && sms_count > sms.length && html`<p>${t("sms_hidden", { n: sms_count })}</>`}
	${phone && html`<div class=number><small>${t("number")}</><div class="row between"><${Latin} text=${phone} class=phone />
	${!app.viewer && html`<${Copy} text=${phone} label=${t("copy_number", { number: phone })} kind=${sms_count ? "" : "main"} />`}</></>`}
	${state === "waiting" && !app.viewer && html`<p class=hint>${t("use", { name: titleOf(app, order) })}</>`}
	${["waiting", "received"].includes(state) && order.expires_at && html`<${Life} ...${parts} />`}
	${state === "unknown" ? html`<${Unknown} ...${parts} />` : app.owner && html`<${Steps} ...${parts} />`}
	</>`;
}

function Sms({ sms, app, first }) {
	return html`<div class="sms ${first ? "first ok" : ""}">
	${sms.code && html`<div class="row between"><${Latin} text=${sms.code} class=code /><${CopyCode} code=${sms.code} kind=${first ? "main" : ""} onCopied=${quietTitle} /></>`}
	<blockquote><${Foreign} text=${sms.text} /></>
	<p class="row between"><small>${sms.sender && html`<${Foreign} text=${sms.sender} /> · `}${when(sms.received_at, app.now())}</>
	${!sms.code && html`<${Copy} text=${sms.text} label=${t("copy_text")} />`}</></>`;
}

function Life({ order, app }) {
	useTick();
	const end = Date.parse(order.expires_at);
	return html`<div><progress max=${end - Date.parse(order.created_at)} value=${Math.max(0, end - app.now())} aria-hidden=true />
	<p><${TimeLeft} until=${order.expires_at} now=${app.now} /> <small>${t("left")}</></></>`;
}

function Steps({ order, app, tell }) {
	const price = paid(app, order);
	const buying = order.state === "buying";
	const cancel = async (how) => {
		const done = await command("cancel", { order: order.order }, how);
		const came = done.refunded ? "cancelled" : done.state !== "cancelled" ? "cancel_late" : done.purchase ? "cancelled_open" : "money_none";
		tell(t(came, { price: paid(app, done), state: tr(`state.${done.state}`) }));
	};
	const check = async () => {
		const told = await command("query/check", { order: order.order });
		return told.sms_count > order.sms_count ? "" : t("no_sms");
	};
	return html`<div class=steps>
	${!buying && html`<${Action} run=${check}>${t("check")}</>`}
	<${Confirmed} question=${t(order.sms_count ? "cancel_after_sms" : buying ? "cancel_buying" : "cancel_question", { price })} yes=${t("yes")} no=${t("no")} kind="quiet danger" run=${cancel} content=${order.order}>${t("cancel")}</>
	</>`;
}

function Unknown({ order, app, tell }) {
	const [bought, setBought] = useState(false);
	const { charged, error } = order;
	const price = paid(app, order);
	const settle = (payload, words) => async (how) => {
		await command("resolve", { order: order.order, ...payload }, how);
		tell(t(words));
	};
	return html`<div class=unknown>
	<p><b>${t("unknown")}</> ${t("unknown_means")}</>
	<ul class=evidence>
	<li>${charged !== null ? t("fell", { price }) : html`${t("no_evidence")} ${order.price !== null && t("at_stake", { price })}`}</>
	<li>${t("asked_at", { at: when(order.created_at, app.now()) })}</>
	${error && html`<li>${t("was_said")} <span dir=ltr lang=en>${error.message.split(" To settle it")[0]}</></>`}
	</>
	<p>${t("unknown_do")}</>
	${app.owner && html`<div class=steps>
	<button aria-expanded=${bought} onClick=${() => setBought(!bought)}>${t("was_bought")}</>
	<${Confirmed} question=${t("not_bought_sure")} yes=${t("yes_not")} confirmKind=main content=${order.order} run=${settle({ outcome: "not_bought" }, "settled_not")}>${t("was_not_bought")}</></>
	${bought && html`<${Bought} settle=${settle} />`}`}
	</>`;
}

function Bought({ settle }) {
	const form = useRef();
	const [payload, set] = useState({ outcome: "bought", purchase: "", phone: "" });
	useEffect(() => form.current.querySelector("input").focus(), []);
	const id = useId();
	const field = (name) => html`<div class=field><label for=${id + name}>${t(`its_${name}`)}</>
	<input id=${id + name} dir=ltr autocomplete=off inputmode=${name === "phone" ? "tel" : undefined} value=${payload[name]} onInput=${(e) => set({ ...payload, [name]: e.target.value.trim() })} /></>`;
	return html`<form class=confirm ref=${form} onSubmit=${(e) => e.preventDefault()}>${field("purchase")}${field("phone")}
	<${Action} kind=main content=${payload} run=${(how) => {
			if (!payload.purchase || !payload.phone) throw new Error(t("both"));
			return settle(payload, "settled")(how);
		}}>${t("settle")}</></>`;
}

function Closed({ order, app }) {
	const code = order.sms[0]?.code;
	const fate = moneyOf(order);
	return html`<li><span><bdi>${titleOf(app, order)}</> <${Badge} state=${order.state} />
	<small>${order.phone && html`<${Latin} text=${order.phone} /> · `}${when(order.closed_at, app.now())} · ${t(`money_${fate === "kept" && order.sms_count ? "spent" : fate}`, { price: paid(app, order) })}</>
	${order.error && html`<small>${explain(order.error).text}</>`}</>
	${code && html`<span class=row><${Latin} text=${code} class=oldcode /><${CopyCode} code=${code} /></>`}</>`;
}
