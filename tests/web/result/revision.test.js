import assert from "node:assert/strict";
import { test } from "node:test";

import { Addresses } from "../../../functions/web/result/addresses.js";
import { isReelOf, reasonBadge } from "../../../functions/web/result/revision.js";
import { placeAt } from "../../../functions/web/result/row_drag.js";
import { historyStep, ownersOf } from "../../../functions/web/result/shortcuts.js";
import { fpsOf } from "../../../functions/web/result/timeline_data.js";

const highlight = (id, startS, endS) => ({ id, startS, endS, score: 1, reasons: [] });
const state = { highlights: { a: highlight("a", 1, 3), b: highlight("b", 3, 5.00049) }, order: ["a", "b"] };
const report = (...wanted) => ({ edit_list: { clips: wanted.map((each) => ({ wanted: each })) } });

test("a reel is known again when the server has joined its clips", () => {
  assert.ok(isReelOf(state, report([1, 5])));
  assert.ok(isReelOf(state, report([1, 3], [3, 5])));
  assert.ok(!isReelOf(state, report([1, 4.9])));
  assert.ok(!isReelOf({ ...state, order: ["b", "a"] }, report([1, 5])));
});

test("reasons are badges, keywords marked", () => {
  assert.deepEqual(reasonBadge("your keyword: first try"), { text: "“first try”", kind: "keyword" });
  assert.equal(reasonBadge("fast movement").kind, "motion");
  assert.equal(reasonBadge("a whole thought").kind, "speech");
  assert.equal(reasonBadge("added by you").kind, "own");
});

test("keys undo and redo on every system", () => {
  const pressed = (key, more) => historyStep({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more });
  assert.equal(pressed("z", { ctrlKey: true }), "undo");
  assert.equal(pressed("z", { metaKey: true }), "undo");
  assert.equal(pressed("Z", { metaKey: true, shiftKey: true }), "redo");
  assert.equal(pressed("y", { ctrlKey: true }), "redo");
  assert.equal(pressed("z", {}), null);
});

test("a dragged row goes where its middle is", () => {
  const boxes = [0, 50, 100].map((top) => ({ top, height: 50 }));
  assert.deepEqual([10, 80, 130, 900].map((middle) => placeAt(boxes, 0, middle)), [0, 1, 2, 2]);
});

test("frame rates are fractions", () => {
  assert.deepEqual(["30000/1001", "25/1", null, "0/1"].map(fpsOf), [30000 / 1001, 25, null, null]);
});

test("an address is asked for once while it holds, and anew when it ends", async () => {
  let asked = 0;
  const inS = [0, 600, 600];
  const links = async (_id, names) => {
    const forMs = inS[asked] * 1000;
    asked += 1;
    return { forMs, links: Object.fromEntries(names.map((name) => [name, { url: `/${name}/${asked}`, content_type: "" }])) };
  };
  const addresses = new Addresses({ links }, "job");
  assert.equal(await addresses.of("reel"), "/reel/1");
  assert.equal(addresses.held("reel"), null);
  assert.equal(await addresses.of("reel"), "/reel/2");
  assert.equal(await addresses.of("reel"), "/reel/2");
  addresses.forget();
  assert.equal(await addresses.of("reel"), "/reel/3");
});

test("a button keeps Space to itself, and letters and arrows work while it has the focus", () => {
  assert.match(ownersOf(" "), /\bbutton\b/);
  assert.doesNotMatch(ownersOf("k"), /\bbutton\b|slider/);
  assert.doesNotMatch(ownersOf("ArrowLeft"), /\bbutton\b/);
  assert.match(ownersOf("ArrowLeft"), /slider/);
});
