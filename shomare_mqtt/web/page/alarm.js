import { onCode } from "./codes.js";
import { t } from "./i18n.js";
import { keep, kept } from "./store.js";

const KEPT = "shomare.alarm";
let audio = null;

const mayNotify = (permission) => isSecureContext && window.Notification?.permission === permission;

export const alarmOn = () => kept(KEPT) === "on";

// Only within a click: browsers let nothing make a sound before one.
export function setAlarm(on) {
	keep(KEPT, on ? "on" : "off");
	if (!on) return;
	sound();
	if (mayNotify("default")) Notification.requestPermission();
}

function sound() {
	try {
		audio ??= new AudioContext();
		audio.resume();
		const begin = audio.currentTime;
		const tone = new OscillatorNode(audio, { frequency: 880 });
		tone.frequency.setValueAtTime(1175, begin + 0.2);
		const volume = new GainNode(audio, { gain: 0.15 });
		volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.6);
		tone.connect(volume).connect(audio.destination);
		tone.start();
		tone.stop(begin + 0.6);
	} catch {
		// A browser without sound.
	}
}

export const arrived = ({ code }) => (code ? t("arrived.code", { code }) : t("arrived.sms"));

onCode((sms) => {
	document.title = `${sms.code ?? "SMS"} – Shomare`;
	if (!alarmOn()) return;
	sound();
	navigator.vibrate?.([120, 60, 120]);
	if (!document.hidden || !mayNotify("granted")) return;
	try {
		const note = new Notification(arrived(sms), { body: `${sms.application_name} · ${sms.phone}`, tag: sms.sms, icon: "icon-192.png" });
		note.onclick = () => (window.focus(), (location.hash = "#now"), note.close());
	} catch {
		// Android's Chromium shows notifications of service workers alone: title, sound and vibration tell it there.
	}
});

export const quietTitle = () => (document.title = "Shomare");
