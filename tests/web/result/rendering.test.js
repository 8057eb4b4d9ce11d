import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../../functions/web/api.js";
import { Rendering } from "../../../functions/web/result/rendering.js";

const state = { highlights: { a: { id: "a", startS: 1, endS: 2.0004, score: 0.5, reasons: ["movement"] } }, order: ["a"] };
const done = { id: "job", state: "done", revision: 1, rendered_revision: 1, error: null, stages: { merge: { progress: 1 } } };
const merging = { ...done, state: "merging", revision: 2, stages: { merge: { progress: 0.4 } } };

function begun(api) {
  const told = { phases: [], revisions: [], cancelled: 0, asked: [] };
  const rendering = new Rendering({
    api: { renderAgain: async (...words) => (told.asked.push(words), merging), ...api }, job: done,
    show: (phase) => told.phases.push(phase), onChanged: () => {}, onRevision: (job) => told.revisions.push(job.rendered_revision),
    onCancelled: () => (told.cancelled += 1),
  });
  const kinds = () => told.phases.map((each) => each.kind);
  return { rendering, told, kinds };
}

test("an edit is sent for the revision it was made of, and followed to its reel", async () => {
  const { rendering, told, kinds } = begun({});
  await rendering.ask(state);
  assert.deepEqual(told.asked, [["job", 1, [{ start_s: 1, end_s: 2, score: 0.5, reasons: ["movement"] }]]]);
  assert.deepEqual(told.phases.at(-1), { kind: "rendering", share: 0.4, isMine: true });
  rendering.update({ ...done, revision: 2, rendered_revision: 2 });
  assert.deepEqual(told.revisions, [2]);
  assert.deepEqual(kinds(), ["asking", "rendering"]);
});

test("a revision that fails leaves the reel, and the next one is asked for in its place", async () => {
  const { rendering, told } = begun({});
  await rendering.ask(state);
  rendering.update({ ...done, revision: 2, error: { code: "render_failed", message: "It did not render.", is_input: false } });
  assert.deepEqual(told.phases.at(-1), { kind: "failed", sentence: "It did not render." });
  await rendering.ask(state);
  assert.equal(told.asked[1][1], 2);
});

test("a revision that is cancelled is no failure", async () => {
  const { rendering, told } = begun({ cancel: async () => ({ ...done, revision: 2 }) });
  await rendering.ask(state);
  await rendering.cancel();
  assert.equal(told.cancelled, 1);
  assert.deepEqual(told.phases.at(-1), { kind: "ready" });
});

test("who was not first is told, and may render over it", async () => {
  const theirs = { ...done, revision: 2, rendered_revision: 2 };
  let asked = 0;
  const { rendering, told } = begun({
    job: async () => theirs,
    renderAgain: async (_id, revision) => {
      asked += 1;
      if (revision === 1) throw new ApiError(412, "edit_list_changed", "It is at revision 2.");
      return { ...merging, revision: 3 };
    },
  });
  await rendering.ask(state);
  assert.deepEqual(told.phases.at(-1), { kind: "theirs", revision: 2 });
  await rendering.askOver(state);
  assert.equal(asked, 2);
  assert.equal(told.phases.at(-1).kind, "rendering");
});

test("without its source nothing is rendered", async () => {
  const { rendering, told } = begun({ renderAgain: async () => { throw new ApiError(410, "source_expired", "It is gone."); } });
  await rendering.ask(state);
  assert.deepEqual(told.phases.at(-1), { kind: "gone", sentence: "It is gone." });
});

test("an empty reel is not asked for", async () => {
  const { rendering, told } = begun({});
  await rendering.ask({ ...state, order: [] });
  assert.deepEqual(told.asked, []);
});

test("where the answer was lost the revision that is there is the one that was asked for", async () => {
  let asked = 0;
  const rendered = { ...done, revision: 2, rendered_revision: 2 };
  const { rendering, told, kinds } = begun({
    renderAgain: async () => {
      asked += 1;
      throw asked === 1 ? new ApiError(0, "offline", "") : new ApiError(412, "edit_list_changed", "");
    },
    job: async () => rendered,
  });
  await rendering.ask(state);
  assert.equal(asked, 2);
  assert.deepEqual(told.revisions, [2]);
  assert.ok(!kinds().includes("theirs"));
});

test("a server that stays silent is no failed reel, and the edit can be asked for again", async () => {
  const { rendering, told } = begun({ renderAgain: async () => { throw new ApiError(0, "offline", ""); } });
  await rendering.ask(state);
  assert.match(told.phases.at(-1).sentence, /does not answer/);
});
