// The console for people: by keyboard alone, with a screen reader, on screens of every width, in light and dark.
//
// As console_page.mjs, with axe-core in NODE_MODULES.

import assert from "node:assert/strict";
import { test } from "node:test";

import { browsing, modules } from "./browser.mjs";
import { define, stranger } from "./console_api.mjs";

const url = process.env.API_URL;
const opened = browsing([url], { copesWithErrors: true });

/** An organisation with a bit of everything. */
async function furnished() {
  const customer = stranger();
  await define(
    customer.org,
    { id: 10, name: "Loyalty tier", valid_values: ["silver", "gold"], description: "A tier" },
    { id: 20, name: "Household", valid_values: [] },
    { id: 30, name: "Old", archived: true },
  );
  await customer.give({ id: 10, value: "silver", description: "Joined", reason: "New contract" });
  await customer.change(10, { value: "gold", description: null, reason: "24 months" });
  await customer.give({ id: 20, value: null });
  await customer.give({
    id: 2_147_483_647,
    value: "x".repeat(255),
    description: "y".repeat(1000),
    reason: "z".repeat(1000),
  });
  await customer.give({ id: 5, value: "a" });
  await customer.remove(5, "Over");
  return customer;
}

async function visit(address) {
  const { page } = opened;
  await page.goto(`${url}/console/`);
  await page.evaluate(() => sessionStorage.setItem("customers-categories.key", "API_KEY"));
  await page.goto(`${url}/console/${address}`);
  await page.reload();
  await page.locator("h1").waitFor();
  await page.waitForFunction(() => !document.querySelector(".loading"));
  return page;
}

function views({ org, address }) {
  return [
    "#/",
    `#/${org}`,
    address,
    `${address}?as_of=2020-01-01T00:00:00Z`,
    `#/${org}/categories`,
    `#/${org}/categories/10`,
    `#/${org}/categories/10/customers`,
    "#/nowhere/at/all",
  ];
}

/** What axe finds that is serious. */
async function findings(page) {
  const session = await page.context().newCDPSession(page);
  const evaluate = (expression) =>
    session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  await evaluate(modules("axe-core").source);
  const { result } = await evaluate("axe.run(document).then(({ violations }) => JSON.stringify(violations))");
  const serious = JSON.parse(result.value).filter(({ impact }) => ["serious", "critical"].includes(impact));
  return serious.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ")}`,
  );
}

for (const colorScheme of ["light", "dark"]) {
  test(`axe has no serious finding in ${colorScheme}`, async () => {
    const customer = await furnished();
    await opened.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const address of views(customer)) {
      assert.deepEqual(await findings(await visit(address)), [], address);
    }
    const page = await visit(customer.address);
    for (const name of ["Add a category", "Change Loyalty tier", "Remove Loyalty tier"]) {
      await page.getByRole("button", { name }).click();
      await page.getByRole("dialog").waitFor();
      if (name.startsWith("Change")) {
        await customer.change(10, { reason: "Meanwhile" });
        await page.getByRole("dialog").getByLabel("Reason").fill("Mine");
        await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
        await page.getByText("Somebody else was faster").waitFor();
      }
      assert.deepEqual(await findings(page), [], name);
      await page.keyboard.press("Escape");
    }
  });
}

for (const width of [375, 768, 1280, 2560]) {
  test(`nothing is wider than a screen of ${width} pixels`, async () => {
    const customer = await furnished();
    await opened.page.setViewportSize({ width, height: 900 });
    for (const address of views(customer)) {
      const page = await visit(address);
      const found = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(found <= width, `${address}: ${found}`);
    }
  });
}

/** Goes on by Tab until what has the focus is called so. */
async function tabTo(page, name) {
  for (let n = 0; n < 80; n += 1) {
    await page.keyboard.press("Tab");
    const called = await page.evaluate(() => {
      const { ariaLabel, labels, innerText } = document.activeElement;
      return ariaLabel ?? (labels?.[0] ?? { innerText }).innerText ?? "";
    });
    if (called.startsWith(name)) return;
  }
  assert.fail(`Tab does not reach ${name}`);
}

test("the keyboard alone is enough", async () => {
  const customer = await furnished();
  const { page } = opened;
  await page.goto(`${url}/console/`);
  await tabTo(page, "Organisation");
  await page.keyboard.type(customer.org);
  await tabTo(page, "Customer");
  await page.keyboard.type(customer.id);
  await page.keyboard.press("Enter");
  await page.locator(".carried").waitFor();

  await tabTo(page, "Moment");
  await page.keyboard.press("Home");
  await page.getByText("At this moment the customer carried no category.").waitFor();
  await page.keyboard.press("End");
  await page.locator(".carried .is", { hasText: "gold" }).waitFor();

  await tabTo(page, "Change Loyalty tier");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const focused = () => page.evaluate(() => document.activeElement.ariaLabel);
  assert.equal(await focused(), "Change Loyalty tier");

  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo(page, "Value");
  await page.keyboard.press("ArrowUp");
  await tabTo(page, "Reason");
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await page.locator(".said", { hasText: "The change has been saved." }).waitFor();
  const tier = (await customer.carried()).find(({ id }) => id === 10);
  assert.deepEqual([tier.value, tier.reason], ["silver", "By keyboard"]);

  await tabTo(page, "Remove Loyalty tier");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo(page, "Reason");
  await page.keyboard.type("Over");
  await page.keyboard.press("Enter");
  await page.locator(".said", { hasText: "The category has been removed." }).waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === "H1");
});

test("whoever skips the navigation is at the heading", async () => {
  const customer = await furnished();
  const page = await visit(customer.address);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
});
