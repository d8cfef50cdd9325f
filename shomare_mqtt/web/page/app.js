import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./vendor/preact.js";
import { arrived } from "./alarm.js";
import { onCode } from "./codes.js";
import { chooseLanguage, chosenLanguage, hasWords, lang, loadWords, money, number, setLanguage, t } from "./i18n.js";
import { CopyCode, Icon, Latin, Notice, useAgain } from "./parts.js";
import { store } from "./store.js";

const VIEWS = { buy: "Buy", now: "Now", history: "History", figures: "Figures", system: "System" };
const loaded = {};

async function loadView(view) {
	const [module] = await Promise.all([import(`./views/${view}.js`), loadWords(view)]);
	loaded[view] = module[VIEWS[view]];
}

const viewOf = (hash) => [hash.slice(1).split("/")[0]].find((view) => view in VIEWS);

// What every view gets. `viewer`: nothing may be sent; `owner`: commands are taken; neither while nobody knows. `now()`: milliseconds by the server's clock.
function appOf(more) {
	const { state, role, connection, session } = store;
	const settings = state["bridge/info"]?.settings ?? {};
	return {
		store,
		state,
		connection,
		session,
		viewer: role === "viewer",
		owner: role === "owner",
		orders: Array.isArray(state.orders) ? state.orders : [],
		settings,
		unit: state.profile?.currency ?? settings.provider?.currency ?? "",
		now: () => store.now(),
		go: (to) => (location.hash = to),
		...more,
	};
}

function View({ app }) {
	const { view } = app;
	const again = useAgain();
	const [failed, resetFailed] = useErrorBoundary((error) => console.error(error));
	const [missing, setMissing] = useState(false);
	const isThere = loaded[view] && hasWords(view);
	useEffect(() => {
		setMissing(false);
		if (failed) resetFailed();
		if (!isThere) loadView(view).then(again, () => setMissing(true));
	}, [view, lang]);
	if (failed || missing)
		return html`<section class=card><p>${t("view.missing")}</><button onClick=${() => location.reload()}>${t("view.reload")}</></>`;
	return isThere ? html`<${loaded[view]} key=${view} app=${app} />` : html`<p class=starting role=status>${t("shell.starting")}</>`;
}

function Navigation({ app }) {
	const n = app.orders.length;
	return html`<nav class=tabs aria-label=${t("nav.label")}>
	${Object.keys(VIEWS).map((view) => html`<a href="#${view}" key=${view} aria-current=${view === app.view ? "page" : undefined}><${Icon} name=${view} /><span>${t(`nav.${view}`)}</>
	${view === "now" && n > 0 && html`<b class=count><span class=offscreen>, </>${number(n)}<span class=offscreen> ${t("shell.open")}</></>`}</>`)}
	</>`;
}

function Header({ app }) {
	const balance = app.state["profile/balance"] ?? app.state.profile?.balance;
	const other = lang === "fa" ? "en" : "fa";
	return html`<header class=top>
	<a class=skip href="#main" onClick=${(e) => (e.preventDefault(), document.getElementById("main").focus())}>${t("nav.skip")}</>
	<a class=brand href="#buy" aria-label=Shomare><img src="icon.svg" alt="" width=28 height=28 /><span>Shomare</></>
	${balance !== undefined && html`<p class=balance><small>${t("shell.balance")}</> <b>${money(balance, app.unit)}</></>`}
	<button class="quiet language" lang=${other} onClick=${() => app.setLanguage(other)}><${Icon} name=globe /><span>${t("shell.to_other")}</></>
	</>`;
}

function Connection({ app: { connection } }) {
	const [back, setBack] = useState(false);
	const was = useRef();
	useEffect(() => {
		if (was.current === "lost" && connection === "online") {
			setBack(true);
			setTimeout(() => setBack(false), 4000);
		}
		was.current = connection;
	}, [connection]);
	return html`<div role=status class=connection>
	${connection === "lost" && html`<${Notice} kind=bad><p>${t("connection.lost")}</><button onClick=${() => store.lookAgain()}>${t("connection.retry")}</></>`}
	${connection === "online" && back && html`<${Notice} kind=ok icon=done><p>${t("connection.back")}</></>`}
	${connection === "out" && html`<${Notice} kind=bad><p>${t("connection.out")}</><a class=button href=login>${t("connection.login")}</></>`}
	</>`;
}

function Arrived({ app }) {
	const [sms, put] = useState(null);
	useEffect(() => onCode(put), []);
	return html`<div role=status>${sms && (app.view === "now"
		? html`<span class=offscreen>${arrived(sms)}</>`
		: html`<${Notice} kind=ok icon=now><p>${sms.code ? html`<${Latin} text=${sms.code} class=oldcode />` : arrived(sms)} <small><bdi>${sms.application_name}</></></>
	${sms.code && html`<${CopyCode} code=${sms.code} kind=main onCopied=${() => put(null)} />`}<a class=button href="#now">${t("arrived.see")}</></>`)}</>`;
}

function App() {
	const again = useAgain();
	const [language, setChoice] = useState(chosenLanguage);
	const main = useRef();
	const home = useRef();
	useEffect(() => (again(), store.subscribe(again)), []);
	useEffect(() => {
		addEventListener("hashchange", () => {
			again();
			scrollTo(0, 0);
			main.current?.focus({ preventScroll: true });
		});
	}, []);
	setLanguage(language, store.state["bridge/info"]?.settings?.web?.language);
	const isThere = hasWords("shell");
	useEffect(() => void (isThere || loadWords("shell").then(again, () => setChoice(lang === "fa" ? "en" : "fa"))), [lang]);
	if (!isThere) return null;
	const app = appOf({ language, setLanguage: (choice) => (chooseLanguage(choice), setChoice(choice)) });
	home.current ??= app.state.orders && (app.orders.length ? "now" : "buy"); // Once: a view must not go while one presses in it.
	app.view = viewOf(location.hash) ?? home.current ?? "buy";
	return html`<${Header} app=${app} />
	<${Navigation} app=${app} />
	<main id=main tabindex=-1 ref=${main} key=${lang}>
	<${Connection} app=${app} />
	<${Arrived} app=${app} />
	${app.viewer && html`<p class=notice>${t("shell.viewer")}</>`}
	<${View} app=${app} />
	</>`;
}

setLanguage(chosenLanguage());
store.start();
loadView(viewOf(location.hash) ?? "buy").catch(() => {});
await loadWords("shell");
const root = document.getElementById("app");
root.replaceChildren(); // What stood there until now would stay below the page.
render(html`<${App} />`, root);
