// What was ordered: found, filtered, what it cost and what came back; all of it as a file.

import { html, useState } from "../vendor/preact.js";
import { orderChange, useAnswer } from "../asking.js";
import { money, when, wordsOf } from "../i18n.js";
import { choices } from "../names.js";
import { Action, Copy, Foreign, Icon, Latin, Said } from "../parts.js";
import { costOf, csvOf, matching, moneyOf, OUTCOMES, totalOf } from "../past.js";
import words from "../words/history.js";
import nowWords from "../words/now.js";

const t = wordsOf("history", words);
const tNow = wordsOf("now", nowWords);
const MOST = 500; // As many as the daemon gives at once.
const STEP = 50;
const BADGES = { waiting: "info", received: "ok", finished: "ok", unknown: "warn", failed: "bad" };
const LISTS = { country: "countries", operator: "operators", application: "applications" };

export function History({ app }) {
  const [wish, setWish] = useState({ outcome: "all", application: "", find: "" });
  const [shown, setShown] = useState(STEP);
  const answer = useAnswer(app.viewer ? null : "query/orders", { state: "all", limit: MOST }, orderChange(app.state));
  const orders = ((app.viewer ? keptOrders(app.state) : answer.data) ?? []).map((order) => named(app, order));
  const found = matching(orders, wish);
  const total = totalOf(found);
  const filter = (more) => (setWish({ ...wish, ...more }), setShown(STEP));
  return html`<section class="history stack wide" aria-labelledby="history-title">
    <h1 id="history-title">${t("title")}</h1>
    ${app.viewer && html`<p class="hint">${t("viewer")}</p>`}
    <${Filter} wish=${wish} filter=${filter} orders=${orders} />
    <p class="soft" role="status">${answer.busy && !answer.data
      ? t("reading")
      : [t("count", { n: total.count }), t("codes", { n: total.codes }), t("spent", { money: money(total.spent, app.unit) }), t("back", { money: money(total.back, app.unit) })].join(" · ")}</p>
    ${answer.problem && html`<${Said} said=${{ kind: "bad", ...answer.problem }} />`}
    ${!found.length && !answer.busy && html`<p class="soft">${t(orders.length ? "none_found" : "none")}</p>`}
    ${found.length > 0 && html`<ol class="orders card">${found.slice(0, shown).map((order) => html`<${Order} key=${order.order} order=${order} app=${app} />`)}</ol>`}
    ${found.length > shown && html`<button type="button" class="quiet" onClick=${() => setShown(shown + STEP)}>${t("more", { n: found.length - shown })}</button>`}
    ${!app.viewer && found.length > 0 && html`<div><${Action} run=${async () => save(found)}>${t("export", { n: found.length })}<//><p class="hint">${t("export_hint")}</p></div>`}
    ${orders.length >= MOST && html`<p class="hint">${t("most", { n: MOST })}</p>`}
  </section>`;
}

// What a viewer sees: the topics hold an order until an hour after its end.
function keptOrders(state) {
  const kept = Object.keys(state).filter((topic) => topic.startsWith("orders/"));
  return kept.map((topic) => state[topic]).sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
}

// With names as its reader writes them, found by every name.
function named(app, order) {
  const shown = { ...order, names: [] };
  for (const [kind, list] of Object.entries(LISTS)) {
    const choice = choices(app.state[list], kind).find((one) => one.id === order[kind]);
    shown[`${kind}_name`] = choice?.label ?? order[`${kind}_name`] ?? order[kind];
    shown.names.push(order[`${kind}_name`], ...(choice?.keys ?? []));
  }
  return shown;
}

function Filter({ wish, filter, orders }) {
  const applications = new Map(orders.map((order) => [order.application, order.application_name]));
  const outcomes = Object.keys(OUTCOMES).map((outcome) => [outcome, t(`outcome.${outcome}`)]);
  const select = (name, options) => html`<div class="field"><label for=${`history-${name}`}>${t(name)}</label>
    <select id=${`history-${name}`} value=${wish[name]} onChange=${(event) => filter({ [name]: event.target.value })}>${options.map(([value, label]) => html`<option key=${value} value=${value}>${label}</option>`)}</select></div>`;
  return html`<form class="filter" role="search" onSubmit=${(event) => event.preventDefault()}>
    <div class="field"><label for="history-find">${t("find")}</label>
      <input id="history-find" type="search" dir="auto" autocomplete="off" spellcheck="false" placeholder=${t("find_what")} value=${wish.find} onInput=${(event) => filter({ find: event.target.value })} /></div>
    ${select("outcome", outcomes)} ${select("application", [["", t("outcome.all")], ...applications])}
  </form>`;
}

function save(orders) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csvOf(orders)], { type: "text/csv;charset=utf-8" }));
  link.download = `shomare-${new Date().toISOString().slice(0, 10)}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // Not at once: the browser only begins to read it.
  return t("exported", { n: orders.length });
}

function Order({ order, app }) {
  const sms = order.sms ?? [];
  const codes = sms.map((one) => one.code).filter(Boolean);
  const fate = moneyOf(order);
  const facts = {
    closed: order.closed_at && when(order.closed_at),
    charged: order.charged !== null && money(order.charged, app.unit),
    purchase: order.purchase && html`<${Latin} text=${order.purchase} />`,
    order: html`<${Latin} text=${order.order} />`,
  };
  return html`<li><details>
    <summary>
      <span><b><bdi>${order.application_name}</bdi></b> <small><bdi>${order.country_name}</bdi> · <bdi>${order.operator_name}</bdi></small></span>
      <span class="got">${order.phone && html`<${Latin} text=${order.phone} />`} ${codes.length > 0 && html`<b><${Latin} text=${codes.at(-1)} /></b>`}</span>
      <span class="cost">${money(order.charged ?? order.price, app.unit)} <small class=${fate}>${t(`money.${fate}`)}</small></span>
      <span class="how"><span class=${`badge ${BADGES[order.state]}`}>${tNow(`state.${order.state}`)}</span> <time datetime=${order.created_at}>${when(order.created_at)}</time></span>
      <${Icon} name="down" />
    </summary>
    <div class="more">
      ${order.refunded === false && html`<p>${t("not_refunded")}</p>`}
      ${order.error && html`<p><${Foreign} text=${order.error.message} /></p>`}
      ${!app.viewer && html`<div class="row">${order.phone && html`<${Copy} text=${order.phone} label=${t("copy_number", { number: order.phone })}>${t("number")}<//>`}
        ${codes.map((code) => html`<${Copy} key=${code} text=${code} label=${t("copy_code", { code })}>${t("code")} <${Latin} text=${code} /><//>`)}</div>`}
      ${sms.map((one) => one.text && html`<blockquote key=${one.sms}><${Foreign} text=${one.text} /></blockquote>`)}
      ${order.tries?.length > 0 && html`<div><p>${t("tries")}</p><ol>${order.tries.map((one, n) => html`<li key=${n}><${Tried} tried=${named(app, one)} unit=${app.unit} /></li>`)}</ol></div>`}
      <dl class="facts">${Object.entries(facts).map(([name, value]) => value && html`<div key=${name}><dt>${t(name)}</dt><dd>${value}</dd></div>`)}</dl>
    </div>
  </details></li>`;
}

function Tried({ tried, unit }) {
  return html`<bdi>${tried.country_name}</bdi> · <bdi>${tried.operator_name}</bdi>: ${money(tried.price, unit)} <small><${Foreign} text=${tried.error?.message ?? ""} /></small>`;
}
