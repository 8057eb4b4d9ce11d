// One job: its progress while it runs, its result once there is one, and why there is none.

import { fill, h } from "../dom.js";
import { percent } from "../format.js";
import { copyLinkButton } from "../progress/copy_link.js";
import { eraseAsked } from "../progress/erase_dialog.js";
import { jobCard, rowOf } from "../progress/job_card.js";
import { NeverBackwards, runOf } from "../progress/never_backwards.js";
import { nothingHere, page } from "../progress/nothing_here.js";
import { poll } from "../progress/poll.js";
import { troubleLine } from "../progress/trouble_line.js";
import { isEnded, stateWords } from "../progress/wording.js";
import { mountResult } from "../result/result.js";
import { mountUnfinished } from "../uploading/unfinished_panel.js";

/** @typedef {import("../api.js").Job} Job */

const EVERY_MS = 2000;
const EVERY_MS_RENDERING = 1000;

/**
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @param {string} id
 * @returns {import("../app.js").Mounted}
 */
export function mount(root, context, id) {
  context.setTitle("Reel");
  const trouble = troubleLine();
  const place = h("div", { class: "job-place" }, h("p", { class: "soft" }, "Looking…"));
  fill(root, trouble.element, place);
  const shares = new NeverBackwards();
  /** What is mounted in the place, of which kind.
   * @type {{kind: "result" | "card", update: (job: Job) => void, unmount: () => void} | null} */
  let shown = null;
  let isErasing = false;
  let isMounted = true;
  const polling = poll({
    onTrouble: trouble.tell,
    onEnd: end,
    async round(signal) {
      const job = await context.api.job(id, signal);
      show(job);
      if (isEnded(job.state)) return null;
      return hasReel(job) ? EVERY_MS_RENDERING : EVERY_MS;
    },
  });
  return { unmount };

  /** @param {Job} job */
  function show(job) {
    isErasing = job.state === "erasing";
    const kind = hasReel(job) ? "result" : "card";
    if (shown?.kind !== kind) {
      shown?.unmount();
      fill(place);
      shown = kind === "result" ? resultPart(job) : cardPart(job);
    }
    shown.update(job);
    const isWorkedOn = !isEnded(job.state) && job.state !== "awaiting_upload" && !isErasing;
    const share = shares.shown("whole", runOf(job), job.progress);
    context.setTitle(isWorkedOn ? `${percent(share)} – ${job.source.name}` : kind === "result" ? job.source.name
      : `${stateWords(job.state).text} – ${job.source.name}`);
  }

  /** @param {Job} job @returns {NonNullable<typeof shown>} */
  function resultPart(job) {
    const resultPlace = h("div", { class: "result-place" });
    fill(place, resultPlace, foot(job));
    const result = mountResult(resultPlace, context, job, { onChanged: () => polling.soon() });
    return {
      kind: "result",
      update: (now) => result.update(now), // it tells itself how far it is rendered again
      unmount: () => result.unmount(),
    };
  }

  /** @param {Job} job @returns {NonNullable<typeof shown>} */
  function cardPart(job) {
    const card = jobCard(context, id, { onChanged: changed, onErased: erased, isOwnPage: true });
    const unfinishedPlace = h("div", { class: "unfinished-place" });
    fill(place, unfinishedPlace, card.element, foot(job));
    const unfinished = job.state === "awaiting_upload" && job.batch
      ? mountUnfinished(unfinishedPlace, context, { batch: job.batch }) : null;
    return {
      kind: "card",
      update: (now) => card.update(rowOf(now), now),
      unmount: () => { card.unmount(); unfinished?.unmount(); },
    };
  }

  /** @param {Job | null} job as somebody's button left it */
  function changed(job) {
    if (!isMounted) return; // answered after its reader had left
    if (job) show(job);
    polling.soon();
  }

  /** @param {Job} job */
  function foot(job) {
    const others = job.batch && h("a", { class: "button quiet", href: `/batches/${job.batch}`, "data-link": true }, "All files of this upload");
    const name = job.source.name;
    const erase = hasReel(job) && h("button", { class: "button quiet danger", type: "button", onclick: async () => {
      if (await eraseAsked(context.api, { id, name })) erased();
    } }, "Erase");
    return h("div", { class: "buttons job-foot" }, copyLinkButton(), others, erase);
  }

  function erased() {
    if (!isMounted) return;
    unmount();
    context.go("/jobs", { replace: true });
  }

  /** @param {Error} error */
  function end(error) {
    unmount();
    if (isErasing && /** @type {{code?: string}} */ (error).code === "unknown_job") {
      context.setTitle("Erased");
      fill(root, page("This is erased", "The video, its reel and all that was made of it are gone."));
      return;
    }
    context.setTitle("Nothing here");
    fill(root, nothingHere(error, { what: "reel" }));
  }

  function unmount() {
    isMounted = false;
    polling.stop();
    shown?.unmount();
    shown = null;
  }
}

/** @param {Job} job whether its reel is to be shown, even while it is rendered again */
function hasReel(job) {
  return job.rendered_revision >= 1 && (job.state === "done" || job.state === "merging");
}
