// What was spent and what came of it: by day, by application, and by country and operator.

import { html, useState } from "../vendor/preact.js";
import { orderChange, useAnswer } from "../asking.js";
import { Bar, Columns } from "../charts.js";
import { clock, lang, money, number, percent, wordsOf } from "../i18n.js";
import { nameOf } from "../names.js";
import { Said } from "../parts.js";
import words from "../words/figures.js";

const t = wordsOf("figures", words);
const SPANS = [7, 30, 90, 365];
const FEW = 12; // Rows that are shown before more are asked for.
const DAY = 86_400_000;

export function Figures({ app }) {
  const [days, setDays] = useState(30);
  const change = orderChange(app.state);
  // Three questions, not one of all: medians are not to be added up.
  const ask = (by) => useAnswer(app.viewer ? null : "query/statistics", { days, by }, change);
  const [byDay, byApplication, byPlace] = [ask(["day"]), ask(["application"]), ask(["country", "operator"])];
  const answer = app.viewer ? app.state.statistics : byApplication.data;
  const problem = byApplication.problem ?? byDay.problem ?? byPlace.problem;
  const most = Math.max(...(answer?.groups ?? []).map((group) => group.spent), 1e-9);
  const inMoney = (value) => money(value, app.unit);
  const mean = (value) => (value === null ? "–" : inMoney(value < 100 ? Math.round(value * 100) / 100 : Math.round(value)));
  const name = (kind, group) => html`<bdi>${nameOf(app, kind, group[kind], group[`${kind}_name`])}</bdi>`;
  return html`<section class="figures stack wide" aria-labelledby="figures-title">
    <h1 id="figures-title">${t("title")}</h1>
    ${app.viewer
      ? html`<p class="hint">${t("viewer")}</p>`
      : html`<div class="row" role="group" aria-label=${t("span")}>${SPANS.map((span) => html`<button type="button" class="span" key=${span} aria-pressed=${span === days ? "true" : "false"} onClick=${() => setDays(span)}>${t("days", { n: span })}</button>`)}</div>`}
    ${problem && html`<${Said} said=${{ kind: "bad", ...problem }} />`}
    ${!answer && !problem && html`<p class="soft">${t("reading")}</p>`}
    ${answer && html`<${Tiles} total=${answer.total} inMoney=${inMoney} mean=${mean} />`}
    ${answer?.total.orders === 0 && html`<p class="soft">${t("none")}</p>`}
    ${byDay.data?.groups.length > 0 && html`<${Spent} answer=${byDay.data} days=${days} zone=${app.settings.provider?.timezone} inMoney=${inMoney} />`}
    ${answer?.groups.length > 0 && html`<${Table} title="by_application" head=${["application", "spent", "orders", "success", "cost_per_code"]}
      rows=${answer.groups.toSorted((one, other) => other.spent - one.spent || other.orders - one.orders)}
      cells=${(group) => [name("application", group), html`${inMoney(group.spent)}<${Bar} share=${group.spent / most} />`, number(group.orders), share(group.success), mean(group.cost_per_code)]} />`}
    ${byPlace.data?.groups.length > 0 && html`<${Table} title="by_place" head=${["place", "success", "orders", "seconds", "cost_per_code"]}
      rows=${byPlace.data.groups.toSorted((one, other) => other.orders - one.orders)}
      cells=${(group) => [html`${name("country", group)} <small>${name("operator", group)}</small>`, html`${share(group.success)}<${Bar} share=${group.success ?? 0} kind="success" />`, number(group.orders), seconds(group.seconds_to_sms), mean(group.cost_per_code)]} />`}
  </section>`;
}

const share = (success) => (success === null ? "–" : percent(success));
const seconds = (value) => (value === null ? "–" : clock(value));

function Tiles({ total, inMoney, mean }) {
  const tiles = {
    spent_today: inMoney(total.spent_today),
    spent: inMoney(total.spent),
    received: number(total.received),
    success: share(total.success),
    cost_per_code: mean(total.cost_per_code),
    seconds: seconds(total.seconds_to_sms),
    refunded: inMoney(total.refunded),
    orders: number(total.orders),
  };
  return html`<dl class="tiles card">${Object.entries(tiles).map(([name, value]) => html`<div key=${name}><dt>${t(name)}</dt><dd>${value}</dd></div>`)}</dl>
    ${total.unknown > 0 && html`<p class="notice warn">${t("unknown", { n: total.unknown })}</p>`}`;
}

// `YYYY-MM-DD` of a moment there.
function dateIn(zone, moment) {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(moment);
}

// A date is one of the provider's zone already: no zone of the reader's may move it.
function dayName(date, how = { dateStyle: "medium" }) {
  return new Intl.DateTimeFormat(lang === "fa" ? "fa-IR" : "en-GB", { ...how, timeZone: "UTC" }).format(Date.parse(date));
}

function Spent({ answer, days, zone, inMoney }) {
  const found = new Map(answer.groups.map((group) => [group.day, group]));
  const last = Date.parse(dateIn(zone, Date.parse(answer.until) - 1)); // It ends at midnight there, which is the next day's.
  const labelled = Math.ceil(days / 6);
  const columns = Array.from({ length: days }, (_, n) => {
    const date = new Date(last - (days - 1 - n) * DAY).toISOString().slice(0, 10);
    const value = found.get(date)?.spent ?? 0;
    const label = n % labelled === labelled >> 1 ? dayName(date, { day: "numeric", month: "short" }) : "";
    return { key: date, value, label, tip: `${dayName(date)}: ${inMoney(value)}` };
  });
  return html`<${Table} title="by_day" folded=${t("as_table")} head=${["day", "spent", "refunded", "orders", "received"]}
    rows=${answer.groups.toSorted((one, other) => (one.day < other.day ? 1 : -1))}
    cells=${(group) => [dayName(group.day), inMoney(group.spent), inMoney(group.refunded), number(group.orders), number(group.received)]}>
    <${Columns} columns=${columns} title=${t("drawn", { money: inMoney(answer.total.spent), n: days })} shown=${inMoney} /><//>`;
}

// `cells(row)`: the first heads its row. `folded`: what is pressed to see the table below what is drawn.
function Table({ title, head, rows, cells, folded, children }) {
  const [all, showAll] = useState(false);
  const shown = all ? rows : rows.slice(0, FEW);
  const heading = `figures-${title}`;
  const table = html`<div class="scroll" tabindex="0" role="group" aria-labelledby=${heading}><table class=${folded ? "" : "drawn"}>
      <thead><tr>${head.map((name) => html`<th scope="col" key=${name}>${t(name)}</th>`)}</tr></thead>
      <tbody>${shown.map((row, n) => html`<tr key=${n}>${cells(row).map((cell, at) => (at ? html`<td>${cell}</td>` : html`<th scope="row">${cell}</th>`))}</tr>`)}</tbody></table></div>
    ${rows.length > shown.length && html`<button type="button" class="quiet" onClick=${() => showAll(true)}>${t("all", { n: rows.length })}</button>`}`;
  return html`<section class="card" aria-labelledby=${heading}><h2 id=${heading}>${t(title)}</h2>${children}
    ${folded ? html`<details><summary>${folded}</summary>${table}</details>` : table}</section>`;
}
