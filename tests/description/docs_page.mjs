// The reference page in headless Chromium: it renders, an operation is tried on it with the key that is filled in,
// its answer is seen, and the `ref` of an error leads to that error's explanation.
//
// node --test tests/description/docs_page.mjs, with the local server's address in API_URL, and NODE_MODULES and
// CHROMIUM as for browser.mjs.

import assert from "node:assert/strict";
import { test } from "node:test";

import { browsing } from "./browser.mjs";

const url = process.env.API_URL;
const opened = browsing([url]);

/** Unfolds an operation; returns what is drawn of it. */
async function operation(id) {
  const block = opened.page.locator(`[id$="-${id}"].opblock`);
  await block.locator(".opblock-summary-control").click();
  await block.locator(".execute").waitFor();
  return block;
}

/** Sends it as it stands; returns status and body of the answer. */
async function execute(block) {
  await block.locator(".execute").click();
  const live = block.locator(".live-responses-table");
  const status = await live.locator("tbody .response-col_status").first().innerText();
  const bodies = live.locator(".response-col_description .highlight-code");
  return { status: status.trim(), body: (await bodies.count()) ? await bodies.first().innerText() : "" };
}

test("every operation is drawn", async () => {
  const { page } = opened;
  await page.goto(`${url}/docs`);
  await page.locator(".opblock").first().waitFor();
  const drawn = await page.locator(".opblock").evaluateAll((blocks) => blocks.map((block) => block.id));
  assert.deepEqual(drawn.map((id) => id.split("-").at(-1)).sort(), ["changeCategories", "countCarriers",
    "createCategory", "defineCategory", "deleteCategory", "deleteDefinition", "getCategory", "getDefinition",
    "listCarriers", "listCategories", "listCategoryHistory", "listDefinitionHistory", "listDefinitions", "setCategory",
    "updateCategory", "updateDefinition"]);
  const tags = await page.locator(".opblock-tag").evaluateAll((tags) => tags.map((tag) => tag.dataset.tag));
  assert.deepEqual(tags, ["Categories", "History", "Catalogue", "Carriers"]);
});

test("every operation can be tried with the key and the values that are filled in", async () => {
  const { page } = opened;
  await page.goto(`${url}/docs`);
  for (const [id, expected, says] of [
    ["createCategory", "201", ""],
    ["getCategory", "200", '"value": "influencer"'],
    ["listCategories", "200", '"categories"'],
    ["setCategory", "204", ""],
    ["updateCategory", "204", ""],
    ["deleteCategory", "204", ""],
    ["listCategoryHistory", "200", '"changed_by": "API_KEY"'],
    ["changeCategories", "200", '"failed": 1'],
    ["defineCategory", "201", ""],
    ["getDefinition", "200", '"name": "Partner"'],
    ["listDefinitions", "200", '"categories"'],
    ["updateDefinition", "204", ""],
    ["listCarriers", "200", '"customers"'],
    ["countCarriers", "200", '"precision": "exact"'],
    ["deleteDefinition", "204", ""],
    ["listDefinitionHistory", "200", '"name": "Brand partner"'],
  ]) {
    const { status, body } = await execute(await operation(id));
    assert.equal(status, expected, `${id}: ${body}`);
    assert.ok(body.includes(says), `${id}: ${body}`);
  }
});

test("the ref of an error leads to the explanation of its code", async () => {
  const { page } = opened;
  const refused = await fetch(`${url}/v4/orgs/telco/customers/7/categories`, {
    headers: { "x-auth-roles": "API_KEY" },
  });
  const [{ error }] = (await refused.json()).errors;
  await page.goto(error.ref);
  await page.locator(".opblock").first().waitFor();
  const section = page.locator(`section[id="${error.code}"]`);
  await page.waitForFunction((code) => {
    const { top } = document.getElementById(code).getBoundingClientRect();
    return top >= -1 && top < innerHeight / 2;
  }, error.code);
  const said = await section.innerText();
  assert.match(said, /MCUS\.999\.998/);
  assert.match(said, /malformed/);
});
