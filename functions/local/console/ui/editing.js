// A change that somebody is about to make: it replaces what they saw and nothing else. Where somebody else was faster,
// they are shown what changed meanwhile, and decide again.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { Retry } from "../api.js";
import { texts } from "../texts.js";
import { entry } from "./entry.js";
import { problem } from "./parts.js";

/** How many changes are looked through for those since. */
const LOOKED_THROUGH = 100;

export class Editing {
  error = null;
  busy = false;
  conflict = null;
  #retry = new Retry();

  /** `records` is the API of what is edited; `held` is what the change is decided on: `{content, etag}`, or `null`. */
  constructor({ records, id, held, draw, done }) {
    Object.assign(this, { records, id, held, draw, done });
  }

  create(body) {
    return this.#send(body, (retry) => this.records.create(body, retry));
  }

  update(body) {
    return this.#send(body, (retry) => this.records.update(this.id, body, this.held.etag, retry));
  }

  remove(reason) {
    return this.#send({ reason }, (retry) => this.records.remove(this.id, reason, this.held.etag, retry));
  }

  async #send(change, send) {
    if (this.busy || this.conflict) return;
    this.busy = true;
    this.error = null;
    this.draw();
    try {
      await send(this.#retry.for([change, this.held?.etag]));
      this.done();
    } catch (failure) {
      this.error = failure;
      if (failure.status === 412 || (failure.status === 404 && this.held)) await this.#lookAgain();
    }
    this.busy = false;
    this.draw();
  }

  /** Finds out what is there now, and which changes made it so. */
  async #lookAgain() {
    try {
      const [now, past] = await Promise.all([
        this.records.get(this.id).catch((failure) => {
          if (failure.status === 404) return { content: null, etag: null };
          throw failure;
        }),
        this.records.history({ category_id: this.id, limit: LOOKED_THROUGH }),
      ]);
      const seen = past.content.history.findIndex(({ revision }) => `"${revision}"` === this.held.etag);
      const since = seen < 0 ? past.content.history : past.content.history.slice(0, seen);
      if (since.length) [this.conflict, this.error] = [{ now, since }, null];
    } catch (failure) {
      this.error = failure;
    }
  }

  /** Decides again, on what is there now. */
  decideAgain() {
    this.held = this.conflict.now;
    this.conflict = null;
    this.draw();
  }

  /** What is wrong, and the conflict; `take` is called where what is there now is to replace what was typed. */
  notice({ name, members, take }) {
    if (!this.conflict) return problem(this.error);
    const { now, since } = this.conflict;
    return html`<section class="conflict" role="alert">
      <h3>${texts.conflict.title}</h3>
      <p>${now.content ? texts.conflict.text : texts.conflict.gone}</p>
      <ol class="entries">${since.map((change) => entry(change, { name, members }))}</ol>
      ${
        now.content
          ? html`<div class="actions">
        <button type="button" @click=${() => this.decideAgain()}>${texts.conflict.keep}</button>
        <button type="button" @click=${() => {
          this.decideAgain();
          take?.();
        }}>${texts.conflict.take}</button>
      </div>`
          : nothing
      }
    </section>`;
  }

  /** The buttons at the end of a form. */
  actions(label, close, { danger = false } = {}) {
    return html`<div class="actions">
      <button class=${danger ? "danger" : "primary"} ?disabled=${this.busy || Boolean(this.conflict)}>
        ${this.busy ? texts.saving : label}</button>
      <button type="button" @click=${close}>${texts.cancel}</button>
    </div>`;
  }
}
