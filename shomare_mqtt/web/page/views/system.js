import { html, useEffect, useState } from "../vendor/preact.js";
import { command, NoAnswer, refused } from "../api.js";
import { Bar } from "../charts.js";
import { explain, money, number, t as tr, when, wordsOf } from "../i18n.js";
import { Notices } from "../notices.js";
import { Action, Confirmed, Facts, Foreign, Icon, Latin, Notice, Said } from "../parts.js";

const t = wordsOf("system");
const MOST = 100;
const KINDS = { online: "ok", running: "ok", good: "ok", ok: "ok", misunderstood: "warn", left_out: "warn", unknown: "warn", warn: "warn" }; // Else "bad".
// A limit -> what of `counted` is used of it.
const LIMITS = { max_price: "", max_spend_per_day: "spent_today", max_buys_per_hour: "bought_last_hour", max_open_orders: "open_orders", max_unused_per_day: "unused_today", min_balance: "" };

export function System({ app }) {
	const { "bridge/info": info = {}, "bridge/health": health = {} } = app.state;
	return html`<h1>${tr("nav.system")}</>
	<${Notices} app=${app} />
	<div class=system><div class=grid>${[Buying, Limits, Provider, Broker, Plugins, Program].map((part) => html`<${part} app=${app} info=${info} health=${health} />`)}</></>
	${!app.viewer && html`<${Doctor} />`}
	<${Lately} store=${app.store} />`;
}

const badge = (state, said) => html`<span class="badge ${KINDS[state] ?? "bad"}">${said}</>`;
const between = (one, other) => html`<div class="row between">${one}${other}</>`;
const latin = (text) => text && html`<${Latin} text=${text} />`;
const foreign = (text) => html`<${Foreign} text=${text} />`;
const time = (iso) => iso && when(iso);

const Card = ({ name, state, said, children }) => html`<section class=card aria-label=${t(name)}>${between(html`<h2>${t(name)}</>`, state && badge(state, said))}${children}</>`;

function Buying({ app, health }) {
	const stands = app.state.buying === "off" ? "off" : health.buying_paused ? "paused" : "on";
	const to = stands === "on" ? "off" : "on";
	const turn = async () => (await command("buying/set", to), t(`turned_${to}`));
	const restored = stands === "paused" && health.buying_paused_reason === "journal_restored";
	return html`<${Card} name=buying state=${to === "off" ? "ok" : "warn"} said=${t(stands)}>
	<p>${t(restored ? "restored" : `buying_${stands}`)}</>
	${!app.viewer && (restored
			? html`<${Confirmed} question=${t("resume_sure")} yes=${t("resume_yes")} run=${turn}>${t("turn_on")}</>`
			: stands !== "paused" && html`<${Action} key=${stands} kind=${to === "on" ? "main" : ""} run=${turn}>${t(`turn_${to}`)}</>`)}</>`;
}

function Limits({ app, health }) {
	const { limits = {} } = app.settings;
	const unset = [];
	const limit = ([name, counted]) => {
		const [title, most, used] = [t(`limit.${name}`), limits[name] ?? null, health.counted?.[counted]];
		if (most === null) return void unset.push(title);
		const shown = (value) => (/price|spend|balance/.test(name) ? money(value, app.unit) : number(value));
		const left = Math.max(0, most - used);
		return html`<li>${between(html`<b>${title}</>`, html`<span>${used === undefined ? shown(most) : t("used", { used: shown(used), most: shown(most) })}</>`)}
	${used !== undefined && html`<${Bar} share=${most > 0 ? used / most : 1} kind=${left ? "" : "full"} />
	<small class=${left ? "" : "gone"}>${left ? t("left", { left: shown(left) }) : t("none_left")}</>`}</>`;
	};
	return html`<${Card} name=limits>
	<ul class=lines>${Object.entries(LIMITS).map(limit)}</>
	${unset.length > 0 && html`<p class=hint>${t("unset")} ${unset.join(t("comma"))}.</>`}
	<p class=hint>${health.updated_at && t("as_of", { time: when(health.updated_at) })} ${t("limits_where")}</></>`;
}

function Provider({ app }) {
	const { profile, "provider/state": told = {} } = app.state;
	return html`<${Card} name=provider state=${told.state} said=${t(`provider_${told.state}`)}>
	${told.fields?.length > 0 && html`<p>${t("fields")} ${latin(told.fields.join(", "))}</>`}
	<${Facts} t=${t} facts=${{ address: latin(app.settings.provider?.base_url), since: time(told.since), balance: profile && money(profile.balance, app.unit), balance_at: time(profile?.updated_at) }} />
	${!app.viewer && html`<${Action} run=${async () => (await command("query/profile"), t("asked"))}>${t("ask")}</>`}</>`;
}

function Broker({ app, info, health }) {
	const { mqtt = {} } = app.settings;
	const { protocol, base_topic } = info;
	const address = mqtt.transport === "unix" ? mqtt.path : mqtt.host && `${mqtt.host}:${mqtt.port}`;
	return html`<${Card} name=broker state=${protocol ? "ok" : "bad"} said=${t(protocol ? "connected" : "away")}>
	${!protocol && html`<p>${t("broker_away")}</>`}
	<${Facts} t=${t} facts=${{ address: latin(address), base_topic: latin(base_topic), protocol: protocol && latin(`MQTT ${protocol}${mqtt.tls?.enabled ? ", TLS" : ""}`), outbox: health.outbox > 0 && number(health.outbox) }} /></>`;
}

const Plugins = ({ info }) => html`<${Card} name=plugins>
	${!info.plugins?.length && html`<p class=soft>${t("no_plugins")}</>`}
	<ul class=lines>${info.plugins?.map(({ name, version, state, error }) => html`<li>${between(html`<span>${foreign(name)} ${latin(version)}</>`, badge(state, t(`plugin.${state}`)))}
	${error && html`<small>${foreign(error)}</>`}</>`)}</></>`;

const Program = ({ app, info }) => html`<${Card} name=program>
	<${Facts} t=${t} facts=${{ version: latin(info.version), started: time(info.started_at), directory: latin(app.settings.state?.directory) }} />
	<div class=field><label for=language>${t("language")}</>
	<select id=language value=${app.language} onChange=${(event) => app.setLanguage(event.target.value)}>
	<option value=auto>${t("language_auto")}</><option value=en lang=en>English</><option value=fa lang=fa>فارسی</></></>
	${app.session && html`<form method=post action=logout><button>${t("logout")}</></>`}</>`;

async function asked(address, method) {
	const response = await fetch(address, { method }).catch(() => Promise.reject(new NoAnswer("lost")));
	if (!response.ok) throw refused(response.status);
	return response.json();
}

function Doctor() {
	const [found, setFound] = useState([]);
	const [bad, unknown, good] = ["bad", "unknown", "good"].map((state) => found.filter((one) => one.state === state));
	async function run() {
		setFound([]);
		const { findings, ok } = await asked("api/doctor", "POST");
		setFound(findings);
		return ok && t("doctor_ok");
	}
	return html`<${Card} name=doctor>
	<p class=soft>${t("doctor_what")}</>
	<${Action} run=${run} busyLabel=${t("doctor_busy")}>${t("doctor_run")}</>
	<div role=status>${bad.length > 0 && html`<${Notice} kind=bad><p>${t("doctor_bad", { n: bad.length })}</></>`}</>
	<${Findings} findings=${[...bad, ...unknown]} />
	${good.length > 0 && html`<details><summary><${Icon} name=down />${t("doctor_good", { n: good.length })}</><${Findings} findings=${good} /></>`}</>`;
}

const Findings = ({ findings }) => html`<ul class=lines lang=en dir=ltr>${findings.map(({ name, state, text, advice }) => html`<li>${between(html`<b>${name}</>`, badge(state, state))}
	<p>${text}</>${advice && html`<p class=soft>${advice}</>`}</>`)}</>`;

function Lately({ store }) {
	const [{ events, problem }, setLately] = useState({});
	useEffect(() => {
		const [came, kept] = [[], []];
		const put = (problem) => setLately({ events: [...came, ...kept].slice(0, MOST), problem });
		asked("api/lately").then((there) => (kept.push(...there), put()), (error) => put({ kind: "bad", ...explain(error) }));
		return store.onEvent((topic, payload) => {
			if (topic === "event/bridge") put(void came.unshift({ ...payload, at: new Date(store.now()).toISOString() }));
		});
	}, []);
	return html`<${Card} name=lately>
	${problem && html`<${Said} said=${problem} />`}
	${events?.length === 0 && !problem && html`<p class=soft>${t("nothing")}</>`}
	<ol class=lines>${events?.map(({ at, message }) => html`<li><small><time datetime=${at}>${when(at)}</></><p>${foreign(message)}</></>`)}</></>`;
}
