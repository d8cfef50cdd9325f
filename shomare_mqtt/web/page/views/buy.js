import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { command } from "../api.js";
import { useAnswer } from "../asking.js";
import { explain, money, percent, wordsOf } from "../i18n.js";
import { choicesOf, nameOf, placeOf } from "../names.js";
import { Notices } from "../notices.js";
import { Combobox, Icon, Place, Press, Said, useAgain, usePress } from "../parts.js";
import { keep, kept } from "../store.js";

const t = wordsOf("buy");
const KEPT = "shomare.wish";
const MOST_PRICES = 6;
const WHAT = ["application", "country", "operator"];

let wish = null;

function lastWish(state) {
	try {
		wish ??= JSON.parse(kept(KEPT));
	} catch {
		// Nothing that was kept here by this page.
	}
	const byDefault = (field) => (wish ? undefined : state[`defaults/${field}`]);
	const what = WHAT.map((field) => [field, [byDefault(field)].filter(Boolean).map(String)]);
	return { most: byDefault("max_price") ?? "", least: "", choose: "cheapest", ...Object.fromEntries(what), ...wish };
}

function keepWish(form) {
	wish = form;
	keep(KEPT, JSON.stringify({ ...form, most: "", least: "" }));
}

// What was typed as a limit: undefined for nothing, NaN for what is no amount.
function amount(text) {
	const latin = String(text).replace(/[٠-٩۰-۹]/g, (d) => d.charCodeAt(0) % 16);
	const plain = latin.trim().replace(/[\s,٬'_](?=\d{3}(?!\d))/g, "").replace("٫", ".");
	return plain === "" ? undefined : /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : NaN;
}

const limitsOf = (form) => ({ max_price: amount(form.most), min_price: amount(form.least) });

// Why this cannot be asked, in words. A limit that cannot be read must stop a purchase, not be left out of it.
function wrongIn(form, needed) {
	const missing = needed.find((name) => !form[name].length);
	const unreadable = ["most", "least"].find((name) => Number.isNaN(amount(form[name])));
	const text = missing ? t(`choose_${missing}`) : unreadable && t("no_amount", { name: t(unreadable) });
	return text && { kind: "bad", text };
}

export function Buy({ app }) {
	const [form, setForm] = useState(() => lastWish(app.state));
	const set = (more) => {
		keepWish({ ...form, ...more });
		setForm(wish);
	};
	const buy = useRef();
	const field = (name, many) => html`<${Combobox} label=${t(name)} items=${choicesOf(app, name)} value=${form[name]} many=${many} placeholder=${t(`${name}_hint`)}
		empty=${t("list_unread")} onChange=${(value) => set({ [name]: value })} />`;
	const limit = (name) => html`<div class=field><label for=${name}>${t(name)}</>
	<input id=${name} inputmode=decimal autocomplete=off dir=${form[name] ? "ltr" : undefined} placeholder=${t("no_limit")} value=${form[name]} onInput=${(e) => set({ [name]: e.target.value })} /></>`;
	const application = form.application[0];
	const pairs = form.country.flatMap((country) => form.operator.map((operator) => ({ country, operator, application })));
	const prices = usePrices(app, application ? pairs.slice(0, MOST_PRICES) : []);
	const take = (offer) => {
		set({ country: [offer.country], operator: [offer.operator] });
		requestAnimationFrame(() => buy.current?.querySelector("button").focus());
	};
	return html`<h1>${t("title")}</>
	<${Notices} app=${app} />
	<div class=desk><section class=card aria-label=${t("title")}>
	${field("application")}
	<div class=fields>${field("country", true)}${field("operator", true)}</>
	${pairs.length > 1 && html`<fieldset class="field plain"><legend>${t("several", { n: pairs.length })}</>
	${["cheapest", "listed"].map((how) => html`<label class=check key=${how}><input type=radio name=choose checked=${form.choose === how} onChange=${() => set({ choose: how })} />${t(how)}</>`)}</>`}
	<div class=pair>${limit("most")}${limit("least")}</>
	${application && pairs.length > 0 && html`<${Places} app=${app} pairs=${pairs} prices=${prices} />`}
	${!app.viewer && html`<div ref=${buy}><${BuyButton} app=${app} form=${form} pairs=${pairs} price=${pairs.length === 1 && prices(pairs[0])?.price?.price} /></>`}
	</>
	${app.owner && html`<${Offers} app=${app} form=${form} take=${take} />`}</>`;
}

const asked = new Map();
const keyOf = ({ country, operator, application }) => [country, operator, application].join("/");

function usePrices(app, pairs) {
	const again = useAgain();
	useEffect(() => {
		if (!app.owner) return;
		const ask = () => {
			for (const pair of document.hidden ? [] : pairs) {
				const key = keyOf(pair);
				if (Date.now() - (asked.get(key)?.at ?? 0) < 60_000) continue;
				asked.set(key, { ...asked.get(key), at: Date.now() });
				command("query/price", pair)
					.then((price) => asked.set(key, { at: Date.now(), price }), (error) => asked.set(key, { at: 0, error }))
					.finally(again);
			}
		};
		const timers = [setTimeout(ask, 350), setInterval(ask, 61_000)];
		document.addEventListener("visibilitychange", ask);
		return () => (document.removeEventListener("visibilitychange", ask), timers.map(clearTimeout));
	}, [pairs.map(keyOf).join(), app.owner, app.connection]);
	return (pair) => asked.get(keyOf(pair));
}

function Places({ app, pairs, prices }) {
	const past = useAnswer(app.owner ? "query/statistics" : null, { days: 90, by: WHAT }).data?.groups;
	return html`<div aria-live=polite><ul class=places>
	${pairs.slice(0, MOST_PRICES).map((pair) => {
			const { price, error } = prices(pair) ?? {};
			const own = past?.find((one) => WHAT.every((what) => one[what] === pair[what]));
			return html`<li key=${keyOf(pair)}><span><${Place} app=${app} of=${pair} /><${Success} success=${own?.success} orders=${own && own.received + own.unused} /></>
	${price ? html`<${Priced} offer=${price} app=${app} />` : error ? html`<small class=bad>${explain(error).text}</>` : app.owner && html`<small>${t("asking")}</>`}</>`;
		})}
	${pairs.length > MOST_PRICES && html`<li><small>${t("more_places", { n: pairs.length - MOST_PRICES })}</></>`}
	</></>`;
}

function Priced({ offer: { price, count }, app }) {
	return html`<span class=price><b>${money(price, app.unit)}</><small class=${count === 0 ? "bad" : ""}>${count === 0 ? t("sold_out") : count !== null && t("stock", { n: count })}</></>`;
}

const Success = ({ success = null, orders }) => success !== null && orders > 0 && html`<small>${t("own", { share: percent(success), n: orders })}</>`;

const pressed = {};

function BuyButton({ app, form, pairs, price }) {
	const { press, ...how } = usePress(pressed);
	useEffect(() => {
		if (!how.busy) how.say(null); // What was said was about another choice.
	}, [form]);
	const some = (list) => (list.length > 1 ? list : list[0]);
	async function go() {
		const wrong = wrongIn(form, WHAT);
		if (wrong) return how.say(wrong);
		const payload = { application: form.application[0], country: some(form.country), operator: some(form.operator), ...limitsOf(form), choose: pairs.length > 1 ? form.choose : undefined };
		if (await press((sent) => command("buy", payload, sent), payload)) app.go("now");
	}
	return html`<${Press} kind="main big" ...${how} busyLabel=${t("buying")} onClick=${go}>${(price ?? false) === false ? t("buy") : t("buy_for", { price: money(price, app.unit) })}</>`;
}

function Offers({ app, form, take }) {
	const [found, setFound] = useState(null);
	const [progress, setProgress] = useState(null);
	const [said, say] = useState(null);
	const running = useRef(0);
	const application = form.application[0];
	const stop = () => ((running.current += 1), setProgress(null));
	useEffect(() => {
		setFound(null);
		say(null);
		return stop;
	}, [application]);
	useEffect(() => app.store.onEvent((topic, event) => topic === "event/offers" && setProgress((now) => now && { ...now, ...event })), []);

	async function look() {
		const wrong = wrongIn(form, ["application"]);
		say(wrong);
		if (wrong) return;
		const mine = (running.current += 1);
		setProgress({});
		try {
			for (let before = -1, still = 0; still < 9; ) {
				const told = await command("query/offers", { application, ...limitsOf(form), limit: 20, wait: false });
				if (mine !== running.current) return;
				setFound(told);
				setProgress({ read: told.read, places: told.places });
				if (!told.unread) break;
				still = told.read === before ? still + 1 : 0;
				before = told.read;
				await new Promise((resolve) => setTimeout(resolve, 1500));
			}
		} catch (error) {
			say({ kind: "bad", ...(error.code === "unknown_command" ? { text: t("no_offers") } : explain(error)) });
		}
		if (mine === running.current) setProgress(null);
	}
	const { read, places } = progress ?? {};
	return html`<section class=card><h2>${t("offers")}</>
	<p class=hint>${application ? t("offers_hint", { name: nameOf(app, "application", application) }) : t("choose_application")}</>
	<div class=action>${progress ? html`<button onClick=${stop}>${t("stop")}</>` : html`<button onClick=${look}><${Icon} name=search /><span>${t("look")}</></>`}
	<${Said} said=${said} /></>
	${progress && html`<div><progress max=${places || undefined} value=${places ? read : undefined} aria-label=${t("reading")} />
	<p class=hint>${places ? t("read", { read, places }) : t("reading")}</></>`}
	${found && !progress && html`${!found.offers.length && html`<p>${t("none")}</>`}${found.unread > 0 && html`<p class=hint>${t("unread", { n: found.unread })}</>`}`}
	${found?.offers.length > 0 && html`<ul class=places>${found.offers.map((offer) => html`<li key=${keyOf(offer)}><span><${Place} app=${app} of=${offer} /><${Success} ...${offer} /></>
	<${Priced} offer=${offer} app=${app} /><button aria-label=${t("take_it", { place: placeOf(app, offer).join(" · ") })} onClick=${() => take(offer)}>${t("take")}</></>`)}</>`}
	</>`;
}
