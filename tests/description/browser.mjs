// Headless Chromium for the tests of pages. Whatever a page complains of, and whatever it asks of others than it may,
// fails the test.
//
// NODE_MODULES is the folder with playwright-core; CHROMIUM is the browser, or /usr/bin/chromium.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";

export const modules = createRequire(join(process.env.NODE_MODULES, "x"));

/** No sandbox: the tests may run as root. The rest keeps Chromium from calling home. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Chromium's own remark on an answer that is an error, which the page shows. */
const REFUSED = /^Failed to load resource: the server responded with a status of (400|401|403|404|409|412)/;

/** A page for each test, which may talk to these addresses alone; `copesWithErrors` is whether it shows refusals. */
export function browsing(allowed, { copesWithErrors = false } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "pages-"));
  const opened = { context: null, page: null, complaints: [] };

  before(async () => {
    const { chromium } = modules("playwright-core");
    opened.context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      headless: true,
      timezoneId: "Europe/Berlin",
      args: ARGUMENTS,
    });
  });

  after(async () => {
    await opened.context.close();
    rmSync(profile, { recursive: true, force: true });
  });

  beforeEach(async () => {
    opened.complaints = [];
    opened.page = await opened.context.newPage();
    watch(opened.page);
  });

  afterEach(async () => {
    for (const page of opened.context.pages()) if (page !== opened.context.pages()[0]) await page.close();
    assert.deepEqual(opened.complaints, []);
  });

  function watch(page) {
    page.setDefaultTimeout(20_000);
    page.on("console", (message) => {
      if (copesWithErrors && REFUSED.test(message.text())) return;
      if (["error", "warning"].includes(message.type())) opened.complaints.push(message.text());
    });
    page.on("pageerror", (error) => opened.complaints.push(String(error)));
    page.on("request", (request) => {
      const target = request.url();
      if (target.startsWith("data:") || allowed.some((url) => target.startsWith(`${url}/`))) return;
      opened.complaints.push(`asks ${target}`);
    });
  }

  return opened;
}
