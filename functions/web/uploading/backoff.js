// When to try again. Pure.

const FIRST_MS = 1000;
const MOST_MS = 30_000;

/**
 * Return how long to wait before trying again, longer each time, never the same for everybody.
 * @param {number} attempt from 0
 * @param {number} chance from 0 to 1
 * @param {number | null} [afterS] what the server asked for
 */
export function delayMs(attempt, chance, afterS = null) {
  const upToMs = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(Math.max(upToMs * (0.5 + chance / 2), (afterS ?? 0) * 1000));
}
