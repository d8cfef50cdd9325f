// Words, digits, money and times, in English and Persian.

const words = { en: {}, fa: {} };
const KEPT = "shomare.language";

export let lang = "en";

// A view brings its words: `addWords({en: {"buy.title": "…"}, fa: {…}})`. `{name}` is filled in; `["one", "many"]` is chosen by `n`.
export function addWords(more) {
  Object.assign(words.en, more.en);
  Object.assign(words.fa, more.fa);
}

// The words of one view, told without its name before them; gives back its `t`.
export function wordsOf(view, more) {
  for (const [language, texts] of Object.entries(more))
    for (const [key, text] of Object.entries(texts)) words[language][`${view}.${key}`] = text;
  return (key, values) => t(`${view}.${key}`, values);
}

export const hasWord = (key) => key in words[lang];

export function t(key, values = {}) {
  let text = words[lang][key] ?? words.en[key] ?? key;
  if (Array.isArray(text)) text = text[values.n === 1 ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? number(value) : value;
  });
}

// The language that was chosen here ("en", "fa"), or "auto".
export function chosenLanguage() {
  try {
    return localStorage.getItem(KEPT) ?? "auto";
  } catch {
    return "auto"; // Storage may be forbidden: then the choice holds until the page is loaded again.
  }
}

export function chooseLanguage(choice) {
  try {
    localStorage.setItem(KEPT, choice);
  } catch {
    // See above.
  }
}

// `fromSettings`: `[web] language`.
export function setLanguage(choice, fromSettings) {
  const wish = choice !== "auto" ? choice : fromSettings && fromSettings !== "auto" ? fromSettings : navigator.language;
  lang = wish?.startsWith("fa") ? "fa" : "en";
  document.documentElement.lang = lang;
  document.documentElement.dir = lang === "fa" ? "rtl" : "ltr";
}

const locale = () => (lang === "fa" ? "fa-IR" : "en-GB");

// Digits as a reader of the language expects them. Never for what is copied.
export function digits(text) {
  return lang === "fa" ? String(text).replace(/\d/g, (d) => "۰۱۲۳۴۵۶۷۸۹"[d]) : String(text);
}

export function number(value, options) {
  return new Intl.NumberFormat(locale(), options).format(value);
}

export function percent(share) {
  return number(share, { style: "percent", maximumFractionDigits: 0 });
}

const UNITS = { IRT: "unit.toman", IRR: "unit.rial" };

export function money(value, unit = "") {
  if (value === null || value === undefined || value === "") return "–";
  const name = UNITS[unit] ? t(UNITS[unit]) : unit;
  return `${number(Number(value), { maximumFractionDigits: 10 })} ${name}`.trim();
}

// A time of day, with the day where that is not today. `iso` as in the contract.
export function when(iso, now = Date.now()) {
  const moment = new Date(iso);
  const today = new Date(now).toDateString() === moment.toDateString();
  const how = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(locale(), how).format(moment);
}

export function day(iso) {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(new Date(iso));
}

// Seconds as minutes and seconds, 4:05.
export function clock(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const hours = Math.floor(whole / 3600);
  const rest = `${Math.floor((whole % 3600) / 60)}:${String(whole % 60).padStart(2, "0")}`;
  return digits(hours ? `${hours}:${rest.padStart(5, "0")}` : rest);
}

// What was refused or lost, as a sentence: `{text, detail}`; `detail` is the daemon's own English sentence where `text` is not.
export function explain(error) {
  const own = error.code ? `error.${error.code}` : error.kind ? `noanswer.${error.kind}` : "";
  if (error.kind) return { text: t(own, { status: String(error.status) }), detail: "" };
  if (lang !== "en" && own && hasWord(own)) return { text: t(own), detail: error.message };
  return { text: error.message || String(error), detail: "" };
}
