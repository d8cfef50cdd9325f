import { html } from "../vendor/preact.js";

export function System({ app }) {
  return html`<section class="card"><h1>System</h1><p>${app.connection}</p></section>`;
}
