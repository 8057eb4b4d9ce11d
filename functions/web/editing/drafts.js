// Edits that nobody rendered yet, kept in this browser so that a reload loses nothing. Each belongs to the revision that
// was edited: another one's is never written over.

import { isSameReel } from "./edit_state.js";

/** @typedef {import("./edit_state.js").EditState} EditState */

const PREFIX = "montage.draft.";

/**
 * Return what an edit of this revision had come to, or null.
 * @param {string} jobId
 * @param {number} revision
 * @returns {EditState | null}
 */
export function keptDraft(jobId, revision) {
  try {
    const state = JSON.parse(localStorage.getItem(keyOf(jobId, revision)) ?? "null");
    return isState(state) ? state : null;
  } catch {
    return null;
  }
}

/**
 * Return the newest edit that is kept of another revision, or null.
 * @param {string} jobId
 * @param {number} revision
 * @returns {{revision: number, state: EditState} | null}
 */
export function otherDraft(jobId, revision) {
  try {
    const start = keyOf(jobId, "");
    const revisions = Object.keys(localStorage).filter((key) => key.startsWith(start)).map((key) => Number(key.slice(start.length)))
      .filter((each) => each > 0 && each !== revision).sort((one, other) => other - one);
    for (const each of revisions) {
      const state = keptDraft(jobId, each);
      if (state) return { revision: each, state };
    }
  } catch {
    // no storage, no drafts
  }
  return null;
}

/**
 * Keep an edit, or forget it where it changes nothing.
 * @param {string} jobId
 * @param {number} revision
 * @param {EditState} state
 * @param {EditState} rendered
 */
export function keepDraft(jobId, revision, state, rendered) {
  try {
    if (isSameReel(state, rendered)) forgetDraft(jobId, revision);
    else localStorage.setItem(keyOf(jobId, revision), JSON.stringify(state));
  } catch {
    // storage is full or forbidden: the edit lives as long as the page
  }
}

/** @param {string} jobId @param {number} revision */
export function forgetDraft(jobId, revision) {
  try {
    localStorage.removeItem(keyOf(jobId, revision));
  } catch {
    // no storage, no drafts
  }
}

/** @param {string} jobId @param {number | ""} revision */
function keyOf(jobId, revision) {
  return `${PREFIX}${jobId}.${revision}`;
}

/** @param {any} value */
function isState(value) {
  if (!value || typeof value.highlights !== "object" || !Array.isArray(value.order)) return false;
  return value.order.every((/** @type {unknown} */ id) => typeof id === "string" && id in value.highlights);
}
