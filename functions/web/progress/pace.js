// When to ask again. Pure.

export const HIDDEN_MS = 10_000;
export const LONGEST_MS = 30_000;

/**
 * Return how long to wait after an answer, in ms: no faster than `HIDDEN_MS` where nobody looks.
 * @param {number} everyMs
 * @param {boolean} isHidden
 * @returns {number}
 */
export function paceAfterAnswer(everyMs, isHidden) {
  return isHidden ? Math.max(everyMs, HIDDEN_MS) : everyMs;
}

/**
 * Return how long to wait after so many failures in a row, in ms: twice as long each time, and never less than asked.
 * @param {number} failures at least 1
 * @param {{retryAfterS?: number | null, isHidden: boolean}} how
 * @returns {number}
 */
export function paceAfterFailure(failures, { retryAfterS = null, isHidden }) {
  const doubled = Math.min(LONGEST_MS, 2000 * 2 ** (failures - 1));
  return Math.max(doubled, (retryAfterS ?? 0) * 1000, isHidden ? HIDDEN_MS : 0);
}

/**
 * Return whether asking again may help: nobody answered, the server has trouble, or it wants us slower.
 * @param {unknown} error
 * @returns {boolean}
 */
export function mayPass(error) {
  const status = /** @type {{status?: unknown}} */ (error ?? {}).status;
  return typeof status === "number" && (status === 0 || status >= 500 || status === 408 || status === 429);
}
