import assert from "node:assert/strict";
import { test } from "node:test";

import { EditSession } from "../../../functions/web/editing/edit_session.js";

function session() {
  const one = (id, startS, endS) => ({ id, startS, endS, score: 1, reasons: [] });
  const state = { highlights: { a: one("a", 0, 5), b: one("b", 10, 15) }, order: ["a", "b"] };
  return new EditSession(state, { durationS: 60 });
}

test("every change can be undone and done again", () => {
  const edit = session();
  edit.switch("a", false);
  edit.trim("b", { endS: 12 });
  edit.move("b", 0);
  edit.undo();
  assert.equal(edit.state.highlights.b.endS, 15);
  edit.undo();
  assert.deepEqual(edit.state.order, ["a", "b"]);
  assert.equal(edit.canUndo, false);
  edit.redo();
  edit.redo();
  assert.equal(edit.state.highlights.b.endS, 12);
  assert.equal(edit.canRedo, false);
});

test("a drag is one step, however many moves it has", () => {
  const edit = session();
  for (const endS of [14, 13, 12, 11]) edit.trim("b", { endS }, { isGoing: true });
  edit.settle();
  assert.equal(edit.state.highlights.b.endS, 11);
  edit.undo();
  assert.equal(edit.state.highlights.b.endS, 15);
  assert.equal(edit.canUndo, false);
});

test("a drag that is given up leaves no trace", () => {
  const edit = session();
  edit.trim("b", { endS: 11 }, { isGoing: true });
  edit.revert();
  assert.equal(edit.state.highlights.b.endS, 15);
  assert.equal(edit.canUndo, false);
});

test("a new change forgets what was undone", () => {
  const edit = session();
  edit.switch("a", false);
  edit.undo();
  edit.switch("b", false);
  assert.equal(edit.canRedo, false);
});

test("starting over can be undone", () => {
  const edit = session();
  edit.switch("a", false);
  edit.reset();
  assert.equal(edit.isEdited, false);
  edit.undo();
  assert.equal(edit.isEdited, true);
});

test("a draft is an edit of the reel that is there, and can be undone", () => {
  const { state } = session();
  const edit = new EditSession(state, { durationS: 60, draft: { ...state, order: ["b"] } });
  assert.equal(edit.isEdited, true);
  edit.undo();
  assert.equal(edit.isEdited, false);
});

test("listeners hear of every change and of nothing else", () => {
  const edit = session();
  const heard = [];
  edit.addEventListener("change", () => heard.push("change"));
  edit.addEventListener("select", () => heard.push("select"));
  edit.switch("a", true); // it is on
  assert.deepEqual(heard, []);
  edit.switch("a", false);
  edit.select("a");
  edit.select("a");
  assert.deepEqual(heard, ["change", "select"]);
});

test("what is selected and goes is selected no more", () => {
  const edit = session();
  const id = edit.add({ startS: 20, endS: 22 });
  assert.equal(edit.selectedId, id);
  edit.undo();
  assert.equal(edit.selectedId, null);
});

test("doing again while something is dragged ends the drag first", () => {
  const edit = session();
  edit.switch("a", false);
  edit.undo();
  edit.trim("b", { endS: 12 }, { isGoing: true });
  edit.redo();
  assert.equal(edit.canRedo, false);
  assert.equal(edit.state.highlights.b.endS, 12);
  edit.undo();
  assert.equal(edit.state.highlights.b.endS, 15);
  assert.equal(edit.canUndo, false);
});
