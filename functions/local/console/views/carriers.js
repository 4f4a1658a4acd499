// Who carries a category, with any value or a certain one, and how many they are.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { carriersOf } from "../api.js";
import { definitions } from "../definitions.js";
import { address, go } from "../router.js";
import { texts } from "../texts.js";
import { time } from "../time.js";
import { empty, loading, problem, Sentinel, value as shown } from "../ui/parts.js";

const PAGE = 100;

export function carriers(page, { org, category, value }) {
  const api = carriersOf(org, category);
  const gone = new AbortController();
  const catalogue = definitions(org, page.draw, gone.signal);
  const state = { value };
  const sentinel = new Sentinel(() => state.error || more());

  const filter = () => (state.value === null ? { has_value: "false" } : { value: state.value });

  /** Begins anew, with the value that is asked for now. */
  function restart() {
    state.loading?.abort();
    Object.assign(state, { customers: [], cursor: undefined, count: null, error: null, loading: null });
    more();
    count();
  }

  async function count() {
    const { value } = state;
    try {
      const { content } = await api.count(filter(), gone.signal);
      if (value === state.value) state.count = content;
    } catch {
      // The list tells what is wrong.
    }
    page.draw();
  }

  async function more() {
    if (state.loading || state.cursor === null) return;
    const { signal } = (state.loading = new AbortController());
    state.error = null;
    page.draw();
    try {
      const { content } = await api.list({ ...filter(), limit: PAGE, cursor: state.cursor }, signal);
      if (signal.aborted) return;
      state.customers.push(...content.customers);
      state.cursor = content.next_cursor ?? null;
    } catch (failure) {
      if (signal.aborted) return;
      // Nobody carries it, and the catalogue does not define it either.
      if (failure.status === 404) state.cursor = null;
      else state.error = failure;
    }
    state.loading = null;
    page.draw();
  }

  function moved(to) {
    if (to.org !== org || to.category !== category) return false;
    if (to.value !== state.value) {
      state.value = to.value;
      restart();
    }
    return true;
  }

  const ANY = "any";
  const choice = (value) => (value === undefined ? ANY : value === null ? "none" : `is ${value}`);

  function values() {
    const valid = catalogue.byId.get(category)?.valid_values;
    const chosen = (choice) =>
      go(address.carriers(org, category, choice === ANY ? undefined : choice === "none" ? null : choice.slice(3)));
    const options = new Set([...(valid ?? []), ...(typeof state.value === "string" ? [state.value] : [])]);
    const search = (event) => {
      event.preventDefault();
      chosen(`is ${new FormData(event.target).get("value")}`);
    };
    return html`<div class="tools">
      <label><span class="hidden">${texts.members.value}</span>
        <select @change=${(event) => chosen(event.target.value)}>
          ${[undefined, ...options, null].map(
            (value) => html`<option value=${choice(value)} .selected=${value === state.value}>
            ${value === undefined ? texts.carriers.any : value === null ? texts.noValue : value}</option>`,
          )}
        </select></label>
      ${
        valid
          ? nothing
          : html`<form @submit=${search}><input name="value" type="search" aria-label=${texts.carriers.exact}
        placeholder=${texts.carriers.exact}><button>${texts.carriers.find}</button></form>`
      }
    </div>`;
  }

  const number = () => {
    if (!state.count) return nothing;
    const { count, precision, counted_at } = state.count;
    return html`<p class="count"><strong>${texts.carriers.count(count, precision)}</strong>
      <span>${texts.carriers.countedAt} ${time(counted_at)}</span></p>`;
  };

  function list() {
    if (state.cursor === null && !state.customers.length && !state.error) {
      return empty(texts.carriers.empty, texts.carriers.emptyText);
    }
    return html`
      ${
        state.customers.length
          ? html`<div class="scroll"><table>
        <thead><tr><th scope="col">${texts.carriers.customer}</th><th scope="col">${texts.members.value}</th>
          <th scope="col">${texts.carriers.since}</th></tr></thead>
        <tbody>${state.customers.map(
          ({ customer_id, value, since }) => html`<tr>
          <td><a class="id" href=${address.customer(org, customer_id, { category })}>${customer_id}</a></td>
          <td>${shown(value)}</td><td>${time(since, { day: true })}</td></tr>`,
        )}</tbody></table></div>`
          : nothing
      }
      ${problem(state.error, more)}
      ${
        state.cursor === null || state.error
          ? nothing
          : html`<div id="older">${
              state.loading ? loading() : html`<button type="button" @click=${more}>${texts.carriers.more}</button>`
            }</div>`
      }`;
  }

  restart();
  return {
    title: () => texts.carriers.title(catalogue.name(category)),
    moved,
    drawn: () => sentinel.watch(state.cursor === null ? null : document.querySelector("#older")),
    close() {
      gone.abort();
      state.loading?.abort();
      sentinel.watch(null);
    },
    body: () => html`
      <div class="heading"><div><p class="eyebrow">${texts.carriers.eyebrow}</p>
        <h1 tabindex="-1">${catalogue.name(category)}</h1></div>
        <a class="button" href=${address.catalogue(org, category)}>${texts.carriers.definition}</a></div>
      <div class="heading">${number()}${values()}</div>
      ${list()}
      <p class="end">${texts.carriers.late}</p>`,
  };
}
