// What the timeline is given, out of what a result consists of. Pure.

import { snapPoints } from "../editing/snap_points.js";

/** @typedef {import("../editing/snap_points.js").SnapPoint} SnapPoint */
/**
 * @typedef {{durationS: number, fps: number | null, thumbs: import("./thumbnail.js").Thumbs | null,
 *   motion: {everyS: number, threshold: number, energy: number[]} | null, sound: {everyS: number, levelDb: number[]} | null,
 *   motionSpans: [number, number][], speechSpans: [number, number][], words: import("./sentences.js").Word[],
 *   snaps: SnapPoint[], join: import("../editing/reel_length.js").Join}} TimelineData
 */

/**
 * @param {import("./loading.js").Loaded} loaded
 * @returns {TimelineData}
 */
export function timelineData({ report, timeline, transcript, sprite }) {
  const words = transcript?.words ?? [];
  const { motion, sound } = timeline ?? {};
  return {
    durationS: report.source.duration_s,
    fps: fpsOf(report.source.fps),
    thumbs: thumbsOf(timeline?.thumbs ?? null, sprite),
    motion: motion ? { everyS: motion.every_s, threshold: motion.threshold, energy: motion.energy } : null,
    sound: sound ? { everyS: sound.every_s, levelDb: sound.level_db } : null,
    motionSpans: report.motion,
    speechSpans: report.speech,
    words,
    join: report.edit_list.join,
    snaps: snapPoints({ words, motion: report.motion, durationS: report.source.duration_s }),
  };
}

/**
 * Return a frame rate told as a fraction, "30000/1001".
 * @param {string | null} told
 * @returns {number | null}
 */
export function fpsOf(told) {
  const [over, under = 1] = (told ?? "").split("/").map(Number);
  return over > 0 && under > 0 ? over / under : null;
}

/**
 * @param {import("./loading.js").ThumbsInfo | null} info
 * @param {ImageBitmap | null} sprite
 * @returns {import("./thumbnail.js").Thumbs | null}
 */
function thumbsOf(info, sprite) {
  if (!info || !sprite) return null;
  return {
    sprite, everyS: info.every_s, count: info.count, columns: info.columns, rows: info.rows, widthPx: info.width_px,
    heightPx: info.height_px,
  };
}
