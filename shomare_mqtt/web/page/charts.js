import { html } from "./vendor/preact.js";
import { lang } from "./i18n.js";

const HEIGHT = 140;

function niceTop(value) {
	const power = 10 ** Math.floor(Math.log10(value));
	return value > 0 ? [1, 2, 2.5, 5, 10].map((step) => step * power).find((top) => top >= value * (1 - 1e-9)) : 1;
}

export function Columns({ columns, title, shown }) {
	const top = niceTop(Math.max(...columns.map(({ value }) => value)));
	const width = 100 / columns.length;
	const gap = columns.length > 45 ? 0.1 : 0.22;
	const at = (n) => (lang === "fa" ? 100 - (n + 1) * width : n * width);
	return html`<div class=chart><svg role=img aria-label=${title} width=100% height=${HEIGHT + 42}>
	${[1, 0.5, 0].map((share) => {
			const y = 20 + HEIGHT * (1 - share);
			return html`<line x2=100% y1=${y} y2=${y} />${share > 0 && html`<text x=${lang === "fa" ? "100%" : 0} y=${y - 5}>${shown(top * share)}</>`}`;
		})}
	${columns.map(({ value, label, tip }, n) => {
			const height = value > 0 ? Math.max(2, (HEIGHT * value) / top) : 0;
			return html`<g>
	<rect class=reach x="${at(n)}%" width="${width}%" y=20 height=${HEIGHT}><title>${tip}</></>
	<rect class=bar x="${at(n) + width * gap}%" width="${width * (1 - 2 * gap)}%" y=${20 + HEIGHT - height} height=${height} rx=2 />
	${label && html`<text x="${at(n) + width / 2}%" y=${HEIGHT + 38} text-anchor=middle>${label}</>`}
	</>`;
		})}
	</></>`;
}

export function Bar({ share, kind = "" }) {
	const width = 100 * Math.max(0, Math.min(1, share));
	return html`<svg class="share ${kind}" aria-hidden=true width=100% height=8><rect class=all width=100% height=8 rx=4 />
	<rect class=bar x="${lang === "fa" ? 100 - width : 0}%" width="${width}%" height=8 rx=4 /></>`;
}
