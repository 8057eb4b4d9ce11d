// What is said of an upload. Pure.

import { bytes, duration, percent } from "../format.js";

/**
 * What there is to say of one upload, or of several together.
 * @typedef {{status: import("./upload_store.js").UploadStatus, sentBytes: number, sizeBytes: number, sentence: string,
 *   retryAtMs: number | null, bytesPerS: number | null, timeLeftS: number | null}} UploadFacts
 */

/**
 * Return how an upload stands, in a sentence or less.
 * @param {UploadFacts} upload
 * @param {number} nowMs
 */
export function standing({ status, sentence, retryAtMs }, nowMs) {
  switch (status) {
    case "waiting": return "Waits for its turn";
    case "sending": return "Uploading";
    case "broken": return `${sentence}; trying again ${inS(retryAtMs, nowMs)}`;
    case "paused": return "Paused";
    case "done": return "Uploaded";
    case "cancelled": return "Cancelled";
    case "failed": return sentence;
  }
}

/**
 * Return the figures of an upload: 42 % · 118 MB of 280 MB · 5.2 MB/s · 31 s left.
 * @param {UploadFacts} upload
 */
export function figures({ status, sentBytes, sizeBytes, bytesPerS, timeLeftS }) {
  if (status === "done") return bytes(sizeBytes);
  if (status === "waiting" && !sentBytes) return bytes(sizeBytes);
  if (status === "cancelled") return "";
  return [
    percent(sizeBytes ? sentBytes / sizeBytes : 0),
    `${bytes(sentBytes)} of ${bytes(sizeBytes)}`,
    bytesPerS !== null && `${bytes(bytesPerS)}/s`,
    timeLeftS !== null && `${duration(timeLeftS)} left`,
  ].filter((each) => each !== false).map(together).join(" · ");
}

/**
 * Return a name that fits on a button: its beginning and its end.
 * @param {string} name
 */
export function shortName(name) {
  return name.length <= 28 ? name : `${name.slice(0, 15).trimEnd()}…${name.slice(-10).trimStart()}`;
}

/** Return a figure that no line breaks. @param {string} figure */
function together(figure) {
  return figure.replaceAll(" ", "\u00a0");
}

/** @param {number | null} atMs @param {number} nowMs */
function inS(atMs, nowMs) {
  const seconds = Math.ceil(((atMs ?? 0) - nowMs) / 1000);
  return seconds > 0 ? together(`in ${seconds} s`) : "now";
}
