// Which past jobs to show, as the address says it. Pure.

/** @typedef {import("../api.js").JobState} JobState */
/** @typedef {{key: string, label: string, states: JobState[] | null}} Filter */

/** @type {Filter[]} */
export const FILTERS = [
  { key: "", label: "All", states: null },
  { key: "running", label: "Running", states: ["awaiting_upload", "queued", "analysing", "merging"] },
  { key: "done", label: "Done", states: ["done"] },
  { key: "failed", label: "Failed", states: ["failed"] },
  { key: "other", label: "Other", states: ["cancelled", "expired", "erasing"] },
];

/**
 * Return the filter a query string names; all where it names none that is known.
 * @param {string} search
 * @returns {Filter}
 */
export function filterOf(search) {
  const key = new URLSearchParams(search).get("state") ?? "";
  return FILTERS.find((filter) => filter.key === key) ?? /** @type {Filter} */ (FILTERS[0]);
}

/**
 * Return the address of a filter.
 * @param {Filter} filter
 * @returns {string}
 */
export const addressOf = (filter) => (filter.key ? `/jobs?state=${filter.key}` : "/jobs");

/**
 * Return the address of a filter and of what is looked for.
 * @param {Filter} filter
 * @param {string} lookedFor
 * @returns {string}
 */
export function addressOfSearch(filter, lookedFor) {
  const query = new URLSearchParams({ ...(filter.key ? { state: filter.key } : {}), ...(lookedFor ? { q: lookedFor } : {}) });
  return query.size ? `/jobs?${query}` : "/jobs";
}

/**
 * Return what a query string looks for.
 * @param {string} search
 */
export const lookedForIn = (search) => new URLSearchParams(search).get("q") ?? "";

/**
 * Return whether a name has all words of what is looked for, in any order and case.
 * @param {string} name
 * @param {string} lookedFor
 * @returns {boolean}
 */
export function hasWords(name, lookedFor) {
  const lower = name.toLowerCase();
  return lookedFor.toLowerCase().split(/\s+/).every((word) => lower.includes(word));
}
