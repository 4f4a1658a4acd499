// The console as another host serves it, against the API of the local server: what works, and what a page that is not
// admitted can't do.
//
// node --test tests/description/console_export.mjs, with the folder of the export in CONSOLE, the local server's
// address in API_URL, the origin that it admits in ORIGIN, and NODE_MODULES and CHROMIUM as for browser.mjs.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";

import { browsing } from "./browser.mjs";
import { define, stranger } from "./console_api.mjs";

const { API_URL: api, CONSOLE: folder, ORIGIN: origin } = process.env;
const opened = browsing([api, origin]);
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
let host;

before(async () => {
  host = createServer(async (request, response) => {
    const name = normalize(new URL(request.url, origin).pathname).replace(/^\/ops\/?/, "") || "index.html";
    try {
      response
        .setHeader("content-type", KINDS[extname(name)] ?? "text/plain")
        .end(await readFile(join(folder, name)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => host.listen(new URL(origin).port, "127.0.0.1", resolve));
});

after(() => host.close());

test("the exported console works beside the API", async () => {
  const customer = stranger();
  await define(customer.org, { id: 10, name: "Loyalty tier", valid_values: ["silver", "gold"] });
  await customer.give({ id: 10, value: "silver", reason: "New contract" });
  const { page } = opened;
  await page.goto(`${origin}/ops/${customer.address}`);
  assert.equal(await page.getByLabel("API key").inputValue(), "");
  await page.getByLabel("API key").fill("API_KEY");
  await page.getByRole("button", { name: "Use this key" }).click();
  await page.getByRole("button", { name: "Change Loyalty tier" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Value").selectOption("gold");
  await dialog.getByLabel("Reason").fill("24 months");
  // Seen alone where the page may read `ETag`: with no `If-Match` this would be overwritten.
  await customer.change(10, { description: "Meanwhile" });
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Somebody else was faster").waitFor();
  opened.complaints = opened.complaints.filter((complaint) => !complaint.includes("status of 412"));
  await dialog.getByRole("button", { name: "Keep what I typed" }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.locator(".said", { hasText: "The change has been saved." }).waitFor();
  assert.equal((await customer.carried())[0].reason, "24 months");
});

test("its own policy keeps it from talking to others", async () => {
  const { page } = opened;
  await page.goto(`${origin}/ops/`);
  const asked = await page.evaluate(() => fetch("http://127.0.0.1:9/x").catch((refused) => String(refused)));
  assert.match(asked, /TypeError/);
  assert.ok(
    opened.complaints.some((complaint) => complaint.includes("Content Security Policy")),
    opened.complaints,
  );
  opened.complaints = [];
});
