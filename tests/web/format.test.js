import assert from "node:assert/strict";
import { test } from "node:test";

import { bytes, clock, counted, duration, moment, percent, secondsOf } from "../../functions/web/format.js";
import { routeOf } from "../../functions/web/router.js";

test("times are read as on a player", () => {
  assert.deepEqual([0, 7.4, 59.6, 754, 3723].map((each) => clock(each)), ["0:00", "0:07", "1:00", "12:34", "1:02:03"]);
  assert.deepEqual([7.44, 59.96].map((each) => clock(each, { tenths: true })), ["0:07.4", "1:00.0"]);
});

test("waiting is told roughly", () => {
  assert.deepEqual([0.2, 8, 59.4, 59.6, 200, 3590, 4800].map(duration),
    ["1 s", "8 s", "59 s", "1 min", "3 min", "1 h", "1 h 20 min"]);
});

test("amounts of data have three digits at most", () => {
  assert.deepEqual([0, 812, 999_600, 14_107_969, 999_960_000, 5e12].map(bytes),
    ["0 B", "812 B", "1.0 MB", "14.1 MB", "1.0 GB", "5.0 TB"]);
});

test("nothing is at 100 % before it is done", () => {
  assert.deepEqual([0, 0.999, 1, 1.2].map(percent), ["0 %", "99 %", "100 %", "100 %"]);
  assert.deepEqual([counted(1, "file"), counted(0, "file"), counted(2, "person", "people")], ["1 file", "0 files", "2 people"]);
});

test("an address names one view, and what is none says so", () => {
  assert.deepEqual(["/", "/jobs", "/jobs/abc", "/batches/x1", "/batches", "/jobs/a/b", "/else"].map((path) => routeOf(path).name),
    ["upload", "overview", "job", "batch", "unknown", "unknown", "unknown"]);
});

test("dates are English like the sentences around them, whatever the browser's language is", () => {
  const now = new Date(2026, 2, 3, 20, 0);
  assert.deepEqual([[2026, 2, 3, 14, 5], [2026, 1, 28, 9, 0], [2025, 11, 24, 9, 0]].map(([year, ...rest]) =>
    moment(new Date(year ?? 0, ...rest).toISOString(), now)), ["14:05", "28 Feb", "24 Dec 2025"]);
});

test("times are typed as clocks or seconds", () => {
  assert.deepEqual(["1:02.5", "62,5", "1:00:00", " 7 ", "20 s"].map(secondsOf), [62.5, 62.5, 3600, 7, 20]);
  assert.deepEqual(["", "soon", "1:75", "1.5:30", "1:2:3:4"].map(secondsOf), [null, null, null, null, null]);
});
