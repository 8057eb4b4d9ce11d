import assert from "node:assert/strict";
import { test } from "node:test";

import { guarded } from "../../functions/web/kept.js";

test("where the browser keeps nothing, nothing is remembered and nobody is stopped", () => {
  const blocked = guarded(() => { throw new Error("The operation is insecure."); });
  assert.deepEqual([blocked.get("a"), blocked.set("a", "1"), blocked.remove("a")], [null, false, undefined]);
});

test("what is kept is found again until it is removed", () => {
  const found = new Map();
  const kept = guarded(() => /** @type {Storage} */ (/** @type {unknown} */ ({
    getItem: (/** @type {string} */ name) => found.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => void found.set(name, value),
    removeItem: (/** @type {string} */ name) => void found.delete(name),
  })));
  assert.deepEqual([kept.set("a", "1"), kept.get("a"), kept.remove("a"), kept.get("a")], [true, "1", undefined, null]);
});
