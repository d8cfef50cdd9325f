// A code that arrived is told to whoever looks elsewhere: by the title, and once it was allowed here, by a sound and a notification.

import { onCode } from "./codes.js";
import { t } from "./i18n.js";

const KEPT = "shomare.alarm";
let audio = null;

const canNotify = () => "Notification" in window && isSecureContext;

export function alarmOn() {
  try {
    return localStorage.getItem(KEPT) === "on";
  } catch {
    return Boolean(audio);
  }
}

// Only within a click: browsers let nothing make a sound before one.
export async function setAlarm(on) {
  try {
    localStorage.setItem(KEPT, on ? "on" : "off");
  } catch {
    // Then it holds until the page is loaded again.
  }
  if (!on) return;
  sound();
  if (canNotify() && Notification.permission === "default") await Notification.requestPermission();
}

function sound() {
  try {
    audio ??= new AudioContext();
    audio.resume();
    [880, 1175].forEach((pitch, n) => {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      const begin = audio.currentTime + n * 0.16;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.15, begin);
      volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.4);
      tone.connect(volume).connect(audio.destination);
      tone.start(begin);
      tone.stop(begin + 0.4);
    });
  } catch {
    // A browser without sound.
  }
}

onCode((sms) => {
  document.title = `${sms.code ?? "SMS"} – Shomare`;
  if (!alarmOn()) return;
  sound();
  navigator.vibrate?.([120, 60, 120]);
  if (!document.hidden || !canNotify() || Notification.permission !== "granted") return;
  try {
    const text = [sms.application_name, sms.phone].filter(Boolean).join(" · ");
    const note = new Notification(sms.code ? t("arrived.code", { code: sms.code }) : t("arrived.sms"), { body: text, tag: sms.sms, icon: "icon-192.png" });
    note.onclick = () => (window.focus(), (location.hash = "#now"), note.close());
  } catch {
    // Android's Chromium shows notifications of service workers alone: title, sound and vibration tell it there.
  }
});

export function quietTitle() {
  document.title = "Shomare";
}
