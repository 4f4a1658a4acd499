// Moments: shown in local time or in UTC, as the reader chose, with the other always at hand.

import { html } from "./vendor/lit-html-3.3.3/lit-html.js";
import { inUtc } from "./session.js";
import { texts } from "./texts.js";

const formats = {};

function format(kind, options) {
  const utc = inUtc();
  const name = `${kind} ${utc}`;
  formats[name] ??= new Intl.DateTimeFormat(texts.locale, { ...options, timeZone: utc ? "UTC" : undefined });
  return formats[name];
}

const DAY = { day: "numeric", month: "short", year: "numeric" };
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

export const zone = () => (inUtc() ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone.replaceAll("_", " "));

/** Day and time, such as 12 Mar 2026, 14:05. */
export const written = (moment) => format("moment", { ...DAY, ...CLOCK }).format(new Date(moment));

const precisely = (moment) => format("second", { ...DAY, ...CLOCK, second: "2-digit" }).format(new Date(moment));

/** The month that a moment is in, such as March 2026. */
export const month = (moment) => format("month", { month: "long", year: "numeric" }).format(new Date(moment));

/** A moment for eyes and screen readers; pointing at it shows it to the millisecond in UTC. */
export function time(moment, { day = false } = {}) {
  const shown = day ? format("day", DAY).format(new Date(moment)) : written(moment);
  return html`<time datetime=${moment} title=${texts.time.precisely(precisely(moment), moment)}>${shown}</time>`;
}

/** The value of a `datetime-local` field for a moment, in the zone that is shown. */
export function toField(moment) {
  const date = new Date(moment);
  const shift = inUtc() ? 0 : date.getTimezoneOffset() * 60_000;
  return new Date(date.getTime() - shift).toISOString().slice(0, 19);
}

/** The moment that such a field says; `null` where it says none. */
export function fromField(text) {
  const date = new Date(inUtc() ? `${text}Z` : text);
  return text && !Number.isNaN(date.getTime()) ? date.toISOString() : null;
}
