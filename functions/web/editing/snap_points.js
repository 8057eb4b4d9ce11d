// Where edges of highlights like to lie: between words, where movement begins and ends, at other highlights' edges. Pure.

import { countBefore } from "../bisect.js";

/** @typedef {{start_s: number, end_s: number}} Timed */
/** @typedef {{atS: number, kind: "word" | "motion" | "edge" | "highlight" | "playhead"}} SnapPoint */

const AIR_S = 0.05; // a word's first sound and its last one are not cut off by an edge this far away

/**
 * Return the points by time. Between two words that follow closely there is one, in the middle.
 * @param {{words?: readonly Timed[], motion?: readonly (readonly [number, number])[], durationS: number}} source
 * @returns {SnapPoint[]}
 */
export function snapPoints({ words = [], motion = [], durationS }) {
  /** @type {SnapPoint[]} */
  const points = [{ atS: 0, kind: "edge" }, { atS: durationS, kind: "edge" }];
  for (const [startS, endS] of motion) points.push({ atS: startS, kind: "motion" }, { atS: endS, kind: "motion" });
  words.forEach((word, n) => {
    const gapBeforeS = word.start_s - (words[n - 1]?.end_s ?? -Infinity);
    const gapAfterS = (words[n + 1]?.start_s ?? Infinity) - word.end_s;
    points.push({ atS: word.start_s - Math.min(AIR_S, Math.max(0, gapBeforeS) / 2), kind: "word" });
    if (gapAfterS > 2 * AIR_S) points.push({ atS: word.end_s + AIR_S, kind: "word" });
  });
  return points.filter((each) => each.atS >= 0 && each.atS <= durationS).sort((one, other) => one.atS - other.atS);
}

/**
 * Return the points with those of an edit: the edges of some highlights, and where the playhead is.
 * @param {readonly SnapPoint[]} points by time
 * @param {readonly {startS: number, endS: number}[]} others
 * @param {number | null} [playheadS]
 * @returns {SnapPoint[]}
 */
export function withEdges(points, others, playheadS = null) {
  /** @type {SnapPoint[]} */
  const edges = others.flatMap(({ startS, endS }) => [{ atS: startS, kind: "highlight" }, { atS: endS, kind: "highlight" }]);
  if (playheadS !== null) edges.push({ atS: playheadS, kind: "playhead" });
  return [...edges, ...points].sort((one, other) => one.atS - other.atS);
}

/**
 * Return the nearest point no further than `withinS`, or null.
 * @param {readonly SnapPoint[]} points by time
 * @param {number} atS
 * @param {number} withinS
 * @returns {SnapPoint | null}
 */
export function nearest(points, atS, withinS) {
  const after = firstFrom(points, atS);
  const near = [points[after - 1], points[after]].filter((each) => each !== undefined && Math.abs(each.atS - atS) <= withinS);
  near.sort((one, other) => Math.abs(/** @type {SnapPoint} */ (one).atS - atS) - Math.abs(/** @type {SnapPoint} */ (other).atS - atS));
  return near[0] ?? null;
}

/**
 * Return the next point in a direction, or null: what arrow keys step to.
 * @param {readonly SnapPoint[]} points by time
 * @param {number} atS
 * @param {-1 | 1} direction
 * @returns {SnapPoint | null}
 */
export function next(points, atS, direction) {
  const HARDLY_S = 1e-3;
  if (direction > 0) return points[firstFrom(points, atS + HARDLY_S)] ?? null;
  return points[firstFrom(points, atS - HARDLY_S) - 1] ?? null;
}

/**
 * Return the place of the first point at or after a time.
 * @param {readonly SnapPoint[]} points
 * @param {number} atS
 */
function firstFrom(points, atS) {
  return countBefore(points, (each) => each.atS < atS);
}
