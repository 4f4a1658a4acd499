// The console in headless Chromium, as its users see it.
//
// node --test tests/description/console_page.mjs, with the local server's address in API_URL, and NODE_MODULES and
// CHROMIUM as for browser.mjs.

import assert from "node:assert/strict";
import { test } from "node:test";

import { browsing } from "./browser.mjs";
import { call, define, stranger } from "./console_api.mjs";

const url = process.env.API_URL;
const opened = browsing([url], { copesWithErrors: true });

const TIER = { id: 10, name: "Loyalty tier", valid_values: ["silver", "gold"] };

/** Opens an address with a key. */
async function visit(address, key = "API_KEY") {
  const { page } = opened;
  await page.addInitScript((key) => {
    if (!sessionStorage.getItem("seeded")) {
      sessionStorage.setItem("seeded", "1");
      if (key) sessionStorage.setItem("customers-categories.key", key);
    }
  }, key);
  await page.goto(`${url}/console/${address}`);
  await page.locator("h1").waitFor();
  return page;
}

const card = (page, name) => page.locator(".carried > li", { has: page.getByRole("heading", { name, exact: true }) });
const entries = (page) => page.locator("section[aria-labelledby=timeline] .entry");
const dialog = (page) => page.getByRole("dialog");
const said = (page, text) => page.locator("[role=status].said", { hasText: text }).waitFor();

test("a browser that asks for the server's root is led to the console", async () => {
  const { page } = opened;
  await page.goto(`${url}/`);
  assert.equal(page.url(), `${url}/console/`);
  await page.getByRole("heading", { name: "What does this customer carry, and why?" }).waitFor();
});

test("a customer is found, and the key stays where nobody else sees it", async () => {
  const { page } = opened;
  const customer = stranger();
  await define(customer.org, TIER);
  await customer.give({ id: 10, value: "gold", description: "Until May", reason: "24 months" });
  const asked = [];
  page.on("request", (request) => asked.push(request));
  await page.goto(`${url}/console/`);
  await page.getByLabel("Organisation").fill(customer.org);
  await page.getByLabel("API key").fill("API_KEY");
  await page.getByLabel("Customer").fill(customer.id.toUpperCase());
  await page.getByRole("button", { name: "Open", exact: true }).click();
  const carried = card(page, "Loyalty tier");
  await carried.waitFor();
  for (const text of ["gold", "Until May", "24 months", "API_KEY"])
    assert.ok((await carried.innerText()).includes(text), text);
  assert.equal(page.url(), `${url}/console/${customer.address}`);
  for (const request of asked) {
    assert.ok(!request.url().includes("API_KEY"));
    const sent = (await request.allHeaders())["x-auth-roles"];
    assert.equal(sent, request.url().startsWith(`${url}/v4/`) ? "API_KEY" : undefined);
  }
  const kept = await page.evaluate(() => ({
    local: localStorage.length,
    cookie: document.cookie,
    address: location.href,
  }));
  assert.deepEqual([kept.local, kept.cookie, kept.address.includes("API_KEY")], [0, "", false]);
  await page.getByRole("button", { name: "Forget key" }).click();
  await page.getByLabel("API key").waitFor();
  assert.equal(await carried.count(), 0);
});

test("a category is added, changed and removed, each with its reason", async () => {
  const customer = stranger();
  await define(customer.org, TIER);
  const page = await visit(customer.address);
  await page.getByText("Nothing is known of this customer").waitFor();

  await page.getByRole("button", { name: "Add a category" }).click();
  await dialog(page).getByLabel("Value").selectOption("silver");
  await dialog(page).getByLabel("Description").fill("Joined");
  await dialog(page).getByLabel("Reason").fill("New contract");
  await dialog(page).getByRole("button", { name: "Add a category" }).click();
  await said(page, "The category has been added.");
  await card(page, "Loyalty tier").getByText("silver").waitFor();

  await page.getByRole("button", { name: "Change Loyalty tier" }).click();
  await dialog(page).getByLabel("Value").selectOption("gold");
  await dialog(page).getByLabel("Description").fill("");
  await dialog(page).getByLabel("Reason").fill("24 months");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await card(page, "Loyalty tier").getByText("gold").waitFor();

  await page.getByRole("button", { name: "Remove Loyalty tier" }).click();
  await dialog(page).getByLabel("Reason").fill("Contract ended");
  await dialog(page).getByRole("button", { name: "Remove" }).click();
  await page.getByText("This customer carries nothing").waitFor();

  const told = (await customer.history()).map(({ change, value, description, reason }) => [
    change,
    value,
    description,
    reason,
  ]);
  assert.deepEqual(told, [
    ["deleted", null, null, "Contract ended"],
    ["updated", "gold", null, "24 months"],
    ["created", "silver", "Joined", "New contract"],
  ]);
  await entries(page).nth(2).waitFor();
  assert.match(await entries(page).nth(1).innerText(), /silver\s+→\s+is\s+gold[^]*24 months[^]*API_KEY/);
});

test("what the API refuses is told as it tells it", async () => {
  const customer = stranger();
  await define(customer.org, TIER);
  await customer.give({ id: 3, value: "x" });
  const page = await visit(customer.address);
  await page.getByRole("button", { name: "Add a category" }).click();
  await dialog(page).getByLabel("Category").selectOption("Another number…");
  await dialog(page).getByRole("textbox", { name: "Number" }).fill("3");
  await dialog(page).getByLabel("Reason").fill("Why not");
  await dialog(page).getByRole("button", { name: "Add a category" }).click();
  const problem = dialog(page).getByRole("alert");
  await problem.getByText("the customer has this category already").waitFor();
  assert.match(await problem.getByRole("link").getAttribute("href"), /\/docs#MCUS\.999\.994$/);
});

test("a change that others were faster with shows theirs, and overwrites nothing", async () => {
  const customer = stranger();
  await define(customer.org, TIER);
  await customer.give({ id: 10, value: "silver", reason: "New contract" });
  const page = await visit(customer.address);
  await page.getByRole("button", { name: "Change Loyalty tier" }).click();
  await dialog(page).getByLabel("Description").fill("Mine");
  await dialog(page).getByLabel("Reason").fill("My reason");
  await customer.change(10, { value: "gold", reason: "Their reason" });
  await dialog(page).getByRole("button", { name: "Save" }).click();

  const conflict = dialog(page).getByRole("alert");
  await conflict.getByText("Somebody else was faster").waitFor();
  for (const text of ["silver", "gold", "Their reason", "API_KEY"])
    assert.ok((await conflict.innerText()).includes(text), text);
  assert.ok(await dialog(page).getByRole("button", { name: "Save" }).isDisabled());
  assert.equal((await customer.carried())[0].reason, "Their reason");

  await conflict.getByRole("button", { name: "Take what is there now" }).click();
  assert.equal(await dialog(page).getByLabel("Value").inputValue(), "gold");
  assert.equal(await dialog(page).getByLabel("Description").inputValue(), "");
  await dialog(page).getByLabel("Description").fill("Mine");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await said(page, "The change has been saved.");
  const [{ value, description, reason }] = await customer.carried();
  assert.deepEqual([value, description, reason], ["gold", "Mine", "My reason"]);
});

test("a category that others took away is not removed twice, and one of theirs is not", async () => {
  const customer = stranger();
  await customer.give({ id: 7, value: "x" });
  const page = await visit(customer.address);
  await page.getByRole("button", { name: "Remove Category 7" }).click();
  await dialog(page).getByLabel("Reason").fill("Mine");
  await customer.remove(7, "Theirs");
  await customer.give({ id: 7, value: "theirs" });
  await dialog(page).getByRole("button", { name: "Remove" }).click();
  await dialog(page).getByText("Somebody else was faster").waitFor();
  assert.equal((await customer.carried())[0].value, "theirs");
  await customer.remove(7, "Theirs again");
  await dialog(page).getByRole("button", { name: "Keep what I typed" }).click();
  await dialog(page).getByRole("button", { name: "Remove" }).click();
  await dialog(page).getByText("there is nothing to change any more").waitFor();
  assert.equal((await customer.history()).filter(({ reason }) => reason === "Mine").length, 0);
});

test("the timeline loads as one scrolls, and is narrowed to a category", async () => {
  const customer = stranger();
  await define(customer.org, TIER);
  await customer.give({ id: 10, value: "silver" });
  await customer.give({ id: 7, value: "0" });
  for (let n = 1; n <= 60; n += 1) await customer.change(7, { value: String(n) });
  const page = await visit(customer.address);
  await entries(page).nth(49).waitFor();
  assert.equal(await entries(page).count(), 50);
  await page.mouse.wheel(0, 100_000);
  await page.getByText("This is where it began.").waitFor();
  assert.equal(await entries(page).count(), 62);

  await page.getByLabel("Show changes of").selectOption("Loyalty tier");
  await page.waitForFunction(
    () => document.querySelectorAll("section[aria-labelledby=timeline] .entry").length === 1,
  );
  assert.ok(page.url().endsWith("?category=10"));
  await page.reload();
  await page.getByText("This is where it began.").waitFor();
  assert.equal(await entries(page).count(), 1);
});

test("the slider and the field show the state at any moment, under an address of its own", async () => {
  const customer = stranger();
  await customer.give({ id: 7, value: "first" });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await customer.change(7, { value: "second", reason: "Later" });
  const page = await visit(customer.address);
  const value = page.locator(".carried .is");
  await page.locator(".carried .is", { hasText: "second" }).waitFor();

  await page.getByRole("button", { name: "To the change before" }).click();
  await page.getByText("As it was on").waitFor();
  await page.getByRole("button", { name: "To the change before" }).click();
  await page.locator(".carried .is", { hasText: "first" }).waitFor();
  await page.getByText("1 change since this moment").waitFor();
  assert.equal(await page.getByRole("button", { name: "Change Category 7" }).count(), 0);
  const shared = page.url();
  assert.match(shared, /\?as_of=/);

  await page.getByRole("slider").press("Home");
  await page.getByText("At this moment the customer carried no category.").waitFor();
  await page.getByRole("slider").press("End");
  await page.locator(".carried .is", { hasText: "second" }).waitFor();
  assert.ok(!page.url().includes("as_of"));

  await page.getByLabel(/^Moment,/).fill("2020-05-01T12:00:00");
  await page.getByLabel(/^Moment,/).press("Tab");
  await page.getByText("At this moment the customer carried no category.").waitFor();
  // In the zone of the browser, which is two hours ahead of UTC in May.
  assert.ok(decodeURIComponent(page.url()).includes("as_of=2020-05-01T10:00:00.000Z"), page.url());

  await page.goto(shared);
  await page.reload();
  await page.locator(".carried .is", { hasText: "first" }).waitFor();
  await page.getByRole("link", { name: "Back to now" }).click();
  await page.locator(".carried .is", { hasText: "second" }).waitFor();
  assert.equal(await value.count(), 1);
});

test("times are shown in local time, and in UTC", async () => {
  const customer = stranger();
  await customer.give({ id: 7, value: "x" });
  const [{ changed_at: moment }] = await customer.history();
  const page = await visit(customer.address);
  const when = entries(page).first().locator("time");
  const shown = (zone) =>
    new Date(moment).toLocaleTimeString("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  await when.waitFor();
  assert.ok((await when.innerText()).endsWith(shown("Europe/Berlin")));
  assert.ok((await when.getAttribute("title")).includes(moment));
  await page.getByRole("button", { name: "Europe/Berlin" }).click();
  await page.waitForFunction((end) => document.querySelector(".entry time").innerText.endsWith(end), shown("UTC"));
});

test("the catalogue is defined, renamed, archived, and its history is told", async () => {
  const { org } = stranger();
  const page = await visit(`#/${org}/categories`);
  await page.getByText("This organisation has no catalogue yet").waitFor();
  await page.getByRole("button", { name: "Define a category" }).click();
  await dialog(page).getByLabel("Number").fill("10");
  await dialog(page).getByLabel("Name", { exact: true }).fill("Tier");
  await dialog(page).getByLabel("One of a list").check();
  await dialog(page).getByRole("textbox", { name: "One value per line" }).fill("silver\n gold \n");
  await dialog(page).getByLabel("Reason").fill("Start of the programme");
  await dialog(page).getByRole("button", { name: "Define a category" }).click();
  await said(page, "The category has been defined.");

  await page.getByRole("button", { name: "Change Tier" }).click();
  await dialog(page).getByLabel("Name", { exact: true }).fill("Loyalty tier");
  await dialog(page).getByRole("textbox", { name: "One value per line" }).fill("silver\ngold\nplatinum");
  await dialog(page).getByLabel("Reason").fill("Anniversary");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Archive Loyalty tier" }).click();
  await dialog(page).getByLabel("Reason").fill("Replaced");
  await dialog(page).getByRole("button", { name: "Archive" }).click();
  await page.getByText("Nothing found").waitFor();
  await page.getByLabel("Archived too").check();
  await page.locator(".definition", { hasText: "archived" }).waitFor();

  const { name, valid_values, archived, reason } = await call("GET", `/v4/orgs/${org}/categories/10`);
  assert.deepEqual(
    [name, valid_values, archived, reason],
    ["Loyalty tier", ["silver", "gold", "platinum"], true, "Replaced"],
  );
  assert.equal(await entries(page).count(), 3);
  assert.match(await entries(page).nth(1).innerText(), /Tier[^]*→[^]*Loyalty tier[^]*platinum[^]*Anniversary/);

  await define(org, { id: 11, name: "Other" });
  await page.getByRole("button", { name: "Define a category" }).click();
  await dialog(page).getByLabel("Number").fill("12");
  await dialog(page).getByLabel("Name", { exact: true }).fill("OTHER");
  await dialog(page).getByLabel("Reason").fill("Mistake");
  await dialog(page).getByRole("button", { name: "Define a category" }).click();
  await dialog(page).getByText("category 11 has this name").waitFor();
});

test("who carries a category is listed and counted", async () => {
  const { org } = stranger();
  const customers = [stranger(org), stranger(org), stranger(org)];
  await define(org, TIER);
  for (const [at, customer] of customers.entries()) await customer.give({ id: 10, value: at ? "gold" : "silver" });
  const page = await visit(`#/${org}/categories`);
  await page.getByRole("link", { name: "Who carries it: Loyalty tier" }).click();
  await page.getByText("3 customers").waitFor();
  assert.equal(await page.locator("tbody tr").count(), 3);
  await page.getByLabel("Value").selectOption("silver");
  await page.getByText("1 customer", { exact: true }).waitFor();
  assert.ok(page.url().endsWith("/categories/10/customers?value=silver"));
  await page.getByRole("link", { name: customers[0].id }).click();
  await card(page, "Loyalty tier").getByText("silver").waitFor();
  await page.goto(`${url}/console/#/${org}/categories/11/customers`);
  await page.getByText("Nobody carries it").waitFor();
});

test("a key that is not valid is told, and another one goes on at the same address", async () => {
  const customer = stranger();
  await customer.give({ id: 7, value: "gold" });
  const page = await visit(customer.address, "mcus_wrong");
  await page.getByRole("alert").getByText("Unauthorized").waitFor();
  await page.getByLabel("API key").fill("API_KEY");
  await page.getByRole("button", { name: "Use this key" }).click();
  await card(page, "Category 7").waitFor();
  assert.equal(page.url(), `${url}/console/${customer.address}`);
});

test("a key that may only read shows, and what it may not is told", async () => {
  const customer = stranger();
  await customer.give({ id: 7, value: "gold" });
  const page = await visit(customer.address, "READ_ONLY");
  await page.getByRole("button", { name: "Remove Category 7" }).click();
  await dialog(page).getByLabel("Reason").fill("Try");
  await dialog(page).getByRole("button", { name: "Remove" }).click();
  await dialog(page).getByText("Forbidden").waitFor();
  assert.equal((await customer.carried()).length, 1);
});

test("texts of callers are never markup", async () => {
  const customer = stranger();
  const html = (n) =>
    `<img src=x${n} onerror="window.hacked=1"><script>window.hacked=1</script><b>${n}</b> \${1} {{x}} &amp;`;
  await define(customer.org, {
    id: 10,
    name: `N ${html(1)}`.slice(0, 100),
    description: html(2),
    valid_values: [html(3), html(4)],
    reason: html(5),
  });
  await customer.give({ id: 10, value: html(3), description: html(6), reason: html(7) });
  await customer.give({ id: 7, value: html(8) });
  await customer.change(10, { value: html(4), description: html(9), reason: html(10) });
  const page = await visit(customer.address);
  for (const text of [html(4), html(8), html(9)])
    await page.locator(".carried").getByText(text, { exact: true }).waitFor();
  for (const text of [html(3), html(4)]) await entries(page).first().getByText(text, { exact: true }).waitFor();
  await entries(page)
    .first()
    .getByText(`“${html(10)}”`)
    .waitFor();
  await page.getByRole("button", { name: "Change N <img" }).click();
  await dialog(page).getByText(html(10)).waitFor();
  await page.keyboard.press("Escape");
  await page.goto(`${url}/console/#/${customer.org}/categories`);
  await page.locator(".definition").getByText(html(2)).waitFor();
  await page.locator(".definition").getByText(html(3), { exact: true }).waitFor();
  await page.goto(`${url}/console/#/${encodeURIComponent('<img src=x onerror="window.hacked=1">')}/categories`);
  await page.getByRole("alert").first().waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator("img:not(.brand img), main b, body script").count(), 0);
});

test("where the API does not answer, that is told, and one can try again", async () => {
  const customer = stranger();
  await customer.give({ id: 7, value: "gold" });
  const { page } = opened;
  await page.route("**/v4/**", (route) => route.abort());
  await visit(customer.address);
  await page.getByText("The API can't be reached").first().waitFor();
  opened.complaints = opened.complaints.filter((complaint) => !complaint.includes("net::ERR_FAILED"));
  await page.unroute("**/v4/**");
  await page.getByRole("button", { name: "Try again" }).first().click();
  await card(page, "Category 7").waitFor();
});

test("an address that leads nowhere says so", async () => {
  const page = await visit("#/telco/nothing/here");
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
});
