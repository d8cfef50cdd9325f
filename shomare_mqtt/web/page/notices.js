// What stands in the way of buying, said before one tries: what it means, and what to do.

import { command } from "./api.js";
import { html } from "./vendor/preact.js";
import { t, when } from "./i18n.js";
import { Action, Icon } from "./parts.js";

// The provider's trouble by its `state`; the words are `notice.<kind>`.
function troubleOf(app) {
  const { state, settings } = app;
  const provider = settings.provider;
  if (provider && !provider.token && !provider.token_file) return "no_token";
  const told = state["provider/state"];
  if (told?.error?.code === "missing_token") return "no_token";
  return ["unauthorized", "blocked", "unreachable", "misunderstood"].includes(told?.state) ? told.state : null;
}

export function Notices({ app }) {
  const { state } = app;
  const trouble = troubleOf(app);
  const problem = state["bridge/problem"]?.problem;
  const health = state["bridge/health"];
  const paused = health?.buying_paused && state.buying !== "off";
  const isProviders = problem?.event_type === "provider_state";
  return html`
    ${state["bridge/state"] === "offline" && html`<${Notice} kind="bad" text=${t("notice.offline")} />`}
    ${trouble && html`<${Notice} kind="bad" text=${t(`notice.${trouble}`)} detail=${state["provider/state"]?.error?.message} steps=${t(`notice.${trouble}_do`)} />`}
    ${problem && !(trouble && isProviders) && html`<${Notice} kind=${problem.event_type === "command_refused" ? "warn" : "bad"} text=${problem.message} foreign at=${problem.at && when(problem.at, app.now())}
      detail=${problem.more ? t("notice.more", { n: problem.more }) : ""} />`}
    ${state.buying === "off" && html`<${Notice} kind="warn" text=${t("notice.off")}>
      ${app.owner && html`<${Action} run=${() => command("buying/set", "on").then(() => undefined)}>${t("notice.switch_on")}<//>`}<//>`}
    ${paused && html`<${Notice} kind="warn" text=${t("notice.paused")} detail=${health.buying_paused_reason} />`}`;
}

function Notice({ kind, text, foreign, at, detail, steps, children }) {
  return html`<div class=${`notice ${kind}`}><${Icon} name="alert" /><div>
    <p>${foreign ? html`<span dir="ltr" lang="en">${text}</span>` : text}${at && html` <small>${at}</small>`}</p>
    ${steps && html`<p>${steps}</p>`}
    ${detail && html`<small dir="auto" lang=${foreign ? undefined : "en"}>${detail}</small>`}${children}</div></div>`;
}
