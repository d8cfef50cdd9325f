// The page: what stands around the views, and which of them is shown.

import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./vendor/preact.js";
import { onCode } from "./codes.js";
import { addWords, chooseLanguage, chosenLanguage, lang, money, number, setLanguage, t } from "./i18n.js";
import { Copy, Icon, Latin } from "./parts.js";
import { store } from "./store.js";
import shellWords from "./words/shell.js";

addWords(shellWords);

// Each view is loaded when it is first looked at: the page is there at once, also over a slow line.
const VIEWS = {
  buy: () => import("./views/buy.js").then((m) => m.Buy),
  now: () => import("./views/now.js").then((m) => m.Now),
  history: () => import("./views/history.js").then((m) => m.History),
  figures: () => import("./views/figures.js").then((m) => m.Figures),
  system: () => import("./views/system.js").then((m) => m.System),
};
const loaded = {};

const viewOf = (hash) => (hash.slice(1).split("/")[0] in VIEWS ? hash.slice(1).split("/")[0] : null);

// What every view gets. `state`: topic -> payload; `go(view)`; `viewer`: true where nothing may be sent; `now()`: milliseconds by the server's clock;
// `unit`: of money; `owner`: true once it is known that commands are taken.
function appOf(view, language, setLanguageChoice) {
  const { state } = store;
  return {
    store,
    state,
    view,
    connection: store.connection,
    role: store.role,
    session: store.session,
    viewer: store.role === "viewer",
    owner: store.role === "owner",
    orders: Array.isArray(state.orders) ? state.orders : [],
    settings: state["bridge/info"]?.settings ?? {},
    unit: state.profile?.currency ?? state["bridge/info"]?.settings?.provider?.currency ?? "",
    now: () => store.now(),
    go: (to) => (location.hash = `#${to}`),
    language, // "auto", "en", "fa"
    setLanguage: setLanguageChoice,
  };
}

function View({ app }) {
  const [, arrived] = useState(0);
  const [failed, resetFailed] = useErrorBoundary((error) => console.error(error));
  const [missing, setMissing] = useState(false);
  useEffect(() => {
    setMissing(false);
    if (failed) resetFailed();
    if (!loaded[app.view])
      VIEWS[app.view]().then(
        (component) => ((loaded[app.view] = component), arrived((n) => n + 1)),
        () => setMissing(true),
      );
  }, [app.view]);
  if (failed || missing)
    return html`<section class="card"><p>${t("view.missing")}</p>
      <button type="button" onClick=${() => location.reload()}>${t("view.reload")}</button></section>`;
  const component = loaded[app.view];
  return component ? html`<${component} key=${app.view} app=${app} />` : html`<p class="starting" role="status">${t("shell.starting")}</p>`;
}

function Navigation({ app }) {
  return html`<nav class="tabs" aria-label=${t("nav.label")}>
    ${Object.keys(VIEWS).map(
      (view) => html`<a href=${`#${view}`} key=${view} aria-current=${view === app.view ? "page" : undefined}>
        <${Icon} name=${view} /><span>${t(`nav.${view}`)}</span>
        ${view === "now" && app.orders.length > 0 && html`<b class="count"><span class="offscreen">, </span>${number(app.orders.length)}<span class="offscreen"> ${t("shell.open", { n: app.orders.length }).replace(/^\S+ /, "")}</span></b>`}
      </a>`,
    )}
  </nav>`;
}

function Header({ app }) {
  const balance = app.state["profile/balance"] ?? app.state.profile?.balance;
  const other = t("shell.other");
  return html`<header class="top">
    <a class="skip" href="#main" onClick=${(e) => (e.preventDefault(), document.getElementById("main").focus())}>${t("nav.skip")}</a>
    <a class="brand" href="#buy"><img src="icon.svg" alt="" width="28" height="28" /><span>Shomare</span></a>
    ${balance !== undefined && html`<p class="balance"><small>${t("shell.balance")}</small> <b>${money(balance, app.unit)}</b></p>`}
    <button type="button" class="quiet language" lang=${other} onClick=${() => app.setLanguage(other)}><${Icon} name="globe" /><span>${t("shell.to_other")}</span></button>
  </header>`;
}

// Lost and back, said once each.
function Connection({ app }) {
  const [back, setBack] = useState(false);
  const was = useRef(app.connection);
  useEffect(() => {
    if (was.current === "lost" && app.connection === "online") {
      setBack(true);
      setTimeout(() => setBack(false), 4000);
    }
    was.current = app.connection;
  }, [app.connection]);
  const lost = app.connection === "lost";
  return html`<div role="status" class="connection">
    ${lost && html`<div class="notice bad"><${Icon} name="alert" /><p>${t("connection.lost")}</p><button type="button" onClick=${() => app.store.tryNow()}>${t("connection.retry")}</button></div>`}
    ${!lost && back && html`<div class="notice ok"><${Icon} name="done" /><p>${t("connection.back")}</p></div>`}
    ${app.connection === "out" && html`<div class="notice bad"><p>${t("connection.out")}</p><a class="button" href="login">${t("connection.login")}</a></div>`}
  </div>`;
}

// A code that arrives while something else is looked at.
function Arrived({ app }) {
  const [sms, put] = useState(null);
  useEffect(() => onCode(put), []);
  const code = sms?.code;
  return html`<div role="status">${sms && (app.view === "now"
    ? html`<span class="offscreen">${code ? t("arrived.code", { code }) : t("arrived.sms")}</span>`
    : html`<div class="notice ok"><p>${code ? html`<${Latin} text=${code} class="oldcode" />` : t("arrived.sms")} <small><bdi>${sms.application_name}</bdi></small></p>
        ${code && html`<${Copy} text=${code} label=${t("arrived.copy", { code })} kind="main" onCopied=${() => put(null)} />`}<a class="button" href="#now">${t("arrived.see")}</a></div>`)}</div>`;
}

function App() {
  const [, changed] = useState(0);
  const [language, setChoice] = useState(chosenLanguage);
  const [hash, setHash] = useState(location.hash);
  const main = useRef(null);
  useEffect(() => store.subscribe(() => changed((n) => n + 1)), []);
  useEffect(() => {
    const moved = () => {
      setHash(location.hash);
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  setLanguage(language, store.state["bridge/info"]?.settings?.web?.language);
  const view = viewOf(hash) ?? (Array.isArray(store.state.orders) && store.state.orders.length ? "now" : "buy");
  const app = appOf(view, language, (choice) => {
    chooseLanguage(choice);
    setChoice(choice);
  });
  return html`<${Header} app=${app} />
    <${Navigation} app=${app} />
    <main id="main" tabindex="-1" ref=${main} key=${lang}>
      <${Connection} app=${app} />
      <${Arrived} app=${app} />
      ${app.viewer && html`<p class="notice">${t("shell.viewer")}</p>`}
      <${View} app=${app} />
    </main>`;
}

const root = document.getElementById("app");
root.replaceChildren(); // What stood there until now would stay below the page.
render(html`<${App} />`, root);
store.start();
