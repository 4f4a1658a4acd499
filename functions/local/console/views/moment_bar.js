// The way through time: a slider from the first known change to now, a mark per change, a field for an exact moment,
// and a step to the change before or after.

import { html, nothing, svg } from "../vendor/lit-html-3.3.3/lit-html.js";
import { texts } from "../texts.js";
import { fromField, time, toField, written, zone } from "../time.js";

/** Positions of the slider. */
const STEPS = 1000;

/** How long a hand has to rest before the state then is asked for, in ms. */
const REST = 120;

export class MomentBar {
  #timer;
  #dragged;

  constructor({ timeline, move, draw }) {
    Object.assign(this, { timeline, move, draw, now: Date.now() });
  }

  get #first() {
    const oldest = this.timeline.entries.at(-1);
    // A little before the first change, so that the slider reaches what was before it.
    return oldest ? Date.parse(oldest.changed_at) - (this.now - Date.parse(oldest.changed_at)) / 50 - 1000 : null;
  }

  #at(position) {
    return position >= STEPS
      ? null
      : new Date(this.#first + ((this.now - this.#first) * position) / STEPS).toISOString();
  }

  #position(moment) {
    const part = (Date.parse(moment) - this.#first) / (this.now - this.#first);
    return Math.round(Math.min(Math.max(part, 0), 1) * STEPS);
  }

  #slide(event) {
    const position = Number(event.target.value);
    this.#dragged = { moment: this.#at(position) };
    this.draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { moment } = this.#dragged;
      this.#dragged = null;
      this.move(moment, { replace: true });
    }, REST);
    // At the left end there may be more to come.
    if (position === 0 && !this.timeline.complete) this.timeline.more();
  }

  /** The change before or after a moment. */
  #step(asOf, by) {
    const moments = this.timeline.entries.map((entry) => entry.changed_at);
    if (by < 0) return moments.find((moment) => moment < (asOf ?? "9999")) ?? null;
    return moments.findLast((moment) => asOf && moment > asOf) ?? null;
  }

  close() {
    clearTimeout(this.#timer);
  }

  body(settled) {
    if (!this.timeline.entries.length && !settled) return nothing;
    this.now = Math.max(this.now, Date.parse(this.timeline.entries[0]?.changed_at ?? 0));
    const asOf = this.#dragged ? this.#dragged.moment : settled;
    const [before, after] = [this.#step(asOf, -1), this.#step(asOf, 1)];
    return html`<section class="card moment-bar" aria-label=${texts.moment.label}>
      <div class="travel">
        <button type="button" class="step" ?disabled=${!before} aria-label=${texts.moment.before}
          title=${texts.moment.before}
          @click=${() => this.move(before)}><span aria-hidden="true">‹</span></button>
        <div class="track">${
          this.#first === null
            ? nothing
            : html`${this.#marks(asOf)}
          <input type="range" min="0" max=${STEPS} step="1" aria-label=${texts.moment.slider}
            aria-valuetext=${asOf ? written(asOf) : texts.moment.now}
            .value=${String(asOf ? this.#position(asOf) : STEPS)} @input=${(event) => this.#slide(event)}>
          <p class="ends"><span>${time(new Date(this.#first).toISOString(), { day: true })}</span>
            <span>${texts.moment.now}</span></p>`
        }</div>
        <button type="button" class="step" ?disabled=${!asOf} aria-label=${texts.moment.after}
          title=${texts.moment.after}
          @click=${() => this.move(after)}><span aria-hidden="true">›</span></button>
      </div>
      <label class="exact"><span>${texts.moment.exact(zone())}</span>
        <input type="datetime-local" step="1" max=${toField(new Date().toISOString())}
          .value=${asOf ? toField(asOf) : ""} @change=${(event) => this.move(fromField(event.target.value))}></label>
    </section>`;
  }

  #marks(asOf) {
    const here = asOf ? this.#position(asOf) : STEPS;
    return html`<svg class="marks" viewBox="0 0 ${STEPS} 20" preserveAspectRatio="none" aria-hidden="true">
      ${this.timeline.entries.map((entry) => {
        const x = this.#position(entry.changed_at);
        return svg`<line class=${`${entry.change}${x > here ? " later" : ""}`} x1=${x} x2=${x} y1="2" y2="18"></line>`;
      })}</svg>`;
  }
}
