// How everything stands: what is wrong, the switch, limits and what is left of them, provider, broker, plugins, doctor, what happened.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { command, NoAnswer } from "../api.js";
import { Bar } from "../charts.js";
import { explain, money, number, when, wordsOf } from "../i18n.js";
import { Notices } from "../notices.js";
import { Action, Confirmed, Foreign, Icon, Latin, Said } from "../parts.js";
import words from "../words/system.js";

const t = wordsOf("system", words);
const MOST = 100; // Of what happened: as many as the daemon keeps.
const KINDS = {
  online: "ok", misunderstood: "warn", unreachable: "bad", unauthorized: "bad", blocked: "bad",
  running: "ok", left_out: "warn", failed: "bad",
  good: "ok", unknown: "warn", bad: "bad",
};

export function System({ app }) {
  const parts = [Buying, Limits, Provider, Broker, Plugins, Program];
  return html`<section class="system wide stack" aria-labelledby="system-title">
    <h1 id="system-title">${t("title")}</h1>
    <${Notices} app=${app} />
    <div class="grid">${parts.map((part) => html`<${part} key=${part.name} app=${app} info=${app.state["bridge/info"] ?? {}} health=${app.state["bridge/health"] ?? {}} />`)}</div>
    ${!app.viewer && html`<${Doctor} />`}
    <${Lately} store=${app.store} />
  </section>`;
}

function Card({ name, state, said, children }) {
  return html`<section class="card" aria-labelledby=${`system-${name}`}>
    <div class="row between"><h2 id=${`system-${name}`}>${t(name)}</h2>${state && html`<span class=${`badge ${KINDS[state] ?? state}`}>${said}</span>`}</div>
    ${children}</section>`;
}

// Name and value, where there is a value.
function Facts({ facts }) {
  const told = Object.entries(facts).filter(([, value]) => value || value === 0);
  return html`<dl class="facts">${told.map(([name, value]) => html`<div key=${name}><dt>${t(name)}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const latin = (text) => text && html`<${Latin} text=${text} />`;
const foreign = (text) => html`<${Foreign} text=${text} />`;
const time = (iso) => iso && when(iso);

function Buying({ app, health }) {
  const stands = app.state.buying === "off" ? "off" : health.buying_paused ? "paused" : "on";
  const turn = (to) => async () => (await command("buying/set", to), t(`turned_${to}`));
  const resumes = stands === "paused" && health.buying_paused_reason === "journal_restored";
  return html`<${Card} name="buying" state=${stands === "on" ? "ok" : "warn"} said=${t(stands)}>
    <p>${t(resumes ? "restored" : `buying_${stands}`)}</p>
    ${app.viewer || (stands === "paused" && !resumes)
      ? null
      : resumes
        ? html`<${Confirmed} question=${t("resume_sure")} yes=${t("resume_yes")} run=${turn("on")}>${t("turn_on")}<//>`
        : html`<${Action} key=${stands} kind=${stands === "off" ? "main" : ""} run=${turn(stands === "on" ? "off" : "on")}>${t(stands === "on" ? "turn_off" : "turn_on")}<//>`}
  <//>`;
}

// What the settings allow, and how much of it is used up.
function Limits({ app, health }) {
  const limits = app.settings.limits ?? {};
  const { spent_today, bought_last_hour, open_orders, unused_today } = health.counted ?? {};
  const inMoney = (value) => money(value, app.unit);
  const rows = [
    ["max_price", undefined, inMoney],
    ["max_spend_per_day", spent_today, inMoney],
    ["max_buys_per_hour", bought_last_hour, number],
    ["max_open_orders", open_orders, number],
    ["max_unused_per_day", unused_today, number],
    ["min_balance", undefined, inMoney],
  ];
  const isSet = ([name]) => (limits[name] ?? null) !== null;
  const unset = rows.filter((row) => !isSet(row)).map(([name]) => t(`limit.${name}`));
  return html`<${Card} name="limits">
    <ul class="limits">${rows.filter(isSet).map(([name, used, shown]) => html`<${Limit} key=${name} name=${name} most=${Number(limits[name])} used=${used} shown=${shown} />`)}</ul>
    ${unset.length > 0 && html`<p class="hint">${t("unset")} ${unset.join(t("comma"))}.</p>`}
    <p class="hint">${health.updated_at && t("as_of", { time: when(health.updated_at) })} ${t("limits_where")}</p>
  <//>`;
}

function Limit({ name, most, used, shown }) {
  const counts = used !== undefined;
  const left = Math.max(0, most - used);
  return html`<li><div class="row between"><b>${t(`limit.${name}`)}</b><span>${counts ? t("used", { used: shown(used), most: shown(most) }) : shown(most)}</span></div>
    ${counts && html`<${Bar} share=${most > 0 ? used / most : 1} kind=${left ? "" : "full"} />
      <small class=${left ? "" : "gone"}>${left ? t("left", { left: shown(left) }) : t("none_left")}</small>`}</li>`;
}

function Provider({ app }) {
  const told = app.state["provider/state"] ?? {};
  const { profile } = app.state;
  return html`<${Card} name="provider" state=${told.state} said=${t(`provider.${told.state}`)}>
    ${told.fields?.length > 0 && html`<p>${t("fields")} ${latin(told.fields.join(", "))}</p>`}
    <${Facts} facts=${{ address: latin(app.settings.provider?.base_url), since: time(told.since), balance: profile && money(profile.balance, app.unit), balance_at: time(profile?.updated_at) }} />
    ${!app.viewer && html`<${Action} run=${async () => (await command("query/profile"), t("asked"))}>${t("ask")}<//>`}
  <//>`;
}

function Broker({ app, info, health }) {
  const { mqtt = {} } = app.settings;
  const there = Boolean(info.protocol);
  const address = mqtt.transport === "unix" ? mqtt.path : mqtt.host && `${mqtt.host}:${mqtt.port}`;
  return html`<${Card} name="broker" state=${there ? "ok" : "bad"} said=${t(there ? "connected" : "away")}>
    ${!there && html`<p>${t("broker_away")}</p>`}
    <${Facts} facts=${{ address: latin(address), base_topic: latin(info.base_topic), protocol: there && latin(`MQTT ${info.protocol}${mqtt.tls?.enabled ? ", TLS" : ""}`), outbox: health.outbox > 0 && number(health.outbox) }} />
  <//>`;
}

function Plugins({ info }) {
  const plugins = info.plugins ?? [];
  return html`<${Card} name="plugins">
    ${plugins.length === 0 && html`<p class="soft">${t("no_plugins")}</p>`}
    <ul class="lines">${plugins.map(
      (plugin) => html`<li key=${plugin.name}><div class="row between"><span>${foreign(plugin.name)} ${latin(plugin.version)}</span><span class=${`badge ${KINDS[plugin.state]}`}>${t(`plugin.${plugin.state}`)}</span></div>
        ${plugin.error && html`<small>${foreign(plugin.error)}</small>`}</li>`,
    )}</ul>
  <//>`;
}

function Program({ app, info }) {
  return html`<${Card} name="program">
    <${Facts} facts=${{ version: latin(info.version), started: time(info.started_at), directory: latin(app.settings.state?.directory) }} />
    <div class="field"><label for="system-language">${t("language")}</label>
      <select id="system-language" value=${app.language} onChange=${(event) => app.setLanguage(event.target.value)}>
        <option value="auto">${t("language_auto")}</option><option value="en" lang="en">English</option><option value="fa" lang="fa">فارسی</option></select></div>
    ${app.session && html`<form method="post" action="logout"><button type="submit">${t("logout")}</button></form>`}
  <//>`;
}

// What the page's own addresses answer. Raises NoAnswer.
async function asked(address, how) {
  const response = await fetch(address, { cache: "no-store", ...how }).catch(() => Promise.reject(new NoAnswer("lost")));
  const kinds = { 401: "signed_out", 403: "viewer" };
  if (!response.ok) throw new NoAnswer(kinds[response.status] ?? "closed", response.status);
  return response.json();
}

function Doctor() {
  const [found, setFound] = useState([]);
  const those = (state) => found.filter((one) => one.state === state);
  const [bad, good] = [those("bad"), those("good")];
  async function run() {
    setFound([]);
    const { findings, ok } = await asked("api/doctor", { method: "POST" });
    setFound(findings);
    return ok ? t("doctor_ok") : "";
  }
  return html`<${Card} name="doctor">
    <p class="soft">${t("doctor_what")}</p>
    <${Action} run=${run} busyLabel=${t("doctor_busy")}>${t("doctor_run")}<//>
    <div role="status">${bad.length > 0 && html`<p class="notice bad">${t("doctor_bad", { n: bad.length })}</p>`}</div>
    <${Findings} findings=${[...bad, ...those("unknown")]} />
    ${good.length > 0 && html`<details><summary><${Icon} name="down" />${t("doctor_good", { n: good.length })}</summary><${Findings} findings=${good} /></details>`}
  <//>`;
}

function Findings({ findings }) {
  return html`<ul class="lines" lang="en" dir="ltr">${findings.map(
    (one, n) => html`<li key=${n}><div class="row between"><b>${one.name}</b><span class=${`badge ${KINDS[one.state]}`}>${one.state}</span></div>
      <p>${one.text}</p>${one.advice && html`<p class="soft">${one.advice}</p>`}</li>`,
  )}</ul>`;
}

// What the daemon kept since its start, then what comes: the newest first.
function Lately({ store }) {
  const [{ events, problem }, setLately] = useState({});
  const came = useRef([]);
  useEffect(() => {
    let wanted = true;
    const put = (kept, more) => wanted && setLately({ events: [...came.current, ...kept].slice(0, MOST), ...more });
    let kept = [];
    asked("api/lately").then(
      (there) => put((kept = there)),
      (error) => put(kept, { problem: explain(error) }),
    );
    const end = store.onEvent((topic, payload) => {
      if (topic !== "event/bridge") return;
      came.current = [{ ...payload, at: new Date(store.now()).toISOString() }, ...came.current];
      put(kept);
    });
    return () => ((wanted = false), end());
  }, [store]);
  return html`<${Card} name="lately">
    ${problem && html`<${Said} said=${{ kind: "bad", ...problem }} />`}
    ${events?.length === 0 && !problem && html`<p class="soft">${t("nothing")}</p>`}
    <ol class="lines">${events?.map((event, n) => html`<li key=${n}><small><time datetime=${event.at}>${when(event.at)}</time></small><p>${foreign(event.message ?? "")}</p></li>`)}</ol>
  <//>`;
}
