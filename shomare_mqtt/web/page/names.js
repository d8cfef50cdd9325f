// Names of countries, operators and applications: how they are shown, and how they are found by typing.

import { lang } from "./i18n.js";

const MARKS = /[\p{M}\u200b-\u200f\u2066-\u2069\u0640]/gu;
const SAME = { ي: "ی", ى: "ی", ك: "ک", ة: "ه", ۀ: "ه", أ: "ا", إ: "ا", ٱ: "ا", آ: "ا", ؤ: "و", ئ: "ی" };

// Letter forms, marks, letter case and digits that a person who types does not tell apart.
export function fold(text) {
  return String(text)
    .replace(/[يىكةۀأإٱآؤئ]/g, (c) => SAME[c])
    .normalize("NFKD")
    .replace(MARKS, "")
    .replace(/[٠-٩]/g, (d) => d.charCodeAt(0) - 0x660)
    .replace(/[۰-۹]/g, (d) => d.charCodeAt(0) - 0x6f0)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

// Providers often name a country in one script alone: the browser knows the other.
let regions = null;
function regionNames() {
  if (regions) return regions;
  regions = new Map();
  try {
    const [english, persian] = ["en", "fa"].map((l) => new Intl.DisplayNames([l], { type: "region", fallback: "none" }));
    for (const a of "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
      for (const b of "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
        const en = english.of(a + b);
        const fa = en && persian.of(a + b);
        if (!fa) continue;
        const both = { en, fa };
        for (const name of [en, fa]) if (!regions.has(fold(name))) regions.set(fold(name), both);
      }
  } catch {
    // An old browser finds by the provider's own names alone.
  }
  return regions;
}

const BRANDS = Object.fromEntries(
  ("telegram تلگرام,whatsapp واتساپ,instagram اینستاگرام,google گوگل,gmail جیمیل,facebook فیسبوک,twitter توییتر,tiktok تیک‌تاک," +
    "viber وایبر,discord دیسکورد,openai اوپن‌ای‌آی,chatgpt چت‌جی‌پی‌تی,microsoft مایکروسافت,apple اپل,amazon آمازون,line لاین,wechat ویچت," +
    "snapchat اسنپ‌چت,linkedin لینکدین,netflix نتفلیکس,steam استیم,paypal پی‌پال,uber اوبر,yahoo یاهو,imo ایمو,tinder تیندر,other سایر")
    .split(",")
    .map((pair) => pair.split(" ")),
);

const PERSIAN = /[\u0600-\u06ff]/;

// Every text of an entry that is a name: `name`, and whatever other field says one.
function namesOf(entry, kind) {
  const own = Object.entries(entry).filter(([key, value]) => key !== "id" && typeof value === "string" && /\p{L}/u.test(value) && value.length < 80 && !/^https?:|\.(png|svg|jpg|webp)$/i.test(value));
  const names = [entry.name, ...own.map(([, value]) => value)];
  if (kind === "country") {
    const region = regionNames().get(fold(entry.name));
    if (region) names.push(region.en, region.fa);
  }
  if (kind === "application") {
    const folded = fold(entry.name);
    if (BRANDS[folded]) names.push(BRANDS[folded]);
  }
  return [...new Set(names.filter(Boolean).map(String))];
}

const lists = new WeakMap();

// A list as it is chosen from: `[{id, label, other, keys}]`; `label` in the language's script where there is one, `other` the other script's.
export function choices(list, kind) {
  if (!Array.isArray(list)) return [];
  const cached = lists.get(list);
  if (cached?.lang === lang) return cached.items;
  const items = list.map((entry) => item(entry, kind));
  const times = new Map();
  for (const { label } of items) times.set(label, (times.get(label) ?? 0) + 1);
  for (const one of items) if (times.get(one.label) > 1) one.label += ` (${one.id})`;
  lists.set(list, { lang, items });
  return items;
}

function item(entry, kind) {
  const names = namesOf(entry, kind);
  const persian = names.find((name) => PERSIAN.test(name));
  const latin = PERSIAN.test(entry.name) ? names.find((name) => /[a-z]{2}/i.test(name) && !/^[a-z]{2}$/i.test(name)) : entry.name;
  const [label, other] = lang === "fa" ? [persian ?? entry.name, latin] : [latin ?? entry.name, persian];
  return { id: String(entry.id), label: String(label), other: other && other !== label ? other : "", keys: [...names, String(entry.id)].map(fold) };
}

// The name to show of an order's or offer's place.
export function nameOf(app, kind, id, fallback) {
  const found = choices(app.state[PLURAL[kind]], kind).find((one) => one.id === String(id));
  return found?.label ?? fallback ?? String(id);
}

const PLURAL = { country: "countries", operator: "operators", application: "applications" };

// Those that a typed text means, best first.
export function find(items, text, limit = 60) {
  const wanted = fold(text);
  if (!wanted) return items.slice(0, limit);
  const ranked = [];
  for (const one of items) {
    const rank = Math.min(...one.keys.map((key) => rankOf(key, wanted)));
    if (rank < 9) ranked.push([rank, one]);
  }
  return ranked.sort((a, b) => a[0] - b[0]).slice(0, limit).map(([, one]) => one);
}

function rankOf(key, wanted) {
  if (key === wanted) return 0;
  if (key.startsWith(wanted)) return 1;
  if (` ${key}`.includes(` ${wanted}`)) return 2;
  if (wanted.length > 1 && key.includes(wanted)) return 3;
  return wanted.split(" ").every((word) => key.includes(word)) ? 4 : 9;
}
