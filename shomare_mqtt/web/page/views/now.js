import { html } from "../vendor/preact.js";

export function Now({ app }) {
  return html`<section class="card"><h1>Now</h1><p>${app.connection}</p></section>`;
}
