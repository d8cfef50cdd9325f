// What is open: the number to copy, the time that is left, the code; what to do where nobody knows.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { alarmOn, quietTitle, setAlarm } from "../alarm.js";
import { command } from "../api.js";
import { closedLately, fetchCodes, withCodes } from "../codes.js";
import { explain, money, t as tr, when, wordsOf } from "../i18n.js";
import { nameOf } from "../names.js";
import { Notices } from "../notices.js";
import { Action, Confirmed, Copy, Foreign, Icon, Latin, TimeLeft, useTick } from "../parts.js";
import words from "../words/now.js";

const t = wordsOf("now", words);
const BADGES = { buying: "info", waiting: "info", received: "ok", finished: "ok", unknown: "warn", cancelled: "", expired: "", failed: "bad" };

export function Now({ app }) {
  const [note, tell] = useState(""); // What came of a press whose order is no longer here.
  const open = app.orders.map(withCodes);
  const closed = closedLately(app.state, open);
  const sms = [...open, ...closed].map((one) => one.order + one.sms_count).join();
  useEffect(() => {
    if (app.owner) fetchCodes([...open, ...closed]);
  }, [app.owner, app.connection, sms]);
  return html`<div class="row between"><h1>${t("title")}</h1>${app.owner && html`<${Alarm} />`}</div>
    <${Notices} app=${app} />
    <div role="status">${note && html`<p class="notice ok"><${Icon} name="done" /><span>${note}</span></p>`}</div>
    ${!open.length && html`<section class="card nothing"><p>${t(app.connection === "connecting" ? "starting" : "nothing")}</p>
      ${app.owner && html`<a class="button main" href="#buy">${t("to_buy")}</a>`}</section>`}
    <div class="open">${open.map((order) => html`<${Order} key=${order.order} order=${order} app=${app} tell=${tell} />`)}</div>
    ${closed.length > 0 && html`<section class="card" aria-labelledby="lately"><h2 id="lately">${t("lately")}</h2>
      <ul class="places">${closed.map((order) => html`<${Closed} key=${order.order} order=${order} app=${app} />`)}</ul></section>`}`;
}

function Alarm() {
  const [on, set] = useState(alarmOn);
  return html`<button type="button" class="quiet" aria-pressed=${on ? "true" : "false"} onClick=${() => (setAlarm(!on), set(!on))}><${Icon} name="bell" /><span>${t(on ? "alarm_on" : "alarm")}</span></button>`;
}

function place(app, order) {
  return html`<bdi>${nameOf(app, "country", order.country, order.country_name)}</bdi> · <bdi>${nameOf(app, "operator", order.operator, order.operator_name)}</bdi>`;
}

const titleOf = (app, order) => nameOf(app, "application", order.application, order.application_name);

function Order({ order, app, tell }) {
  const { state } = order;
  const id = `order-${order.order}`;
  const number = order.phone;
  return html`<article class="card order" aria-labelledby=${id}>
    <header class="row between"><h2 id=${id}><bdi>${titleOf(app, order)}</bdi></h2><span class=${`badge ${BADGES[state]}`}>${t(`state.${state}`)}</span></header>
    <p class="soft">${place(app, order)}${order.price !== null && html` · ${money(order.price, app.unit)}`}</p>
    ${state === "buying" && html`<p class="row"><span class="spinner" /><span>${t("buying")}</span></p>`}
    ${order.tries?.length > 0 && html`<${Tries} order=${order} app=${app} />`}
    ${order.sms.map((sms, n) => html`<${Sms} key=${sms.sms} sms=${sms} app=${app} first=${n === 0} />`)}
    ${order.sms_count > order.sms.length && app.viewer && html`<p>${t("sms_hidden", { n: order.sms_count })}</p>`}
    ${number && html`<div class="number"><small>${t("number")}</small><div class="row between"><${Latin} text=${number} class="phone" />
      ${!app.viewer && html`<${Copy} text=${number} label=${t("copy_number", { number })} kind=${order.sms_count ? "" : "main"} />`}</div></div>`}
    ${state === "waiting" && !app.viewer && html`<p class="hint">${t("use", { name: titleOf(app, order) })}</p>`}
    ${["waiting", "received"].includes(state) && order.expires_at && html`<${Life} order=${order} app=${app} />`}
    ${state === "unknown" && html`<${Unknown} order=${order} app=${app} tell=${tell} />`}
    ${app.owner && state !== "unknown" && html`<${Steps} order=${order} app=${app} tell=${tell} />`}
  </article>`;
}

function Sms({ sms, app, first }) {
  const kept = sms.code ?? sms.text;
  return html`<div class=${first ? "sms first" : "sms"}>
    ${sms.code && html`<div class="row between"><${Latin} text=${sms.code} class="code" />
      <${Copy} text=${sms.code} label=${tr("arrived.copy", { code: sms.code })} kind=${first ? "main" : ""} onCopied=${quietTitle} /></div>`}
    <blockquote><${Foreign} text=${sms.text} /></blockquote>
    <p class="row between"><small>${sms.sender && html`<${Foreign} text=${sms.sender} /> · `}${when(sms.received_at, app.now())}</small>
      ${!sms.code && html`<${Copy} text=${kept} label=${t("copy_text")} />`}</p></div>`;
}

function Life({ order, app }) {
  useTick();
  const [begin, end] = [Date.parse(order.created_at), Date.parse(order.expires_at)];
  const left = Math.max(0, Math.min(1, (end - app.now()) / (end - begin)));
  return html`<div class="life"><div class="bar"><i style=${{ width: `${left * 100}%` }} /></div>
    <p><${TimeLeft} until=${order.expires_at} now=${app.now} /> <small>${t("left")}</small></p></div>`;
}

function Tries({ order, app }) {
  return html`<ul class="tries">${order.tries.map((one) => html`<li><small>${place(app, { ...one, country_name: one.country, operator_name: one.operator })}: ${explain(one.error).text}</small></li>`)}</ul>`;
}

function Steps({ order, app, tell }) {
  const price = money(order.charged ?? order.price, app.unit);
  const cancel = async (transaction, onWait) => {
    const done = await command("cancel", { order: order.order }, { transaction, onWait });
    tell(t(done.refunded ? "cancelled" : done.state === "cancelled" ? "cancelled_open" : "cancel_late", { price, state: t(`state.${done.state}`) }));
  };
  const check = async () => {
    const told = await command("query/check", { order: order.order });
    return told.sms_count > order.sms_count ? "" : t("no_sms");
  };
  return html`<div class="steps">
    ${order.state !== "buying" && html`<${Action} run=${check}>${t("check")}<//>`}
    <${Confirmed} question=${t(order.sms_count ? "cancel_after_sms" : order.state === "buying" ? "cancel_buying" : "cancel_question", { price })} yes=${t("yes")} no=${t("no")} kind="quiet danger" run=${cancel} content=${order.order}>${t("cancel")}<//>
  </div>`;
}

function Unknown({ order, app, tell }) {
  const [bought, setBought] = useState(false);
  const settled = (words) => tell(t(words));
  return html`<div class="unknown">
    <p><b>${t("unknown")}</b> ${t("unknown_means")}</p>
    <ul class="evidence">
      ${order.charged !== null && html`<li>${t("fell", { price: money(order.charged, app.unit) })}</li>`}
      ${order.charged === null && html`<li>${t("no_evidence", { price: money(order.price, app.unit) })}</li>`}
      <li>${t("asked_at", { at: when(order.created_at, app.now()) })}</li>
      ${order.error && html`<li>${t("was_said")} <span dir="ltr" lang="en">${order.error.message}</span></li>`}
    </ul>
    <p>${t("unknown_do")}</p>
    ${app.owner && html`<div class="steps">
      <button type="button" aria-expanded=${bought ? "true" : "false"} onClick=${() => setBought(!bought)}>${t("was_bought")}</button>
      <${Confirmed} question=${t("not_bought_sure")} yes=${t("yes_not")} confirmKind="main" content=${order.order}
        run=${(transaction, onWait) => command("resolve", { order: order.order, outcome: "not_bought" }, { transaction, onWait }).then(() => settled("settled_not"))}>${t("was_not_bought")}<//></div>
      ${bought && html`<${Bought} order=${order} settled=${settled} />`}`}
  </div>`;
}

function Bought({ order, settled }) {
  const first = useRef(null);
  const [form, set] = useState({ purchase: "", phone: "" });
  useEffect(() => first.current?.focus(), []);
  const field = (name, more) => html`<div class="field"><label for=${name + order.order}>${t(`its_${name}`)}</label>
    <input id=${name + order.order} dir="ltr" autocomplete="off" value=${form[name]} ...${more} onInput=${(e) => set({ ...form, [name]: e.target.value })} /></div>`;
  const payload = { order: order.order, outcome: "bought", purchase: form.purchase.trim(), phone: form.phone.trim() };
  return html`<form class="confirm" onSubmit=${(e) => e.preventDefault()}>${field("purchase", { ref: first })}${field("phone", { inputmode: "tel" })}
    <${Action} kind="main" content=${payload} run=${(transaction, onWait) => {
      if (!payload.purchase || !payload.phone) throw new Error(t("both"));
      return command("resolve", payload, { transaction, onWait }).then(() => settled("settled"));
    }}>${t("settle")}<//></form>`;
}

function Closed({ order, app }) {
  const newest = order.sms[0];
  const money_ = order.state === "failed" ? "money_none" : order.refunded ? "money_back" : order.sms_count ? "money_spent" : order.refunded === false ? "money_kept" : order.purchase ? "money_unknown" : "money_none";
  return html`<li><span><bdi>${titleOf(app, order)}</bdi> <span class=${`badge ${BADGES[order.state]}`}>${t(`state.${order.state}`)}</span>
      <small>${order.phone && html`<${Latin} text=${order.phone} /> · `}${when(order.closed_at, app.now())} · ${t(money_, { price: money(order.charged ?? order.price, app.unit) })}</small>
      ${order.error && html`<small>${explain(order.error).text}</small>`}</span>
    ${newest?.code && html`<span class="row"><${Latin} text=${newest.code} class="oldcode" /><${Copy} text=${newest.code} label=${tr("arrived.copy", { code: newest.code })} /></span>`}</li>`;
}
