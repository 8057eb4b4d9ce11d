import assert from "node:assert/strict";
import { test } from "node:test";

import { delayMs } from "../../../functions/web/uploading/backoff.js";
import { Rate, timeLeftS } from "../../../functions/web/uploading/rate.js";
import { contentRange, keptBytes, nextPart, PART_BYTES, verdictOf } from "../../../functions/web/uploading/resumable.js";

const MIB = 1024 ** 2;
const GRAIN = 256 * 1024;

test("parts cover a file without gaps, and all but the last end at a multiple of 256 KiB", () => {
  const sizeBytes = 20 * MIB + 7;
  const ends = [];
  for (let part = nextPart(0, sizeBytes); part; part = nextPart(part.endByte, sizeBytes)) ends.push(part.endByte);
  assert.deepEqual(ends, [8 * MIB, 16 * MIB, sizeBytes]);
  const odd = nextPart(3 * MIB + 5, 100 * MIB);
  assert.equal((odd?.endByte ?? 1) % GRAIN, 0);
  assert.equal(nextPart(0, 6)?.endByte, 6);
  assert.equal(nextPart(6, 6), null);
});

test("no part is beyond what a 5 GB file needs", () => {
  const part = nextPart(5e9 - 100, 5e9);
  assert.deepEqual(part, { startByte: 5e9 - 100, endByte: 5e9 });
  assert.ok((nextPart(4 * MIB, 5e9)?.endByte ?? 0) - 4 * MIB <= PART_BYTES);
});

test("ranges are written and read as Cloud Storage does", () => {
  assert.equal(contentRange({ startByte: 0, endByte: 8388608 }, 20000000), "bytes 0-8388607/20000000");
  assert.equal(contentRange(null, 20000000), "bytes */20000000");
  assert.deepEqual([null, "", "bytes=0-8388607", " bytes=0-0 "].map(keptBytes), [0, 0, 8388608, 1]);
  assert.deepEqual(["bytes=5-9", "0-3", "bytes=0-x"].map(keptBytes), [null, null, null]);
});

test("what passes is tried again, and what does not is told", () => {
  const kindOf = (/** @type {number} */ status, code = "") => verdictOf("part", { status, code }).kind;
  assert.deepEqual([0, 408, 409, 429, 500, 502, 503, 507].map((status) => kindOf(status)), Array(8).fill("again"));
  assert.deepEqual([404, 410].map((status) => kindOf(status)), ["gone", "gone"]);
  assert.deepEqual([400, 403, 413].map((status) => kindOf(status)), ["refused", "refused", "refused"]);
  assert.deepEqual([200, 201, 412].map((status) => kindOf(status)), ["done", "done", "done"]);
  assert.deepEqual(verdictOf("ask", { status: 308, range: "bytes=0-99" }), { kind: "kept", storedBytes: 100 });
  assert.equal(verdictOf("ask", { status: 308, range: "odd" }).kind, "again");
});

test("an upload begins where Location says, and an address that has expired is asked for again", () => {
  assert.deepEqual(verdictOf("begin", { status: 201, location: "/here" }), { kind: "begun", sessionUrl: "/here" });
  assert.equal(verdictOf("begin", { status: 201, location: null }).kind, "again");
  assert.equal(verdictOf("begin", { status: 400, code: "url_expired" }).kind, "renew");
  assert.equal(verdictOf("begin", { status: 412, code: "already_there" }).kind, "done");
});

test("each try waits longer, up to half a minute, and no less than was asked for", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 9].map((attempt) => delayMs(attempt, 1)), [1000, 2000, 4000, 8000, 16000, 30000]);
  assert.equal(delayMs(2, 0), 2000);
  assert.equal(delayMs(0, 0.5, 7), 7000);
});

test("the rate is that of the last seconds, and nobody guesses from the first moment", () => {
  const rate = new Rate();
  rate.add(0, 0);
  assert.equal(rate.bytesPerS(100), null);
  for (let second = 1; second <= 20; second += 1) rate.add(second * 1000, second * 1e6);
  assert.equal(rate.bytesPerS(20_000), 1e6);
  assert.ok((rate.bytesPerS(30_000) ?? 9e9) < 0.6e6, "it falls while nothing moves");
  rate.add(31_000, 5e6);
  assert.equal(rate.bytesPerS(31_000), null, "less than before: it begins anew");
  assert.deepEqual([timeLeftS(3e6, 1e6), timeLeftS(3e6, null), timeLeftS(3e6, 0)], [3, null, null]);
});
