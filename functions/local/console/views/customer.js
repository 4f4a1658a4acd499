// A customer: what they carry, now or at any moment, and the timeline of how it came to be.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { categoriesOf } from "../api.js";
import { definitions } from "../definitions.js";
import { address, go } from "../router.js";
import { texts } from "../texts.js";
import { empty, loading, problem } from "../ui/parts.js";
import { entry } from "../ui/entry.js";
import { Timeline } from "../ui/timeline.js";
import { written } from "../time.js";
import { adding, changing, MEMBERS, removing } from "./category_form.js";
import { carried } from "./carried.js";
import { MomentBar } from "./moment_bar.js";

export function customer(page, { org, customer: id, asOf, category }) {
  const records = categoriesOf(org, id);
  const gone = new AbortController();
  const catalogue = definitions(org, page.draw, gone.signal);
  const timeline = new Timeline({ load: records.history, category, draw: page.draw });
  const bar = new MomentBar({ timeline, move: (moment, how) => go(here({ asOf: moment }), how), draw: page.draw });
  const state = { asOf, categories: null, error: null, loading: null };
  const here = (to) => address.customer(org, id, { asOf: state.asOf, category: timeline.category, ...to });

  async function load() {
    state.loading?.abort();
    const { signal } = (state.loading = new AbortController());
    page.draw();
    try {
      const all = [];
      let cursor;
      do {
        const { content } = await records.list({ as_of: state.asOf, cursor }, signal);
        all.push(...content.categories);
        cursor = content.next_cursor;
      } while (cursor);
      Object.assign(state, { categories: all, error: null, unknown: false });
    } catch (failure) {
      if (signal.aborted) return;
      if (failure.status === 404) Object.assign(state, { categories: [], error: null, unknown: true });
      else state.error = failure;
    }
    if (signal.aborted) return;
    state.loading = null;
    page.draw();
  }

  /** After a change of ours. */
  function changed(text) {
    page.close();
    page.say(text);
    timeline.restart();
    load();
  }

  const form = { page, records, catalogue, changed };

  function moved(to) {
    if (to.org !== org || to.customer !== id) return false;
    if (to.asOf !== state.asOf) {
      state.asOf = to.asOf;
      load();
    }
    if (to.category !== timeline.category) timeline.restart(to.category);
    return true;
  }

  const about = () =>
    state.asOf
      ? html`<p class="then"><strong>${texts.customer.asOf(written(state.asOf))}</strong>
        <a class="button" href=${here({ asOf: null })}>${texts.customer.backToNow}</a></p>`
      : nothing;

  function carries() {
    if (state.error) return problem(state.error, load);
    if (!state.categories) return loading();
    const known = state.asOf ? texts.customer.noneThen : texts.customer.none;
    const nothingThere = state.unknown ? texts.customer.unknown : known;
    return html`<div class=${state.loading ? "stale" : ""} aria-busy=${String(Boolean(state.loading))}>
      ${state.categories.length ? nothing : empty(nothingThere.title, nothingThere.text)}
      <ul class="carried">${state.categories.map((category) =>
        carried(category, {
          org,
          catalogue,
          last: lastChange(category),
          isPast: Boolean(state.asOf),
          historyOf: here({ category: category.id }),
          change: () => changing(form, category),
          remove: () => removing(form, category),
        }),
      )}</ul></div>`;
  }

  /** The change that made a category what it is, as far as the timeline has been read. */
  const lastChange = ({ id, updated_at }) =>
    timeline.entries.find((change) => change.id === id && change.changed_at === updated_at);

  const filter = () => {
    const ids = new Set([...(state.categories ?? []), ...timeline.entries].map(({ id }) => id));
    if (timeline.category !== null) ids.add(timeline.category);
    const options = [...ids].map((id) => [id, catalogue.name(id)]).sort((a, b) => a[1].localeCompare(b[1]));
    return html`<label class="filter"><span class="hidden">${texts.timeline.filter}</span>
      <select @change=${(event) => go(here({ category: event.target.value || null }))}>
        <option value="" .selected=${timeline.category === null}>${texts.timeline.all}</option>
        ${options.map(([id, name]) => html`<option value=${id} .selected=${id === timeline.category}>${name}</option>`)}
      </select></label>`;
  };

  const change = (change) =>
    entry(change, {
      name: html`<a href=${here({ category: change.id })}>${catalogue.name(change.id)}</a>`,
      members: MEMBERS,
      isTag: catalogue.isTag(change.id),
      actions: html`<a class="moment" href=${here({ asOf: change.changed_at })}
      aria-label=${texts.timeline.lookThenOf(catalogue.name(change.id))}>${texts.timeline.lookThen}</a>`,
    });

  load();
  return {
    title: () => texts.customer.title(id),
    moved,
    drawn: () => timeline.drawn(),
    close() {
      gone.abort();
      state.loading?.abort();
      bar.close();
      timeline.close();
    },
    body: () => html`
      <div class="heading"><div><p class="eyebrow">${texts.customer.eyebrow}</p>
          <h1 tabindex="-1" class="id">${id}</h1></div>
        <button type="button" class="primary" ?disabled=${Boolean(state.asOf)}
          @click=${() => adding(form, state.categories)}>
          ${texts.customer.add}</button></div>
      ${bar.body(state.asOf)}
      <div class="columns">
        <section aria-labelledby="carried"><div class="heading"><h2 id="carried">${texts.customer.carries}</h2></div>
          ${about()}${carries()}</section>
        <section aria-labelledby="timeline">
          <div class="heading"><h2 id="timeline">${texts.timeline.title}</h2>${filter()}</div>
          ${timeline.body(change, state.asOf)}</section>
      </div>`,
  };
}
