import { useEffect, useRef, useState } from "./vendor/preact.js";
import { command } from "./api.js";
import { explain } from "./i18n.js";
import { isOrder } from "./store.js";

const SETTLED = 400; // Orders change several times in a moment: asked once after it.

export const orderChange = (state) => Object.keys(state).filter(isOrder).map((topic) => topic + state[topic].updated_at).join();

// The answer to a query: `{data, problem, busy}`, asked again when `payload` or `change` did. What was known stays while
// it is asked again. With `topic` null nothing is asked.
export function useAnswer(topic, payload, change = "") {
	const [answer, setAnswer] = useState({ data: null, problem: null, busy: topic !== null });
	const asked = useRef("");
	const content = JSON.stringify([topic, payload]);
	useEffect(() => {
		if (topic === null) return setAnswer({});
		let wanted = true;
		const put = (more) => wanted && setAnswer((before) => ({ ...before, busy: false, ...more }));
		put({ busy: true });
		const ask = () => {
			asked.current = content;
			command(topic, payload).then((data) => put({ data, problem: null }), (error) => put({ problem: { kind: "bad", ...explain(error) } }));
		};
		const timer = setTimeout(ask, asked.current === content ? SETTLED : 0);
		return () => ((wanted = false), clearTimeout(timer));
	}, [content, change]);
	return answer;
}
