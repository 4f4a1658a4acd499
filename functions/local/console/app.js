// The page: one view at a time, drawn anew whenever something has changed.

import { html, nothing, render } from "./vendor/lit-html-3.3.3/lit-html.js";
import { address, route } from "./router.js";
import { apiKey, forgetApiKey, inUtc, showUtc } from "./session.js";
import { texts } from "./texts.js";
import { keyForm } from "./ui/key_form.js";
import { problem } from "./ui/parts.js";
import { zone } from "./time.js";
import { start } from "./views/start.js";
import { customer } from "./views/customer.js";
import { catalogue } from "./views/catalogue.js";
import { carriers } from "./views/carriers.js";

// What makes a view: from the page and the route to `{title, body, moved, drawn, close}`.
const views = { start, customer, catalogue, carriers };

let shown = { route: null, view: null };
let said = "";
let dialog = null;
let refusal = null;
let drawing = false;
let isFirst = true;

/** What a view has of the page. */
const page = {
  /** Has the page drawn, once for all that has changed by then. */
  draw() {
    if (drawing) return;
    drawing = true;
    queueMicrotask(() => {
      drawing = false;
      draw();
    });
  },
  /** Tells what was done, to eyes and screen readers. */
  say(text) {
    said = text;
    page.draw();
  },
  /** Opens a dialog over the view: `{title, body}`. */
  open(content) {
    dialog = content;
    said = "";
    page.draw();
  },
  /** Closes it; focus goes back to where it was. */
  close() {
    document.querySelector("dialog")?.close();
  },
};

function navigate() {
  const to = route(location.hash);
  if (shown.view && to?.view === shown.route?.view && shown.view.moved?.(to)) {
    shown.route = to;
  } else {
    shown.view?.close?.();
    dialog = null;
    said = "";
    shown = { route: to, view: null };
    if (to && (apiKey() || to.view === "start")) shown.view = views[to.view](page, to);
    draw();
    // Whoever has just opened the page begins at its beginning.
    if (!isFirst) document.querySelector("h1")?.focus({ preventScroll: true });
    isFirst = false;
    scrollTo(0, 0);
  }
  page.draw();
}

/** Forgets what is shown and shows it anew, as after another key has been set. */
function restart() {
  shown.view?.close?.();
  shown = { route: null, view: null };
  refusal = null;
  navigate();
}

/** Asks for another key, at the same address. */
function refused({ detail }) {
  refusal = detail;
  forgetApiKey();
  shown.view?.close?.();
  shown.view = null;
  page.close();
  page.draw();
}

function draw() {
  const { view, route } = shown;
  document.title = view ? `${view.title()} · ${texts.product}` : texts.product;
  const focused = document.activeElement;
  render(shell(view, route), document.body);
  // Where what had the focus has gone, as a category that was removed, one goes on from the heading.
  if (!focused?.isConnected) document.querySelector("h1")?.focus({ preventScroll: true });
  const open = document.querySelector("dialog");
  if (open && !open.open) open.showModal();
  view?.drawn?.();
}

function shell(view, route) {
  return html`
    <a class="skip" href="#main" @click=${skip}>${texts.skip}</a>
    <header class="top">
      <a class="brand" href=${address.start()}><img src="icon.svg" alt="" width="24" height="24">${texts.product}</a>
      ${route?.org ? navigation(route) : nothing}
      <div class="settings">
        <button type="button" class="quiet" aria-pressed=${String(inUtc())} title=${texts.time.switch}
          @click=${switchZone}>
          <span class="hidden">${texts.time.shown} </span>${zone()}</button>
        ${apiKey() ? html`<button type="button" class="quiet" @click=${forget}>${texts.key.forget}</button>` : nothing}
      </div>
    </header>
    <main id="main" class=${route?.view ?? "nowhere"}>${main(view, route)}</main>
    <p class="said" role="status">${said}</p>
    ${
      dialog
        ? html`<dialog aria-labelledby="dialog-title" @close=${closed}>
          <h2 id="dialog-title">${dialog.title()}</h2>${dialog.body()}</dialog>`
        : nothing
    }`;
}

function main(view, route) {
  if (view) return view.body();
  if (route)
    return html`<h1 tabindex="-1">${texts.key.needed}</h1>
    ${problem(refusal)}${keyForm({ done: restart })}`;
  return html`<h1 tabindex="-1">${texts.nowhere.title}</h1>
    <p>${texts.nowhere.text} <a href=${address.start()}>${texts.nowhere.back}</a></p>`;
}

function navigation({ org, view }) {
  const current = (...names) => (names.includes(view) ? "page" : nothing);
  return html`<nav aria-label=${texts.navigation.label}>
    <span class="org" title=${texts.navigation.organisation}>${org}</span>
    <a href=${address.start(org)} aria-current=${current("start", "customer")}>${texts.navigation.customers}</a>
    <a href=${address.catalogue(org)} aria-current=${current("catalogue", "carriers")}>${texts.navigation.catalogue}</a>
  </nav>`;
}

function closed() {
  dialog?.closed?.();
  dialog = null;
  page.draw();
}

function skip(event) {
  event.preventDefault();
  document.querySelector("h1")?.focus();
}

function switchZone() {
  showUtc(!inUtc());
  page.draw();
}

function forget() {
  forgetApiKey();
  restart();
}

addEventListener("hashchange", navigate);
addEventListener("key-refused", refused);
navigate();
