import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOfSearch, filterOf, lookedForIn } from "../../../functions/web/progress/filters.js";
import { placeIn } from "../../../functions/web/progress/kept_place.js";

test("a place is what was kept, within bounds, and the top where nothing sensible was", () => {
  assert.deepEqual([null, "x", { pages: 3, scrollY: 1200.5 }, { pages: 1e9, scrollY: -4 }, { pages: 1.5, scrollY: NaN }].map(placeIn), [
    { pages: 1, scrollY: 0 }, { pages: 1, scrollY: 0 }, { pages: 3, scrollY: 1200.5 }, { pages: 20, scrollY: 0 }, { pages: 1, scrollY: 0 },
  ]);
});

test("an address tells the filter and what is looked for", () => {
  const of = (/** @type {string} */ search) => addressOfSearch(filterOf(search), lookedForIn(search));
  assert.deepEqual(["", "?state=done", "?q=a+%26+b", "?state=done&q=dog"].map(of),
    ["/jobs", "/jobs?state=done", "/jobs?q=a+%26+b", "/jobs?state=done&q=dog"]);
});
