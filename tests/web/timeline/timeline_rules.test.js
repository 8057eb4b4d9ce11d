import assert from "node:assert/strict";
import { test } from "node:test";

import { lanes } from "../../../functions/web/timeline/lanes.js";
import { edgeText, nameOf, summary } from "../../../functions/web/timeline/names.js";
import { Peaks } from "../../../functions/web/timeline/peaks.js";
import { firstAfter, phrasesOf } from "../../../functions/web/timeline/phrases.js";
import { rowsOf } from "../../../functions/web/timeline/rows.js";
import { label, marks } from "../../../functions/web/timeline/ruler.js";
import { closestPxPerS, fittingPxPerS, zoomed } from "../../../functions/web/timeline/scale.js";
import { prepared } from "../../../functions/web/timeline/source_data.js";

const highlight = { id: "a", startS: 12.4, endS: 18, score: 0.5, reasons: ["fast movement"] };
const nothing = { durationS: 60, fps: null, thumbs: null, motion: null, sound: null, motionSpans: [], speechSpans: [], words: [], snaps: [], join: { kind: "cut", duration_s: 0 } };

test("the highest of a stretch is never missed and never taken from further than a quarter beside it", () => {
  const values = Array.from({ length: 1000 }, (_, n) => ((n * 7919) % 997) / 997);
  const peaks = new Peaks(values);
  for (let from = 0; from < 1000; from += 13) {
    for (const count of [1, 2, 3, 7, 40, 333]) {
      const to = Math.min(1000, from + count);
      const most = Math.fround(Math.max(...values.slice(from, to)));
      const air = Math.ceil((to - from) / 4);
      const mostAround = Math.fround(Math.max(...values.slice(Math.max(0, from - air), to + air)));
      const found = peaks.between(from, to);
      assert.ok(found >= most && found <= mostAround, `${from} ${to}: ${most} ${found} ${mostAround}`);
    }
  }
});

test("what lies under the pointer stays there when one looks closer", () => {
  const scale = { durationS: 7200, widthPx: 1000, pxPerS: 10, scrollPx: 5000 };
  const xPx = 300;
  const closer = zoomed(scale, 25, { atS: (5000 + xPx) / 10, xPx });
  assert.equal((closer.scrollPx + xPx) / closer.pxPerS, 530);
});

test("zoom ends where all is seen, and where browsers could no longer lay it out", () => {
  assert.equal(zoomed({ durationS: 100, widthPx: 1000, pxPerS: 50, scrollPx: 900 }, 0, { atS: 50, xPx: 1 }).pxPerS, 10);
  assert.equal(zoomed({ durationS: 100, widthPx: 1000, pxPerS: 50, scrollPx: 900 }, 0, { atS: 50, xPx: 1 }).scrollPx, 0);
  assert.equal(closestPxPerS(7200, 1000), 400);
  assert.ok(closestPxPerS(12 * 3600, 1000) * 12 * 3600 <= 8_000_000);
  assert.equal(closestPxPerS(1, 1000), fittingPxPerS(1, 1000));
});

test("labels of the ruler never touch each other and are round times", () => {
  for (const pxPerS of [0.02, 0.15, 1, 7, 42, 110, 400]) {
    const { stepS, parts } = marks(pxPerS);
    assert.ok(stepS * pxPerS >= 84 || stepS === 14400);
    assert.ok((stepS / parts) * pxPerS >= 7 || parts === 1);
  }
  assert.equal(label(62.5, 0.5), "1:02.5");
  assert.equal(label(3723, 1), "1:02:03");
});

test("highlights that overlap lie in lanes of their own", () => {
  const spans = [["a", 0, 10], ["b", 5, 8], ["c", 8, 12], ["d", 10, 11], ["e", 20, 30]];
  const { of, count } = lanes(spans.map(([id, startS, endS]) => ({ id, startS, endS })));
  assert.deepEqual([...of], [["a", 0], ["b", 1], ["c", 1], ["d", 0], ["e", 0]]);
  assert.equal(count, 2);
  assert.equal(lanes([]).count, 1);
});

test("a phrase ends with its sentence or before a pause", () => {
  const word = (text, start_s, end_s) => ({ text, start_s, end_s, space_before: true });
  const phrases = phrasesOf([word("Here", 0, 1), word("we", 1.1, 1.4), word("go.", 1.5, 2), word("And", 2.1, 2.5), word("on", 4, 5)]);
  assert.deepEqual(phrases.map((each) => [each.text, each.startS, each.endS]), [["Here we go.", 0, 2], ["And", 2.1, 2.5], ["on", 4, 5]]);
  assert.equal(firstAfter(phrases, 2, (each) => each.endS), 1);
  assert.equal(firstAfter(phrases, 9, (each) => each.endS), 3);
});

test("rows that a source does not have leave no hole", () => {
  const none = rowsOf(nothing, { lanes: 1, isCoarse: false });
  assert.deepEqual([none.thumbs, none.motion, none.speech], [null, null, null]);
  assert.equal(none.heightPx, none.ruler.heightPx + none.highlights.heightPx);
  const sound = rowsOf({ ...nothing, sound: {} }, { lanes: 2, isCoarse: true });
  assert.equal(sound.speech?.topPx, sound.highlights.topPx + sound.highlights.heightPx);
  assert.ok(sound.highlights.heightPx > none.highlights.heightPx);
});

test("names tell place, time, clip and reasons", () => {
  assert.equal(nameOf(highlight, { place: 2, count: 7, clip: 1 }), "Highlight 2 of 7, 0:12 to 0:18, in the reel as clip 1, fast movement");
  assert.equal(nameOf(highlight, { place: 3, count: 7, clip: 0 }), "Highlight 3 of 7, 0:12 to 0:18, not in the reel, fast movement");
  assert.equal(edgeText(highlight, "start"), "Start 0:12.4, length 5.6 s");
  assert.equal(edgeText(highlight, "end"), "End 0:18.0, length 5.6 s");
});

test("the summary says what the drawings show, and what to do when nothing was found", () => {
  const state = { highlights: { a: highlight }, order: ["a"] };
  assert.equal(summary({ durationS: 60, join: nothing.join, motionSpans: [[0, 30]], speechSpans: [] }, state),
    "The source is 1:00 long. There is movement in 50 % of it. 1 highlight, 1 in the reel of 0:06.");
  assert.match(summary({ ...nothing }, { highlights: {}, order: [] }), /you can add some/);
});

test("one wild movement does not flatten the others", () => {
  const energy = Array.from({ length: 1000 }, (_, n) => (n === 500 ? 90 : 1));
  assert.equal(prepared({ ...nothing, motion: { everyS: 0.1, threshold: 0.3, energy } }).motion?.topEnergy, 1);
  assert.equal(prepared({ ...nothing, motion: { everyS: 0.1, threshold: 0.3, energy: [] } }).motion, null);
});
