import { lang } from "./i18n.js";

const SAME = { ي: "ی", ى: "ی", ك: "ک", ة: "ه", ە: "ه", ٱ: "ا" };

export function fold(text) {
	return String(text)
		.normalize("NFKD")
		.replace(/[\p{M}\p{Cf}ـ]/gu, "")
		.replace(/[يىكةەٱ]/g, (c) => SAME[c])
		.replace(/[٠-٩۰-۹]/g, (d) => d.charCodeAt(0) % 16)
		.toLowerCase()
		.replace(/[^\p{L}\p{N}]+/gu, " ")
		.trim();
}

// Providers often name a country in one script alone: the browser knows the other.
let regions = null;
function regionOf(name) {
	if (!regions) {
		regions = {};
		const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
		const tongues = ["en", "fa"].map((tongue) => new Intl.DisplayNames(tongue, { type: "region", fallback: "none" }));
		for (const code of letters.flatMap((a) => letters.map((b) => a + b))) {
			const both = tongues.map((tongue) => tongue.of(code)).filter(Boolean);
			for (const one of both) regions[fold(one)] ??= both;
		}
	}
	return regions[fold(name)] ?? [];
}

const BRANDS = Object.fromEntries(
	("telegram تلگرام,whatsapp واتساپ,instagram اینستاگرام,google گوگل,gmail جیمیل,facebook فیسبوک,twitter توییتر,tiktok تیک‌تاک," +
		"viber وایبر,discord دیسکورد,openai اوپن‌ای‌آی,chatgpt چت‌جی‌پی‌تی,microsoft مایکروسافت,apple اپل,amazon آمازون,line لاین,wechat ویچت," +
		"snapchat اسنپ‌چت,linkedin لینکدین,netflix نتفلیکس,steam استیم,paypal پی‌پال,uber اوبر,yahoo یاهو,imo ایمو,tinder تیندر,other سایر")
		.split(",")
		.map((pair) => pair.split(" ")),
);

const PERSIAN = /[\u0600-\u06ff]/;

function namesOf(entry, kind) {
	const isName = ([key, value]) => key !== "id" && typeof value === "string" && /\p{L}/u.test(value) && value.length < 80 && !/^https?:|\.(png|svg|jpg|webp)$/i.test(value);
	const names = [entry.name, ...Object.entries(entry).filter(isName).map(([, value]) => value)];
	if (kind === "country") names.push(...regionOf(entry.name));
	if (kind === "application") names.push(BRANDS[fold(entry.name)]);
	return [...new Set(names.filter(Boolean).map(String))];
}

const lists = new WeakMap();

export function choices(list, kind) {
	if (!Array.isArray(list)) return [];
	const cached = lists.get(list);
	if (cached?.lang === lang) return cached.items;
	const items = list.map((entry) => item(entry, kind));
	const labels = items.map((one) => one.label);
	for (const one of items) if (labels.indexOf(one.label) !== labels.lastIndexOf(one.label)) one.label += ` (${one.id})`;
	lists.set(list, { lang, items });
	return items;
}

function item(entry, kind) {
	const names = namesOf(entry, kind);
	const persian = names.find((name) => PERSIAN.test(name));
	const latin = PERSIAN.test(entry.name) ? names.find((name) => /[a-z]{2}/i.test(name) && !/^..$/.test(name)) : entry.name;
	const [label, other] = lang === "fa" ? [persian ?? entry.name, latin] : [latin ?? entry.name, persian];
	return { id: String(entry.id), label: String(label), other: other !== label ? other : "", keys: [...names, String(entry.id)].map(fold) };
}

const LISTS = { country: "countries", operator: "operators", application: "applications" };

export const choicesOf = (app, kind) => choices(app.state[LISTS[kind]], kind);

export function nameOf(app, kind, id, fallback) {
	return choicesOf(app, kind).find((one) => one.id === String(id))?.label ?? fallback ?? String(id);
}

export const placeOf = (app, of) => ["country", "operator"].map((kind) => nameOf(app, kind, of[kind], of[`${kind}_name`]));

export function find(items, text) {
	const wanted = fold(text);
	const ranked = items.map((one) => [wanted ? Math.min(...one.keys.map((key) => rankOf(key, wanted))) : 0, one]);
	return ranked.filter(([rank]) => rank < 9).sort((a, b) => a[0] - b[0]).slice(0, 60).map(([, one]) => one);
}

function rankOf(key, wanted) {
	if (key === wanted) return 0;
	if (key.startsWith(wanted)) return 1;
	if (key.includes(` ${wanted}`)) return 2;
	if (wanted.length > 1 && key.includes(wanted)) return 3;
	return wanted.split(" ").every((word) => key.includes(word)) ? 4 : 9;
}
