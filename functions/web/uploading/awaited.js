// What the server awaits of an upload: its address, why there is none any more, and that none is to come.

import { UploadStopped } from "./sending.js";
import { removeSession } from "./storage_requests.js";
import { forget } from "./unfinished_uploads.js";

/** @typedef {import("./unfinished_uploads.js").Unfinished} Unfinished */

/**
 * Take back an upload that nobody is sending, and its job. It does not reject: what cannot be told now expires.
 * @param {import("../api.js").Api} api
 * @param {Unfinished} record
 */
export async function cancelUpload(api, record) {
  await forget(record.job);
  if (record.sessionUrl) await removeSession(record.sessionUrl).catch(() => {});
  await api.cancel(record.job).catch(() => {});
}

/**
 * Return a fresh address, or null when the file has arrived already.
 * @param {{api: import("../api.js").Api, record: Unfinished}} upload
 * @returns {Promise<import("../api.js").Upload | null>}
 */
export async function freshAddress({ api, record }) {
  const { files, options, key } = record.announcement;
  const told = await api.beginUploads(files, options, key);
  const mine = told.jobs.find(({ job }) => job === record.job);
  if (mine?.upload) return mine.upload;
  const why = whyNotAwaited(mine?.state ?? "erased");
  if (why) throw new UploadStopped(why, null);
  return null;
}

/**
 * Return why a job awaits no file, in a sentence, or null when that is because it has it.
 * @param {string} state
 */
function whyNotAwaited(state) {
  if (state === "cancelled") return "This file was cancelled. Choose it again under New reel to send it anew.";
  if (state === "expired") return "This upload took more than a week. Choose the file again under New reel.";
  if (state === "erased" || state === "erasing") return "This file's job was erased. Choose the file again under New reel.";
  return null;
}
