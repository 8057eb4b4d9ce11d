import assert from "node:assert/strict";
import { test } from "node:test";

import { stateOf } from "../../../functions/web/editing/from_report.js";

const found = (start_s, end_s, chosen, ...reasons) => ({ start_s, end_s, score: 0.5, reasons, chosen });
const clip = (start_s, end_s, ...reasons) => ({ wanted: [start_s, end_s], actual: [start_s, end_s], score: 0.7, reasons });
const report = (highlights, clips) => ({ highlights, edit_list: { clips } });

test("clips come in the reel's order, and beside them what was not taken", () => {
  const state = stateOf(report(
    [found(0, 4, true, "movement"), found(10, 14, false, "speaks densely"), found(20, 24, true, "movement")],
    [clip(20, 24), clip(0, 4)],
  ));
  assert.deepEqual(state.order.map((id) => state.highlights[id].startS), [20, 0]);
  assert.deepEqual(Object.values(state.highlights).filter((each) => !state.order.includes(each.id)).map((each) => each.startS), [10]);
});

test("a clip that grew together is the candidates again", () => {
  const state = stateOf(report([found(0, 4, true, "one"), found(4, 9, true, "two")], [clip(0, 9, "one", "two")]));
  assert.deepEqual(state.order.map((id) => state.highlights[id].reasons), [["one"], ["two"]]);
});

test("a clip that candidates do not fill stays whole", () => {
  const state = stateOf(report([found(0, 4, true), found(5, 9, true)], [clip(0, 9)]));
  assert.deepEqual(state.order.map((id) => [state.highlights[id].startS, state.highlights[id].endS]), [[0, 9]]);
});

test("a candidate that lies in a clip is not offered beside it", () => {
  const state = stateOf(report([found(1, 5, false), found(8, 14, false)], [clip(0, 9)]));
  assert.deepEqual(Object.values(state.highlights).map((each) => each.startS), [0, 8]);
});

test("a candidate that a neighbour reaches into is still offered, and one that was trimmed is not offered again", () => {
  const touched = stateOf(report([found(0, 4, true), found(4.5, 9, true)], [clip(0, 4.6)]));
  assert.deepEqual(Object.values(touched.highlights).map((each) => each.startS), [0, 4.5]);
  const trimmed = stateOf(report([found(0, 10, true)], [clip(3, 5)]));
  assert.deepEqual(Object.values(trimmed.highlights).map((each) => each.startS), [3]);
});
