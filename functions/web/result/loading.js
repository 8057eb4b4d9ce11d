// Everything a result consists of, fetched side by side. Only the report must be there.

import { ApiError, signedJson } from "../api.js";

/** @typedef {import("../editing/from_report.js").Report} Report */
/** @typedef {import("./sentences.js").Word} Word */
/** @typedef {{every_s: number, count: number, columns: number, rows: number, width_px: number, height_px: number}} ThumbsInfo */
/**
 * @typedef {{duration_s: number, thumbs: ThumbsInfo | null, motion: {every_s: number, threshold: number, energy: number[]} | null,
 *   sound: {every_s: number, level_db: number[]} | null}} TimelineFile
 */
/** @typedef {{words: Word[], segments: {start_s: number, end_s: number, text: string}[]}} Transcript */
/**
 * @typedef {{report: Report, timeline: TimelineFile | null, transcript: Transcript | null, thumbsUrl: string | null,
 *   isSourceThere: boolean}} Loaded
 */

const AT_FIRST = ["report", "reel", "poster", "timeline_json", "thumbs", "transcript", "captions_vtt"];

/**
 * @param {import("./addresses.js").Addresses} addresses
 * @param {import("../api.js").Job} job
 * @returns {Promise<Loaded>}
 */
export async function load(addresses, job) {
  const [isSourceThere] = await Promise.all([
    hasSource(addresses), addresses.ask(AT_FIRST.filter((name) => job.artifacts.includes(name))),
  ]);
  const [report, timeline, transcript] = await Promise.all([
    json(addresses, "report"), orNull(json(addresses, "timeline_json")), orNull(json(addresses, "transcript")),
  ]);
  if (!report) throw new ApiError(404, "unknown_artifact", "The report of this reel is not there any more.");
  return {
    report, timeline, transcript: transcript?.words?.length ? transcript : null,
    thumbsUrl: timeline?.thumbs ? addresses.held("thumbs") : null, isSourceThere,
  };
}

/** @param {import("./addresses.js").Addresses} addresses */
async function hasSource(addresses) {
  try {
    await addresses.of("source");
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 0) throw error;
    return false;
  }
}

/** @param {import("./addresses.js").Addresses} addresses @param {string} name @returns {Promise<any>} */
async function json(addresses, name) {
  const url = addresses.held(name);
  return url ? signedJson(url) : null;
}

/** @param {Promise<any>} asked what the page can do without */
async function orNull(asked) {
  try {
    return await asked;
  } catch {
    return null;
  }
}
