import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ADDED, byTime, clipsOf, inReel, isOn, isSameReel, moved, switched, trimmed, withHighlight, without,
} from "../../../functions/web/editing/edit_state.js";

const DURATION_S = 100;

/** @param {...[string, number, number]} rows */
function highlights(...rows) {
  return Object.fromEntries(rows.map(([id, startS, endS]) => [id, { id, startS, endS, score: 0.5, reasons: ["movement"] }]));
}

const state = { highlights: highlights(["a", 10, 20], ["b", 30, 34], ["c", 50, 51], ["d", 70, 80]), order: ["a", "c"] };

test("what is switched on goes to its place in time while the reel follows the source", () => {
  assert.deepEqual(switched(state, "b", true).order, ["a", "b", "c"]);
  assert.deepEqual(switched(state, "d", true).order, ["a", "c", "d"]);
});

test("what is switched on goes to the end where somebody has an order of their own", () => {
  assert.deepEqual(switched({ ...state, order: ["c", "a"] }, "b", true).order, ["c", "a", "b"]);
});

test("what is switched off stays as a highlight", () => {
  const off = switched(state, "a", false);
  assert.deepEqual(off.order, ["c"]);
  assert.equal(isOn(off, "a"), false);
  assert.deepEqual(byTime(off).map((each) => each.id), ["a", "b", "c", "d"]);
});

test("an edge stays in the source and does not pass the other one", () => {
  assert.equal(trimmed(state, "a", { startS: -5 }, DURATION_S).highlights.a.startS, 0);
  assert.equal(trimmed(state, "d", { endS: 500 }, DURATION_S).highlights.d.endS, DURATION_S);
  const narrow = trimmed(state, "a", { startS: 25 }, DURATION_S).highlights.a;
  assert.ok(Math.abs(narrow.endS - narrow.startS - 0.3) < 1e-9);
  assert.equal(narrow.endS, 20);
});

test("an edge that stays where it is changes nothing", () => {
  assert.equal(trimmed(state, "a", { startS: 10 }, DURATION_S), state);
  assert.equal(trimmed(state, "nobody", { startS: 1 }, DURATION_S), state);
});

test("clips change places, and places beyond the ends are the ends", () => {
  const all = { ...state, order: ["a", "b", "c", "d"] };
  assert.deepEqual(moved(all, "d", 0).order, ["d", "a", "b", "c"]);
  assert.deepEqual(moved(all, "a", 2).order, ["b", "c", "a", "d"]);
  assert.deepEqual(moved(all, "a", 99).order, ["b", "c", "d", "a"]);
  assert.equal(moved(all, "a", 0), all);
});

test("a highlight can be added and removed again, one that was found only switched off", () => {
  const { state: more, id } = withHighlight(state, { startS: 40, endS: 45 }, DURATION_S);
  assert.deepEqual(more.order, ["a", id, "c"]);
  assert.deepEqual(more.highlights[id].reasons, [ADDED]);
  assert.deepEqual(without(more, id), { ...state, order: ["a", "c"] });
  assert.equal(without(more, "a"), more);
});

test("a highlight that is added at the very end still has a length", () => {
  const { state: more, id } = withHighlight(state, { startS: 100, endS: 100 }, DURATION_S);
  assert.ok(more.highlights[id].endS - more.highlights[id].startS > 0.29);
  assert.ok(more.highlights[id].endS <= DURATION_S);
});

test("the reel's length and clips are those that are on, in their order", () => {
  assert.deepEqual(inReel(state).map((each) => each.id), ["a", "c"]);
  assert.deepEqual(clipsOf({ ...state, order: ["c"] }), [{ start_s: 50, end_s: 51, score: 0.5, reasons: ["movement"] }]);
});

test("two states are the same reel whatever else was found", () => {
  assert.ok(isSameReel(state, { ...state, highlights: { ...state.highlights, ...highlights(["e", 90, 95]) } }));
  assert.ok(!isSameReel(state, { ...state, order: ["c", "a"] }));
});
