// What was ordered: found, filtered, what it cost and what came back; all of it as a file.

import { html, useState } from "../vendor/preact.js";
import { command } from "../api.js";
import { orderChange, useAnswer } from "../asking.js";
import { addWords, money, t, when } from "../i18n.js";
import { choices, nameOf } from "../names.js";
import { Action, Copy, Foreign, Icon, Latin, Said } from "../parts.js";
import { applicationsOf, costOf, csvOf, matching, moneyOf, OUTCOMES, totalOf } from "../past.js";
import words from "../words/history.js";

addWords(words);

const MOST = 500; // As many as the daemon gives at once.
const STEP = 50;
const STATE = { waiting: "info", received: "ok", finished: "ok", unknown: "warn", failed: "bad" };

export function History({ app }) {
  const [wish, setWish] = useState({ outcome: "all", application: "", find: "" });
  const [shown, setShown] = useState(STEP);
  const owner = !app.viewer;
  const change = orderChange(app.state);
  const answer = useAnswer(owner ? "query/orders" : null, { state: "all", limit: MOST }, change);
  const orders = (owner ? answer.data : keptOrders(app.state)) ?? [];
  const named = orders.map((order) => withNames(app, order));
  const found = matching(named, wish);
  const filter = (more) => (setWish({ ...wish, ...more }), setShown(STEP));
  return html`<section class="history stack wide" aria-labelledby="history-title">
    <h1 id="history-title">${t("history.title")}</h1>
    ${!owner && html`<p class="hint">${t("history.viewer")}</p>`}
    <${Filter} wish=${wish} filter=${filter} orders=${named} />
    <div class="totals soft" role="status">${answer.busy && !answer.data ? t("history.reading") : html`<${Total} orders=${found} app=${app} />`}</div>
    ${answer.problem && html`<${Said} said=${{ kind: "bad", ...answer.problem }} />`}
    ${found.length === 0 && !answer.busy && html`<p class="soft">${t(named.length ? "history.none_found" : "history.none")}</p>`}
    ${found.length > 0 && html`<ol class="orders card">${found.slice(0, shown).map((order) => html`<${Order} key=${order.order} order=${order} app=${app} owner=${owner} />`)}</ol>`}
    ${found.length > shown && html`<button type="button" class="quiet" onClick=${() => setShown(shown + STEP)}>${t("history.more", { n: found.length - shown })}</button>`}
    ${owner && found.length > 0 && html`<${Export} orders=${found} />`}
    ${orders.length >= MOST && html`<p class="hint">${t("history.most", { n: MOST })}</p>`}
  </section>`;
}

// What a viewer sees: the topics hold an order until an hour after its end.
function keptOrders(state) {
  const orders = Object.entries(state).filter(([topic, order]) => topic.startsWith("orders/") && order);
  return orders.map(([, order]) => order).sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
}

// In the reader's script, and found by every name.
function withNames(app, order) {
  const kinds = { country: "countries", operator: "operators", application: "applications" };
  const named = { ...order, keys: [] };
  for (const [kind, list] of Object.entries(kinds)) {
    named[`${kind}_name`] = nameOf(app, kind, order[kind], order[`${kind}_name`]);
    named.keys.push(order[`${kind}_name`], ...(choices(app.state[list], kind).find((one) => one.id === order[kind])?.keys ?? []));
  }
  return named;
}

function Filter({ wish, filter, orders }) {
  const outcomes = Object.keys(OUTCOMES);
  return html`<form class="filter" role="search" onSubmit=${(event) => event.preventDefault()}>
    <div class="field"><label for="history-find">${t("history.find")}</label>
      <input id="history-find" type="search" dir="auto" autocomplete="off" spellcheck="false" placeholder=${t("history.find_what")} value=${wish.find} onInput=${(event) => filter({ find: event.target.value })} /></div>
    <div class="field"><label for="history-outcome">${t("history.outcome")}</label>
      <select id="history-outcome" value=${wish.outcome} onChange=${(event) => filter({ outcome: event.target.value })}>
        ${outcomes.map((outcome) => html`<option key=${outcome} value=${outcome}>${t(`history.outcome.${outcome}`)}</option>`)}</select></div>
    <div class="field"><label for="history-application">${t("history.application")}</label>
      <select id="history-application" value=${wish.application} onChange=${(event) => filter({ application: event.target.value })}>
        <option value="">${t("history.all_applications")}</option>
        ${applicationsOf(orders).map(([id, name]) => html`<option key=${id} value=${id}>${name}</option>`)}</select></div>
  </form>`;
}

function Total({ orders, app }) {
  const total = totalOf(orders);
  const unit = app.unit;
  return html`<span>${t("history.count", { n: total.count })}</span> <span>${t("history.codes", { n: total.codes })}</span>
    <span>${t("history.spent", { money: money(total.spent, unit) })}</span> <span>${t("history.back", { money: money(total.back, unit) })}</span>`;
}

function Export({ orders }) {
  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csvOf(orders)], { type: "text/csv;charset=utf-8" }));
    link.download = `shomare-${new Date().toISOString().slice(0, 10)}.csv`;
    link.click();
    // Not at once: the browser may only begin to read it.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    return t("history.exported", { n: orders.length });
  }
  return html`<div class="export"><${Action} kind="quiet" run=${async () => save()}>${t("history.export", { n: orders.length })}<//>
    <p class="hint">${t("history.export_hint")}</p></div>`;
}

function Order({ order, app, owner }) {
  const unit = app.unit;
  const codes = (order.sms ?? []).map((sms) => sms.code).filter(Boolean);
  const fate = moneyOf(order);
  return html`<li class="order"><details>
    <summary>
      <span class="what"><b><bdi>${order.application_name}</bdi></b> <small><bdi>${order.country_name}</bdi> · <bdi>${order.operator_name}</bdi></small></span>
      <span class="got">${order.phone && html`<${Latin} text=${order.phone} />`} ${codes.length > 0 && html`<${Latin} class="code" text=${codes.at(-1)} />`}</span>
      <span class="cost">${money(costOf(order), unit)} <small class=${fate}>${t(`history.money.${fate}`)}</small></span>
      <span class="how"><span class=${`badge ${STATE[order.state]}`}>${t(`history.state.${order.state}`)}</span> <time datetime=${order.created_at}>${when(order.created_at)}</time></span>
      <${Icon} name="down" />
    </summary>
    <div class="more">
      ${order.refunded === false && html`<p>${t("history.not_refunded")}</p>`}
      ${order.error && html`<p><${Foreign} text=${order.error.message} /></p>`}
      <div class="row">
        ${owner && order.phone && html`<${Copy} text=${order.phone} label=${t("history.copy_number", { number: order.phone })}>${t("history.number")}<//>`}
        ${codes.map((code) => html`<${Copy} key=${code} text=${code} label=${t("history.copy_code", { code })}>${t("history.code")} <${Latin} text=${code} /><//>`)}
      </div>
      ${(order.sms ?? []).map((sms) => sms.text && html`<blockquote key=${sms.sms}><${Foreign} text=${sms.text} /><footer><${Foreign} text=${sms.sender ?? ""} /> <time>${when(sms.received_at)}</time></footer></blockquote>`)}
      ${order.tries?.length > 0 && html`<${Tries} order=${order} app=${app} unit=${unit} />`}
      <${Facts} order=${order} unit=${unit} />
      ${owner && order.purchase && html`<${Action} kind="quiet" run=${() => checkAgain(order)}>${t("history.check")}<//>`}
    </div>
  </details></li>`;
}

async function checkAgain(order) {
  const found = await command("query/check", { order: order.order });
  const more = found.sms.length - order.sms.length;
  return more > 0 ? t("history.check_found", { n: more }) : t("history.check_nothing");
}

function Tries({ order, app, unit }) {
  return html`<p>${t("history.tries")}</p><ol class="tries">${order.tries.map(
    (one, n) => html`<li key=${n}><bdi>${nameOf(app, "country", one.country)}</bdi> · <bdi>${nameOf(app, "operator", one.operator)}</bdi>: ${money(one.price, unit)}; <${Foreign} text=${one.error?.message ?? ""} /></li>`,
  )}</ol>`;
}

function Facts({ order, unit }) {
  const facts = [
    ["bought", when(order.created_at)],
    ["closed", order.closed_at && when(order.closed_at)],
    ["price", order.price !== null && money(order.price, unit)],
    ["charged", order.charged !== null && money(order.charged, unit)],
    ["purchase", order.purchase && html`<${Latin} text=${order.purchase} />`],
    ["order", html`<${Latin} text=${order.order} />`],
  ];
  return html`<dl class="facts">${facts.filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${t(`history.${name}`)}</dt><dd>${value}</dd></div>`)}</dl>`;
}
