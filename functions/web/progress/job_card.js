// One file of a batch, or one job by itself, while Montage works on it and when it has ended.

import { announce, bar, h, setBar, setText } from "../dom.js";
import { mountUploadRow } from "../uploading/upload_row.js";
import { jobActions } from "./job_actions.js";
import { jobTroubles } from "./job_troubles.js";
import { NeverBackwards, runOf } from "./never_backwards.js";
import { poster } from "./poster.js";
import { stageList } from "./stage_list.js";
import { isEnded, isRunning, leftWords, lengthWords, stateWords } from "./wording.js";

/** @typedef {import("../api.js").Job} Job */
/** @typedef {import("../api.js").JobRow} JobRow */

/**
 * Return a job's card. `update` takes what a list says of it and, where that was asked for, the whole job.
 * @param {import("../app.js").Context} context
 * @param {string} id
 * @param {{onChanged: (job: Job | null) => void, onErased: () => void, isOwnPage?: boolean}} how
 * @returns {{element: HTMLElement, update: (row: JobRow, job: Job | null) => void, unmount: () => void,
 *   standing: () => {state: import("../api.js").JobState, share: number, leftS: number | null}}}
 */
export function jobCard(context, id, { onChanged, onErased, isOwnPage = false }) {
  const titleId = `job-${id}`;
  const name = h("span");
  const title = h(isOwnPage ? "h1" : "h2", { id: titleId, class: "job-name" }, name);
  const state = h("span", { class: "badge" });
  const length = h("span", { class: "numbers soft small" });
  const left = h("span", { class: "numbers soft small" });
  const picture = poster(context.api, id);
  const whole = bar("", "job-bar");
  const stages = stageList();
  const uploadPlace = h("div", { class: "upload-place" });
  const troubles = jobTroubles();
  const actions = jobActions(context, { onChanged, onErased, isOwnPage });
  const element = h("article", { class: `card job-card${isOwnPage ? " large" : ""}`, "aria-labelledby": titleId, dataset: { job: id } },
    picture.element,
    h("div", { class: "job-body" },
      h("div", { class: "job-head" }, title, h("div", { class: "job-facts" }, state, length, left)),
      uploadPlace, whole, stages.element, troubles.element, actions.element));
  const shares = new NeverBackwards();
  /** @type {{unmount: () => void} | null} */
  let upload = null;
  let run = "";
  /** @type {JobRow["state"] | null} */
  let before = null;
  let share = 0;
  /** @type {number | null} */
  let leftS = null;
  return { element, update, unmount, standing: () => ({ state: before ?? "queued", share, leftS }) };

  /** @param {JobRow} row @param {Job | null} job */
  function update(row, job) {
    const isRerun = before !== null && isEnded(before) && !isEnded(row.state);
    run = job ? runOf(job) : isRerun ? `${run}+` : run; // a list does not tell the epoch: what ended begins anew
    tellChange(row);
    const isNew = before !== row.state;
    before = row.state;
    const isWorkedOn = isRunning(row.state);
    setText(name, row.name);
    const words = stateWords(row.state);
    setText(state, words.text);
    state.className = `badge ${words.tone}`;
    element.dataset.state = row.state;
    setText(length, row.state === "done" ? lengthWords(row) : row.duration_s ? `${lengthWords({ duration_s: row.duration_s })} long` : "");
    share = shares.shown("whole", run, Math.max(row.progress, job?.progress ?? 0));
    leftS = isWorkedOn && job ? job.time_left_s : null;
    setText(left, leftWords(leftS));
    whole.setAttribute("aria-label", `${row.name}: ${words.text}`);
    setBar(whole, share);
    stages.element.hidden = job === null || !isWorkedOn || !Object.keys(job.stages).length;
    if (job) stages.update(job);
    whole.hidden = !isWorkedOn || !stages.element.hidden;
    picture.element.hidden = !row.artifacts?.length && isOwnPage;
    picture.update(row.artifacts ?? [], row.reel_s ?? 0);
    troubles.update(row, job);
    actions.update({
      id, name: row.name, state: row.state, hasReel: row.artifacts?.includes("reel") ?? false,
      run, isInput: job?.error?.is_input ?? null,
    });
    if (isNew || row.state === "awaiting_upload") showUpload(row.state);
  }

  /** @param {JobRow} row */
  function tellChange(row) {
    if (before === null || before === row.state || !isEnded(row.state)) return;
    announce(`${row.name}: ${stateWords(row.state).text}`);
  }

  /** @param {JobRow["state"]} now */
  function showUpload(now) {
    if (now === "awaiting_upload") upload ??= mountUploadRow(uploadPlace, id);
    else {
      upload?.unmount();
      upload = null;
    }
    uploadPlace.hidden = upload === null;
    element.classList.toggle("uploading", upload !== null);
  }

  function unmount() {
    upload?.unmount();
    picture.unmount();
    element.remove();
  }
}

/**
 * Return a whole job as lists have it.
 * @param {Job} job
 * @returns {JobRow}
 */
export function rowOf(job) {
  return {
    id: job.id, owner: job.owner, batch: job.batch, name: job.source.name, state: job.state, progress: job.progress,
    created_at: job.created_at, ended_at: job.ended_at, error_code: job.error?.code ?? null, artifacts: job.artifacts,
    reel_s: job.numbers.reel_s ?? null, duration_s: job.source.duration_s,
  };
}
