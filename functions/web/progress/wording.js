// What states and stages are called by people. Pure.

import { clock, counted, duration, percent } from "../format.js";

/** @typedef {import("../api.js").Job} Job */
/** @typedef {import("../api.js").JobRow} JobRow */
/** @typedef {import("../api.js").JobState} JobState */
/** @typedef {import("../api.js").Stage} Stage */
/** @typedef {"pose" | "transcribe" | "merge"} StageName */

/** A stage whose slowest part has stood still for longer is told of: decoding one hard picture takes less. */
export const SLOW_AFTER_S = 20;
/** A part that stands still for so long is tried again by Montage itself. */
export const TRIED_AGAIN_AFTER_S = 180;

/** @type {StageName[]} */
export const STAGES = ["pose", "transcribe", "merge"];

/** @type {Record<StageName, {label: string, kind: string}>} */
const STAGE_WORDS = {
  pose: { label: "Looking for movement", kind: "motion" },
  transcribe: { label: "Listening", kind: "speech" },
  merge: { label: "Cutting the reel", kind: "" },
};

/** @type {Record<JobState, {text: string, tone: string}>} */
const STATE_WORDS = {
  awaiting_upload: { text: "Waiting for the file", tone: "" },
  queued: { text: "Waiting its turn", tone: "" },
  analysing: { text: "Looking and listening", tone: "busy" },
  merging: { text: "Cutting the reel", tone: "busy" },
  done: { text: "Done", tone: "good" },
  failed: { text: "Did not work out", tone: "bad" },
  cancelled: { text: "Cancelled", tone: "" },
  expired: { text: "Never arrived", tone: "" },
  erasing: { text: "Being erased", tone: "" },
};

/** @type {ReadonlySet<JobState>} */
const ENDED = new Set(["done", "failed", "cancelled", "expired"]);
/** @type {ReadonlySet<JobState>} */
const RUNNING = new Set(["queued", "analysing", "merging"]);

/** @param {JobState} state @returns {boolean} whether nothing happens any more unless somebody asks for it */
export const isEnded = (state) => ENDED.has(state);

/** @param {JobState} state @returns {boolean} whether Montage works on it, or soon will */
export const isRunning = (state) => RUNNING.has(state);

/**
 * Return a state in people's words, and the badge's tone. A state this page does not know is told as it is.
 * @param {JobState} state
 * @returns {{text: string, tone: string}}
 */
export function stateWords(state) {
  return STATE_WORDS[state] ?? { text: String(state).replaceAll("_", " "), tone: "" };
}

/**
 * Return what a stage is called, and its bar's kind.
 * @param {StageName} name
 * @returns {{label: string, kind: string}}
 */
export function stageWords(name) {
  return STAGE_WORDS[name];
}

/**
 * Return how a stage stands, in a few words.
 * @param {StageName} name
 * @param {Stage | undefined} stage undefined before it is planned
 * @param {Job} job
 * @returns {string}
 */
export function stageStanding(name, stage, job) {
  if (!stage || stage.state === "planned") return name === "merge" ? "comes last" : "not begun";
  if (stage.state === "skipped") return `skipped: ${whySkipped(name, job)}`;
  if (stage.state === "done") return "done";
  if (stage.state === "failed_soft") return "left out: it could not be done";
  if (stage.state === "failed") return "failed";
  if (stage.state === "requested" || stage.state === "launching") return "starting";
  if (stage.running === 0 && stage.done === 0 && stage.progress === 0) return "starting";
  return stage.chunks > 1 ? `${percent(stage.progress)} · ${stage.done} of ${stage.chunks} parts` : percent(stage.progress);
}

/**
 * @param {StageName} name
 * @param {Job} job
 */
function whySkipped(name, job) {
  if (name === "pose") return job.options.mode === "speech" ? "not asked for" : "no picture";
  if (name === "transcribe") return job.options.mode === "motion" ? "not asked for" : "no sound";
  return "nothing to cut";
}

/**
 * Return what is slow about a stage and what becomes of it; null where nothing is.
 * @param {StageName} name
 * @param {Stage | undefined} stage
 * @returns {string | null}
 */
export function slowSentence(name, stage) {
  const slowest = stage?.slowest;
  if (!slowest || slowest.still_for_s <= SLOW_AFTER_S) return null;
  const what = slowest.source_span_s
    ? `Minute ${slowest.source_span_s.map((atS) => clock(atS)).join("–")}`
    : name === "merge" ? "The cut" : "One part";
  const still = `${what} has stood still for ${standingWords(slowest.still_for_s)}`;
  if (slowest.still_for_s >= TRIED_AGAIN_AFTER_S) return `${still}; it is being tried again by itself.`;
  return `${still}; it is tried again by itself after ${TRIED_AGAIN_AFTER_S}\u00a0s.`;
}

/** @param {number} stillForS in seconds as long as that is what it is measured against */
function standingWords(stillForS) {
  return stillForS < TRIED_AGAIN_AFTER_S ? `${Math.floor(stillForS)}\u00a0s` : duration(stillForS).replaceAll(" ", "\u00a0");
}

/**
 * Return how long something takes yet; "" while nobody can tell.
 * @param {number | null} leftS
 * @returns {string}
 */
export function leftWords(leftS) {
  if (leftS === null) return "";
  return leftS < 4 ? "a few seconds left" : `about ${duration(roundedLeftS(leftS))} left`;
}

/**
 * @param {number} leftS of the slowest that is known
 * @param {boolean} isAll whether that is all there is to wait for
 */
function leftOfAll(leftS, isAll) {
  return isAll ? leftWords(leftS) : `at least ${duration(roundedLeftS(leftS))} left`;
}

/** @param {number} leftS to steps that do not flicker: 5 s below a minute */
function roundedLeftS(leftS) {
  return leftS < 59.5 ? Math.max(5, Math.round(leftS / 5) * 5) : leftS;
}

/**
 * Return a batch in one line and how far it is.
 * @param {{state: JobState, share: number, leftS: number | null}[]} jobs share in [0, 1] of each
 * @returns {{text: string, share: number, isEnded: boolean}}
 */
export function batchWords(jobs) {
  const counts = { done: 0, bad: 0, gone: 0, awaited: 0 };
  for (const { state } of jobs) {
    if (state === "done") counts.done += 1;
    else if (state === "failed") counts.bad += 1;
    else if (state === "awaiting_upload") counts.awaited += 1;
    else if (!isRunning(state)) counts.gone += 1;
  }
  const going = jobs.filter((job) => isRunning(job.state));
  const parts = [jobs.length === 1 && counts.done ? "Done" : `${counts.done} of ${jobs.length} done`];
  if (counts.bad) parts.push(`${counts.bad} did not work out`);
  if (counts.gone) parts.push(`${counts.gone} stopped`);
  if (counts.awaited) parts.push(`${counted(counts.awaited, "file")} still to arrive`);
  const known = going.map((job) => job.leftS).filter((leftS) => leftS !== null);
  if (known.length) parts.push(leftOfAll(Math.max(...known), known.length === going.length && !counts.awaited));
  const shares = jobs.map((job) => (isEnded(job.state) ? 1 : job.share));
  const share = shares.length ? shares.reduce((sum, each) => sum + each, 0) / shares.length : 1;
  return { text: parts.join(", "), share, isEnded: jobs.every((job) => isEnded(job.state)) };
}

/**
 * Return a reel's length beside its source's, as far as they are known: "0:42 of 3:21".
 * @param {{reel_s?: number | null, duration_s?: number | null}} row
 * @returns {string}
 */
export function lengthWords({ reel_s: reelS = null, duration_s: durationS = null }) {
  if (reelS !== null && durationS !== null) return `${clock(reelS)} of ${clock(durationS)}`;
  if (reelS !== null) return clock(reelS);
  return durationS === null ? "" : clock(durationS);
}
