// A history, newest first, that loads more as one scrolls.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { texts } from "../texts.js";
import { month } from "../time.js";
import { empty, loading, problem, Sentinel } from "./parts.js";

const PAGE = 50;

export class Timeline {
  entries = [];
  error = null;
  #cursor;
  #loading = null;
  #sentinel = new Sentinel(() => this.#reached());

  /** `load` asks for a page; `category` is the id that the history is narrowed to, or `null`. */
  constructor({ load, category, draw }) {
    this.load = load;
    this.category = category;
    this.draw = draw;
    this.more();
  }

  /** Whether the oldest change is among the entries. */
  get complete() {
    return this.#cursor === null;
  }

  /** Begins anew, of this category alone where one is given. */
  restart(category = this.category) {
    this.#loading?.abort();
    this.#loading = null;
    this.category = category;
    this.#cursor = undefined;
    this.error = null;
    return this.more();
  }

  /** Loads the next page. Until it is there, what is there already stays. */
  async more() {
    if (this.#loading || this.complete) return;
    const loading = (this.#loading = new AbortController());
    const isFirst = this.#cursor === undefined;
    this.error = null;
    this.draw();
    try {
      const query = { limit: PAGE, cursor: this.#cursor, category_id: this.category };
      const { content } = await this.load(query, loading.signal);
      if (loading.signal.aborted) return;
      this.entries = isFirst ? content.history : [...this.entries, ...content.history];
      this.#cursor = content.next_cursor ?? null;
    } catch (failure) {
      if (loading.signal.aborted) return;
      // Nothing is known of it: no history either.
      if (failure.status === 404) [this.entries, this.#cursor] = [[], null];
      else this.error = failure;
    }
    this.#loading = null;
    this.draw();
  }

  #reached() {
    if (!this.error) this.more();
  }

  /** After each drawing. */
  drawn() {
    this.#sentinel.watch(this.complete ? null : document.querySelector("#older"));
  }

  close() {
    this.#loading?.abort();
    this.#sentinel.watch(null);
  }

  /** `drawn` makes an entry's markup. What was changed after `asOf` is folded away. */
  body(drawn, asOf = null) {
    const isLater = (change) => asOf !== null && change.changed_at > asOf;
    const later = this.entries.filter(isLater);
    return html`${
      later.length
        ? html`<details class="later"><summary>${texts.timeline.later(later.length)}</summary>
        ${months(later, drawn)}</details>`
        : nothing
    }
      ${months(this.entries.slice(later.length), drawn)}
      ${this.complete && !this.entries.length ? empty(texts.timeline.empty, texts.timeline.emptyText) : nothing}
      ${problem(this.error, () => this.more())}
      ${
        this.complete
          ? nothing
          : html`<div id="older">${
              this.#loading
                ? loading()
                : html`<button type="button" @click=${() => this.more()}>${texts.timeline.more}</button>`
            }</div>`
      }
      ${this.complete && this.entries.length ? html`<p class="end">${texts.timeline.end}</p>` : nothing}`;
  }
}

/** The changes under the months that they were made in. */
function months(changes, drawn) {
  const found = [];
  for (const change of changes) {
    const name = month(change.changed_at);
    if (found.at(-1)?.name !== name) found.push({ name, changes: [] });
    found.at(-1).changes.push(change);
  }
  return found.map(
    ({ name, changes }) => html`<section class="month"><h3>${name}</h3>
    <ol class="entries">${changes.map(drawn)}</ol></section>`,
  );
}
