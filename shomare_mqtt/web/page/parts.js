// What all views are made of.

import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { newTransaction } from "./api.js";
import { clock, explain, t } from "./i18n.js";
import { find } from "./names.js";

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

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

let ids = 0;
const useId = () => useState(() => `p${++ids}`)[0];

// A second's tick for what counts down; nothing runs where nothing counts.
export function useTick(on = true) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!on) return undefined;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [on]);
}

// Text that was typed by others: shown as text, in its own direction.
export function Foreign({ text, class: name }) {
  return html`<bdi class=${name} dir="auto">${text}</bdi>`;
}

// What is copied: Latin digits, left to right.
export function Latin({ text, class: name }) {
  return html`<bdi class=${`latin ${name ?? ""}`} dir="ltr">${text}</bdi>`;
}

// Over plain http browsers have no clipboard for a page; the old way works there.
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

// `label`: what is copied, for those who do not see it ("Copy the code 1234").
export function Copy({ text, label, children, kind = "", onCopied }) {
  const [said, say] = useState("");
  const button = useRef(null);
  async function copy() {
    const done = await toClipboard(text);
    button.current?.focus();
    say(done ? "done" : "failed");
    if (done) onCopied?.();
    setTimeout(() => say(""), 2500);
  }
  return html`<span class="copying">
    <button type="button" ref=${button} class=${`copy ${kind} ${said}`} aria-label=${label} onClick=${copy}>
      <${Icon} name=${said === "done" ? "done" : "copy"} /><span>${said ? t(`copy.${said}`) : (children ?? t("copy.copy"))}</span>
    </button>
    <span class="offscreen" role="status">${said ? t(`copy.${said}`) : ""}</span>
  </span>`;
}

// What came of a press, where it was pressed. `said`: null or `{kind: "ok" | "bad" | "wait", text, detail}`.
export function Said({ said }) {
  return html`<div class="said" role=${said?.kind === "bad" ? "alert" : "status"}>
    ${said &&
    html`<p class=${said.kind}>${said.kind === "bad" && html`<${Icon} name="alert" />`}<span>${said.text}
      ${said.detail && html`<small dir="ltr" lang="en">${said.detail}</small>`}</span></p>`}
  </div>`;
}

// A press that is one transaction: `press(run)` calls `run(transaction, onWait)` once, however often it is pressed meanwhile.
// A press after a lost answer, for the same `content`, takes the same transaction again: it cannot do it twice.
export function usePress() {
  const [busy, setBusy] = useState(false);
  const [said, say] = useState(null);
  const running = useRef(false);
  const kept = useRef(null);
  async function press(run, content = "") {
    if (running.current) return undefined;
    running.current = true;
    setBusy(true);
    say(null);
    const key = JSON.stringify(content);
    const transaction = kept.current?.key === key ? kept.current.transaction : newTransaction();
    kept.current = null;
    try {
      const text = await run(transaction, () => say({ kind: "wait", text: t("press.again") }));
      say(typeof text === "string" && text ? { kind: "ok", text } : null);
      return true;
    } catch (error) {
      if (error.kind === "lost") kept.current = { key, transaction };
      say({ kind: "bad", ...explain(error) });
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }
  return { busy, said, press, say };
}

// A button with what came of it below. `run(transaction, onWait)` gives back a sentence or nothing; `content`: what is sent, for a press after a lost answer.
export function Action({ run, content, kind = "", busyLabel, disabled, label, children, describedby }) {
  const { busy, said, press } = usePress();
  const off = busy || disabled;
  return html`<div class="action">
    <button type="button" class=${kind} aria-label=${label} aria-disabled=${off ? "true" : undefined} aria-busy=${busy} aria-describedby=${describedby}
      onClick=${() => off || press(run, content)}>${busy && html`<span class="spinner" />`}<span>${busy ? (busyLabel ?? t("press.busy")) : children}</span></button>
    <${Said} said=${said} />
  </div>`;
}

// An Action that asks once more before it does something. `question` is shown instead of the button.
export function Confirmed({ question, yes, no, children, kind = "", confirmKind = "danger", ...action }) {
  const [asked, ask] = useState(false);
  const first = useRef(null);
  const back = useRef(null);
  useEffect(() => {
    if (asked) first.current?.querySelector("button")?.focus();
  }, [asked]);
  if (!asked)
    return html`<div class="action"><button type="button" ref=${back} class=${kind} onClick=${() => ask(true)}>${children}</button></div>`;
  return html`<div class="confirm" role="group" aria-label=${question} ref=${first}
      onKeyDown=${(e) => e.key === "Escape" && ask(false)}>
    <p>${question}</p>
    <div class="row"><${Action} ...${action} kind=${confirmKind}>${yes}<//>
      <button type="button" class="quiet" onClick=${() => ask(false)}>${no ?? t("press.no")}</button></div>
  </div>`;
}

// Until `iso`, as 4:05. `now()` gives milliseconds by the server's clock.
export function TimeLeft({ until, now }) {
  useTick(Boolean(until));
  if (!until) return null;
  const left = (Date.parse(until) - now()) / 1000;
  return html`<span class=${`timeleft ${left < 60 ? "short" : ""}`} role="timer">${clock(left)}</span>`;
}

// Search as you type, in `items` of names.choices. `value`: list of ids. `many`: several may be chosen.
export function Combobox({ label, items, value, onChange, many = false, placeholder, disabled, empty, hint }) {
  const id = useId();
  const [text, setText] = useState(null); // null: nothing is being typed
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  const list = useRef(null);
  const input = useRef(null);
  const chosen = value.map((one) => items.find((i) => i.id === one) ?? { id: one, label: one, other: "" });
  const found = open ? find(items, text ?? "") : [];
  const active = found[Math.min(at, found.length - 1)];
  useEffect(() => {
    if (open) list.current?.querySelector("[data-active]")?.scrollIntoView({ block: "nearest" });
  }, [open, at, text]);

  function choose(one) {
    if (!many) onChange([one.id]);
    else onChange(value.includes(one.id) ? value.filter((i) => i !== one.id) : [...value, one.id]);
    setText(null);
    setAt(0);
    if (!many || text !== null) setOpen(false); // A second Enter must not choose what nobody looked for.
  }
  function close() {
    setOpen(false);
    setText(null);
    setAt(0);
  }
  function leave() {
    if (text && found.length === 1 && !value.includes(found[0].id)) choose(found[0]);
    close();
  }
  function keys(event) {
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (move) {
      event.preventDefault();
      if (!open) setOpen(true);
      else setAt(Math.max(0, Math.min(found.length - 1, at + move)));
    } else if (event.key === "Enter" && open && active) {
      event.preventDefault();
      choose(active);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Backspace" && !text && value.length) {
      onChange(value.slice(0, -1));
    }
  }
  const shown = text ?? (many ? "" : (chosen[0]?.label ?? ""));
  return html`<div class="field combobox" onfocusout=${(e) => e.currentTarget.contains(e.relatedTarget) || leave()}>
    <label for=${id}>${label}</label>
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    <div class="box" onMouseDown=${(e) => e.target === e.currentTarget && (e.preventDefault(), input.current.focus())}>
      ${many &&
      chosen.map(
        (one) => html`<span class="chip" key=${one.id}><bdi>${one.label}</bdi>
          <button type="button" aria-label=${t("choose.remove", { name: one.label })} onClick=${() => (onChange(value.filter((i) => i !== one.id)), input.current.focus())}><${Icon} name="close" /></button></span>`,
      )}
      <input id=${id} ref=${input} role="combobox" type="text" autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false" enterkeyhint="done" dir=${shown ? "auto" : undefined}
        aria-expanded=${open ? "true" : "false"} aria-controls=${`${id}-list`} aria-autocomplete="list" aria-activedescendant=${open && active ? `${id}-${at}` : undefined}
        aria-describedby=${hint ? `${id}-hint` : undefined}
        disabled=${disabled} placeholder=${many && value.length ? t("choose.another") : placeholder} value=${shown}
        onFocus=${(e) => e.target.select()} onClick=${() => setOpen(true)}
        onInput=${(e) => (setText(e.target.value), setAt(0), setOpen(true))} onKeyDown=${keys} />
    </div>
    <ul id=${`${id}-list`} ref=${list} role="listbox" aria-label=${label} aria-multiselectable=${many ? "true" : undefined} hidden=${!open}>
      ${found.map(
        (one, n) => html`<li id=${`${id}-${n}`} key=${one.id} role="option" aria-selected=${value.includes(one.id) ? "true" : "false"} data-active=${one === active}
          onMouseDown=${(e) => e.preventDefault()} onClick=${() => choose(one)}>
          <bdi>${one.label}</bdi>${one.other && html`<small><bdi>${one.other}</bdi></small>`}${value.includes(one.id) && html`<${Icon} name="done" />`}</li>`,
      )}
      ${open && !found.length && html`<li class="none" role="option" aria-disabled="true" aria-selected="false">${items.length ? t("choose.none") : (empty ?? t("choose.empty"))}</li>`}
    </ul>
  </div>`;
}
