// Giving a customer a category, changing it, taking it away; each with a reason.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { texts } from "../texts.js";
import { Editing } from "../ui/editing.js";
import { field, value } from "../ui/parts.js";
import { validValues } from "../ui/entry.js";

export const MEMBERS = { value: texts.members.value, description: texts.members.description };

/** What stands for no value among the options. */
const NONE = "";

/** Opens the form for a category that the customer has not. */
export function adding({ page, records, catalogue, changed }, carried) {
  const has = new Set((carried ?? []).map(({ id }) => id));
  const offered = catalogue.all.filter((definition) => !definition.archived && !has.has(definition.id));
  const draft = { id: offered[0]?.id ?? "", value: null, description: "", reason: "" };
  const editing = new Editing({ records, held: null, draw: page.draw, done: () => changed(texts.done.added) });
  const other = { chosen: !offered.length };
  const send = (event) => {
    event.preventDefault();
    const { value, description, reason } = draft;
    // A POST takes no `null` for a description.
    editing.create({ id: Number(draft.id), value, reason, ...(description && { description }) });
  };
  const chosen = (event) => {
    other.chosen = event.target.value === "other";
    Object.assign(draft, { id: other.chosen ? "" : Number(event.target.value), value: null });
    page.draw();
  };
  page.open({
    title: () => texts.form.add,
    body: () => html`<form @submit=${send}>
      ${
        offered.length
          ? field(
              texts.form.category,
              html`<select @change=${chosen}>
          ${offered.map(({ id, name }) => html`<option value=${id} .selected=${id === draft.id}>${name}</option>`)}
          <option value="other" .selected=${other.chosen}>${texts.form.otherCategory}</option></select>`,
            )
          : nothing
      }
      ${
        other.chosen
          ? field(
              texts.form.id,
              (hint) => html`<input aria-describedby=${hint} inputmode="numeric" pattern="-?[0-9]{1,10}" required
          .value=${String(draft.id)} @input=${set(draft, "id", page)}>`,
              texts.form.idHint,
            )
          : nothing
      }
      ${members(draft, catalogue.byId.get(Number(draft.id)), page)}
      ${editing.notice({})}
      ${editing.actions(texts.form.add, page.close)}</form>`,
  });
}

/** Opens the form for one that the customer has, as it is now. */
export async function changing(form, category) {
  const { page, records, catalogue, changed } = form;
  const held = await now(form, category);
  if (!held) return;
  const draft = { ...drafted(held.content), reason: "" };
  const editing = new Editing({
    records,
    id: category.id,
    held,
    draw: page.draw,
    done: () => changed(texts.done.changed),
  });
  const send = (event) => {
    event.preventDefault();
    editing.update({ ...draft, description: draft.description || null });
  };
  const name = catalogue.name(category.id);
  page.open({
    title: () => texts.form.change(name),
    body: () => html`<form @submit=${send}>
      ${members(draft, catalogue.byId.get(category.id), page)}
      ${before(editing.held.content)}
      ${editing.notice({ name, members: MEMBERS, take: () => Object.assign(draft, drafted(editing.held.content)) })}
      ${editing.actions(texts.form.save, page.close)}</form>`,
  });
}

/** Opens the question whether it is to be taken away. */
export async function removing(form, category) {
  const { page, records, catalogue, changed } = form;
  const held = await now(form, category);
  if (!held) return;
  const draft = { reason: "" };
  const editing = new Editing({
    records,
    id: category.id,
    held,
    draw: page.draw,
    done: () => changed(texts.done.removed),
  });
  const send = (event) => {
    event.preventDefault();
    editing.remove(draft.reason);
  };
  const name = catalogue.name(category.id);
  page.open({
    title: () => texts.form.remove(name),
    body: () => html`<form @submit=${send}>
      <p>${texts.form.removeText} ${value(editing.held.content.value)}</p>
      ${reason(draft, page)}
      ${editing.notice({ name, members: MEMBERS })}
      ${editing.actions(texts.form.removeIt, page.close, { danger: true })}</form>`,
  });
}

/** The category as it is now; where it can't be read, that is told. */
async function now({ page, records }, { id }) {
  try {
    return await records.get(id);
  } catch (failure) {
    page.say(failure.message);
    return null;
  }
}

const before = ({ reason }) =>
  reason ? html`<p class="before">${texts.form.reasonBefore} “${reason}”</p>` : nothing;

const drafted = ({ value, description }) => ({ value, description: description ?? "" });

const set = (draft, member, page) => (event) => {
  draft[member] = event.target.value;
  page.draw();
};

/** The fields, which write to the draft. */
function members(draft, definition, page) {
  return html`${valueField(draft, definition, page)}
    ${field(
      texts.members.description,
      (hint) => html`<input aria-describedby=${hint} maxlength="1000" autocomplete="off" .value=${draft.description}
      @input=${set(draft, "description", page)}>`,
      texts.form.optional,
    )}
    ${reason(draft, page)}`;
}

function valueField(draft, definition, page) {
  const choose = (event) => {
    draft.value = event.target.value === NONE ? null : event.target.value;
    page.draw();
  };
  const valid = definition?.valid_values;
  if (!valid) {
    return field(
      texts.members.value,
      (hint) => html`<input aria-describedby=${hint} maxlength="255" autocomplete="off" .value=${draft.value ?? ""}
      @input=${choose}>`,
      texts.form.valueHint,
    );
  }
  if (!valid.length) return html`<p class="field"><span>${texts.members.value}</span> ${validValues(valid)}</p>`;
  // What is carried may be valid no longer, and stays as long as nobody chooses another.
  const options = draft.value === null || valid.includes(draft.value) ? valid : [draft.value, ...valid];
  return field(
    texts.members.value,
    html`<select @change=${choose}>
    <option value=${NONE} .selected=${draft.value === null}>${texts.noValue}</option>
    ${options.map((one) => html`<option value=${one} .selected=${one === draft.value}>${one}</option>`)}</select>`,
  );
}

function reason(draft, page) {
  return field(
    texts.members.reason,
    (hint) => html`<input aria-describedby=${hint} name="reason" required maxlength="1000" autocomplete="off"
    .value=${draft.reason} @input=${set(draft, "reason", page)}>`,
    texts.form.reasonHint,
  );
}
