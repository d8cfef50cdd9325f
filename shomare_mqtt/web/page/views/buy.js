// Choosing and buying: what, where, for how much; what the choice costs and how it did so far.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { command } from "../api.js";
import { explain, money, percent, wordsOf } from "../i18n.js";
import { choices, nameOf } from "../names.js";
import { Notices } from "../notices.js";
import { Combobox, Icon, Said, usePress } from "../parts.js";

const t = wordsOf("buy");
const KEPT = "shomare.wish";
const MOST_PRICES = 6; // Price calls that a choice costs by itself.
const EMPTY = { application: [], country: [], operator: [], most: "", least: "", choose: "cheapest" };

// What was wished last; without it the daemon's defaults.
function lastWish(state) {
  const kept = wish.kept ?? readKept();
  if (kept) return { ...EMPTY, ...kept };
  const of = (field) => (state[`defaults/${field}`] ? [String(state[`defaults/${field}`])] : []);
  return { ...EMPTY, application: of("application"), country: of("country"), operator: of("operator"), most: state["defaults/max_price"] ?? "" };
}

const wish = { kept: null };
function readKept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT));
  } catch {
    return null;
  }
}
function keep(form) {
  wish.kept = form;
  try {
    localStorage.setItem(KEPT, JSON.stringify({ ...form, most: "", least: "" }));
  } catch {
    // Then it holds until the page is loaded again.
  }
}

const some = (list) => (list.length > 1 ? list : list[0]);
// What was typed as a limit: undefined for nothing, NaN for what is no amount.
const amount = (text) => {
  const latin = String(text).replace(/[٠-٩۰-۹]/g, (d) => d.charCodeAt(0) % 16);
  const plain = latin.replace(/[\s,٬'_]/g, "").replace("٫", ".");
  return plain === "" ? undefined : /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : NaN;
};

// A limit that cannot be read must stop a purchase, not be left out of it.
const unreadable = (form) => ["most", "least"].find((name) => Number.isNaN(amount(form[name])));

function limitsOf(form) {
  const limits = { max_price: amount(form.most), min_price: amount(form.least) };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

function pairsOf({ country, operator }) {
  return country.flatMap((c) => operator.map((o) => ({ country: c, operator: o })));
}

export function Buy({ app }) {
  const [form, setForm] = useState(() => lastWish(app.state));
  const set = (more) => {
    const next = { ...form, ...more };
    keep(next);
    setForm(next);
  };
  const buy = useRef(null);
  const items = {
    application: choices(app.state.applications, "application"),
    country: choices(app.state.countries, "country"),
    operator: choices(app.state.operators, "operator"),
  };
  const field = (name, many) => html`<${Combobox} label=${t(name)} items=${items[name]} value=${form[name]} many=${many} placeholder=${t(`${name}_hint`)}
    empty=${t("list_unread")} onChange=${(value) => set({ [name]: value })} />`;
  const pairs = pairsOf(form);
  const prices = usePrices(app, form, pairs);
  const take = (offer) => {
    set({ country: [offer.country], operator: [offer.operator] });
    requestAnimationFrame(() => buy.current?.querySelector("button.main")?.focus());
  };
  return html`<h1>${t("title")}</h1>
    <${Notices} app=${app} />
    <div class="desk"><section class="card" aria-label=${t("title")}>
      ${field("application")}
      <div class="fields">${field("country", true)}${field("operator", true)}</div>
      ${pairs.length > 1 && html`<fieldset class="field plain"><legend>${t("several", { n: pairs.length })}</legend>
        ${["cheapest", "listed"].map((how) => html`<label class="check" key=${how}><input type="radio" name="choose" checked=${form.choose === how} onChange=${() => set({ choose: how })} />${t(how)}</label>`)}
      </fieldset>`}
      <div class="pair"><${Amount} name="most" form=${form} set=${set} app=${app} /><${Amount} name="least" form=${form} set=${set} app=${app} /></div>
      ${form.application.length > 0 && pairs.length > 0 && html`<${Places} app=${app} pairs=${pairs} prices=${prices} form=${form} />`}
      <div ref=${buy}><${BuyButton} app=${app} form=${form} pairs=${pairs} prices=${prices} /></div>
    </section>
    ${app.owner && html`<${Offers} app=${app} form=${form} take=${take} />`}</div>`;
}

function Amount({ name, form, set, app }) {
  const id = `buy-${name}`;
  return html`<div class="field"><label for=${id}>${t(name)}</label>
    <input id=${id} inputmode="decimal" autocomplete="off" dir=${form[name] ? "ltr" : undefined} placeholder=${t("no_limit")} value=${form[name]} onInput=${(e) => set({ [name]: e.target.value })} /></div>`;
}

const asked = new Map(); // "country/operator/application" -> {at, price} or {at, error}

// The price of each chosen place, asked for a moment after the choice; kept for a minute.
function usePrices(app, form, pairs) {
  const [, told] = useState(0);
  const application = form.application[0];
  const keys = application ? pairs.slice(0, MOST_PRICES).map((p) => [p.country, p.operator, application].join("/")) : [];
  useEffect(() => {
    if (!app.owner || !keys.length) return undefined;
    let wanted = true;
    const timer = setTimeout(() => {
      for (const key of keys) {
        if (Date.now() - (asked.get(key)?.at ?? 0) < 60_000) continue;
        const [country, operator] = key.split("/");
        asked.set(key, { at: Date.now() });
        command("query/price", { country, operator, application })
          .then((price) => asked.set(key, { at: Date.now(), price }), (error) => asked.set(key, { at: 0, error }))
          .finally(() => wanted && told((n) => n + 1));
      }
    }, 350);
    return () => ((wanted = false), clearTimeout(timer));
  }, [keys.join(), app.owner, app.connection]);
  return (pair) => asked.get([pair.country, pair.operator, application].join("/"));
}

let history = null; // What our own orders of 90 days say, by place: asked for once a visit of the view.

function useHistory(app) {
  const [found, setFound] = useState(history);
  useEffect(() => {
    if (app.owner)
      command("query/statistics", { days: 90, by: ["application", "country", "operator"] }).then((told) => setFound((history = told.groups)), () => {});
  }, [app.owner]);
  return found ?? [];
}

function Places({ app, pairs, prices, form }) {
  const past = useHistory(app);
  return html`<div aria-live="polite"><ul class="places">
    ${pairs.slice(0, MOST_PRICES).map((pair) => {
      const told = prices(pair);
      const own = past.find((one) => one.application === form.application[0] && one.country === pair.country && one.operator === pair.operator);
      return html`<li key=${`${pair.country}/${pair.operator}`}><span><bdi>${nameOf(app, "country", pair.country)}</bdi> · <bdi>${nameOf(app, "operator", pair.operator)}</bdi><${Success} success=${own?.success} orders=${own && own.received + own.unused} /></span>
        ${told?.price ? html`<${Priced} offer=${told.price} app=${app} />` : told?.error ? html`<small class="bad">${explain(told.error).text}</small>` : app.owner && html`<small>${t("asking")}</small>`}</li>`;
    })}
    ${pairs.length > MOST_PRICES && html`<li><small>${t("more_places", { n: pairs.length - MOST_PRICES })}</small></li>`}
  </ul></div>`;
}

function Priced({ offer, app }) {
  const stock = offer.count === null ? "" : offer.count === 0 ? t("sold_out") : t("stock", { n: offer.count });
  return html`<span class="price"><b>${money(offer.price, app.unit)}</b><small class=${offer.count === 0 ? "bad" : ""}>${stock}</small></span>`;
}

function Success({ success, orders }) {
  if (success === null || success === undefined || !orders) return null;
  return html`<small class="own">${t("own", { share: percent(success), n: orders })}</small>`;
}

function BuyButton({ app, form, pairs, prices }) {
  const { busy, said, press, say } = usePress();
  useEffect(() => {
    if (!busy) say(null); // What was said was about another choice.
  }, [form]);
  if (app.viewer) return null;
  const missing = ["application", "country", "operator"].filter((name) => !form[name].length);
  const price = pairs.length === 1 ? prices(pairs[0])?.price?.price : undefined;
  async function go() {
    if (busy) return;
    if (missing.length) return say({ kind: "bad", text: t(`choose_${missing[0]}`) });
    const wrong = unreadable(form);
    if (wrong) return say({ kind: "bad", text: t("no_amount", { name: t(wrong) }) });
    const payload = { application: form.application[0], country: some(form.country), operator: some(form.operator), ...limitsOf(form), ...(pairs.length > 1 ? { choose: form.choose } : {}) };
    if (await press((transaction, onWait) => command("buy", payload, { transaction, onWait }).then(() => ""), payload)) app.go("now");
  }
  return html`<div class="action">
    <button type="button" class="main big" aria-disabled=${busy ? "true" : undefined} onClick=${go}>
      ${busy && html`<span class="spinner" />`}<span>${busy ? t("buying") : price === undefined || price === null ? t("buy") : t("buy_for", { price: money(price, app.unit) })}</span></button>
    <${Said} said=${said} /></div>`;
}

// Where it can be had cheapest. The daemon reads price lists behind everything else; this shows how far it is.
function Offers({ app, form, take }) {
  const [found, setFound] = useState(null);
  const [progress, setProgress] = useState(null);
  const [said, say] = useState(null);
  const running = useRef(0);
  const application = form.application[0];
  const stop = () => ((running.current += 1), setProgress(null));
  useEffect(() => () => (running.current += 1), []);
  useEffect(() => (stop(), setFound(null), say(null)), [application]);
  useEffect(
    () =>
      app.store.onEvent((topic, event) => {
        if (topic !== "event/offers") return;
        setProgress((now) => now && { ...now, ...event, done: event.event_type === "done" });
      }),
    [],
  );

  async function look() {
    if (!application) return say({ kind: "bad", text: t("choose_application") });
    const wrong = unreadable(form);
    if (wrong) return say({ kind: "bad", text: t("no_amount", { name: t(wrong) }) });
    const mine = (running.current += 1);
    say(null);
    setProgress({ read: 0, places: 0, done: false });
    const payload = { application, ...limitsOf(form), limit: 20, wait: false };
    let still = 0;
    let before = -1;
    try {
      while (mine === running.current) {
        const told = await command("query/offers", payload);
        if (mine !== running.current) return;
        setFound(told);
        setProgress((now) => now && { ...now, read: told.read, places: told.places });
        still = told.read === before ? still + 1 : 0;
        before = told.read;
        if (!told.unread || still > 8) break;
        await new Promise((resolve) => setTimeout(resolve, 1500));
      }
    } catch (error) {
      say({ kind: "bad", ...(error.code === "unknown_command" ? { text: t("no_offers") } : explain(error)) });
    }
    if (mine === running.current) setProgress(null);
  }
  return html`<section class="card"><h2>${t("offers")}</h2>
    <p class="hint">${application ? t("offers_hint", { name: nameOf(app, "application", application) }) : t("choose_application")}</p>
    <div class="action">${progress ? html`<button type="button" onClick=${stop}>${t("stop")}</button>` : html`<button type="button" onClick=${look}><${Icon} name="search" /><span>${t("look")}</span></button>`}
      <${Said} said=${said} /></div>
    ${progress && html`<div><progress max=${progress.places || undefined} value=${progress.places ? progress.read : undefined} aria-label=${t("reading")} />
      <p class="hint">${progress.places ? t("read", { read: progress.read, places: progress.places }) : t("reading")}</p></div>`}
    ${found && !found.offers.length && !progress && html`<p>${t("none")}</p>`}
    ${found && !progress && found.unread > 0 && html`<p class="hint">${t("unread", { n: found.unread })}</p>`}
    ${found?.offers.length > 0 && html`<ul class="places">${found.offers.map((offer) => {
      const [country, operator] = [nameOf(app, "country", offer.country, offer.country_name), nameOf(app, "operator", offer.operator, offer.operator_name)];
      return html`<li key=${`${offer.country}/${offer.operator}`}><span><bdi>${country}</bdi> · <bdi>${operator}</bdi><${Success} success=${offer.success} orders=${offer.orders} /></span>
        <${Priced} offer=${offer} app=${app} /><button type="button" aria-label=${t("take_it", { country, operator })} onClick=${() => take(offer)}>${t("take")}</button></li>`;
    })}</ul>`}
  </section>`;
}
