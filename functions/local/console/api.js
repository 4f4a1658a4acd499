// The API: one function per operation. The key goes into the header of these requests and nowhere else.

import { apiKey, meta } from "./session.js";
import { texts } from "./texts.js";

/** An answer that is an error, or none at all (`status` 0). */
export class ApiError extends Error {
  constructor(status, errors, requestId) {
    super(errors.map((error) => error.details ?? error.message).join("; "));
    this.status = status;
    this.errors = errors;
    this.requestId = requestId;
  }
}

/** Base URL of the API, without a slash at its end. */
export function base() {
  return (meta("api") || location.origin).replace(/\/+$/, "");
}

async function call(method, path, { query, body, ifMatch, retry, signal } = {}) {
  const url = new URL(base() + path);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null) url.searchParams.set(name, value);
  }
  // URLSearchParams writes a space as `+`, and the API takes percent-encoding alone.
  url.search = url.search.replaceAll("+", "%20");
  const headers = { "x-auth-roles": apiKey() };
  if (body !== undefined)
    headers["content-type"] = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  if (ifMatch) headers["if-match"] = ifMatch;
  if (retry) headers["idempotency-key"] = retry;
  let answer;
  try {
    answer = await fetch(url, {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new ApiError(0, [{ title: texts.problem.unreachable, details: texts.problem.unreachableDetails(base()) }]);
  }
  const text = await answer.text();
  if (!answer.ok) {
    const refused = refusal(answer, text);
    // Whatever was asked for, another key has to be asked for first.
    if (answer.status === 401) dispatchEvent(new CustomEvent("key-refused", { detail: refused }));
    throw refused;
  }
  return { content: text ? JSON.parse(text) : null, etag: answer.headers.get("etag") };
}

function refusal(answer, text) {
  let errors = [];
  try {
    const told = JSON.parse(text);
    errors = (told.errors ?? []).map(({ error }) => error);
    if (!errors.length && told.message) errors = [{ title: told.message }];
  } catch {
    // What is not the service's, such as a proxy's page, is told by its status alone.
  }
  if (!errors.length) errors = [{ title: texts.problem.status(answer.status) }];
  return new ApiError(answer.status, errors, answer.headers.get("x-request-id"));
}

/** A key under which a change can be sent again: the same for as long as the same change is sent. */
export class Retry {
  #sent;
  #key;

  for(change) {
    const sent = JSON.stringify(change);
    if (sent !== this.#sent) {
      this.#sent = sent;
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      this.#key = `console-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    }
    return this.#key;
  }
}

/** The operations on records of one owner: a customer's categories, or an organisation's definitions. */
function records(path) {
  return {
    list: (query, signal) => call("GET", path, { query, signal }),
    get: (id, signal) => call("GET", `${path}/${id}`, { signal }),
    history: (query, signal) => call("GET", `${path}/historical`, { query, signal }),
    create: (body, retry) => call("POST", path, { body, retry }),
    update: (id, body, ifMatch, retry) => call("PATCH", `${path}/${id}`, { body, ifMatch, retry }),
    remove: (id, reason, ifMatch, retry) => call("DELETE", `${path}/${id}`, { query: { reason }, ifMatch, retry }),
  };
}

export function categoriesOf(org, customer) {
  return records(`/v4/orgs/${encodeURIComponent(org)}/customers/${encodeURIComponent(customer)}/categories`);
}

export function definitionsOf(org) {
  return records(`/v4/orgs/${encodeURIComponent(org)}/categories`);
}

export function carriersOf(org, id) {
  const path = `/v4/orgs/${encodeURIComponent(org)}/categories/${id}/customers`;
  return {
    list: (query, signal) => call("GET", path, { query, signal }),
    count: (query, signal) => call("GET", `${path}/count`, { query, signal }),
  };
}
