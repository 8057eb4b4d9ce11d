import assert from "node:assert/strict";
import { test } from "node:test";

import { nearest, next, snapPoints, withEdges } from "../../../functions/web/editing/snap_points.js";

const words = [{ start_s: 1, end_s: 1.4 }, { start_s: 1.42, end_s: 2 }, { start_s: 3, end_s: 3.5 }];
const points = snapPoints({ words, motion: [[5, 8]], durationS: 10 });
const at = (kind) => points.filter((each) => each.kind === kind).map((each) => Number(each.atS.toFixed(3)));

test("edges lie between words, never inside one", () => {
  assert.deepEqual(at("word"), [0.95, 1.41, 2.05, 2.95, 3.55]);
  for (const point of points) {
    for (const word of words) assert.ok(!(point.atS > word.start_s && point.atS < word.end_s), `${point.atS}`);
  }
});

test("movement begins and ends at points, and so does the source", () => {
  assert.deepEqual(at("motion"), [5, 8]);
  assert.deepEqual(at("edge"), [0, 10]);
});

test("the nearest point counts only if it is near", () => {
  assert.equal(nearest(points, 4.8, 0.5)?.atS, 5);
  assert.equal(nearest(points, 4.3, 0.5), null);
  assert.equal(nearest([], 4.3, 5), null);
});

test("steps go from point to point in both directions and end at the ends", () => {
  assert.equal(next(points, 5, 1)?.atS, 8);
  assert.equal(next(points, 8, -1)?.atS, 5);
  assert.equal(next(points, 10, 1), null);
  assert.equal(next(points, 0, -1), null);
});

test("points lie in order and inside the source", () => {
  const early = snapPoints({ words: [{ start_s: 0.01, end_s: 0.3 }], durationS: 0.32 });
  assert.ok(early.every((each, n) => each.atS >= 0 && each.atS <= 0.32 && (n === 0 || each.atS >= early[n - 1].atS)));
});

test("edges of other highlights and the playhead are points as well", () => {
  const more = withEdges(points, [{ startS: 3.3, endS: 6.6 }], 7.1);
  assert.deepEqual([nearest(more, 3.2, 0.2)?.kind, nearest(more, 7, 0.2)?.kind], ["highlight", "playhead"]);
  assert.ok(more.every((each, n) => n === 0 || each.atS >= more[n - 1].atS));
});
