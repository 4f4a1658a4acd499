// Addresses. They are in the fragment, which browsers send to nobody, so that who was looked at is in no server's log.

const segments = (hash) => hash.replace(/^#\/?/, "").split("?")[0].split("/").filter(Boolean).map(decode);

function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** What an address shows: `view` and its parameters; `null` where there is no such view. */
export function route(hash) {
  const path = segments(hash);
  const query = new URLSearchParams(hash.split("?")[1] ?? "");
  const [org, kind, id, below, ...more] = path;
  if (more.length) return null;
  if (path.length === 0) return { view: "start" };
  if (path.length === 1) return { view: "start", org };
  if (kind === "customers" && path.length === 3) {
    return { view: "customer", org, customer: id, asOf: query.get("as_of"), category: number(query.get("category")) };
  }
  if (kind !== "categories") return null;
  if (path.length === 2) return { view: "catalogue", org, category: null };
  if (number(id) === null) return null;
  if (path.length === 3) return { view: "catalogue", org, category: number(id) };
  if (below !== "customers") return null;
  const value = query.get("has_value") === "false" ? null : (query.get("value") ?? undefined);
  return { view: "carriers", org, category: number(id), value };
}

function number(text) {
  return text !== null && /^-?\d{1,10}$/.test(text) ? Number(text) : null;
}

function build(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const search = given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return `#/${path.map(encodeURIComponent).join("/")}${search && `?${search}`}`;
}

export const address = {
  start: (org) => build(org ? [org] : []),
  customer: (org, customer, { asOf, category } = {}) =>
    build([org, "customers", customer], { as_of: asOf, category }),
  catalogue: (org, category) => build(category === undefined ? [org, "categories"] : [org, "categories", category]),
  /** Of a category; `value` is `undefined` for any, `null` for none. */
  carriers: (org, category, value) =>
    build([org, "categories", category, "customers"], value === null ? { has_value: "false" } : { value }),
};

/** Goes to an address; with `replace`, going back passes over where we are. */
export function go(to, { replace = false } = {}) {
  if (to === location.hash) return;
  if (replace) {
    history.replaceState(null, "", to);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = to;
  }
}
