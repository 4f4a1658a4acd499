// What an organisation's catalogue says, kept while one looks around in it.

import { definitionsOf } from "./api.js";
import { apiKey } from "./session.js";
import { texts } from "./texts.js";

let kept = null;

/** The definitions of an organisation, by id. Of one without a catalogue there are none. */
export class Definitions {
  byId = new Map();
  error = null;
  ready = false;
  #names = new Intl.Collator(texts.locale, { numeric: true });

  constructor(org) {
    Object.assign(this, { org, key: apiKey() });
  }

  /** Whether what is not here is not defined. */
  get isRead() {
    return this.ready && !this.error;
  }

  async load(signal) {
    try {
      const byId = new Map();
      let cursor;
      do {
        const { content } = await definitionsOf(this.org).list({ cursor }, signal);
        for (const definition of content.categories) byId.set(definition.id, definition);
        cursor = content.next_cursor;
      } while (cursor);
      this.byId = byId;
      this.error = null;
    } catch (failure) {
      if (signal?.aborted) return;
      if (failure.status === 404) this.byId = new Map();
      else this.error = failure;
    }
    this.ready = true;
  }

  /** What a category is called. */
  name(id) {
    return this.byId.get(id)?.name ?? texts.category(id);
  }

  /** Whether a category is carried without a value. */
  isTag(id) {
    return this.byId.get(id)?.valid_values?.length === 0;
  }

  /** In the order of their names. */
  get all() {
    return [...this.byId.values()].sort((a, b) => this.#names.compare(a.name, b.name));
  }
}

/** Those of this organisation: what is known of them at once, and `then` is called when they have been read anew. */
export function definitions(org, then, signal) {
  // Another key may not see what this one saw.
  if (kept?.org !== org || kept.key !== apiKey()) kept = new Definitions(org);
  const these = kept;
  these.load(signal).then(then);
  return these;
}
