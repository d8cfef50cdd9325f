// Commands: one press is one transaction, whatever happens to its answer on the way.

import { store } from "./store.js";

const ONE_TRY = 65_000; // Longer than a purchase takes; asking again with the same transaction does nothing twice.
const GIVE_UP = 60_000; // So long without any connection.
const SLEPT = 150_000; // A device that slept must not send hours later what was pressed before.

// What came instead of an answer. `kind`: "lost" (nobody knows whether it arrived), "viewer", "signed_out", "closed" (refused before it was read).
export class NoAnswer extends Error {
	constructor(kind, status = 0) {
		super(kind);
		Object.assign(this, { kind, status });
	}
}
export function newTransaction() {
	return "page-" + crypto.getRandomValues(new Uint32Array(4)).join("-");
}

// Sends a command and gives back `data` of its answer. Raises NoAnswer, or an Error with the contract's `code` where the daemon said no.
// `payload`: an object, or a text for the topics that take plain text. `onWait` is called when the answer was lost and is asked for again.
export async function command(topic, payload = {}, { transaction, onWait } = {}) {
	if (["buy", "cancel", "resolve"].includes(topic)) payload = { ...payload, transaction: transaction ?? newTransaction() };
	const body = typeof payload === "string" ? payload : JSON.stringify(payload);
	let lostSince = 0;
	let last = 0;
	for (let pause = 1000; ; pause = Math.min(pause * 2, 5000)) {
		if (last && Date.now() - last > SLEPT) throw new NoAnswer("lost");
		last = Date.now();
		try {
			const answer = await once(topic, body);
			if (answer.status === "ok") return answer.data;
			throw Object.assign(new Error(answer.error.message), answer.error);
		} catch (error) {
			// A door that is shut by now, or a daemon that is busy, says nothing of the try before, whose answer was lost.
			if (error.kind !== "lost") throw lostSince && (error.kind || error.code === "busy") ? new NoAnswer("lost", error.status) : error;
			lostSince ||= Date.now();
			if (error.status !== "slow" && Date.now() - lostSince > GIVE_UP) throw error;
		}
		onWait?.();
		await new Promise((resolve) => setTimeout(resolve, pause));
	}
}

async function once(topic, body) {
	const signal = AbortSignal.timeout(ONE_TRY);
	try {
		const path = topic.split("/").map(encodeURIComponent).join("/");
		const response = await fetch(`api/command/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body, signal });
		store.heardDate(response);
		const { status } = response;
		if (status >= 500) throw new NoAnswer("lost", status);
		if (status === 401) store.set("out");
		if (!response.ok) throw refused(status);
		return await response.json();
	} catch (error) {
		if (error instanceof NoAnswer) throw error;
		throw new NoAnswer("lost", signal.aborted ? "slow" : 0);
	}
}

export const refused = (status) => new NoAnswer({ 401: "signed_out", 403: "viewer" }[status] ?? "closed", status);
