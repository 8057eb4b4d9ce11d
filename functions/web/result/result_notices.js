// What is to be known about a result: why it cannot be changed, a change that came to no reel, warnings.

import { fill, h } from "../dom.js";
import { ownSentence } from "../progress/advice.js";
import { lostEdit } from "../progress/job_troubles.js";

/**
 * @param {HTMLElement} root
 * @param {{job: import("../api.js").Job, report: import("../editing/from_report.js").Report, isSourceThere: boolean}} now
 */
export function showNotices(root, { job, report, isSourceThere }) {
  const { name } = job.source;
  const error = job.state === "done" && job.error?.code !== "cancelled" ? job.error : null;
  fill(root,
    !isSourceThere && h("div", { class: "notice warn" },
      h("p", {}, "The source of this reel is not kept any more, so it cannot be cut anew. Upload it again to change the reel.")),
    isSourceThere && error && lostEdit(name, error),
    isSourceThere && report.warnings.length > 0 && h("div", { class: "notice warn" },
      h("ul", { class: "stack" }, ...report.warnings.map((each) => h("li", {}, ownSentence(each.message, name))))));
  root.hidden = !root.childElementCount;
}
