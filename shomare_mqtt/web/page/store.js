// What the daemon has told: `state` (topic -> payload) and events, from one stream that is opened again when it breaks.

const SILENCE = 40_000; // The server says something each 15 s: beyond this the connection is dead, told or not.
const LONGEST_PAUSE = 15_000;

export class Store {
  state = {};
  connection = "connecting"; // "connecting", "online", "lost", "out" (signed out)
  session = false; // whether one signed in
  role = null; // "owner", "viewer", null while nobody knows
  #offset = 0;
  #listeners = new Set();
  #eventListeners = new Set();
  #told = null; // Topics told since the stream was opened.
  #wake = null;
  #abort = null;
  #heard = 0;
  #pause = 1000;

  // Called after each change; gives back what ends it.
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // `listener(topic, payload)` for each event that is no state.
  onEvent(listener) {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  // Milliseconds by the server's clock: a phone's may be wrong, and a countdown must not be.
  now() {
    return Date.now() + this.#offset;
  }

  heardDate(response) {
    const there = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isFinite(there)) return;
    const offset = there + 500 - Date.now();
    this.#offset = Math.abs(offset) < 1500 ? 0 : offset;
  }

  setRole(role) {
    if (this.role === role) return;
    this.role = role;
    this.changed();
  }

  // Over the ingress, and where no password is set, nobody signed in: nobody can sign out.
  #heardRole(response) {
    this.session = response.headers.get("shomare-session") === "yes";
    this.setRole(response.headers.get("shomare-role"));
  }

  signedOut() {
    this.#set("out");
  }

  // What the button beside "no connection" does.
  tryNow() {
    this.#pause = 1000;
    this.#lookAgain();
  }

  start() {
    addEventListener("online", () => this.#lookAgain());
    document.addEventListener("visibilitychange", () => document.hidden || this.#lookAgain());
    setInterval(() => this.#heard && Date.now() - this.#heard > SILENCE && this.#abort?.abort(), 5000);
    this.#run();
  }

  // A phone that slept believes in a connection that is long gone.
  #lookAgain() {
    if (this.#wake) this.#wake();
    else if (Date.now() - this.#heard > 20_000) this.#abort?.abort();
  }

  async #run() {
    while (this.connection !== "out") {
      const began = Date.now();
      try {
        await this.#listen();
      } catch {
        // Whatever it was: the connection is gone, and is made again.
      }
      this.#heard = 0;
      if (this.connection === "out") return;
      this.#set("lost");
      if (Date.now() - began > 30_000) this.#pause = 1000;
      await new Promise((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, this.#pause);
      });
      this.#wake = null;
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    }
  }

  async #listen() {
    this.#abort = new AbortController();
    this.#heard = Date.now();
    const signal = this.#abort.signal;
    const response = await fetch("api/events", { headers: { Accept: "text/event-stream" }, cache: "no-store", signal });
    if (response.status === 401) return this.signedOut();
    if (!response.ok || !response.body) throw new Error(response.status);
    this.heardDate(response);
    this.#heardRole(response);
    const again = this.#told !== null;
    this.#told = new Set();
    if (again) this.#forgetWhatIsGone(signal);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      this.#heard = Date.now();
      const blocks = (rest + value).split(/\r\n\r\n|\n\n/);
      rest = blocks.pop();
      for (const block of blocks) this.#take(block);
      if (blocks.length) this.#set("online");
    }
  }

  #take(block) {
    const lines = block.split(/\r?\n/);
    const retry = lines.find((line) => line.startsWith("retry:"));
    if (retry) this.#pause = Number(retry.slice(6)) || 1000;
    const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
    if (!data.length) return;
    const { topic, payload, retained } = JSON.parse(data.join("\n"));
    if (!retained) {
      for (const listener of this.#eventListeners) listener(topic, payload);
      return;
    }
    this.#told.add(topic);
    if (payload === null || payload === "") delete this.state[topic];
    else this.state[topic] = payload;
  }

  // After a lost connection the stream tells what there is, not what has gone meanwhile.
  async #forgetWhatIsGone(signal) {
    const told = this.#told;
    const response = await fetch("api/state", { cache: "no-store", signal });
    if (!response.ok) return;
    const there = await response.json();
    if (told !== this.#told) return;
    for (const topic of Object.keys(this.state)) if (!(topic in there) && !told.has(topic)) delete this.state[topic];
    this.changed();
  }

  #set(connection) {
    this.connection = connection;
    this.changed();
  }

  changed() {
    for (const listener of this.#listeners) listener();
  }
}

export const store = new Store();
