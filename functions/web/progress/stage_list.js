// A bar for each stage of a job, with what is slow about it.

import { bar, h, setBar, setText } from "../dom.js";
import { NeverBackwards, runOf } from "./never_backwards.js";
import { slowSentence, stageStanding, stageWords, STAGES } from "./wording.js";

/** @typedef {import("./wording.js").StageName} StageName */

/**
 * Return the stages of a job; `update` changes them where they are.
 * @returns {{element: HTMLElement, update: (job: import("../api.js").Job) => void}}
 */
export function stageList() {
  const shares = new NeverBackwards();
  const lines = STAGES.map((name) => stageLine(name, shares));
  const element = h("ul", { class: "stages", "aria-label": "Stages" }, lines.map((line) => line.element));
  return { element, update: (job) => lines.forEach((line) => line.update(job)) };
}

/**
 * @param {StageName} name
 * @param {NeverBackwards} shares
 */
function stageLine(name, shares) {
  const { label, kind } = stageWords(name);
  const standing = h("span", { class: "stage-standing numbers" });
  const progress = bar(label, kind);
  const slow = h("p", { class: "stage-slow", hidden: true });
  const element = h("li", { class: "stage" },
    h("span", { class: "stage-name" }, label), standing, progress, slow);
  return { element, update };

  /** @param {import("../api.js").Job} job */
  function update(job) {
    const stage = job.stages[name];
    const isSkipped = stage?.state === "skipped" || stage?.state === "failed_soft";
    const isEditing = job.rendered_revision > 0 && job.state === "merging";
    element.hidden = isEditing && name !== "merge"; // nothing is looked at anew
    element.dataset.state = stage?.state ?? "planned";
    setText(standing, stageStanding(name, stage, job));
    progress.hidden = isSkipped;
    progress.classList.toggle("failed", stage?.state === "failed");
    setBar(progress, shares.shown(name, runOf(job), isSkipped ? 0 : stage?.progress ?? 0));
    const sentence = job.state === "failed" ? null : slowSentence(name, stage);
    slow.hidden = sentence === null;
    setText(slow, sentence ?? "");
  }
}
