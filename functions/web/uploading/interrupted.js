// Uploads that a reload or a crash interrupted: which there are, how far the server has them, and going on.

import { differenceOf, fingerprintOf } from "./fingerprint.js";
import { contentRange, verdictOf } from "./resumable.js";
import { putPart } from "./storage_requests.js";
import { forget, remembered } from "./unfinished_uploads.js";
import { takenUploads } from "./upload_locks.js";
import { uploads } from "./upload_store.js";

const ASKED_MS = 5_000;

/**
 * @typedef {import("./unfinished_uploads.js").Unfinished} Unfinished
 * @typedef {{record: Unfinished, storedBytes: number | null, isElsewhere: boolean}} Interrupted `storedBytes` is null
 *   while the server does not answer
 */

/**
 * Return what was interrupted, and a sentence for each that is over. Those of this tab are left out.
 * @param {string} [batch]
 * @returns {Promise<{interrupted: Interrupted[], over: string[]}>}
 */
export async function interruptedUploads(batch) {
  const taken = await takenUploads();
  const records = (await remembered()).filter((record) => !uploads.of(record.job) && (!batch || record.batch === batch));
  /** @type {string[]} */
  const over = [];
  const found = await Promise.all(records.map(async (record) => {
    if (taken.has(record.job)) return { record, storedBytes: null, isElsewhere: true };
    const { storedBytes, sentence } = await standingOf(record);
    if (!sentence) return { record, storedBytes, isElsewhere: false };
    over.push(sentence);
    await forget(record.job);
    return null;
  }));
  return { interrupted: found.filter((each) => each !== null), over };
}

/**
 * @param {Unfinished} record
 * @returns {Promise<{storedBytes: number | null, sentence?: string}>}
 */
async function standingOf({ name, sessionUrl, sizeBytes }) {
  if (!sessionUrl) return { storedBytes: 0 };
  try {
    const answer = await putPart(sessionUrl, null, contentRange(null, sizeBytes), AbortSignal.timeout(ASKED_MS));
    const verdict = verdictOf("ask", answer);
    switch (verdict.kind) {
      case "kept": return { storedBytes: verdict.storedBytes };
      case "done": return { storedBytes: null, sentence: `${name} had arrived after all.` };
      case "gone":
        return { storedBytes: null, sentence: answer.code === "upload_cancelled"
          ? `The upload of ${name} was cancelled.`
          : `The server does not know the upload of ${name} any more. Choose it below to upload it anew.` };
      default: return { storedBytes: null };
    }
  } catch {
    return { storedBytes: null };
  }
}

/**
 * Go on with a file. Returns why not, in a sentence, or null when it goes on.
 * @param {import("../api.js").Api} api
 * @param {Unfinished} record
 * @param {import("./file_choice.js").Chosen} chosen
 * @returns {Promise<string | null>}
 */
export async function goOnWith(api, record, { file, handle }) {
  let fingerprint;
  try {
    fingerprint = await fingerprintOf(file);
  } catch {
    return `${file.name} cannot be read. Choose it again.`;
  }
  const difference = differenceOf(record, { name: file.name, sizeBytes: file.size, fingerprint });
  if (difference) return difference;
  const isOurs = await uploads.add(api, { ...record, fingerprint, handle: handle ?? record.handle }, file);
  return isOurs ? null : `${record.name} is being sent in another tab.`;
}

/**
 * Open a file by its kept handle, asking for permission. To be called while a click is being handled.
 * @param {FileSystemFileHandle} handle
 * @returns {Promise<File | null>} null when it is not to be had: then somebody must choose it
 */
export async function reopened(handle) {
  try {
    const granted = await /** @type {any} */ (handle).requestPermission({ mode: "read" });
    return granted === "granted" ? await handle.getFile() : null;
  } catch {
    return null;
  }
}
