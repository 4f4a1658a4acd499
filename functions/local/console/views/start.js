// Where one begins: which organisation, which customer.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { address, go } from "../router.js";
import { apiKey, keepApiKey, meta } from "../session.js";
import { texts } from "../texts.js";
import { keyField } from "../ui/key_form.js";
import { field } from "../ui/parts.js";

const UUID = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";

export function start(page, { org }) {
  const submit = (event) => {
    event.preventDefault();
    const said = new FormData(event.target);
    const text = (name) => (said.get(name) ?? "").trim();
    if (text("key")) keepApiKey(text("key"));
    const [to, customer] = [text("org"), text("customer")];
    go(customer ? address.customer(to, customer.toLowerCase()) : address.catalogue(to));
  };
  const { demo } = texts.start;
  const look = () => {
    if (!apiKey()) keepApiKey(meta("key"));
    go(address.customer(demo.org, demo.customer));
  };

  return {
    title: () => texts.start.title,
    body: () => html`<div class="hero">
        <h1 tabindex="-1">${texts.start.heading}</h1>
        <p class="lead">${texts.start.lead}</p>
      </div>
      <form class="card find" @submit=${submit}>
        ${field(
          texts.start.org,
          (
            hint,
          ) => html`<input aria-describedby=${hint} name="org" required maxlength="64" pattern="[A-Za-z0-9._\\-]+"
          autocomplete="off" autocapitalize="none" spellcheck="false" .value=${org ?? ""}>`,
          texts.start.orgHint,
        )}
        ${apiKey() ? nothing : keyField()}
        ${field(
          texts.start.customer,
          (hint) => html`<input aria-describedby=${hint} name="customer" class="id" pattern=${UUID} autocomplete="off"
          autocapitalize="none" spellcheck="false" placeholder="123e4567-e89b-12d3-a456-556642440000">`,
          texts.start.customerHint,
        )}
        <div class="actions"><button class="primary">${texts.start.open}</button>
          ${
            meta("key")
              ? html`<button type="button" @click=${look}>${demo.open}</button>
            <small>${demo.hint} <code>${demo.command}</code></small>`
              : nothing
          }</div>
      </form>
      <section class="about" aria-label=${texts.start.about}>
        ${texts.start.points.map(([title, text]) => html`<div><h2>${title}</h2><p>${text}</p></div>`)}
      </section>`,
  };
}
