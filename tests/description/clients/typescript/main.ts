// The generated TypeScript client, used as its user would: node main.js URL

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import {
  type ApiResponse,
  type Carrier,
  CarriersApi,
  CatalogueApi,
  CategoriesApi,
  Configuration,
  type CreateCategoryRequest,
  type DefineCategoryRequest,
  ErrorResponseFromJSON,
  HistoryApi,
  ResponseError,
} from "./client/index.js";

const BAD_REQUEST = [400, "MCUS.999.998"] as const;
const UNAUTHORIZED = [401, "MCUS.999.996"] as const;
const NOT_FOUND = [404, "MCUS.999.997"] as const;
const CONFLICT = [409, "MCUS.999.994"] as const;
const IN_USE = [409, "MCUS.999.991"] as const;
const PRECONDITION_FAILED = [412, "MCUS.999.993"] as const;
const NOT_MODIFIED = [304, null] as const;

const basePath = process.argv[2];
const connected = (apiKey: string) => new Configuration({ basePath, apiKey });
const ours = connected("API_KEY");
const categories = new CategoriesApi(ours);
const history = new HistoryApi(ours);
const catalogue = new CatalogueApi(ours);
const carriers = new CarriersApi(ours);

function checked(condition: boolean, name: string): void {
  assert.ok(condition, name);
  console.log(`ok: ${name}`);
}

/** A name for a request, which has to come back. */
const named = (operation: string): string => `typescript-${operation}-${randomUUID()}`;

/** What an answer says that has to be this error: a status, and a code or null where it has no body. */
async function refused([status, code]: readonly [number, string | null], answer: Promise<unknown>): Promise<string> {
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

// What is the same for customers' categories and for definitions.

interface Keyed {
  idempotencyKey?: string;
  xRequestId?: string;
}

interface Conditional extends Keyed {
  ifMatch?: string;
}

interface Read {
  ifNoneMatch?: string;
  xRequestId?: string;
}

interface Paged {
  limit?: number;
  cursor?: string;
  xRequestId?: string;
}

interface Entry<A> {
  change: string;
  changedAt: Date;
  reason: string | null;
  previous: A | null;
}

type Call<R> = (request: R) => Promise<ApiResponse<void>>;

/** Creates by `call`, which is repeated, with the same body and with another; returns the entity tag. */
async function created<R extends object>(call: Call<R & Keyed>, place: string, body: R, other: R): Promise<string> {
  const terms = { idempotencyKey: randomUUID(), xRequestId: named("create") };
  const { raw } = await call({ ...body, ...terms });
  checked(raw.status === 201, "it is created");
  checked(raw.headers.get("x-request-id") === terms.xRequestId, "the request has the name it was given");
  checked(raw.headers.get("location")?.endsWith(place) ?? false, "and is at a place");
  const etag = raw.headers.get("etag") ?? "";
  const repeated = (await call({ ...body, ...terms })).raw;
  checked(etag !== "" && repeated.headers.get("etag") === etag, "a repetition is answered alike");
  const details = await refused(CONFLICT, call({ ...other, ...terms }));
  checked(details.includes("Idempotency-Key"), "another request under its key is not");
  return etag;
}

/** Reads by `get`, and not again while nothing has changed. */
async function read<R extends object, A extends { createdAt: Date }>(
  get: (request: R & Read) => Promise<A>,
  etag: string,
  request: R,
): Promise<A> {
  const found = await get({ ...request, xRequestId: named("get") });
  checked(Math.abs(found.createdAt.getTime() - Date.now()) < 3_600_000, "times are times");
  await refused(NOT_MODIFIED, get({ ...request, ifNoneMatch: etag }));
  checked(true, "not again while it stays");
  return found;
}

/** Changes by `call`, but not from a stale revision; returns the new entity tag. */
async function changed<R extends object>(call: Call<R & Conditional>, etag: string, request: R): Promise<string> {
  const stale = { ...request, ifMatch: etag };
  const { raw } = await call({ ...stale, idempotencyKey: randomUUID(), xRequestId: named("update") });
  const next = raw.headers.get("etag") ?? "";
  checked(raw.status === 204 && next !== "" && next !== etag, "it is changed");
  await refused(PRECONDITION_FAILED, call(stale));
  checked(true, "but not from a stale revision");
  return next;
}

/** Two pages of a list. */
async function pages<R extends object, P extends { nextCursor?: string }>(
  call: (request: R & Paged) => Promise<P>,
  limit: number,
  request: R,
): Promise<[P, P]> {
  const page = await call({ ...request, limit, xRequestId: named("list") });
  return [page, await call({ ...request, limit, cursor: page.nextCursor })];
}

/** Deletes by `call`, which is repeated. */
async function deleted<R extends object>(
  call: Call<R & Conditional & { reason?: string }>,
  etag: string,
  request: R,
): Promise<void> {
  const terms = { ifMatch: etag, idempotencyKey: randomUUID(), xRequestId: named("delete") };
  for (const _ of [1, 2]) {
    const { raw } = await call({ ...request, ...terms, reason: "Contract ended + “gone”" });
    checked(raw.status === 204, "it is deleted, however often that is repeated");
  }
}

/** The entries of what was created, updated and deleted, the last first. */
async function lookedBack<R extends object, A, E extends Entry<A>>(
  call: (request: R & Paged & { from?: string; to?: string }) => Promise<{ history: E[]; nextCursor?: string }>,
  createdAt: Date,
  request: R,
): Promise<[E, E, E]> {
  const [first, second] = await pages(call, 2, request);
  const [last, updated, created] = [...first.history, ...second.history];
  assert.ok(last && updated && created);
  assert.deepEqual([last.change, updated.change, created.change], ["deleted", "updated", "created"]);
  checked(last.reason === "Contract ended + “gone”", "the history has it all, and why");
  checked(created.previous === null, "and that there was nothing before");
  const between = await call({ ...request, from: written(createdAt), to: written(updated.changedAt) });
  assert.deepEqual(between.history.map(({ change }) => change), ["created"]);
  checked(true, "between two moments too");
  return [last, updated, created];
}

async function customersCategories(): Promise<void> {
  const where = { orgId: "telco", customerId: randomUUID() };
  const one = { ...where, categoryId: 7 };

  await refused(NOT_FOUND, categories.listCategories(where));
  checked(true, "an unknown customer is an error");
  await refused(NOT_FOUND, categories.getCategory(one));
  checked(true, "so is an unknown category");
  const stranger = new CategoriesApi(connected("unknown"));
  let details = await refused(UNAUTHORIZED, stranger.listCategories(where));
  checked(details.includes("x-auth-roles"), "an error says in its details what is wrong");
  details = await refused(BAD_REQUEST, categories.listCategories({ ...where, asOf: "2999-12-31T23:59:59+01:00" }));
  checked(details.includes("as_of"), "a moment in the future is refused as such");

  const body: CreateCategoryRequest = {
    ...where,
    postCustomerCategory: { id: 7, value: "influencer", description: "Bill discount", reason: "Sponsored videos" },
  };
  const bare: CreateCategoryRequest = { ...where, postCustomerCategory: { id: 7, value: null } };
  const place = `/${where.customerId}/categories/7`;
  let etag = await created((request) => categories.createCategoryRaw(request), place, body, bare);
  details = await refused(CONFLICT, categories.createCategory(bare));
  checked(details.includes("already"), "it is not created twice");
  await categories.createCategory({ ...where, postCustomerCategory: { id: -8, value: null } });
  const category = await read((request) => categories.getCategory(request), etag, one);
  checked(category.value === "influencer" && category.description === "Bill discount", "it is read back");

  const patch = { value: "ambassador", description: null, reason: "Loyalty campaign" };
  const update = { ...one, patchCustomerCategory: patch };
  etag = await changed((request) => categories.updateCategoryRaw(request), etag, update);
  const lists = await pages((request) => categories.listCategories(request), 1, where);
  const seen = lists.flatMap((page) => page.categories).map(({ id, value, description }) => [id, value, description]);
  assert.deepEqual(seen, [[-8, null, null], [7, "ambassador", null]]);
  checked(true, "it is listed as changed, page by page");
  const then = { asOf: written(category.createdAt) };
  const past = await categories.listCategories({ ...where, ...then });
  checked(past.categories.find(({ id }) => id === 7)?.value === "influencer", "and as it was");
  checked((await categories.getCategory({ ...one, ...then })).description === "Bill discount", "as is the one alone");

  await deleted((request) => categories.deleteCategoryRaw(request), etag, one);
  const entries = await lookedBack((request) => history.listCategoryHistory(request), category.createdAt, one);
  checked(entries[1].previous?.description === "Bill discount", "and what was before");
}

/** What customers carry is said, be it there or not. */
async function madeSo(): Promise<void> {
  const where = { orgId: "telco", customerId: randomUUID() };
  const one = { ...where, categoryId: 7 };
  const body = { ...one, putCustomerCategory: { value: "gold", description: "Top tier", reason: "Scored" } };
  const terms = { ifNoneMatch: "*", idempotencyKey: randomUUID(), xRequestId: named("set") };
  const { raw } = await categories.setCategoryRaw({ ...body, ...terms });
  const first = raw.headers.get("etag") ?? "";
  checked(raw.status === 201 && first !== "", "one that is not there is created");
  await refused(PRECONDITION_FAILED, categories.setCategory({ ...body, ifNoneMatch: "*" }));
  checked(true, "where one is there, it is not");
  const again = (await categories.setCategoryRaw(body)).raw;
  checked(again.status === 204 && again.headers.get("etag") === first, "what is so stays as it is");
  const bare = { ...one, putCustomerCategory: { value: "silver" } };
  const etag = await changed((request) => categories.setCategoryRaw(request), first, bare);
  checked((await categories.getCategory(one)).description === null, "what a body leaves out is cleared");

  const { customerId } = where;
  const set = { op: "set", id: 7 } as const;
  const said = { value: "gold", description: "Top tier", reason: "Scored", ifMatch: etag.replaceAll('"', "") };
  const other = { ...set, customerId: randomUUID(), value: null };
  const changes = [
    { ...set, ...said, customerId },
    { op: "delete" as const, customerId, id: 8, reason: "Scored" },
    other,
  ];
  const keyed = { idempotencyKey: randomUUID(), xRequestId: named("batch") };
  const request = { orgId: "telco", categoryChanges: { changes } };
  for (const _ of [1, 2]) {
    const made = await categories.changeCategories({ ...request, ...keyed });
    assert.deepEqual(made.results.map(({ outcome }) => outcome), ["updated", "absent", "created"]);
    checked(made.failed === 0, "a batch says what became of each");
  }
  const made = await categories.changeCategories(request);
  checked(made.failed === 2 && made.results[0]?.error?.code === PRECONDITION_FAILED[1], "and why it failed");
  checked(made.results[2]?.outcome === "unchanged", "one customer's failure is not another's");
  const twice = { orgId: "telco", categoryChanges: { changes: [other, other] } };
  const details = await refused(BAD_REQUEST, categories.changeCategories(twice));
  checked(details.includes("changes[1].id"), "what is malformed is named by its place");
}

async function theCatalogue(): Promise<void> {
  // Of an organisation that is new, because the history of a catalogue is the whole organisation's.
  const where = { orgId: `telco-${randomUUID()}` };
  const one = { ...where, categoryId: 9 };
  await refused(NOT_FOUND, catalogue.listDefinitions(where));
  checked(true, "an unknown catalogue is an error");

  const body: DefineCategoryRequest = {
    ...where,
    postDefinition: {
      id: 9,
      name: "Tier",
      description: "How much they spend",
      validValues: ["silver", "gold"],
      archived: false,
      reason: "Asked for by billing",
    },
  };
  const define = (request: DefineCategoryRequest) => catalogue.defineCategoryRaw(request);
  const taken: DefineCategoryRequest = { ...where, postDefinition: { id: 11, name: " TIER\u200b" } };
  let etag = await created(define, `/${where.orgId}/categories/9`, body, taken);
  let details = await refused(CONFLICT, define(taken));
  checked(details.includes("category 9"), "a name is taken, also where it only looks the same");
  await define({ ...where, postDefinition: { id: -10, name: "Former tier", archived: true } });
  const definition = await read((request) => catalogue.getDefinition(request), etag, one);
  checked(definition.description === "How much they spend" && !definition.archived, "it is read back");
  assert.deepEqual(definition.validValues, ["silver", "gold"]);

  await carry(where);

  const patch = { name: "Level", description: null, validValues: null, archived: true, reason: "Renamed" };
  const update = { ...one, patchDefinition: patch };
  etag = await changed((request) => catalogue.updateDefinitionRaw(request), etag, update);
  const now = await catalogue.getDefinition(one);
  checked(now.description === null && now.validValues === null && now.archived, "what can be null is cleared");
  await define({ ...where, postDefinition: { id: 11, name: "tier" } });
  checked(true, "a name that nobody has any more is free");
  const rename = { ...where, categoryId: 11, patchDefinition: { name: "LEVEL" } };
  details = await refused(CONFLICT, catalogue.updateDefinition(rename));
  checked(details.includes("category 9"), "a taken one is not");

  const lists = await pages((request) => catalogue.listDefinitions(request), 2, where);
  const seen = lists.flatMap((page) => page.categories).map(({ id, name, archived }) => [id, name, archived]);
  assert.deepEqual(seen, [[-10, "Former tier", true], [9, "Level", true], [11, "tier", false]]);
  checked(true, "all are listed");
  const then = { asOf: written(definition.createdAt) };
  const past = await catalogue.listDefinitions({ ...where, ...then });
  checked(past.categories.find(({ id }) => id === 9)?.name === "Tier", "and as they were");
  checked((await catalogue.getDefinition({ ...one, ...then })).name === "Tier", "as is the one alone");

  await deleted((request) => catalogue.deleteDefinitionRaw(request), etag, one);
  await refused(NOT_FOUND, catalogue.getDefinition(one));
  checked(true, "what is deleted is not found");
  const entries = await lookedBack((request) => catalogue.listDefinitionHistory(request), definition.createdAt, one);
  checked(entries[0].name === null && entries[0].previous?.name === "Level", "and what it was called last");
  assert.deepEqual(entries[1].previous?.validValues, ["silver", "gold"]);
  checked(true, "and what was before");
}

/** Customers are given what the catalogue allows. */
async function carry({ orgId }: { orgId: string }): Promise<void> {
  const where = { orgId, customerId: randomUUID() };
  const give = (id: number, value: string | null) =>
    categories.createCategory({ ...where, postCustomerCategory: { id, value } });

  let details = await refused(BAD_REQUEST, give(9, "Gold"));
  checked(details.includes('"gold" is'), "a value that the catalogue does not have is refused, with the one meant");
  details = await refused(NOT_FOUND, give(-10, null));
  checked(details.includes("archived"), "an archived category is not given");
  await give(9, "gold");
  checked((await categories.getCategory({ ...where, categoryId: 9 })).value === "gold", "a value of the catalogue is");
  await search(where);
}

/** Who carries a category is found, page by page, and counted. */
async function search({ orgId, customerId }: { orgId: string; customerId: string }): Promise<void> {
  const one = { orgId, categoryId: 9 };
  for (const value of ["silver", null]) {
    const postCustomerCategory = { id: 9, value };
    await categories.createCategory({ orgId, customerId: randomUUID(), postCustomerCategory });
  }
  const all: Carrier[] = [];
  let page = await carriers.listCarriers({ ...one, limit: 1, xRequestId: named("search") });
  all.push(...page.customers);
  while (page.nextCursor !== undefined) {
    page = await carriers.listCarriers({ ...one, limit: 1, cursor: page.nextCursor });
    all.push(...page.customers);
  }
  assert.deepEqual(all.map(({ value }) => value ?? "").sort(), ["", "gold", "silver"]);
  checked(true, "who carries it is found");
  const gold = await carriers.listCarriers({ ...one, value: "gold" });
  assert.deepEqual(gold.customers.map((carrier) => carrier.customerId), [customerId]);
  checked(true, "and who does with one value");
  const without = await carriers.listCarriers({ ...one, hasValue: false });
  assert.deepEqual(without.customers.map(({ value }) => value), [null]);
  checked(true, "and who does without");
  const counted = await carriers.countCarriers({ ...one, hasValue: true, xRequestId: named("count") });
  checked(counted.count === 2 && counted.precision === "exact", "they are counted");
  checked((await carriers.countCarriers({ ...one, value: "gold" })).count === 1, "with one value too");
  await refused(IN_USE, catalogue.deleteDefinition(one));
  checked(true, "what is carried keeps its definition");
  for (const carrier of all) await categories.deleteCategory({ ...one, customerId: carrier.customerId });
}

await customersCategories();
await madeSo();
await theCatalogue();
