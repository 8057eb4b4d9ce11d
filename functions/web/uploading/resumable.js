// Cloud Storage's resumable protocol as rules: what to send next, and what an answer means. Pure.

const GRAIN_BYTES = 256 * 1024; // all parts but the last are multiples of it

/** What one request carries: as little as can be sent twice, as much as is fast. */
export const PART_BYTES = 8 * 1024 ** 2;

/**
 * @typedef {{startByte: number, endByte: number}} Part half open
 * @typedef {{status: number, code?: string | null, detail?: string | null, range?: string | null,
 *   location?: string | null, retryAfterS?: number | null}} Answer status 0 where nobody answered
 * @typedef {"begin" | "ask" | "part"} Step
 * @typedef {{kind: "begun", sessionUrl: string} | {kind: "kept", storedBytes: number} | {kind: "done"} |
 *   {kind: "again", sentence: string, afterS: number | null} | {kind: "renew"} | {kind: "gone", sentence: string} |
 *   {kind: "refused", sentence: string}} Verdict
 */

/**
 * Return the part to send next, or null when everything is kept.
 * @param {number} storedBytes
 * @param {number} sizeBytes
 * @returns {Part | null}
 */
export function nextPart(storedBytes, sizeBytes) {
  if (storedBytes >= sizeBytes) return null;
  const endByte = Math.floor((storedBytes + PART_BYTES) / GRAIN_BYTES) * GRAIN_BYTES;
  return { startByte: storedBytes, endByte: Math.min(endByte, sizeBytes) };
}

/**
 * Return the Content-Range of a part; of null, the one that asks how much is kept.
 * @param {Part | null} part
 * @param {number} sizeBytes
 */
export function contentRange(part, sizeBytes) {
  return part ? `bytes ${part.startByte}-${part.endByte - 1}/${sizeBytes}` : `bytes */${sizeBytes}`;
}

/**
 * Return how many bytes a Range says are kept: none without one, null when it cannot be read.
 * @param {string | null | undefined} range
 */
export function keptBytes(range) {
  if (!range) return 0;
  const found = /^bytes=0-(\d{1,15})$/.exec(range.trim());
  return found ? Number(found[1]) + 1 : null;
}

/**
 * Return what an answer means for an upload.
 * @param {Step} step what was asked
 * @param {Answer} answer
 * @returns {Verdict}
 */
export function verdictOf(step, answer) {
  const { status, code, detail } = answer;
  if (status === 0) return again("The connection broke", answer);
  if (status === 308) return kept(answer);
  if (status === 200 || status === 201) {
    if (step !== "begin") return { kind: "done" };
    return answer.location ? { kind: "begun", sessionUrl: answer.location } : again("The answer was cut short", answer);
  }
  if (status === 412) return { kind: "done" }; // it had arrived, and only the answer was lost
  if (status === 507) return again("The disk over there is full", answer);
  if (status === 409) return again("Another connection was sending this file", answer);
  if (status === 408 || status === 429 || status >= 500) return again("The server is busy", answer);
  if (step === "begin" && status === 400) return { kind: "renew" }; // mostly an address that was asked for too long ago
  if (status === 404 || status === 410 || status === 499) return { kind: "gone", sentence: goneSentence(code) };
  return { kind: "refused", sentence: detail ?? `The upload was refused (${status}).` };
}

/**
 * @param {string} sentence without what comes next
 * @param {Answer} answer
 * @returns {Verdict}
 */
function again(sentence, answer) {
  return { kind: "again", sentence, afterS: answer.retryAfterS ?? null };
}

/** @param {Answer} answer @returns {Verdict} */
function kept(answer) {
  const storedBytes = keptBytes(answer.range);
  return storedBytes === null ? again("The answer was cut short", answer) : { kind: "kept", storedBytes };
}

/** @param {string | null | undefined} code */
function goneSentence(code) {
  return code === "upload_cancelled"
    ? "This upload was cancelled elsewhere. Start over to send the file again."
    : "The server does not know this upload any more. Start over to send the file again.";
}
