const SILENCE = 40_000; // The server says something each 15 s: beyond this the connection is dead, told or not.

const held = {};

// A person's choices. Storage may be forbidden: then they hold until the page is loaded again.
export function kept(key) {
	try {
		return localStorage.getItem(key);
	} catch {
		return held[key];
	}
}

export function keep(key, text) {
	held[key] = text;
	try {
		localStorage.setItem(key, text);
	} catch {
	}
}

export const isOrder = (topic) => topic.startsWith("orders/");

export function added(set, one) {
	set.add(one);
	return () => set.delete(one);
}

class Store {
	state = {};
	connection = "connecting";
	session = false; // Whether one signed in: over the ingress, and where no password is set, nobody can sign out.
	role = null;
	#offset = 0;
	#changes = new Set();
	#events = new Set();
	#told = null;
	#wake = null;
	#abort = null;
	#heard = 0;
	#pause = 1000;

	subscribe(listener) {
		return added(this.#changes, listener);
	}

	onEvent(listener) {
		return added(this.#events, listener);
	}

	// Milliseconds by the server's clock: a phone's may be wrong, and a countdown must not be.
	now() {
		return Date.now() + this.#offset;
	}

	heardDate(response) {
		const offset = Date.parse(response.headers.get("date")) + 500 - Date.now();
		if (!isNaN(offset)) this.#offset = Math.abs(offset) < 1500 ? 0 : offset;
	}

	start() {
		addEventListener("online", () => this.lookAgain());
		document.addEventListener("visibilitychange", () => document.hidden || this.lookAgain());
		setInterval(() => this.#isSilent(SILENCE) && this.#abort.abort(), 5000);
		this.#run();
	}

	#isSilent(long) {
		return this.#heard && Date.now() - this.#heard > long;
	}

	// A phone that slept believes in a connection that is long gone.
	lookAgain() {
		this.#pause = 1000;
		if (this.#wake) this.#wake();
		else if (this.#isSilent(20_000)) this.#abort.abort();
	}

	async #run() {
		for (;;) {
			const began = Date.now();
			await this.#listen().catch(() => {});
			this.#heard = 0;
			if (this.connection === "out") return;
			this.set("lost");
			if (Date.now() - began > 30_000) this.#pause = 1000;
			await new Promise((resolve) => {
				this.#wake = resolve;
				setTimeout(resolve, this.#pause);
			});
			this.#wake = null;
			this.#pause = Math.min(this.#pause * 2, 15_000);
		}
	}

	async #listen() {
		this.#abort = new AbortController();
		this.#heard = Date.now();
		const how = { cache: "no-store", signal: this.#abort.signal };
		const response = await fetch("api/events", how);
		if (response.status === 401) return this.set("out");
		if (!response.ok) throw new Error(response.status);
		this.heardDate(response);
		this.session = response.headers.get("shomare-session") === "yes";
		this.role = response.headers.get("shomare-role");
		this.changed();
		const again = this.#told;
		this.#told = new Set();
		if (again) this.#forgetWhatIsGone(how).catch(() => {});
		const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
		for (let rest = ""; ; ) {
			const { value, done } = await reader.read();
			if (done) return;
			this.#heard = Date.now();
			const blocks = (rest + value).split(/\r?\n\r?\n/);
			rest = blocks.pop();
			for (const block of blocks) this.#take(block);
			if (blocks.length) this.set("online");
		}
	}

	#take(block) {
		const field = (name) => [...block.matchAll(RegExp(`(?:^|\n)${name}: ?([^\n]*)`, "g"))].map((found) => found[1]).join("\n");
		this.#pause = Number(field("retry")) || this.#pause;
		const data = field("data");
		if (!data) return;
		const { topic, payload, retained } = JSON.parse(data);
		if (!retained) {
			for (const listener of this.#events) listener(topic, payload);
			return;
		}
		this.#told.add(topic);
		if (payload === null || payload === "") delete this.state[topic];
		else this.state[topic] = payload;
	}

	// After a lost connection the stream tells what there is, not what has gone meanwhile.
	async #forgetWhatIsGone(how) {
		const told = this.#told;
		const response = await fetch("api/state", how);
		if (!response.ok) return;
		const there = await response.json();
		if (told !== this.#told) return;
		for (const topic in this.state) if (!(topic in there) && !told.has(topic)) delete this.state[topic];
		this.changed();
	}

	set(connection) {
		this.connection = connection;
		this.changed();
	}

	changed() {
		for (const listener of this.#changes) listener();
	}
}

export const store = new Store();
