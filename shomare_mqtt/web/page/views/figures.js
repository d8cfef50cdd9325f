import { html, useState } from "../vendor/preact.js";
import { orderChange, useAnswer } from "../asking.js";
import { Bar, Columns } from "../charts.js";
import { clock, locale, money, number, percent, t as tr, wordsOf } from "../i18n.js";
import { nameOf } from "../names.js";
import { Facts, Said } from "../parts.js";

const t = wordsOf("figures");
const FEW = 12;
const TILES = "spent_today spent received success cost_per_code seconds_to_sms refunded orders".split(" ");

export function Figures({ app }) {
	const { state, viewer } = app;
	const [days, setDays] = useState(30);
	const change = orderChange(state);
	// Three questions, not one of all: medians are not to be added up.
	const ask = (...by) => useAnswer(viewer ? null : "query/statistics", { days, by }, change);
	const [byDay, byApplication, byPlace] = [ask("day"), ask("application"), ask("country", "operator")];
	const { groups = [], total } = (viewer ? state.statistics : byApplication.data) ?? {};
	const problem = byApplication.problem ?? byDay.problem ?? byPlace.problem;
	const most = Math.max(...groups.map(({ spent }) => spent), 1e-9);
	const show = writing(app);
	return html`<h1>${tr("nav.figures")}</>
	${viewer ? html`<p class=hint>${t("viewer")}</>` : html`<div class=row role=group aria-label=${t("span")}>${[7, 30, 90, 365].map((n) => html`<button class=span aria-pressed=${`${n === days}`} onClick=${() => setDays(n)}>${t("days", { n })}</>`)}</>`}
	${problem && html`<${Said} said=${problem} />`}
	${!total && !problem && html`<p class=soft>${tr("press.busy")}</>`}
	${total && html`<${Facts} class="tiles card" t=${t} facts=${Object.fromEntries(TILES.map((name) => [name, show(name, total)]))} />`}
	${total?.unknown > 0 && html`<p class="notice warn">${t("unknown", { n: total.unknown })}</>`}
	${total?.orders === 0 && html`<p class=soft>${t("none")}</>`}
	${byDay.data && html`<${Spent} answer=${byDay.data} days=${days} zone=${app.settings.provider?.timezone} show=${show} />`}
	<${Table} title=by_application rows=${groups} by=spent show=${show} head="application spent orders success cost_per_code" share=${({ spent }) => spent / most} />
	<${Table} title=by_place rows=${byPlace.data?.groups} by=orders show=${show} head="place success orders seconds_to_sms cost_per_code" share=${({ success }) => success} kind=success />`;
}

function writing(app) {
	const inMoney = (value) => money(value, app.unit);
	const called = (group, kind) => html`<bdi>${nameOf(app, kind, group[kind], group[`${kind}_name`])}</>`;
	const ways = {
		application: (_, group) => called(group, "application"),
		place: (_, group) => html`${called(group, "country")} <small>${called(group, "operator")}</>`,
		day: (day) => dayName(day),
		orders: (count) => number(count),
		received: (count) => number(count),
		success: percent,
		seconds_to_sms: clock,
		cost_per_code: (mean) => inMoney(+mean.toFixed(mean < 100 ? 2 : 0)),
	};
	return (name, group) => (group[name] === null ? "–" : (ways[name] ?? inMoney)(group[name], group));
}

// A date is one of the provider's zone already: no zone of the reader's may move it.
const dayName = (date, how = { dateStyle: "medium" }) => new Date(date).toLocaleDateString(locale(), { ...how, timeZone: "UTC" });

function Spent({ answer, days, zone, show }) {
	const { groups, total, until } = answer;
	const found = new Map(groups.map((group) => [group.day, group]));
	// It ends at midnight, which is the next day's. Sweden writes YYYY-MM-DD.
	const last = Date.parse(new Date(Date.parse(until) - 1).toLocaleDateString("sv", { timeZone: zone }));
	const labelled = Math.ceil(days / 6);
	const columns = Array.from({ length: days }, (_, n) => {
		const day = new Date(last - (days - 1 - n) * 86_400_000).toISOString().slice(0, 10);
		const { spent } = found.get(day) ?? { spent: 0 };
		const label = n % labelled === labelled >> 1 && dayName(day, { day: "numeric", month: "short" });
		return { value: spent, label, tip: `${dayName(day)}: ${show("spent", { spent })}` };
	});
	return html`<${Table} title=by_day folded rows=${groups} by=day show=${show} head="day spent refunded orders received">
	<${Columns} columns=${columns} title=${t("drawn", { money: show("spent", total), n: days })} shown=${(spent) => show("spent", { spent })} /></>`;
}

function Table({ title, rows = [], by, show, head, share, kind, folded, children }) {
	const [all, showAll] = useState(false);
	if (!rows.length) return null;
	const sorted = rows.toSorted((one, other) => (one[by] < other[by]) - (one[by] > other[by]) || other.orders - one.orders);
	const shown = all ? sorted : sorted.slice(0, FEW);
	const names = head.split(" ");
	const table = html`<div class=scroll tabindex=0 role=group aria-labelledby=${title}><table class=${folded ? "" : "drawn"}>
	<thead><tr>${names.map((name) => html`<th scope=col>${t(name)}</>`)}</></>
	<tbody>${shown.map((row) => html`<tr>${names.map((name, n) => html`<${n ? "td" : "th"} scope=${n ? undefined : "row"}>${show(name, row)}${share && n === 1 && html`<${Bar} share=${share(row)} kind=${kind} />`}</>`)}</>`)}</></></>
	${rows.length > shown.length && html`<button class=quiet onClick=${() => showAll(true)}>${t("all", { n: rows.length })}</>`}`;
	return html`<section class=card aria-labelledby=${title}><h2 id=${title}>${t(title)}</>${children}
	${folded ? html`<details><summary>${t("as_table")}</>${table}</>` : table}</>`;
}
