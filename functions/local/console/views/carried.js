// A category that a customer carries.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { address } from "../router.js";
import { texts } from "../texts.js";
import { time } from "../time.js";
import { value } from "../ui/parts.js";

/** `last` is the change that made it so, where that is known; `isPast` is whether this was, and can't be changed. */
export function carried(category, { org, catalogue, last, isPast, historyOf, change, remove }) {
  const { id } = category;
  const name = catalogue.name(id);
  const definition = catalogue.byId.get(id);
  const is = category.value === null && catalogue.isTag(id) ? texts.carried.tag : category.value;
  return html`<li class="card category">
    <div class="head"><h3>${name}</h3>
      ${definition ? html`<span class="number">${texts.number(id)}</span>` : nothing}
      ${definition?.archived ? html`<span class="badge">${texts.catalogue.archived}</span>` : nothing}
      ${catalogue.isRead && !definition ? html`<span class="badge">${texts.catalogue.undefined}</span>` : nothing}</div>
    <p class="is"><a href=${address.carriers(org, id, category.value)}
      title=${texts.carried.others}>${value(is)}</a></p>
    ${category.description ? html`<p class="description">${category.description}</p>` : nothing}
    ${category.reason
      ? html`<p class="why">“${category.reason}”</p>`
      : html`<p class="why none">${texts.entry.noReason}</p>`}
    <p class="foot">${last ? html`<span class="by">${last.changed_by}</span>` : nothing}
      <span>${texts.carried.since} ${time(category.created_at, { day: true })}</span>
      ${
        category.updated_at === category.created_at
          ? nothing
          : html`<span>${texts.carried.changed} ${time(category.updated_at, { day: true })}</span>`
      }</p>
    <div class="actions">
      <a class="button" href=${historyOf} aria-label=${texts.carried.historyOf(name)}>${texts.carried.history}</a>
      ${
        isPast
          ? nothing
          : html`
        <button type="button" aria-label=${texts.carried.changeOf(name)} @click=${change}>
          ${texts.carried.change}</button>
        <button type="button" aria-label=${texts.carried.removeOf(name)} @click=${remove}>
          ${texts.carried.remove}</button>`
      }
    </div>
  </li>`;
}
