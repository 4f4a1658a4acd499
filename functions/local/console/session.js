// What the page keeps while its tab is open: the API key and how times are shown. Nothing of it is in an address, and
// nothing outlives the tab.

const KEY = "customers-categories.key";
const ZONE = "customers-categories.zone";

/** The content of a `<meta>` that the server, or the export, has filled in. */
export function meta(name) {
  return document.querySelector(`meta[name="${name}"]`)?.content ?? "";
}

export function apiKey() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function keepApiKey(key) {
  sessionStorage.setItem(KEY, key);
}

export function forgetApiKey() {
  sessionStorage.removeItem(KEY);
}

/** Whether times are shown in UTC rather than in local time. */
export function inUtc() {
  return sessionStorage.getItem(ZONE) === "utc";
}

export function showUtc(utc) {
  sessionStorage.setItem(ZONE, utc ? "utc" : "local");
}
