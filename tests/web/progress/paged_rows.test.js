import assert from "node:assert/strict";
import { test } from "node:test";

import { PagedRows } from "../../../functions/web/progress/paged_rows.js";

test("a job that has ended leaves those that run, and is among all", async () => {
  const row = (/** @type {string} */ state) =>
    /** @type {import("../../../functions/web/api.js").JobRow} */ (/** @type {unknown} */ ({ id: "a", state, created_at: "2026-01-01T10:00:00Z" }));
  const asked = async () => ({ jobs: [row("merging")], next_page_token: null });
  for (const [states, shown] of /** @type {const} */ ([[["merging"], []], [null, ["a"]]])) {
    const rows = new PagedRows(asked, states ? [...states] : null);
    await rows.more();
    assert.deepEqual(rows.rows().map(({ id }) => id), ["a"]);
    rows.put(row("done"));
    assert.deepEqual(rows.rows().map(({ id }) => id), shown);
  }
});
