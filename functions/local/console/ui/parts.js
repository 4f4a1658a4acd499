// Small parts that every view uses.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { texts } from "../texts.js";

/** What went wrong, all of it; and a way to try again, if there is one. */
export function problem(error, again) {
  if (!error) return nothing;
  const errors = error.errors ?? [{ title: texts.problem.bug, details: error.message }];
  return html`<div class="problem" role="alert">
      ${errors.map(
        ({ title, details, ref, code }) => html`<p><strong>${title}</strong>
        ${details ? html`<span class="details">${details}</span>` : nothing}
        ${
          ref && /^https?:/.test(ref)
            ? html`<a class="code" href=${ref} target="_blank" rel="noopener">${code}</a>`
            : code
              ? html`<span class="code">${code}</span>`
              : nothing
        }</p>`,
      )}
      ${
        error.requestId && error.status >= 500
          ? html`<p class="details">${texts.problem.request(error.requestId)}</p>`
          : nothing
      }
      ${again ? html`<button type="button" @click=${again}>${texts.problem.again}</button>` : nothing}
    </div>`;
}

export const loading = (text = texts.loading) =>
  html`<p class="loading" role="status"><span class="dots" aria-hidden="true"></span>${text}</p>`;

export const empty = (title, text, action = nothing) =>
  html`<div class="empty"><p class="title">${title}</p><p>${text}</p>${action}</div>`;

/** What a record says; `null` is none. */
export const value = (content, none = texts.noValue) =>
  content === null ? html`<span class="none">${none}</span>` : html`<span class="value">${content}</span>`;

/** A labelled control. With a `hint`, which says what to put in, it is made for the id of that. */
export function field(label, control, hint) {
  if (!hint) return html`<label class="field"><span>${label}</span>${control}</label>`;
  const id = `hint-${label.replaceAll(/\W+/g, "-")}`;
  return html`<div class="field"><label><span>${label}</span>${control(id)}</label>
    <small id=${id}>${hint}</small></div>`;
}

/** Calls `reached` when an element comes into sight, and when it is in sight at the next drawing. */
export class Sentinel {
  #observer;

  constructor(reached) {
    this.#observer = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && reached(), {
      rootMargin: "200px",
    });
  }

  watch(element) {
    this.#observer.disconnect();
    if (element) this.#observer.observe(element);
  }
}
