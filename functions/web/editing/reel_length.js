// How long a reel is, as the server will cut it. Pure.

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

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, each) => total + each, 0);
}
