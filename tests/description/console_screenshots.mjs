// The pictures of the console in the documentation: node tests/description/console_screenshots.mjs, with the address of
// a local server that has the demonstration's data in API_URL, and NODE_MODULES and CHROMIUM as for browser.mjs.

import { writeFileSync } from "node:fs";

import { modules } from "./browser.mjs";

const { API_URL: url } = process.env;
const customer = "#/demo/customers/123e4567-e89b-12d3-a456-556642440000";
const DAY_MS = 24 * 60 * 60 * 1000;
const then = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 250 * DAY_MS).toISOString();

const pictures = [
  { name: "customer", address: customer, colorScheme: "light", width: 1240, height: 860 },
  { name: "moment", address: `${customer}?as_of=${then}`, colorScheme: "dark", width: 1240, height: 720 },
  { name: "catalogue", address: "#/demo/categories", colorScheme: "light", width: 1240, height: 720 },
];

const { chromium } = modules("playwright-core");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
for (const { name, address, colorScheme, width, height } of pictures) {
  const page = await browser.newPage({ colorScheme, viewport: { width, height }, timezoneId: "UTC" });
  await page.addInitScript(() => sessionStorage.setItem("customers-categories.key", "API_KEY"));
  await page.goto(`${url}/console/${address}`);
  await page.locator(".carried, .definitions").waitFor();
  await page.waitForFunction(() => !document.querySelector(".loading, .stale"));
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 82 });
  writeFileSync(`docs/images/console-${name}.webp`, Buffer.from(data, "base64"));
}
await browser.close();
