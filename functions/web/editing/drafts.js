// Edits that nobody rendered yet, kept in this browser so that a reload loses nothing.

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
    const kept = JSON.parse(localStorage.getItem(PREFIX + jobId) ?? "null");
    return kept && kept.revision === revision && isState(kept.state) ? kept.state : null;
  } catch {
    return null;
  }
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
    if (isSameReel(state, rendered)) localStorage.removeItem(PREFIX + jobId);
    else localStorage.setItem(PREFIX + jobId, JSON.stringify({ revision, state }));
  } catch {
    // storage is full or forbidden: the edit lives as long as the page
  }
}

/** @param {string} jobId */
export function forgetDraft(jobId) {
  localStorage.removeItem(PREFIX + jobId);
}

/** @param {any} value */
function isState(value) {
  if (!value || typeof value.highlights !== "object" || !Array.isArray(value.order)) return false;
  return value.order.every((/** @type {unknown} */ id) => typeof id === "string" && id in value.highlights);
}
