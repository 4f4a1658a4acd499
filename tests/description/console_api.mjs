// What the tests of the console do to the API beside the page.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

const url = process.env.API_URL;

/** Calls the API; fails unless the status is as expected. */
export async function call(method, path, { body, expected = [200, 201, 204], headers = {} } = {}) {
  const answer = await fetch(url + path, {
    method,
    headers: { "x-auth-roles": "API_KEY", ...(body && { "content-type": "application/json" }), ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(expected.includes(answer.status), `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** A customer that nothing is known of, of an organisation of its own unless one is named. */
export function stranger(org = `org-${randomUUID().slice(0, 8)}`) {
  const id = randomUUID();
  const path = `/v4/orgs/${org}/customers/${id}/categories`;
  return {
    org,
    id,
    address: `#/${org}/customers/${id}`,
    give: (category) => call("POST", path, { body: category }),
    change: (category, patch) => call("PATCH", `${path}/${category}`, { body: patch }),
    remove: (category, reason) => call("DELETE", `${path}/${category}?reason=${encodeURIComponent(reason)}`),
    carried: async () => (await call("GET", path)).categories,
    history: async () => (await call("GET", `${path}/historical`)).history,
  };
}

/** Defines categories of an organisation. */
export async function define(org, ...definitions) {
  for (const body of definitions) await call("POST", `/v4/orgs/${org}/categories`, { body });
}
