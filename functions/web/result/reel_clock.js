// Where the reel's seconds lie in the source, and the other way round. Pure.

/** @typedef {{startS: number, endS: number, reelStartS: number, reelEndS: number}} Shown a clip in both times */
/** @typedef {{kind: string, duration_s: number}} Join */

/**
 * Return how long each clip but the last is shown together with the next: as the server has it.
 * @param {readonly number[]} lengthsS
 * @param {Join} join
 * @returns {number[]}
 */
export function overlapsS(lengthsS, join) {
  const wantedS = join.kind === "crossfade" ? join.duration_s : 0;
  return lengthsS.slice(1).map((lengthS, n) => Math.min(wantedS, lengthsS[n] / 2, lengthS / 2));
}

/**
 * Return how long a reel of these stretches is, in seconds. What follows on each other in the source is joined first.
 * @param {readonly {startS: number, endS: number}[]} spans in the reel's order
 * @param {Join} join
 */
export function reelLengthS(spans, join) {
  const lengthsS = joined(spans).map((each) => each.endS - each.startS);
  return sum(lengthsS) - sum(overlapsS(lengthsS, join));
}

/**
 * Return stretches without cuts that nobody would see: where one ends, the next begins.
 * @param {readonly {startS: number, endS: number}[]} spans
 * @returns {{startS: number, endS: number}[]}
 */
export function joined(spans) {
  /** @type {{startS: number, endS: number}[]} */
  const made = [];
  for (const { startS, endS } of spans) {
    const last = made.at(-1);
    if (last && Math.abs(last.endS - startS) < 1e-3) last.endS = endS;
    else made.push({ startS, endS });
  }
  return made;
}

/**
 * Return every clip in source and reel time. Of a cross-fade each clip has the half in which it is seen more.
 * @param {{join: Join, clips: readonly {actual: readonly [number, number]}[]}} editList
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

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, each) => total + each, 0);
}
