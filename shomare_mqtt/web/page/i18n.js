import { keep, kept } from "./store.js";

const words = { en: {}, fa: {} }; // language -> view -> key -> text; of "shell", which all views share, its groups
const KEPT = "shomare.language";

export let lang = "en";

// Of one language alone: nobody waits for the words of another.
export async function loadWords(view) {
	const known = words[lang];
	if (hasWords(view)) return;
	const { default: texts } = await import(`./words/${lang}/${view}.js`);
	Object.assign(known, view === "shell" ? texts : { [view]: texts });
}

export const hasWords = (view) => view in words[lang];

const wordOf = (key) => key.split(".").reduce((at, name) => at?.[name], words[lang]);

// `{name}` is filled in, with `error.<name>` where nothing is given for it; of `["one", "many"]` `n` says which.
export function t(key, values = {}) {
	let text = wordOf(key) ?? key;
	if (Array.isArray(text)) text = text[values.n === 1 ? 0 : 1];
	return text.replace(/\{(\w+)\}/g, (whole, name) => {
		const value = values[name] ?? wordOf(`error.${name}`) ?? whole;
		return typeof value === "number" ? number(value) : value;
	});
}

export const wordsOf = (view) => (key, values) => t(`${view}.${key}`, values);

export const chosenLanguage = () => kept(KEPT) ?? "auto";

export const chooseLanguage = (choice) => keep(KEPT, choice);

export function setLanguage(choice, fromSettings = "auto") {
	const wish = [choice, fromSettings, navigator.language].find((one) => one !== "auto");
	lang = wish?.startsWith("fa") ? "fa" : "en";
	document.documentElement.lang = lang;
	document.documentElement.dir = lang === "fa" ? "rtl" : "ltr";
}

export const locale = () => (lang === "fa" ? "fa-IR" : "en-GB");

export const number = (value, options) => new Intl.NumberFormat(locale(), options).format(value);

export const percent = (share) => number(share, { style: "percent" });

const UNITS = { IRT: "unit.toman", IRR: "unit.rial" };

export function money(value, unit = "") {
	if ((value ?? "") === "") return "–";
	return `${number(Number(value), { maximumFractionDigits: 10 })} ${unit in UNITS ? t(UNITS[unit]) : unit}`.trim();
}

export function when(iso, now = Date.now()) {
	const moment = new Date(iso);
	const today = new Date(now).toDateString() === moment.toDateString();
	return moment.toLocaleString(locale(), { dateStyle: today ? undefined : "medium", timeStyle: "short" });
}

export function clock(seconds) {
	const whole = Math.max(0, Math.ceil(seconds));
	const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
	const two = (figure) => number(figure, { minimumIntegerDigits: 2 });
	return `${hours ? `${number(hours)}:${two(minutes)}` : number(minutes)}:${two(whole % 60)}`;
}

// What was refused or lost: `{text, detail}`; `detail` is the daemon's own English sentence where `text` is not.
export function explain(error) {
	if (error.kind) return { text: t(`noanswer.${error.kind}`, { status: String(error.status) }) };
	const own = `error.${error.code}`;
	return wordOf(own) ? { text: t(own), detail: error.message } : { text: error.message };
}
