// Asks for the API key.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { keepApiKey, meta } from "../session.js";
import { texts } from "../texts.js";

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
  return html`<label class="field"><span>${texts.key.label}</span>
    <input name="key" type="password" required autocomplete="off" spellcheck="false" .value=${known}>
    <small>${texts.key.hint}${known ? html` ${texts.key.local(known)}` : nothing}</small></label>`;
}
