// Whose details to ask for next. Pure.

import { isRunning } from "./wording.js";

/** @typedef {import("../api.js").JobState} JobState */

/** One round asks for so many jobs, so that a large batch costs no more than a small one. */
export const MOST_IN_A_ROUND = 6;

/**
 * Return the ids of jobs to ask for: those that run, and those whose end is not known in full; of these first those on
 * screen, then the longest unasked.
 * @param {{id: string, state: JobState}[]} rows
 * @param {{isOnScreen: (id: string) => boolean, askedAt: (id: string) => number,
 *   heldState: (id: string) => JobState | null}} known askedAt: 0 for never; heldState: of the details that are there
 * @param {number} [most]
 * @returns {string[]}
 */
export function pickDetails(rows, known, most = MOST_IN_A_ROUND) {
  return wanted(rows, known)
    .map((row, position) => ({ id: row.id, isNear: known.isOnScreen(row.id), at: known.askedAt(row.id), position }))
    .sort((one, other) => Number(other.isNear) - Number(one.isNear) || one.at - other.at || one.position - other.position)
    .slice(0, most)
    .map((each) => each.id);
}

/**
 * Return whether there is anything to ask for.
 * @param {{id: string, state: JobState}[]} rows
 * @param {{heldState: (id: string) => JobState | null}} known
 */
export function wanted(rows, { heldState }) {
  return rows.filter((row) => isRunning(row.state) || (row.state !== "awaiting_upload" && heldState(row.id) !== row.state));
}
