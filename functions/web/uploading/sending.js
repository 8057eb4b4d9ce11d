// Sending one file until all of it has arrived: part by part, again after whatever breaks.

import { delayMs } from "./backoff.js";
import { contentRange, nextPart, verdictOf } from "./resumable.js";
import { beginSession, putPart } from "./storage_requests.js";

/**
 * A file to be sent. `begin` is the request that begins its upload, `sessionUrl` where it goes on.
 * @typedef {{file: Blob, begin: import("../api.js").Upload | null, sessionUrl: string | null}} Sending
 *
 * What whoever sends is told of, and asked for.
 * @typedef {{
 *   announceAgain: () => Promise<import("../api.js").Upload | null>,
 *   onBegun: (sessionUrl: string) => Promise<void>,
 *   onSent: (sentBytes: number) => void,
 *   onGoingOn: () => void,
 *   onBroken: (sentence: string, retryAtMs: number, tryNow: () => void) => void,
 * }} Listener
 */

/** An upload that cannot go on by itself: `remedy` is what its owner can do. */
export class UploadStopped extends Error {
  /** @param {string} sentence @param {"start_over" | "choose_again" | null} remedy */
  constructor(sentence, remedy) {
    super(sentence);
    this.remedy = remedy;
  }
}

/**
 * Send a file. Rejects with UploadStopped, or with the signal's reason; however often the connection breaks, it goes on.
 * @param {Sending} sending
 * @param {Listener} listener
 * @param {AbortSignal} signal
 */
export async function sendFile(sending, listener, signal) {
  const { file } = sending;
  /** @type {number | null} */
  let storedBytes = null; // null: to be asked for
  let attempt = 0;
  let renewals = 0;
  for (;;) {
    const { step, verdict } = await oneStep(sending, storedBytes, listener, signal);
    switch (verdict.kind) {
      case "done":
        return;
      case "begun":
        sending.sessionUrl = verdict.sessionUrl;
        storedBytes = 0;
        attempt = 0;
        await listener.onBegun(verdict.sessionUrl);
        break;
      case "kept":
        if (step === "part" && verdict.storedBytes <= (storedBytes ?? 0)) await wait("Nothing of what was sent was kept", null);
        else if (verdict.storedBytes > (storedBytes ?? 0)) attempt = 0;
        storedBytes = verdict.storedBytes;
        listener.onSent(storedBytes);
        break;
      case "again":
        await wait(verdict.sentence, verdict.afterS);
        storedBytes = null;
        break;
      case "renew":
        renewals += 1;
        if (renewals > 2) throw new UploadStopped("The upload could not be begun. Start over to try once more.", "start_over");
        sending.begin = null;
        break;
      case "gone":
        throw new UploadStopped(verdict.sentence, "start_over");
      case "refused":
        throw new UploadStopped(verdict.sentence, null);
    }
  }

  /** @param {string} sentence @param {number | null} afterS */
  async function wait(sentence, afterS) {
    await demandReadable(file);
    const forMs = delayMs(attempt, Math.random(), afterS);
    attempt += 1;
    await pause(forMs, signal, (tryNow) => {
      listener.onBroken(navigator.onLine === false ? "You are offline" : sentence, Date.now() + forMs, tryNow);
    });
    listener.onGoingOn();
  }
}

/**
 * @param {Sending} sending
 * @param {number | null} storedBytes
 * @param {Listener} listener
 * @param {AbortSignal} signal
 * @returns {Promise<{step: import("./resumable.js").Step, verdict: import("./resumable.js").Verdict}>}
 */
async function oneStep(sending, storedBytes, listener, signal) {
  const { file, sessionUrl } = sending;
  if (!sessionUrl) {
    try {
      sending.begin ??= await listener.announceAgain();
      if (!sending.begin) return { step: "begin", verdict: { kind: "done" } };
    } catch (error) {
      signal.throwIfAborted();
      return { step: "begin", verdict: announcementVerdict(error) };
    }
    return { step: "begin", verdict: verdictOf("begin", await beginSession(sending.begin, signal)) };
  }
  const part = storedBytes === null ? null : nextPart(storedBytes, file.size);
  if (!part) {
    const answer = await putPart(sessionUrl, null, contentRange(null, file.size), signal);
    return { step: "ask", verdict: verdictOf("ask", answer) };
  }
  const body = file.slice(part.startByte, part.endByte);
  const answer = await putPart(sessionUrl, body, contentRange(part, file.size), signal, (sentBytes) => {
    listener.onSent(part.startByte + Math.min(sentBytes, body.size));
  });
  return { step: "part", verdict: verdictOf("part", answer) };
}

/** @param {unknown} error @returns {import("./resumable.js").Verdict} */
function announcementVerdict(error) {
  if (error instanceof UploadStopped) throw error;
  const { name, status = 400, message, retryAfterS = null } = /** @type {any} */ (error);
  if (name === "KeyRefused") throw new UploadStopped("Without a key this cannot be sent. Start over to be asked for one again.", "start_over");
  const mends = status === 0 || status === 429 || status >= 500;
  return mends ? verdictOf("begin", { status, retryAfterS }) : { kind: "refused", sentence: message };
}

/**
 * Files may be moved or changed while they are sent; a browser then says no more than that a request failed.
 * @param {Blob} file
 */
async function demandReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new UploadStopped("The file cannot be read any more: it was moved or changed. Choose it again to go on.", "choose_again");
  }
}

/**
 * Wait, but no longer than until the network is back or somebody is impatient.
 * @param {number} forMs
 * @param {AbortSignal} signal
 * @param {(tryNow: () => void) => void} told
 * @returns {Promise<void>}
 */
function pause(forMs, signal, told) {
  return new Promise((done, fail) => {
    if (signal.aborted) return fail(signal.reason);
    const settled = new AbortController();
    const goOn = () => {
      settled.abort();
      clearTimeout(timer);
      if (signal.aborted) fail(signal.reason);
      else done();
    };
    const timer = setTimeout(goOn, forMs);
    addEventListener("online", goOn, { signal: settled.signal });
    signal.addEventListener("abort", goOn, { signal: settled.signal });
    told(goOn);
    return undefined;
  });
}
