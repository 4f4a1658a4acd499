// Asks for the API key.

import { html } from "../vendor/lit-html-3.3.3/lit-html.js";
import { keepApiKey, meta } from "../session.js";
import { texts } from "../texts.js";
import { field } from "./parts.js";

/** `done` is called once the key is kept. */
export function keyForm({ done }) {
  const submit = (event) => {
    event.preventDefault();
    keepApiKey(new FormData(event.target).get("key").trim());
    done();
  };
  return html`<form class="card key" @submit=${submit}>${keyField()}
    <div class="actions"><button class="primary">${texts.key.use}</button></div></form>`;
}

export function keyField() {
  const known = meta("key");
  return field(
    texts.key.label,
    (hint) => html`<input aria-describedby=${hint} name="key" type="password" required
    autocomplete="off" spellcheck="false" .value=${known}>`,
    [texts.key.hint, known ? texts.key.local(known) : ""].join(" "),
  );
}
