import assert from "node:assert/strict";
import { test } from "node:test";

import { joined, reelLengthS } from "../../../functions/web/editing/reel_length.js";
import { reelAt, shownClips, sourceAt } from "../../../functions/web/result/reel_clock.js";

const cut = { kind: "cut", duration_s: 0.5 };
const crossfade = { kind: "crossfade", duration_s: 1 };
const clips = [{ actual: [10, 14] }, { actual: [2, 5] }, { actual: [20, 21] }];

test("a moment of the reel is a moment of the source, in the reel's order", () => {
  const shown = shownClips({ join: cut, clips });
  assert.deepEqual([0, 3, 4, 6.5, 7.25, 99].map((atS) => sourceAt(shown, atS)), [10, 13, 2, 4.5, 20.25, 21]);
  assert.equal(sourceAt([], 1), null);
});

test("a moment of the source is found in the reel, or is not in it", () => {
  const shown = shownClips({ join: cut, clips });
  assert.deepEqual([10, 4.5, 20.5, 14, 15].map((atS) => reelAt(shown, atS)), [0, 6.5, 7.5, null, null]);
});

test("of a cross-fade each clip has the half in which it is seen more", () => {
  const shown = shownClips({ join: crossfade, clips });
  assert.deepEqual(shown.map((each) => [each.startS, each.endS, each.reelStartS, each.reelEndS]), [
    [10, 13.5, 0, 3.5], [2.5, 4.75, 3.5, 5.75], [20.25, 21, 5.75, 6.5],
  ]);
  assert.equal(shown.at(-1).reelEndS, reelLengthS([{ startS: 10, endS: 14 }, { startS: 2, endS: 5 }, { startS: 20, endS: 21 }], crossfade));
});

test("what follows directly on each other is one clip, which no cross-fade shortens", () => {
  const spans = [{ startS: 1, endS: 3 }, { startS: 3, endS: 6 }];
  assert.deepEqual(joined(spans), [{ startS: 1, endS: 6 }]);
  assert.equal(reelLengthS(spans, crossfade), 5);
  assert.deepEqual(spans[0], { startS: 1, endS: 3 });
});
