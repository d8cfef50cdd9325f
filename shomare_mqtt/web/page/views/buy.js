import { html } from "../vendor/preact.js";

export function Buy({ app }) {
  return html`<section class="card"><h1>Buy</h1><p>${app.connection}</p></section>`;
}
