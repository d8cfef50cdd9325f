// Commands: one press is one transaction, whatever happens to its answer on the way.

import { store } from "./store.js";

const ONE_TRY = 65_000; // Longer than a purchase takes; asking again with the same transaction does nothing twice.
const GIVE_UP = 60_000; // So long without any connection.

// What came instead of an answer. `kind`: "lost" (nobody knows whether it arrived), "viewer", "signed_out", "closed" (refused before it was read).
export class NoAnswer extends Error {
  constructor(kind, status = 0) {
    super(kind);
    this.kind = kind;
    this.status = status;
  }
}

// The daemon said no: `code`, `message`, `retryable` as in the contract.
export class Refused extends Error {
  constructor(answer) {
    super(answer.error.message);
    this.code = answer.error.code;
    this.retryable = answer.error.retryable;
    this.status = answer.status;
    this.data = answer.data;
  }
}

// 128 random bits. `crypto.randomUUID` is not there over plain http.
export function newTransaction() {
  return "page-" + Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

const SPENDS = new Set(["buy", "cancel", "resolve"]);

// Sends a command and gives back `data` of its answer. Raises Refused or NoAnswer.
// `payload`: an object, or a text for the topics that take plain text. `onWait` is called when the answer was lost and is asked for again.
export async function command(topic, payload = {}, { transaction, onWait } = {}) {
  if (SPENDS.has(topic)) payload = { ...payload, transaction: transaction ?? newTransaction() };
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  let lostSince = 0;
  for (let pause = 1000; ; pause = Math.min(pause * 2, 5000)) {
    try {
      const answer = await once(topic, body);
      if (answer.status === "ok") return answer.data;
      throw new Refused(answer);
    } catch (error) {
      if (error.kind !== "lost") throw error;
      lostSince ||= Date.now();
      if (error.status !== "slow" && Date.now() - lostSince > GIVE_UP) throw error;
    }
    onWait?.();
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function once(topic, body) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ONE_TRY);
  try {
    const path = topic.split("/").map(encodeURIComponent).join("/");
    const response = await fetch(`api/command/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      signal: stop.signal,
    });
    store.heardDate(response);
    if (response.status >= 500) throw new NoAnswer("lost", response.status);
    if (response.status === 401) {
      store.signedOut();
      throw new NoAnswer("signed_out", 401);
    }
    if (response.status === 403) throw new NoAnswer("viewer", 403);
    if (!response.ok) throw new NoAnswer("closed", response.status);
    return await response.json();
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    throw new NoAnswer("lost", stop.signal.aborted ? "slow" : 0);
  } finally {
    clearTimeout(timer);
  }
}
