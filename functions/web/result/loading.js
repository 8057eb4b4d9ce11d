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
 * `sprite` holds all thumbnails; whoever loaded it closes it.
 * @typedef {{report: Report, timeline: TimelineFile | null, transcript: Transcript | null, sprite: ImageBitmap | null,
 *   isSourceThere: boolean}} Loaded
 */

const AT_FIRST = ["report", "reel", "poster", "timeline_json", "thumbs", "transcript", "captions_vtt"];

/**
 * @param {import("./addresses.js").Addresses} addresses
 * @param {import("../api.js").Job} job
 * @param {Loaded | null} before an earlier revision: what was found in the source is the same
 * @returns {Promise<Loaded>}
 */
export async function load(addresses, job, before) {
  const [isSourceThere] = await Promise.all([
    hasSource(addresses), addresses.ask(AT_FIRST.filter((name) => job.artifacts.includes(name))),
  ]);
  const [report, timeline, transcript, sprite] = await Promise.all([
    json(addresses, "report"), before?.timeline ?? orNull(json(addresses, "timeline_json")),
    before?.transcript ?? orNull(json(addresses, "transcript")), before?.sprite ?? orNull(picture(addresses, "thumbs")),
  ]);
  if (!report) throw new ApiError(404, "unknown_artifact", "The report of this reel is not there any more.");
  return {
    report, timeline, transcript: transcript?.words?.length ? transcript : null, sprite, isSourceThere,
  };
}

/**
 * Return whether the source is kept; a server that does not answer now has not said that it is not.
 * @param {Pick<import("./addresses.js").Addresses, "of">} addresses
 */
export async function hasSource(addresses) {
  try {
    await addresses.of("source");
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.code === "source_expired" || error.code === "unknown_artifact")) return false;
    throw error;
  }
}

/** @param {import("./addresses.js").Addresses} addresses @param {string} name @returns {Promise<any>} */
async function json(addresses, name) {
  const url = addresses.held(name);
  return url ? signedJson(url) : null;
}

/**
 * Return the picture, straight from its bytes: an <img> would keep a second copy; or null.
 * @param {import("./addresses.js").Addresses} addresses
 * @param {string} name
 */
async function picture(addresses, name) {
  const url = addresses.held(name);
  const answer = url ? await fetch(url, { credentials: "omit" }) : null;
  return answer?.ok ? createImageBitmap(await answer.blob()) : null;
}

/** @param {Promise<any>} asked what the page can do without */
async function orNull(asked) {
  try {
    return await asked;
  } catch {
    return null;
  }
}
