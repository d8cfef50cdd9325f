// What was spent and what came of it: by day, by application, and by country and operator.

import { html, useState } from "../vendor/preact.js";
import { orderChange, useAnswer } from "../asking.js";
import { Bar, Columns, daysBetween } from "../charts.js";
import { addWords, clock, lang, money, number, percent, t } from "../i18n.js";
import { nameOf } from "../names.js";
import { Said } from "../parts.js";
import words from "../words/figures.js";

addWords(words);

const SPANS = [7, 30, 90, 365];
const FEW = 12; // Places that are shown before more are asked for.

export function Figures({ app }) {
  const [days, setDays] = useState(30);
  const owner = !app.viewer;
  const change = orderChange(app.state);
  // Three questions, not one of all: a group for each day of each place would be long, and its medians are not to be added up.
  const ask = (by) => useAnswer(owner ? "query/statistics" : null, { days, by }, change);
  const [byDay, byApplication, byPlace] = [ask(["day"]), ask(["application"]), ask(["country", "operator"])];
  const kept = app.state.statistics ?? null;
  const application = owner ? byApplication.data : kept;
  const problem = byApplication.problem ?? byDay.problem ?? byPlace.problem;
  const unit = app.unit;
  return html`<section class="figures stack wide" aria-labelledby="figures-title">
    <h1 id="figures-title">${t("figures.title")}</h1>
    ${owner ? html`<${Spans} days=${days} setDays=${setDays} />` : html`<p class="hint">${t("figures.viewer")}</p>`}
    ${problem && html`<${Said} said=${{ kind: "bad", ...problem }} />`}
    ${!application && !problem && html`<p class="soft">${t("figures.reading")}</p>`}
    ${application && html`<${Tiles} total=${application.total} unit=${unit} />`}
    ${application?.total.orders === 0 && html`<p class="soft">${t("figures.none")}</p>`}
    ${byDay.data && byDay.data.total.orders > 0 && html`<${Spent} answer=${byDay.data} days=${days} unit=${unit} />`}
    ${application?.groups.length > 0 && html`<${Applications} app=${app} groups=${application.groups} unit=${unit} />`}
    ${byPlace.data?.groups.length > 0 && html`<${Places} app=${app} groups=${byPlace.data.groups} unit=${unit} />`}
  </section>`;
}

function Spans({ days, setDays }) {
  return html`<div class="spans" role="group" aria-label=${t("figures.span")}>${SPANS.map(
    (span) => html`<button type="button" key=${span} aria-pressed=${span === days ? "true" : "false"} onClick=${() => setDays(span)}>${t("figures.days", { n: span })}</button>`,
  )}</div>`;
}

function Tiles({ total, unit }) {
  const tiles = [
    ["spent_today", money(total.spent_today, unit)],
    ["spent", money(total.spent, unit)],
    ["received", number(total.received)],
    ["success", share(total.success)],
    ["cost_per_code", rounded(total.cost_per_code, unit)],
    ["seconds", seconds(total.seconds_to_sms)],
    ["refunded", money(total.refunded, unit)],
    ["orders", number(total.orders)],
  ];
  const doubt = total.unknown > 0 ? html`<p class="notice warn">${t("figures.unknown", { n: total.unknown })}</p>` : null;
  return html`<dl class="tiles card">${tiles.map(([name, value]) => html`<div key=${name}><dt>${t(`figures.${name}`)}</dt><dd>${value}</dd></div>`)}</dl>${doubt}`;
}

const share = (success) => (success === null || success === undefined ? "–" : percent(success));
const seconds = (value) => (value === null || value === undefined ? "–" : clock(value));

// A mean has no use for more digits than a price has.
function rounded(value, unit) {
  return value === null || value === undefined ? "–" : money(value >= 100 ? Math.round(value) : Math.round(value * 100) / 100, unit);
}

function dayName(date, how = { dateStyle: "medium" }) {
  // The date is one of the provider's zone already: no zone of the reader's may move it.
  return new Intl.DateTimeFormat(lang === "fa" ? "fa-IR" : "en-GB", { ...how, timeZone: "UTC" }).format(new Date(`${date}T12:00Z`));
}

function Spent({ answer, days, unit }) {
  const last = answer.groups.map((group) => group.day).sort().at(-1);
  const until = lastDay(answer, last);
  const found = new Map(answer.groups.map((group) => [group.day, group]));
  const first = new Date(Date.parse(`${until}T12:00Z`) - (days - 1) * 86_400_000).toISOString().slice(0, 10);
  const dates = daysBetween(first, until, days);
  const labelled = Math.ceil(dates.length / 6);
  const columns = dates.map((date, n) => {
    const spent = found.get(date)?.spent ?? 0;
    const label = n % labelled === Math.floor(labelled / 2) ? dayName(date, { day: "numeric", month: "short" }) : "";
    return { key: date, value: spent, label, tip: `${dayName(date)}: ${money(spent, unit)}` };
  });
  const rows = answer.groups.toSorted((one, other) => (one.day < other.day ? 1 : -1));
  return html`<section class="card" aria-labelledby="figures-spent"><h2 id="figures-spent">${t("figures.by_day")}</h2>
    <${Columns} columns=${columns} title=${t("figures.by_day_drawn", { money: money(answer.total.spent, unit), n: dates.length })} shown=${(value) => money(value, unit)} />
    <details><summary>${t("figures.as_table")}</summary><div class="scroll" tabindex="0" role="region" aria-labelledby="figures-spent"><table>
      <thead><tr><th scope="col">${t("figures.day")}</th><th scope="col">${t("figures.spent")}</th><th scope="col">${t("figures.refunded")}</th><th scope="col">${t("figures.orders")}</th><th scope="col">${t("figures.received")}</th></tr></thead>
      <tbody>${rows.map((group) => html`<tr key=${group.day}><th scope="row">${dayName(group.day)}</th><td>${money(group.spent, unit)}</td><td>${money(group.refunded, unit)}</td><td>${number(group.orders)}</td><td>${number(group.received)}</td></tr>`)}</tbody>
    </table></div></details></section>`;
}

// Up to today in the provider's zone; `until` may be that day's end, told in UTC.
function lastDay(answer, last) {
  const until = String(answer.until ?? "").slice(0, 10);
  return last && last > until ? last : until || last;
}

function Applications({ app, groups, unit }) {
  const most = Math.max(...groups.map((group) => group.spent), 1e-9);
  const rows = groups.toSorted((one, other) => other.spent - one.spent || other.orders - one.orders);
  return html`<section class="card" aria-labelledby="figures-applications"><h2 id="figures-applications">${t("figures.by_application")}</h2>
    <${Table} labelledby="figures-applications" columns=${["application", "spent", "orders", "success", "cost_per_code"]} rows=${rows} cells=${(group) => [
      html`<bdi>${nameOf(app, "application", group.application, group.application_name)}</bdi>`,
      html`${money(group.spent, unit)}<${Bar} share=${group.spent / most} />`,
      number(group.orders),
      share(group.success),
      rounded(group.cost_per_code, unit),
    ]} /></section>`;
}

function Places({ app, groups, unit }) {
  const rows = groups.toSorted((one, other) => other.orders - one.orders || (other.success ?? -1) - (one.success ?? -1));
  return html`<section class="card" aria-labelledby="figures-places"><h2 id="figures-places">${t("figures.by_place")}</h2>
    <${Table} labelledby="figures-places" columns=${["place", "success", "orders", "seconds", "cost_per_code"]} rows=${rows} cells=${(group) => [
      html`<bdi>${nameOf(app, "country", group.country, group.country_name)}</bdi> <small><bdi>${nameOf(app, "operator", group.operator, group.operator_name)}</bdi></small>`,
      html`${share(group.success)}${group.success !== null && html`<${Bar} share=${group.success} kind="success" />`}`,
      number(group.orders),
      seconds(group.seconds_to_sms),
      rounded(group.cost_per_code, unit),
    ]} /></section>`;
}

function Table({ labelledby, columns, rows, cells }) {
  const [all, showAll] = useState(false);
  const shown = all ? rows : rows.slice(0, FEW);
  return html`<div class="scroll" tabindex="0" role="region" aria-labelledby=${labelledby}><table class="drawn" aria-labelledby=${labelledby}>
    <thead><tr>${columns.map((column) => html`<th scope="col" key=${column}>${t(`figures.${column}`)}</th>`)}</tr></thead>
    <tbody>${shown.map((row, n) => {
      const [first, ...rest] = cells(row);
      return html`<tr key=${n}><th scope="row">${first}</th>${rest.map((cell, at) => html`<td key=${at}>${cell}</td>`)}</tr>`;
    })}</tbody></table></div>
    ${rows.length > shown.length && html`<button type="button" class="quiet" onClick=${() => showAll(true)}>${t("figures.all", { n: rows.length })}</button>`}`;
}
