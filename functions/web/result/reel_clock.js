// Where the reel's seconds lie in the source, and the other way round. Pure.

import { overlapsS } from "../editing/reel_length.js";

/** @typedef {{startS: number, endS: number, reelStartS: number, reelEndS: number}} Shown a clip in both times */

/**
 * Return every clip in source and reel time. Of a cross-fade each clip has the half in which it is seen more.
 * @param {{join: import("../editing/reel_length.js").Join, clips: readonly {actual: readonly [number, number]}[]}} editList
 * @returns {Shown[]}
 */
export function shownClips({ join, clips }) {
  const overlaps = overlapsS(clips.map(({ actual: [startS, endS] }) => endS - startS), join);
  let atS = 0;
  return clips.map(({ actual: [startS, endS] }, n) => {
    const beforeS = (overlaps[n - 1] ?? 0) / 2;
    const afterS = (overlaps[n] ?? 0) / 2;
    const seenS = endS - afterS - (startS + beforeS);
    const shown = { startS: startS + beforeS, endS: endS - afterS, reelStartS: atS, reelEndS: atS + seenS };
    atS += seenS;
    return shown;
  });
}

/**
 * Return what of the source the reel shows at a moment, or null where there is no clip at all.
 * @param {readonly Shown[]} shown
 * @param {number} reelS
 * @returns {number | null}
 */
export function sourceAt(shown, reelS) {
  const clip = shown.find((each) => reelS < each.reelEndS) ?? shown.at(-1);
  if (!clip) return null;
  return Math.min(clip.endS, clip.startS + Math.max(0, reelS - clip.reelStartS));
}

/**
 * Return where the reel shows a moment of the source, the first place of several; null where it does not.
 * @param {readonly Shown[]} shown
 * @param {number} sourceS
 * @returns {number | null}
 */
export function reelAt(shown, sourceS) {
  const clip = shown.find((each) => sourceS >= each.startS && sourceS < each.endS);
  return clip ? clip.reelStartS + sourceS - clip.startS : null;
}
