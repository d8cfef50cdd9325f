import { html } from "../vendor/preact.js";

export function History({ app }) {
  return html`<section class="card"><h1>History</h1><p>${app.connection}</p></section>`;
}
