// Which of a few lanes each highlight lies in, so that none hides another. Pure.

/** @typedef {{id: string, startS: number, endS: number}} Span */

const MOST_LANES = 3;

/**
 * Return each highlight's lane, from 0, and how many there are: the first that is free, the last one for what is left.
 * @param {readonly Span[]} spans by time
 * @returns {{of: Map<string, number>, count: number}}
 */
export function lanes(spans) {
  /** @type {number[]} */
  const freeAtS = [];
  const of = new Map();
  for (const { id, startS, endS } of spans) {
    const free = freeAtS.findIndex((atS) => atS <= startS + 1e-6);
    const lane = free >= 0 ? free : Math.min(freeAtS.length, MOST_LANES - 1);
    freeAtS[lane] = Math.max(endS, freeAtS[lane] ?? 0);
    of.set(id, lane);
  }
  return { of, count: Math.max(1, freeAtS.length) };
}
