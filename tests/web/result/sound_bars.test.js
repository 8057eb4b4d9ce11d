import assert from "node:assert/strict";
import { test } from "node:test";

import { barHeights, barPath } from "../../../functions/web/result/sound_bars.js";

const sound = { everyS: 1, levelDb: [-60, -20, -60, -30, -10, -50] };

test("bars are of what is heard, in its order, the loudest one full", () => {
  assert.deepEqual(barHeights(sound, [{ startS: 3, endS: 5 }, { startS: 1, endS: 2 }], 3), [0.5, 1, 0.75]);
  assert.deepEqual(barHeights(sound, [{ startS: 0, endS: 6 }], 2), [1 - 10 / 40, 1]);
});

test("there may be more bars than levels, or nothing at all", () => {
  assert.equal(barHeights(sound, [{ startS: 0, endS: 6 }], 30).length, 30);
  assert.deepEqual(barHeights(sound, [], 30), []);
  assert.equal(barPath([1, 0]), "M2 4.0V96.0M6 49.0V51.0");
});
