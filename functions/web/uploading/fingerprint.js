// Telling whether a file is the one whose upload was begun: by name, size and its first MiB.

import { bytes } from "../format.js";

const HEAD_BYTES = 1024 ** 2;

/**
 * @typedef {{sha256: string} | {head: ArrayBuffer}} Fingerprint the latter where the page is not a secure context,
 *   and so has nothing to make hashes with
 */

/**
 * Return what a file's first MiB is known by. Rejects when the file cannot be read.
 * @param {Blob} file
 * @returns {Promise<Fingerprint>}
 */
export async function fingerprintOf(file) {
  const head = await file.slice(0, HEAD_BYTES).arrayBuffer();
  if (!globalThis.crypto?.subtle) return { head };
  return { sha256: hex(await crypto.subtle.digest("SHA-256", head)) };
}

/**
 * Return what is different about a file, in a sentence, or null when it is the same. Pure.
 * @param {{name: string, sizeBytes: number, fingerprint: Fingerprint | null}} begun
 * @param {{name: string, sizeBytes: number, fingerprint: Fingerprint}} chosen
 * @returns {string | null}
 */
export function differenceOf(begun, chosen) {
  if (chosen.name !== begun.name) return `This is ${chosen.name}, and the upload is of ${begun.name}. Choose ${begun.name}.`;
  if (chosen.sizeBytes !== begun.sizeBytes) {
    return `This ${begun.name} has ${sizes(chosen.sizeBytes, begun.sizeBytes)}. Choose the file as it was, or upload this one anew.`;
  }
  if (begun.fingerprint && !isSame(begun.fingerprint, chosen.fingerprint)) {
    return `This ${begun.name} begins with other data than the one that was being uploaded. Choose the file as it was, or upload this one anew.`;
  }
  return null;
}

/** @param {number} hasBytes @param {number} hadBytes */
function sizes(hasBytes, hadBytes) {
  const [has, had] = [bytes(hasBytes), bytes(hadBytes)];
  if (has !== had) return `${has}, and the one that was being uploaded ${had}`;
  return `${hasBytes.toLocaleString("en")} bytes, and the one that was being uploaded ${hadBytes.toLocaleString("en")}`;
}

/** @param {Fingerprint} one @param {Fingerprint} other */
function isSame(one, other) {
  if ("sha256" in one && "sha256" in other) return one.sha256 === other.sha256;
  if (!("head" in one && "head" in other) || one.head.byteLength !== other.head.byteLength) return false;
  const [left, right] = [new Uint8Array(one.head), new Uint8Array(other.head)];
  return left.every((value, at) => value === right[at]);
}

/** @param {ArrayBuffer} digest */
function hex(digest) {
  return Array.from(new Uint8Array(digest), (value) => value.toString(16).padStart(2, "0")).join("");
}
