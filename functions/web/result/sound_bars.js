// How loud a reel is over its length, as bars. Pure.

/** @typedef {{everyS: number, levelDb: readonly number[]}} Sound */

const RANGE_DB = 40; // what is quieter than the loudest by so much is drawn as silence

/**
 * Return so many heights from 0 to 1, of stretches of the source shown one after the other.
 * @param {Sound} sound
 * @param {readonly {startS: number, endS: number}[]} spans
 * @param {number} count
 * @returns {number[]}
 */
export function barHeights({ everyS, levelDb }, spans, count) {
  const levels = spans.flatMap(({ startS, endS }) => levelDb.slice(Math.floor(startS / everyS), Math.ceil(endS / everyS)));
  if (!levels.length) return [];
  const loudest = levels.reduce((most, each) => Math.max(most, each), -Infinity);
  return Array.from({ length: count }, (_, n) => {
    const first = Math.floor(n * levels.length / count);
    const part = levels.slice(first, Math.max(first + 1, Math.floor((n + 1) * levels.length / count)));
    const db = part.reduce((most, each) => Math.max(most, each), -Infinity);
    return Math.min(1, Math.max(0, 1 - (loudest - db) / RANGE_DB));
  });
}

/**
 * Return the bars as a path of strokes around the middle of a picture `count * 4` wide and 100 high.
 * @param {readonly number[]} heights
 */
export function barPath(heights) {
  return heights.map((height, n) => {
    const half = Math.max(1, height * 46);
    return `M${n * 4 + 2} ${(50 - half).toFixed(1)}V${(50 + half).toFixed(1)}`;
  }).join("");
}
