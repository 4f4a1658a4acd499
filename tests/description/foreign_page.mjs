// What a page of another server can do to the local server's ports, in headless Chromium: nothing. It tries from
// another port of this machine, and under a name that leads to 127.0.0.1 as after DNS rebinding.
//
// node --test tests/description/foreign_page.mjs, with the addresses in API_URL and DYNAMODB_URL, and NODE_MODULES and
// CHROMIUM as for browser.mjs.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test, before, after } from "node:test";

const { chromium } = createRequire(join(process.env.NODE_MODULES, "x"))("playwright-core");

const { API_URL: api, DYNAMODB_URL: dynamodb } = process.env;
const categories = "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000/categories";
const table = { TableName: "customers-categories-keys" };
const stolen = { hash: { S: "0".repeat(64) }, name: { S: "page" }, orgs: { L: [{ S: "*" }] } };
const authorization = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, "
  + "Signature=x";
let browser;
let foreign;

before(async () => {
  foreign = createServer((_, response) => response.setHeader("content-type", "text/html").end("<p>Another page")).listen(0);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP rebind.example 127.0.0.1"],
  });
});

after(async () => {
  await browser.close();
  foreign.close();
});

/** Calls DynamoDB, from here or in a page; returns the status, or what went wrong. */
async function call([url, operation, body, authorization]) {
  const headers = { "x-amz-target": `DynamoDB_20120810.${operation}`, "content-type": "application/x-amz-json-1.0",
    "x-amz-date": "20260101T000000Z", authorization };
  try {
    return (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).status;
  } catch (error) {
    return String(error);
  }
}

/** Creates a category through the API, from here or in a page; likewise. */
async function create([url, id]) {
  const headers = { "x-auth-roles": "API_KEY", "content-type": "application/json" };
  try {
    return (await fetch(url, { method: "POST", headers, body: JSON.stringify({ id, value: "x" }) })).status;
  } catch (error) {
    return String(error);
  }
}

const attempts = [["ListTables", {}], ["Scan", table], ["PutItem", { ...table, Item: stolen }], ["DeleteTable", table]];

test("a program can do what pages try", async () => {
  assert.equal(await call([`${dynamodb}/`, "ListTables", {}, authorization]), 200);
  assert.equal(await call([`${dynamodb}/`, "Scan", table, authorization]), 200);
  assert.equal(await create([`${api}${categories}`, 1]), 201);
});

test("a page on another port can't use either port", async () => {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${foreign.address().port}/`);
  for (const [operation, body] of attempts) {
    const answered = await page.evaluate(call, [`${dynamodb}/`, operation, body, authorization]);
    assert.match(String(answered), /TypeError: Failed to fetch/, operation);
  }
  assert.match(String(await page.evaluate(create, [`${api}${categories}`, 2])), /TypeError: Failed to fetch/);
  // Without the headers that need a preflight, the request is sent and its answer stays hidden.
  const refused = page.waitForResponse(`${dynamodb}/`);
  await page.evaluate((url) => fetch(url, { method: "POST", mode: "no-cors", body: "{}" }), `${dynamodb}/`);
  assert.equal((await refused).status(), 403);
});

test("a page whose name was made to lead here can't use either port", async () => {
  const page = await browser.newPage();
  const rebound = (url) => url.replace("127.0.0.1", "rebind.example");
  // What is shown of a refusal is a page of that name, and its port is the page's own server.
  assert.equal((await page.goto(`${rebound(dynamodb)}/`)).status(), 403);
  for (const [operation, body] of attempts) {
    assert.equal(await page.evaluate(call, [rebound(`${dynamodb}/`), operation, body, authorization]), 403, operation);
  }
  assert.equal((await page.goto(`${rebound(api)}/docs`)).status(), 403);
  assert.equal(await page.evaluate(create, [rebound(`${api}${categories}`), 3]), 403);
});

test("nothing that pages tried was done", async () => {
  const target = { "x-amz-target": "DynamoDB_20120810.Scan", "content-type": "application/x-amz-json-1.0",
    "x-amz-date": "20260101T000000Z", authorization };
  const scan = await fetch(`${dynamodb}/`, { method: "POST", headers: target, body: JSON.stringify(table) });
  assert.deepEqual((await scan.json()).Items.map((item) => item.name.S).sort(), ["API_KEY", "READ_ONLY"]);
  const list = await fetch(`${api}${categories}`, { headers: { "x-auth-roles": "API_KEY" } });
  assert.deepEqual((await list.json()).categories.map((category) => category.id), [1]);
});
