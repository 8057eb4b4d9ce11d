// Asking again and again, never twice at once, slower where nobody looks, and by itself after trouble.

import { mayPass, paceAfterAnswer, paceAfterFailure } from "./pace.js";

/** @typedef {{soon: () => void, stop: () => void}} Poll */

/**
 * Begin to ask. `round` asks and shows, and returns how long to wait, in ms, or null to rest until `soon()`. After
 * trouble that may pass `onTrouble` is told, with null when it is over; any other error ends it with `onEnd`.
 * @param {{round: (signal: AbortSignal) => Promise<number | null>, onTrouble: (error: Error | null) => void,
 *   onEnd: (error: Error) => void}} what
 * @returns {Poll}
 */
export function poll({ round, onTrouble, onEnd }) {
  const ending = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isAsking = false;
  let isWantedSoon = false;
  let isResting = false;
  let failures = 0;
  let notBefore = 0;

  const looked = () => { if (!document.hidden && !isResting) soon(); };
  document.addEventListener("visibilitychange", looked, { signal: ending.signal });
  addEventListener("online", looked, { signal: ending.signal });
  soon();
  return { soon, stop: () => { clearTimeout(timer); ending.abort(); } };

  function soon() {
    if (ending.signal.aborted) return;
    isResting = false;
    if (isAsking) isWantedSoon = true;
    else wait(Math.max(0, notBefore - Date.now()));
  }

  /** @param {number} ms */
  function wait(ms) {
    clearTimeout(timer);
    timer = setTimeout(() => void turn(), ms);
  }

  async function turn() {
    isAsking = true;
    isWantedSoon = false;
    /** @type {number | null} */
    let waitMs;
    try {
      waitMs = await round(ending.signal);
      if (waitMs !== null) waitMs = paceAfterAnswer(waitMs, document.hidden);
      if (failures) onTrouble(null);
      failures = 0;
      notBefore = 0;
    } catch (error) {
      if (ending.signal.aborted) return;
      if (!(error instanceof Error) || !mayPass(error)) {
        ending.abort();
        onEnd(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      failures += 1;
      const retryAfterS = /** @type {import("../api.js").ApiError} */ (error).retryAfterS;
      waitMs = paceAfterFailure(failures, { retryAfterS, isHidden: document.hidden });
      notBefore = retryAfterS ? Date.now() + retryAfterS * 1000 : 0;
      onTrouble(error);
    } finally {
      isAsking = false;
    }
    if (ending.signal.aborted) return;
    if (isWantedSoon) wait(Math.max(0, notBefore - Date.now()));
    else if (waitMs === null) isResting = true;
    else wait(waitMs);
  }
}
