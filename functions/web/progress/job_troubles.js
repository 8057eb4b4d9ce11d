// What went wrong with a job, what to know about it, and what to do.

import { fill, h } from "../dom.js";
import { adviceFor, causeOf, ownSentence } from "./advice.js";

/** @typedef {import("../api.js").Job} Job */
/** @typedef {import("../api.js").JobRow} JobRow */

/** @type {Partial<Record<JobRow["state"], string>>} */
const ENDS = {
  awaiting_upload: "It comes from another tab or device, or its upload was left off. Go on there, or choose the same file here again.",
  cancelled: "It was stopped, so there is no reel. Upload the file again to make one after all.",
  expired: "The file never arrived in full, and after a week nobody waits for it any more. Upload it again.",
  erasing: "The video, its reel and all that was made of it are being removed.",
};

/**
 * Return a job's error, warnings and end in words; they are drawn anew only when they change.
 * @returns {{element: HTMLElement, update: (row: JobRow, job: Job | null) => void}}
 */
export function jobTroubles() {
  const element = h("div", { class: "job-troubles" });
  let shown = "";
  return { element, update };

  /** @param {JobRow} row @param {Job | null} job */
  function update(row, job) {
    const now = JSON.stringify([row.state, row.error_code, job?.error, job?.warnings]);
    if (now === shown) return;
    shown = now;
    const end = ENDS[row.state];
    fill(element,
      row.state === "failed" && failure(row, job),
      row.state === "done" && job?.error && lostEdit(row.name, job.error),
      end && h("p", { class: `soft end-${row.state}` }, end),
      job?.warnings.length ? warnings(row, job) : null);
    element.hidden = !element.childElementCount;
  }
}

/** @param {JobRow} row @param {Job | null} job */
function failure(row, job) {
  const { title, advice } = adviceFor(job?.error ?? { code: row.error_code ?? "", is_input: true });
  return h("div", { class: "notice bad" },
    h("p", {}, h("strong", {}, title)),
    job?.error && h("p", {}, causeOf(job.error, row.name)),
    h("p", { class: "advice" }, advice));
}

/** @param {string} name the file's @param {import("../api.js").JobError} error */
export function lostEdit(name, error) {
  return h("div", { class: "notice warn" },
    h("p", {}, h("strong", {}, "The last change came to no reel; the one before it is still there.")),
    h("p", {}, causeOf(error, name)),
    h("p", { class: "advice" }, adviceFor(error).advice));
}

/** @param {JobRow} row @param {Job} job */
function warnings(row, job) {
  return h("div", { class: "notice warn" },
    h("strong", {}, "Good to know"),
    h("ul", { class: "warnings" }, job.warnings.map((warning) => h("li", {}, ownSentence(warning.message, row.name)))));
}
