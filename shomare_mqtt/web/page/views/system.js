// How everything stands: what is wrong, provider, broker, the switch, limits and what is left of them, plugins, version, doctor, and what happened.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { command, NoAnswer } from "../api.js";
import { Bar } from "../charts.js";
import { addWords, explain, hasWord, money, number, t, when } from "../i18n.js";
import { Action, Confirmed, Foreign, Icon, Latin, Said } from "../parts.js";
import words from "../words/system.js";

addWords(words);

const MOST = 100; // Of what happened: as many as the daemon keeps.

export function System({ app }) {
  return html`<section class="system wide stack" aria-labelledby="system-title">
    <h1 id="system-title">${t("system.title")}</h1>
    <${Problem} app=${app} />
    <div class="grid">
      <${Buying} app=${app} />
      <${Limits} app=${app} />
      <${Provider} app=${app} />
      <${Broker} app=${app} />
      <${Plugins} app=${app} />
      <${Program} app=${app} />
      <${Page} app=${app} />
    </div>
    ${!app.viewer && html`<${Doctor} />`}
    <${Lately} app=${app} />
  </section>`;
}

function Card({ name, badge, children }) {
  return html`<section class="card" aria-labelledby=${`system-${name}`}>
    <div class="row between"><h2 id=${`system-${name}`}>${t(`system.${name}`)}</h2>${badge}</div>${children}</section>`;
}

function Badge({ kind, children }) {
  return html`<span class=${`badge ${kind}`}>${children}</span>`;
}

// Name and value, where there is a value.
function Facts({ facts }) {
  const told = facts.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  return html`<dl class="facts">${told.map(([name, value]) => html`<div key=${name}><dt>${t(`system.${name}`)}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function Problem({ app }) {
  const problem = app.state["bridge/problem"]?.problem;
  if (!problem) return null;
  return html`<div class="notice bad"><${Icon} name="alert" /><div>
    <p><${Foreign} text=${problem.message} /></p>
    <small>${when(problem.at)}${problem.more > 0 && html` · ${t("system.more_problems", { n: problem.more })}`}</small></div></div>`;
}

function Buying({ app }) {
  const on = app.state.buying !== "off";
  const health = app.state["bridge/health"] ?? {};
  const paused = on && health.buying_paused;
  const reason = health.buying_paused_reason ?? "";
  const badge = html`<${Badge} kind=${on && !paused ? "ok" : "warn"}>${t(on ? (paused ? "system.paused" : "system.on") : "system.off")}<//>`;
  const turn = (to) => async () => {
    await command("buying/set", to);
    return t(`system.turned_${to}`);
  };
  return html`<${Card} name="buying" badge=${badge}>
    <p>${t(on ? (paused ? "system.buying_paused" : "system.buying_on") : "system.buying_off")}</p>
    ${paused && html`<p>${hasWord(`system.pause.${reason}`) ? t(`system.pause.${reason}`) : html`<${Foreign} text=${reason} />`}</p>`}
    ${!app.viewer && on && !paused && html`<${Action} key="off" run=${turn("off")}>${t("system.turn_off")}<//>`}
    ${!app.viewer && !on && html`<${Action} key="on" kind="main" run=${turn("on")}>${t("system.turn_on")}<//>`}
    ${!app.viewer && paused && reason === "journal_restored" && html`<${Confirmed} confirmKind="danger" question=${t("system.resume_sure")} yes=${t("system.resume_yes")} run=${turn("on")}>${t("system.resume")}<//>`}
  <//>`;
}

/** `[{name, most, used, left, shown}]` of the limits that are set; `used` null where nothing is used up. */
export function limitsOf(app) {
  const limits = app.settings.limits ?? {};
  const counted = app.state["bridge/health"]?.counted ?? {};
  const spent = app.state.statistics?.total?.spent_today ?? counted.spent_today;
  const balance = app.state.profile?.balance;
  const used = {
    max_spend_per_day: spent,
    max_buys_per_hour: counted.bought_last_hour,
    max_open_orders: counted.open_orders ?? app.orders.length,
    max_unused_per_day: counted.unused_today,
  };
  const set = Object.keys(used).filter((name) => limits[name] !== null && limits[name] !== undefined);
  const shown = (name) => (name === "max_spend_per_day" ? (value) => money(value, app.unit) : number);
  const rows = set.map((name) => ({ name, most: Number(limits[name]), used: used[name] ?? null, shown: shown(name) }));
  const left = rows.map((row) => ({ ...row, left: row.used === null ? null : Math.max(0, row.most - row.used) }));
  const least = limits.min_balance;
  if (least !== null && least !== undefined) {
    const over = balance === undefined ? null : Math.max(0, balance - least);
    left.push({ name: "min_balance", most: Number(least), used: null, left: over, shown: (value) => money(value, app.unit) });
  }
  return left;
}

function Limits({ app }) {
  const limits = app.settings.limits ?? {};
  const rows = limitsOf(app);
  const most = limits.max_price ?? null;
  const asOf = app.state["bridge/health"]?.updated_at;
  const unset = ["max_price", "max_spend_per_day", "max_buys_per_hour", "min_balance"].filter((name) => (limits[name] ?? null) === null);
  return html`<${Card} name="limits">
    <ul class="limits">
      ${most !== null && html`<li><div class="row between"><b>${t("system.limit.max_price")}</b><span>${money(most, app.unit)}</span></div></li>`}
      ${rows.map((row) => html`<${Limit} key=${row.name} ...${row} />`)}
    </ul>
    ${unset.length > 0 && html`<p class="hint">${t("system.unset")} ${unset.map((name) => t(`system.limit.${name}`)).join(t("system.comma"))}.</p>`}
    <p class="hint">${asOf && t("system.as_of", { time: when(asOf) })} ${t("system.limits_where")}</p>
  <//>`;
}

function Limit({ name, most, used, left, shown }) {
  const gone = left === 0 && used !== null;
  return html`<li>
    <div class="row between"><b>${t(`system.limit.${name}`)}</b>
      <span>${used === null ? shown(most) : t("system.used", { used: shown(used), most: shown(most) })}</span></div>
    ${used !== null && html`<${Bar} share=${most > 0 ? used / most : 1} kind=${gone ? "full" : ""} />`}
    ${left !== null && html`<small class=${gone ? "gone" : ""}>${gone ? t("system.none_left") : t("system.left", { left: shown(left) })}</small>`}
  </li>`;
}

const PROVIDER = { online: "ok", unreachable: "bad", unauthorized: "bad", blocked: "bad", misunderstood: "warn" };

function Provider({ app }) {
  const { provider = {} } = app.settings;
  const told = app.state["provider/state"] ?? {};
  const badge = told.state && html`<${Badge} kind=${PROVIDER[told.state] ?? "warn"}>${t(`system.provider.${told.state}`)}<//>`;
  const profile = app.state.profile;
  return html`<${Card} name="provider" badge=${badge}>
    ${told.state && told.state !== "online" && html`<p>${t(`system.provider_do.${told.state}`)}</p>`}
    ${told.error && html`<p class="error"><${Foreign} text=${said(told.error)} /></p>`}
    ${told.fields?.length > 0 && html`<p>${t("system.fields")} <${Latin} text=${told.fields.map(said).join(", ")} /></p>`}
    <${Facts} facts=${[
      ["address", html`<${Latin} text=${provider.base_url ?? "–"} />`],
      ["since", told.since && when(told.since)],
      ["balance", profile && money(profile.balance, app.unit)],
      ["balance_at", profile?.updated_at && when(profile.updated_at)],
    ]} />
    ${!app.viewer && html`<${Action} kind="quiet" run=${async () => (await command("query/profile"), t("system.asked"))}>${t("system.ask")}<//>`}
  <//>`;
}

const said = (error) => (typeof error === "string" ? error : (error.message ?? error.field ?? JSON.stringify(error)));

function Broker({ app }) {
  const info = app.state["bridge/info"] ?? {};
  const { mqtt = {} } = app.settings;
  const waiting = app.state["bridge/health"]?.outbox;
  const there = Boolean(info.protocol);
  const badge = html`<${Badge} kind=${there ? "ok" : "bad"}>${t(there ? "system.connected" : "system.away")}<//>`;
  return html`<${Card} name="broker" badge=${badge}>
    ${!there && html`<p>${t("system.broker_away")}</p>`}
    <${Facts} facts=${[
      ["address", html`<${Latin} text=${mqtt.transport === "unix" ? mqtt.path : `${mqtt.host ?? ""}:${mqtt.port ?? ""}`} />`],
      ["base_topic", html`<${Latin} text=${info.base_topic ?? mqtt.base_topic ?? ""} />`],
      ["protocol", there && html`MQTT <${Latin} text=${info.protocol} />${mqtt.tls?.enabled && ", TLS"}`],
      ["outbox", waiting !== undefined && number(waiting)],
    ]} />
  <//>`;
}

const PLUGIN = { running: "ok", failed: "bad", left_out: "warn" };

function Plugins({ app }) {
  const plugins = app.state["bridge/info"]?.plugins ?? [];
  return html`<${Card} name="plugins">
    ${plugins.length === 0 && html`<p class="soft">${t("system.no_plugins")}</p>`}
    <ul class="lines">${plugins.map(
      (plugin) => html`<li key=${plugin.name}><div class="row between"><span><${Foreign} text=${plugin.name} /> <${Latin} text=${plugin.version ?? ""} /></span>
        <${Badge} kind=${PLUGIN[plugin.state] ?? ""}>${t(`system.plugin.${plugin.state}`)}<//></div>${plugin.error && html`<small><${Foreign} text=${plugin.error} /></small>`}</li>`,
    )}</ul>
  <//>`;
}

function Program({ app }) {
  const info = app.state["bridge/info"] ?? {};
  const health = app.state["bridge/health"] ?? {};
  return html`<${Card} name="program">
    <${Facts} facts=${[
      ["version", html`<${Latin} text=${info.version ?? "–"} />`],
      ["started", info.started_at && when(info.started_at)],
      ["memory", health.memory && t("system.megabytes", { n: Math.round(health.memory / 1e6) })],
      ["calls", health.api_calls !== undefined && t("system.calls_failed", { n: health.api_calls, failed: health.errors ?? 0 })],
      ["directory", app.settings.state?.directory && html`<${Latin} text=${app.settings.state.directory} />`],
    ]} />
  <//>`;
}

function Page({ app }) {
  const { web = {} } = app.settings;
  const closed = Boolean(web.password || web.password_file);
  return html`<${Card} name="page">
    <div class="field"><label for="system-language">${t("system.language")}</label>
      <select id="system-language" value=${app.language} onChange=${(event) => app.setLanguage(event.target.value)}>
        <option value="auto">${t("system.language_auto")}</option><option value="en" lang="en">English</option><option value="fa" lang="fa">فارسی</option></select></div>
    ${closed && html`<form method="post" action="logout"><button type="submit">${t("system.logout")}</button></form>`}
  <//>`;
}

// --- doctor ---

const FINDING = { bad: "bad", unknown: "warn", good: "ok" };

async function examine() {
  let response;
  try {
    response = await fetch("api/doctor", { method: "POST", cache: "no-store", signal: AbortSignal.timeout?.(150_000) });
  } catch {
    throw new NoAnswer("lost");
  }
  if (response.status === 403) throw new NoAnswer("viewer", 403);
  if (response.status === 401) throw new NoAnswer("signed_out", 401);
  const answer = await response.json().catch(() => null);
  if (!response.ok || !Array.isArray(answer?.findings)) throw new Error(answer?.error?.message ?? t("system.doctor_failed", { status: String(response.status) }));
  return answer;
}

function Doctor() {
  const [found, setFound] = useState(null);
  async function run() {
    setFound(null);
    const answer = await examine();
    setFound(answer.findings);
    return answer.findings.some((one) => one.state === "bad") ? "" : t("system.doctor_ok");
  }
  const those = (state) => (found ?? []).filter((one) => one.state === state);
  const good = those("good");
  return html`<${Card} name="doctor">
    <p class="soft">${t("system.doctor_what")}</p>
    <${Action} run=${run} busyLabel=${t("system.doctor_busy")}>${t("system.doctor_run")}<//>
    <div role="status">${those("bad").length > 0 && html`<p class="notice bad">${t("system.doctor_bad", { n: those("bad").length })}</p>`}</div>
    <${Findings} findings=${[...those("bad"), ...those("unknown")]} />
    ${good.length > 0 && html`<details><summary><${Icon} name="down" />${t("system.doctor_good", { n: good.length })}</summary><${Findings} findings=${good} /></details>`}
  <//>`;
}

function Findings({ findings }) {
  return html`<ul class="lines findings" lang="en" dir="ltr">${findings.map(
    (one, n) => html`<li key=${n}><div class="row between"><b>${one.name}</b><span class=${`badge ${FINDING[one.state]}`}>${one.state}</span></div>
      <p>${one.text}</p>${one.advice && html`<p class="soft">${one.advice}</p>`}</li>`,
  )}</ul>`;
}

// --- what happened ---

function Lately({ app }) {
  const { events, problem } = useLately(app.store);
  return html`<${Card} name="lately">
    ${problem && html`<${Said} said=${{ kind: "bad", ...problem }} />`}
    ${events?.length === 0 && html`<p class="soft">${t("system.nothing")}</p>`}
    <ol class="lines">${(events ?? []).map(
      (event, n) => html`<li key=${n}><small><time datetime=${event.at}>${when(event.at)}</time></small>
        <p><${Foreign} text=${event.message ?? ""} /></p></li>`,
    )}</ol>
  <//>`;
}

// What the daemon kept since its start, then what comes: the newest first.
function useLately(store) {
  const [lately, setLately] = useState({ events: null, problem: null });
  const came = useRef([]);
  useEffect(() => {
    let wanted = true;
    fetch("api/lately", { cache: "no-store" })
      .then((response) => (response.ok ? response.json() : Promise.reject(new NoAnswer("closed", response.status))))
      .then(
        (kept) => wanted && setLately({ events: [...came.current, ...kept].slice(0, MOST), problem: null }),
        (error) => wanted && setLately({ events: came.current, problem: error.kind ? explain(error) : explain(new NoAnswer("lost")) }),
      );
    const end = store.onEvent((topic, payload) => {
      if (topic !== "event/bridge") return;
      const event = { ...payload, at: new Date(store.now()).toISOString() };
      came.current = [event, ...came.current];
      setLately((before) => ({ ...before, events: before.events && [event, ...before.events].slice(0, MOST) }));
    });
    return () => {
      wanted = false;
      end();
    };
  }, [store]);
  return lately;
}
