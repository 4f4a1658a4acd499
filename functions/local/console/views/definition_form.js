// Defining a category, defining it otherwise, archiving it; each with a reason.

import { html, nothing } from "../vendor/lit-html-3.3.3/lit-html.js";
import { texts } from "../texts.js";
import { Editing } from "../ui/editing.js";
import { field } from "../ui/parts.js";

export const MEMBERS = {
  name: texts.members.name,
  description: texts.members.description,
  valid_values: texts.members.validValues,
  archived: texts.members.archived,
};

const EMPTY = { id: "", name: "", description: "", takes: "any", listed: "", reason: "" };

/** Opens the form for a new definition. */
export function defining({ page, records, changed }) {
  const draft = { ...EMPTY };
  const editing = new Editing({ records, held: null, draw: page.draw, done: () => changed(texts.done.defined) });
  const send = (event) => {
    event.preventDefault();
    const { description, valid_values, ...said } = content(draft);
    // A POST takes no `null` for what is optional.
    editing.create({
      id: Number(draft.id),
      ...said,
      ...(description && { description }),
      ...(valid_values && { valid_values }),
    });
  };
  page.open({
    title: () => texts.form.define,
    body: () => html`<form @submit=${send}>
      ${field(
        texts.form.id,
        (
          hint,
        ) => html`<input aria-describedby=${hint} inputmode="numeric" pattern="-?[0-9]{1,10}" required
          .value=${draft.id}
        @input=${set(draft, "id", page)}>`,
        texts.form.idForGood,
      )}
      ${members(draft, page)}
      ${editing.notice({})}
      ${editing.actions(texts.form.define, page.close)}</form>`,
  });
}

/** Opens the form for one that is there, as it is now. */
export async function redefining({ page, records, changed }, { id, name }) {
  const held = await read(page, records, id);
  if (!held) return;
  const draft = { ...drafted(held.content), reason: "" };
  const editing = new Editing({ records, id, held, draw: page.draw, done: () => changed(texts.done.changed) });
  const send = (event) => {
    event.preventDefault();
    editing.update(content(draft));
  };
  page.open({
    title: () => texts.form.change(name),
    body: () => html`<form @submit=${send}>${members(draft, page)}
      ${editing.notice({ name, members: MEMBERS, take: () => Object.assign(draft, drafted(editing.held.content)) })}
      ${editing.actions(texts.form.save, page.close)}</form>`,
  });
}

/** Opens the question whether it is to be archived, or used again. */
export async function archiving({ page, records, changed }, { id, name }) {
  const held = await read(page, records, id);
  if (!held) return;
  const draft = { reason: "" };
  const editing = new Editing({ records, id, held, draw: page.draw, done: () => changed(texts.done.changed) });
  const archived = () => editing.held.content?.archived;
  const send = (event) => {
    event.preventDefault();
    editing.update({ archived: !archived(), reason: draft.reason });
  };
  page.open({
    title: () => texts.catalogue.archiveOf(name, archived()),
    body: () => html`<form @submit=${send}>
      <p>${archived() ? texts.form.restoreText : texts.form.archiveText}</p>${reason(draft, page)}
      ${editing.notice({ name, members: MEMBERS })}
      ${editing.actions(archived() ? texts.catalogue.restore : texts.catalogue.archive, page.close)}</form>`,
  });
}

async function read(page, records, id) {
  try {
    return await records.get(id);
  } catch (failure) {
    page.say(failure.message);
    return null;
  }
}

function drafted({ name, description, valid_values: values }) {
  const takes = values === null ? "any" : values.length ? "listed" : "none";
  return { name, description: description ?? "", takes, listed: (values ?? []).join("\n") };
}

function content({ name, description, takes, listed, reason }) {
  const lines = listed
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const values = { any: null, none: [], listed: lines }[takes];
  return { name, description: description || null, valid_values: values, reason };
}

const set = (draft, member, page) => (event) => {
  draft[member] = event.target.value;
  page.draw();
};

function members(draft, page) {
  const kinds = Object.entries(texts.form.takes);
  return html`
    ${field(
      texts.members.name,
      html`<input required maxlength="100" autocomplete="off" .value=${draft.name}
      @input=${set(draft, "name", page)}>`,
    )}
    ${field(
      texts.members.description,
      (hint) => html`<input aria-describedby=${hint} maxlength="1000" autocomplete="off" .value=${draft.description}
      @input=${set(draft, "description", page)}>`,
      texts.form.optional,
    )}
    <fieldset><legend>${texts.members.validValues}</legend>
      ${kinds.map(
        ([kind, label]) => html`<label class="check"><input type="radio" name="takes" value=${kind}
        .checked=${draft.takes === kind} @change=${set(draft, "takes", page)}> ${label}</label>`,
      )}
      ${
        draft.takes === "listed"
          ? html`<textarea rows="5" required aria-label=${texts.form.listed}
        placeholder=${texts.form.listed} .value=${draft.listed} @input=${set(draft, "listed", page)}></textarea>`
          : nothing
      }
    </fieldset>
    ${reason(draft, page)}`;
}

const reason = (draft, page) =>
  field(
    texts.members.reason,
    (hint) => html`<input aria-describedby=${hint} name="reason" required maxlength="1000"
  autocomplete="off" .value=${draft.reason} @input=${set(draft, "reason", page)}>`,
    texts.form.reasonHint,
  );
