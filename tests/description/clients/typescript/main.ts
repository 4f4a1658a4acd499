// The generated TypeScript client, used as its user would: node main.js URL

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { CategoriesApi, Configuration, ErrorResponseFromJSON, HistoryApi, ResponseError } from "./client/index.js";

const basePath = process.argv[2];
const connected = (apiKey: string) => new Configuration({ basePath, apiKey });
const categories = new CategoriesApi(connected("API_KEY"));
const history = new HistoryApi(connected("API_KEY"));
const where = { orgId: "telco", customerId: randomUUID() };

function checked(condition: boolean, name: string): void {
  assert.ok(condition, name);
  console.log(`ok: ${name}`);
}

/** A name for a request, which has to come back. */
const named = (operation: string): string => `typescript-${operation}-${randomUUID()}`;

/** What an answer says that has to be this error; `code` is null where it has no body. */
async function refused(status: number, code: string | null, answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
  } catch (error) {
    assert.ok(error instanceof ResponseError, String(error));
    assert.equal(error.response.status, status);
    if (code === null) return "";
    const [first] = ErrorResponseFromJSON(await error.response.json()).errors;
    assert.equal(first?.error.code, code);
    return first?.error.details ?? "";
  }
  throw new Error(`not refused with ${status}`);
}

/** A moment as RFC 3339, with an offset. */
function written(moment: Date): string {
  const later = new Date(moment.getTime() + 3_600_000);
  return later.toISOString().replace("Z", "+01:00");
}

async function failsAsDescribed(): Promise<void> {
  await refused(404, "MCUS.999.997", categories.listCategories(where));
  checked(true, "an unknown customer is an error");
  await refused(404, "MCUS.999.997", categories.getCategory({ ...where, categoryId: 7 }));
  checked(true, "so is an unknown category");
  const stranger = new CategoriesApi(connected("unknown"));
  const details = await refused(401, "MCUS.999.996", stranger.listCategories(where));
  checked(details.includes("x-auth-roles"), "an error says in its details what is wrong");
  const future = categories.listCategories({ ...where, asOf: "2999-12-31T23:59:59+01:00" });
  checked((await refused(400, "MCUS.999.998", future)).includes("as_of"), "a moment in the future is refused as such");
}

async function creates(): Promise<string> {
  const request = {
    ...where,
    idempotencyKey: randomUUID(),
    xRequestId: named("create"),
    postCustomerCategory: { id: 7, value: "influencer", description: "Bill discount", reason: "Sponsored videos" },
  };
  const created = (await categories.createCategoryRaw(request)).raw;
  checked(created.status === 201, "a category is created");
  checked(created.headers.get("x-request-id") === request.xRequestId, "the request has the name it was given");
  const place = `/${where.customerId}/categories/7`;
  checked(created.headers.get("location")?.endsWith(place) ?? false, "and is at a place");
  const etag = created.headers.get("etag") ?? "";
  const repeated = (await categories.createCategoryRaw(request)).raw;
  checked(etag !== "" && repeated.headers.get("etag") === etag, "a repetition is answered alike");
  const other = { ...request, postCustomerCategory: { id: 7, value: null } };
  await refused(409, "MCUS.999.994", categories.createCategory(other));
  await categories.createCategory({ ...where, postCustomerCategory: { id: -8, value: null } });
  return etag;
}

async function reads(etag: string): Promise<Date> {
  const category = await categories.getCategory({ ...where, categoryId: 7, xRequestId: named("get") });
  checked(category.value === "influencer" && category.description === "Bill discount", "it is read back");
  checked(Math.abs(category.createdAt.getTime() - Date.now()) < 3_600_000, "times are times");
  await refused(304, null, categories.getCategory({ ...where, categoryId: 7, ifNoneMatch: etag }));
  checked(true, "not again while it stays");
  return category.createdAt;
}

async function changes(etag: string): Promise<string> {
  const patchCustomerCategory = { value: "ambassador", description: null, reason: "Loyalty campaign" };
  const stale = { ...where, categoryId: 7, patchCustomerCategory, ifMatch: etag };
  const request = { ...stale, idempotencyKey: randomUUID(), xRequestId: named("update") };
  const changed = (await categories.updateCategoryRaw(request)).raw;
  const next = changed.headers.get("etag") ?? "";
  checked(changed.status === 204 && next !== "" && next !== etag, "it is changed");
  await refused(412, "MCUS.999.993", categories.updateCategory(stale));
  checked(true, "but not from a stale revision");
  return next;
}

async function lists(createdAt: Date): Promise<void> {
  const page = await categories.listCategories({ ...where, limit: 1, xRequestId: named("list") });
  const rest = await categories.listCategories({ ...where, limit: 1, cursor: page.nextCursor });
  const seen = [...page.categories, ...rest.categories].map(({ id, value, description }) => [id, value, description]);
  assert.deepEqual(seen, [[-8, null, null], [7, "ambassador", null]]);
  checked(true, "it is listed as changed, page by page");
  const then = await categories.listCategories({ ...where, asOf: written(createdAt) });
  checked(then.categories.find(({ id }) => id === 7)?.value === "influencer", "and as it was");
  const category = await categories.getCategory({ ...where, categoryId: 7, asOf: written(createdAt) });
  checked(category.description === "Bill discount", "as is the one alone");
}

async function deletes(etag: string): Promise<void> {
  const request = {
    ...where,
    categoryId: 7,
    reason: "Contract ended + “gone”",
    ifMatch: etag,
    idempotencyKey: randomUUID(),
    xRequestId: named("delete"),
  };
  for (const _ of [1, 2]) {
    const { raw } = await categories.deleteCategoryRaw(request);
    checked(raw.status === 204, "it is deleted, however often that is repeated");
  }
}

async function looksBack(createdAt: Date): Promise<void> {
  const ofOne = { ...where, categoryId: 7 };
  const page = await history.listCategoryHistory({ ...ofOne, limit: 2, xRequestId: named("history") });
  const rest = await history.listCategoryHistory({ ...ofOne, limit: 2, cursor: page.nextCursor });
  const [deleted, updated, created] = [...page.history, ...rest.history];
  assert.ok(deleted && updated && created);
  assert.deepEqual([deleted.change, updated.change, created.change], ["deleted", "updated", "created"]);
  checked(deleted.reason === "Contract ended + “gone”", "the history has it all, and why");
  checked(updated.previous?.description === "Bill discount" && created.previous === null, "and what was before");
  const bounds = { from: written(createdAt), to: written(updated.changedAt) };
  const between = await history.listCategoryHistory({ ...ofOne, ...bounds });
  assert.deepEqual(between.history.map(({ change }) => change), ["created"]);
  checked(true, "between two moments too");
}

await failsAsDescribed();
const first = await creates();
const createdAt = await reads(first);
const second = await changes(first);
await lists(createdAt);
await deletes(second);
await looksBack(createdAt);
