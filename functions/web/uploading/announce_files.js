// Announcing files: all in one batch, once, however often it is tried.

import { contentTypeOf } from "./accepted_types.js";
import { uploads } from "./upload_store.js";

/** @type {{text: string, key: string} | null} What was announced, until the answer has come. */
let asked = null;

/**
 * Announce files and begin to send them. Returns their batch. Rejects with an ApiError; asked again with the same files
 * and options, it is the same batch.
 * @param {import("../api.js").Api} api
 * @param {import("./file_choice.js").Chosen[]} chosen
 * @param {Record<string, unknown>} options
 * @returns {Promise<string>}
 */
export async function announceFiles(api, chosen, options) {
  const files = chosen.map(({ file }) => ({ name: file.name, size_bytes: file.size, content_type: contentTypeOf(file) }));
  const text = JSON.stringify([files, options, chosen.map(({ file }) => file.lastModified)]);
  if (asked?.text !== text) asked = { text, key: newKey() };
  const { key } = asked;
  const { batch, jobs } = await api.beginUploads(files, options, key);
  asked = null;
  const atMs = Date.now();
  await Promise.all(jobs.map(({ job, upload }, at) => {
    const { file, handle } = chosen[at];
    return upload && uploads.add(api, {
      job, batch, name: file.name, sizeBytes: file.size, lastModified: file.lastModified, type: files[at].content_type,
      sessionUrl: null, fingerprint: null, handle, announcement: { files, options, key }, atMs: atMs + at,
    }, file, upload);
  }));
  return batch;
}

/** Return a word that nobody has used; randomUUID is not there without TLS. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (value) => value.toString(16).padStart(2, "0")).join("");
}
