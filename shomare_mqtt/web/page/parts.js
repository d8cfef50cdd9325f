import { html, useEffect, useReducer, useRef, useState } from "./vendor/preact.js";
import { newTransaction } from "./api.js";
import { clock, explain, t } from "./i18n.js";
import { find, placeOf } from "./names.js";

const PATHS = {
	buy: "M6 6h15l-2 8H8L6 3H3m6 17a1 1 0 1 0 0-.01M17 20a1 1 0 1 0 0-.01",
	now: "M4 5h16v11H9l-5 4zM8 10h.01M12 10h.01M16 10h.01",
	history: "M3 12a9 9 0 1 0 3-6.7L3 8m0-5v5h5m4-1v5l3 3",
	figures: "M4 20V10m6 10V4m6 16v-7m5 7H3",
	system: "M4 6h9m4 0h3M4 12h3m4 0h9M4 18h9m4 0h3M15 4v4M9 10v4m6 2v4",
	copy: "M9 9h11v11H9zM5 15H4V4h11v1",
	done: "m5 12 5 5L20 7",
	close: "M6 6l12 12M18 6 6 18",
	alert: "M12 3 2 20h20zM12 10v4m0 3v.01",
	search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm5 12 4 4",
	down: "m6 9 6 6 6-6",
	bell: "M6 16v-5a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
	globe: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
};

export const Icon = ({ name }) => html`<svg class=icon viewBox="0 0 24 24" aria-hidden=true><path d=${PATHS[name]} /></>`;

let ids = 0;
export const useId = () => useState(() => `p${++ids}`)[0];

export const useAgain = () => useReducer((n) => n + 1, 0)[1];

export function useTick() {
	const tick = useAgain();
	useEffect(() => {
		const timer = setInterval(tick, 1000);
		return () => clearInterval(timer);
	}, []);
}

export const Foreign = ({ text }) => html`<bdi dir=auto>${text}</>`;

export const Latin = ({ text, class: name = "" }) => html`<bdi class="latin ${name}" dir=ltr>${text}</>`;

const BADGES = { buying: "info", waiting: "info", received: "ok", finished: "ok", unknown: "warn", failed: "bad" };

export const Badge = ({ state }) => html`<span class="badge ${BADGES[state] ?? ""}">${t(`state.${state}`)}</>`;

export const Notice = ({ kind, icon = "alert", children }) => html`<div class="notice ${kind}"><${Icon} name=${icon} />${children}</>`;

export const Place = ({ app, of }) => placeOf(app, of).map((name, n) => html`${n > 0 && " · "}<bdi>${name}</>`);

export const Facts = ({ facts, t, class: name = "facts" }) => html`<dl class=${name}>${Object.entries(facts).map(([key, value]) => value && html`<div><dt>${t(key)}</><dd>${value}</></>`)}</>`;

// Over plain http browsers have no clipboard for a page; the old way works there.
async function toClipboard(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		const area = document.createElement("textarea");
		area.value = text;
		area.readOnly = true;
		area.className = "offscreen";
		document.body.append(area);
		area.select();
		const done = document.execCommand("copy");
		area.remove();
		return done;
	}
}

export function Copy({ text, label, children, kind = "", onCopied }) {
	const [said, say] = useState("");
	const button = useRef();
	async function copy() {
		const done = await toClipboard(text);
		button.current?.focus();
		say(done ? "done" : "failed");
		if (done) onCopied?.();
		setTimeout(() => say(""), 2500);
	}
	const told = said && t(`copy.${said}`);
	return html`<span class=copying>
	<button ref=${button} class="copy ${kind} ${said}" aria-label=${label} onClick=${copy}>
	<${Icon} name=${said === "done" ? "done" : "copy"} /><span>${told || (children ?? t("copy.copy"))}</></>
	<span class=offscreen role=status>${told}</>
	</>`;
}

export const CopyCode = ({ code, ...more }) => html`<${Copy} text=${code} label=${t("arrived.copy", { code })} ...${more} />`;

// What came of a press, where it was pressed. `said`: null or `{kind: "ok" | "bad" | "wait", text, detail}`.
export function Said({ said }) {
	const bad = said?.kind === "bad";
	return html`<div class=said role=${bad ? "alert" : "status"}>
	${said && html`<p class="notice ${said.kind}">${bad && html`<${Icon} name=alert />`}<span>${said.text} ${said.detail && html`<small dir=ltr lang=en>${said.detail}</>`}</></>`}</>`;
}

// `press(run, content)` runs once, however often it is pressed meanwhile; `run` hands what it gets on to `command`, and gives back a sentence or nothing.
// A press after a lost answer, for the same content, takes the same transaction again: it cannot do it twice.
// `own` outlives the button: who leaves the view and comes back must not buy twice.
export function usePress(own = {}) {
	const at = useRef(own).current;
	const [busy, setBusy] = useState(!!at.running);
	const [said, say] = useState(null);
	Object.assign(at, { setBusy, say });
	async function press(run, content = "") {
		if (at.running) return;
		at.running = true;
		at.setBusy(true);
		at.say(null);
		const key = JSON.stringify(content);
		const transaction = at.lost?.key === key ? at.lost.transaction : newTransaction();
		at.lost = null;
		try {
			const text = await run({ transaction, onWait: () => at.say({ kind: "wait", text: t("press.again") }) });
			at.say(typeof text === "string" && text ? { kind: "ok", text } : null);
			return true;
		} catch (error) {
			if (error.kind === "lost") at.lost = { key, transaction };
			at.say({ kind: "bad", ...explain(error) });
		} finally {
			at.running = false;
			at.setBusy(false);
		}
	}
	return { busy, said, press, say };
}

export const Press = ({ kind = "", busy, busyLabel, onClick, said, children }) => html`<div class=action>
	<button class=${kind} aria-disabled=${busy || undefined} aria-busy=${busy} onClick=${() => busy || onClick()}>
	${busy && html`<span class=spinner />`}<span>${busy ? (busyLabel ?? t("press.busy")) : children}</></>
	<${Said} said=${said} /></>`;

export function Action({ run, content, ...more }) {
	const { press, ...how } = usePress();
	return html`<${Press} ...${more} ...${how} onClick=${() => press(run, content)} />`;
}

export function Confirmed({ question, yes, no, children, kind = "", confirmKind = "danger", ...action }) {
	const [asked, ask] = useState(false);
	const group = useRef();
	useEffect(() => asked && group.current.querySelector(".quiet").focus(), [asked]);
	if (!asked) return html`<div class=action><button class=${kind} onClick=${() => ask(true)}>${children}</></>`;
	return html`<div class=confirm role=group aria-label=${question} ref=${group} onKeyDown=${(e) => e.key === "Escape" && ask(false)}>
	<p>${question}</>
	<div class=row><${Action} ...${action} kind=${confirmKind}>${yes}</>
	<button class=quiet onClick=${() => ask(false)}>${no ?? t("press.no")}</></></>`;
}

export function TimeLeft({ until, now }) {
	useTick();
	const left = (Date.parse(until) - now()) / 1000;
	return html`<span class="timeleft ${left < 60 ? "short" : ""}" role=timer>${clock(left)}</>`;
}

export function Combobox({ label, items, value, onChange, many = false, placeholder, empty }) {
	const id = useId();
	const [text, setText] = useState(null); // null: nothing is being typed
	const [at, setAt] = useState(0);
	const [open, setOpen] = useState(false);
	const list = useRef();
	const input = useRef();
	const chosen = value.map((one) => items.find((item) => item.id === one) ?? { id: one, label: one });
	const found = open ? find(items, text ?? "") : [];
	const active = found[Math.min(at, found.length - 1)];
	useEffect(() => open && list.current.querySelector("[data-active=true]")?.scrollIntoView({ block: "nearest" }), [open, at, text]);

	const without = (one) => onChange(value.filter((other) => other !== one));
	function show(isOpen, typed = null) {
		setOpen(isOpen);
		setText(typed);
		setAt(0);
	}
	function choose({ id: one }) {
		if (many && value.includes(one)) without(one);
		else onChange(many ? [...value, one] : [one]);
		show(many && text === null); // A second Enter must not choose what nobody looked for.
	}
	function leave() {
		if (text && found.length === 1) value.includes(found[0].id) || choose(found[0]);
		else if (text !== null && !many) onChange([]); // Not what stood there before: that is not what was asked for last.
		show(false);
	}
	function keys(event) {
		const { key } = event;
		const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[key];
		if (key === "Backspace" && !text && value.length) return onChange(value.slice(0, -1));
		if (!move && !(open && (key === "Escape" || (key === "Enter" && active)))) return;
		event.preventDefault();
		if (!move) event.stopPropagation();
		if (key === "Escape") show(false);
		else if (!move) choose(active);
		else if (open) setAt(Math.max(0, Math.min(found.length - 1, at + move)));
		else setOpen(true);
	}
	const shown = text ?? (many ? "" : (chosen[0]?.label ?? ""));
	return html`<div class="field combobox" onfocusout=${(e) => e.currentTarget.contains(e.relatedTarget) || leave()}>
	<label for=${id}>${label}</>
	<div class=box onMouseDown=${(e) => e.target === e.currentTarget && (e.preventDefault(), input.current.focus())}>
	${many && chosen.map((one) => html`<span class=chip key=${one.id}><bdi>${one.label}</>
	<button aria-label=${t("choose.remove", { name: one.label })} onClick=${() => (without(one.id), input.current.focus())}><${Icon} name=close /></></>`)}
	<input id=${id} ref=${input} role=combobox autocomplete=off autocapitalize=none autocorrect=off spellcheck=false enterkeyhint=done dir=${shown ? "auto" : undefined}
				aria-expanded=${open} aria-controls="${id}-list" aria-autocomplete=list aria-activedescendant=${open && active ? `${id}-${at}` : undefined}
				placeholder=${many && value.length ? t("choose.another") : placeholder} value=${shown}
				onFocus=${(e) => e.target.select()} onClick=${() => setOpen(true)} onInput=${(e) => show(true, e.target.value)} onKeyDown=${keys} />
	</>
	<ul id="${id}-list" ref=${list} role=listbox aria-label=${label} aria-multiselectable=${many} hidden=${!open}>
	${found.map((one, n) => html`<li id="${id}-${n}" key=${one.id} role=option aria-selected=${value.includes(one.id)} data-active=${one === active}
				onMouseDown=${(e) => e.preventDefault()} onClick=${() => choose(one)}>
	<bdi>${one.label}</>${one.other && html`<small><bdi>${one.other}</></>`}${value.includes(one.id) && html`<${Icon} name=done />`}</>`)}
	${open && !found.length && html`<li class=none role=option aria-disabled=true aria-selected=false>${items.length ? t("choose.none") : empty}</>`}
	</>
	</>`;
}
