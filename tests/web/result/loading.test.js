import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../../functions/web/api.js";
import { hasSource } from "../../../functions/web/result/loading.js";

const refused = (status, code) => ({ of: async () => { throw new ApiError(status, code, "No."); } });

test("a source is gone only where the server says so", async () => {
  assert.equal(await hasSource({ of: async () => "https://files.example/source" }), true);
  assert.equal(await hasSource(refused(410, "source_expired")), false);
  assert.equal(await hasSource(refused(404, "unknown_artifact")), false);
  await assert.rejects(hasSource(refused(503, "cloud_unavailable")));
  await assert.rejects(hasSource(refused(0, "offline")));
});
