import { command } from "./api.js";
import { html } from "./vendor/preact.js";
import { t, when } from "./i18n.js";
import { Action, Notice } from "./parts.js";

function troubleOf({ state, settings: { provider } }) {
	const told = state["provider/state"];
	if ((provider && !provider.token && !provider.token_file) || told?.error?.code === "missing_token") return "no_token";
	return ["unauthorized", "blocked", "unreachable", "misunderstood"].find((one) => one === told?.state);
}

export function Notices({ app }) {
	const { state } = app;
	const trouble = troubleOf(app);
	const problem = state["bridge/problem"]?.problem;
	const health = state["bridge/health"];
	const off = state.buying === "off";
	return html`
	${state["bridge/state"] === "offline" && html`<${Trouble} text=${t("notice.offline")} />`}
	${trouble && html`<${Trouble} text=${t(`notice.${trouble}`)} detail=${state["provider/state"]?.error?.message} steps=${t(`notice.${trouble.replace(/no_token|unauthorized/, "token")}_do`)} />`}
	${problem && !(trouble && problem.event_type === "provider_state") && html`<${Trouble} kind=${problem.event_type === "command_refused" ? "warn" : "bad"} text=${problem.message} foreign
			at=${problem.at && when(problem.at, app.now())} detail=${problem.more > 0 && t("notice.more", { n: problem.more })} />`}
	${off && html`<${Trouble} kind=warn text=${t("notice.off")}>${app.owner && html`<${Action} run=${() => command("buying/set", "on")}>${t("notice.switch_on")}</>`}</>`}
	${health?.buying_paused && !off && html`<${Trouble} kind=warn text=${t("notice.paused")} detail=${health.buying_paused_reason} />`}`;
}

function Trouble({ kind = "bad", text, foreign, at, detail, steps, children }) {
	return html`<${Notice} kind=${kind}><div>
	<p>${foreign ? html`<span dir=ltr lang=en>${text}</>` : text}${at && html` <small>${at}</>`}</>
	${steps && html`<p>${steps}</>`}
	${detail && html`<small dir=auto lang=${foreign ? undefined : "en"}>${detail}</>`}${children}</></>`;
}
