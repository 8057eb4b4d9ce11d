// Whether a reel is what an edit asked for, and in which words an edit is told. Pure.

import { inReel } from "../editing/edit_state.js";
import { joined } from "../editing/reel_length.js";

const SAME_S = 0.002; // edits are told in whole milliseconds

/**
 * Return whether a report's reel shows just what the state has on.
 * @param {import("../editing/edit_state.js").EditState} state
 * @param {import("../editing/from_report.js").Report} report
 */
export function isReelOf(state, report) {
  return isSame(inReel(state), report.edit_list.clips.map(({ wanted: [startS, endS] }) => ({ startS, endS })));
}

/**
 * Return whether two states have the same stretches on, however they are parted into highlights.
 * @param {import("../editing/edit_state.js").EditState} one
 * @param {import("../editing/edit_state.js").EditState} other
 */
export function isSameCut(one, other) {
  return isSame(inReel(one), inReel(other));
}

/** @typedef {{startS: number, endS: number}} Span */
/** @param {readonly Span[]} one @param {readonly Span[]} other */
function isSame(one, other) {
  const [asked, shown] = [joined(one), joined(other)];
  return asked.length === shown.length && asked.every((each, n) =>
    Math.abs(each.startS - shown[n].startS) < SAME_S && Math.abs(each.endS - shown[n].endS) < SAME_S);
}

const KEYWORD = "your keyword: ";

/**
 * Return a reason as a badge has it, and what kind it is.
 * @param {string} reason
 * @returns {{text: string, kind: "keyword" | "motion" | "speech" | "own"}}
 */
export function reasonBadge(reason) {
  if (reason.startsWith(KEYWORD)) return { text: `“${reason.slice(KEYWORD.length)}”`, kind: "keyword" };
  if (reason.includes("movement")) return { text: reason, kind: "motion" };
  if (reason === "added by you") return { text: reason, kind: "own" };
  return { text: reason, kind: "speech" };
}
