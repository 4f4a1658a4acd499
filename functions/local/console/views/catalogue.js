// An organisation's catalogue: which categories there are, what they are called, which values they take, and how that
// came to be.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { definitionsOf } from "../api.js";
import { definitions } from "../definitions.js";
import { address } from "../router.js";
import { texts } from "../texts.js";
import { time } from "../time.js";
import { entry, validValues } from "../ui/entry.js";
import { empty, loading, problem } from "../ui/parts.js";
import { Timeline } from "../ui/timeline.js";
import { archiving, defining, MEMBERS, redefining } from "./definition_form.js";

export function catalogue(page, { org, category }) {
  const records = definitionsOf(org);
  const gone = new AbortController();
  let known = definitions(org, page.draw, gone.signal);
  const timeline = new Timeline({ load: records.history, category, draw: page.draw });
  let archivedToo = false;
  let sought = "";

  const load = () => {
    known = definitions(org, page.draw, gone.signal);
    page.draw();
  };

  /** After a change of ours. */
  function changed(text) {
    page.close();
    page.say(text);
    load();
    timeline.restart();
  }

  const form = { page, records, changed };

  function moved(to) {
    if (to.org !== org) return false;
    if (to.category !== timeline.category) timeline.restart(to.category);
    return true;
  }

  const tools = () => html`<div class="tools">
    <input type="search" aria-label=${texts.catalogue.search} placeholder=${texts.catalogue.search} .value=${sought}
      @input=${(event) => {
        sought = event.target.value;
        page.draw();
      }}>
    <label class="check"><input type="checkbox" .checked=${archivedToo}
      @change=${(event) => {
        archivedToo = event.target.checked;
        page.draw();
      }}> ${texts.catalogue.showArchived}</label>
  </div>`;

  function list() {
    if (known.error) return problem(known.error, load);
    if (!known.ready) return loading();
    const wanted = ({ name, id, archived }) =>
      (archivedToo || !archived) && `${name} ${id}`.toLocaleLowerCase().includes(sought.trim().toLocaleLowerCase());
    const all = known.all.filter(wanted);
    if (!known.byId.size) return empty(texts.catalogue.empty, texts.catalogue.emptyText);
    if (!all.length) return empty(texts.catalogue.noneFound, texts.catalogue.noneFoundText);
    return html`<ul class="definitions">${all.map(definition)}</ul>`;
  }

  function definition(definition) {
    const { id, name, description, valid_values, archived, updated_at } = definition;
    return html`<li class="card definition ${archived ? "is-archived" : ""}"
      aria-current=${id === timeline.category ? "true" : nothing}>
      <div class="head"><h3>${name}</h3><span class="number">${texts.number(id)}</span>
        ${archived ? html`<span class="badge">${texts.catalogue.archived}</span>` : nothing}</div>
      ${description ? html`<p class="description">${description}</p>` : nothing}
      <p class="is">${validValues(valid_values)}</p>
      <p class="foot"><span>${texts.carried.changed} ${time(updated_at, { day: true })}</span></p>
      <div class="actions">
        <a class="button" href=${address.carriers(org, id)} aria-label=${texts.catalogue.carriersOf(name)}>
          ${texts.catalogue.carriers}</a>
        <a class="button" href=${address.catalogue(org, id)} aria-label=${texts.carried.historyOf(name)}>
          ${texts.carried.history}</a>
        <button type="button" aria-label=${texts.carried.changeOf(name)} @click=${() => redefining(form, definition)}>
          ${texts.carried.change}</button>
        <button type="button" aria-label=${texts.catalogue.archiveOf(name, archived)}
          @click=${() => archiving(form, definition)}>
          ${archived ? texts.catalogue.restore : texts.catalogue.archive}</button>
      </div></li>`;
  }

  const change = (change) =>
    entry(change, {
      name: html`<a href=${address.catalogue(org, change.id)}>${change.name ?? change.previous.name}</a>`,
      members: MEMBERS,
    });

  const narrowed = () =>
    timeline.category === null
      ? nothing
      : html`<p class="then">
    <strong>${texts.catalogue.historyOf(known.name(timeline.category))}</strong>
    <a class="button" href=${address.catalogue(org)}>${texts.catalogue.wholeHistory}</a></p>`;

  return {
    title: () => texts.catalogue.title(org),
    moved,
    drawn: () => timeline.drawn(),
    close() {
      gone.abort();
      timeline.close();
    },
    body: () => html`
      <div class="heading"><div><p class="eyebrow">${org}</p><h1 tabindex="-1">${texts.catalogue.heading}</h1></div>
        <button type="button" class="primary" @click=${() => defining(form)}>${texts.catalogue.define}</button></div>
      <div class="columns">
        <section aria-labelledby="definitions">
          <div class="heading"><h2 id="definitions">${texts.catalogue.categories}</h2>
          ${tools()}</div>${list()}</section>
        <section aria-labelledby="timeline"><div class="heading"><h2 id="timeline">${texts.catalogue.history}</h2></div>
          ${narrowed()}${timeline.body(change)}</section>
      </div>`,
  };
}
