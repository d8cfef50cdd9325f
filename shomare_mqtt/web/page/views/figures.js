import { html } from "../vendor/preact.js";

export function Figures({ app }) {
  return html`<section class="card"><h1>Figures</h1><p>${app.connection}</p></section>`;
}
