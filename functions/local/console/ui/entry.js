// One change of a history: who, when, why, and what it was before and is now.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { texts } from "../texts.js";
import { time } from "../time.js";
import { value } from "./parts.js";

const shownOf = {
  archived: (archived) => value(archived ? texts.yes : texts.no),
  valid_values: (values) => validValues(values),
};

export function validValues(values) {
  if (values === null || values === undefined) return html`<span class="none">${texts.catalogue.anyValue}</span>`;
  if (!values.length) return html`<span class="none">${texts.catalogue.noValues}</span>`;
  return html`<span class="values">${values.map((one) => value(one))}</span>`;
}

const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
const shown = (member, content) =>
  shownOf[member]?.(content) ?? value(content ?? null, member === "value" ? texts.noValue : texts.none);

/** What an entry says of each of these members, other than of those that stay as they were. */
function differences(entry, members, isTag) {
  const { change, previous } = entry;
  const matters = ([member]) => {
    if (change === "updated") return !same(entry[member], previous[member]);
    const content = change === "created" ? entry[member] : previous?.[member];
    if (member === "value") return content !== null || !isTag;
    return member === "name" || (content !== null && content !== undefined && content !== false);
  };
  return Object.entries(members)
    .filter(matters)
    .map(
      ([member, label]) => html`<div class="difference">
    <dt>${label}</dt>
    <dd>${
      change === "created"
        ? nothing
        : html`<del><span class="hidden">${texts.entry.was} </span>${shown(member, previous?.[member])}</del>`
    }
      ${change === "updated" ? html`<span class="arrow" aria-hidden="true">→</span>` : nothing}
      ${
        change === "deleted"
          ? nothing
          : html`<ins><span class="hidden">${texts.entry.is} </span>${shown(member, entry[member])}</ins>`
      }</dd>
  </div>`,
    );
}

function why({ change, reason, previous }) {
  if (!reason) return html`<p class="why none">${texts.entry.noReason}</p>`;
  const kept = change === "updated" && same(reason, previous?.reason);
  const before = kept ? html`<span class="kept">${texts.entry.keptReason} </span>` : nothing;
  return html`<p class="why">${before}“${reason}”</p>`;
}

/** `name` is what the entry is about, of which a tag has no value; `actions` are links of its own. */
export function entry(change, { name, members, isTag = false, actions = nothing }) {
  return html`<li class="entry ${change.change}">
    <div class="head"><h4>${name}</h4><span class="kind">${texts.entry[change.change]}</span>
      <span class="when">${time(change.changed_at)}</span></div>
    <dl>${differences(change, members, isTag)}</dl>
    ${why(change)}
    <p class="foot"><span class="by"><span class="hidden">${texts.entry.by} </span>${change.changed_by}</span>
      ${actions}</p>
  </li>`;
}
