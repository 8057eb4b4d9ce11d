// What the timeline says in words. Pure.

import { clock, counted, percent } from "../format.js";
import { byTime, inReel } from "../editing/edit_state.js";
import { reelLengthS } from "../editing/reel_length.js";

/** @typedef {import("../editing/edit_state.js").EditState} EditState */
/** @typedef {import("../editing/edit_state.js").Highlight} Highlight */

/**
 * Return a highlight's name: Highlight 2 of 7, 0:12 to 0:18, in the reel as clip 1, fast movement.
 * @param {Highlight} highlight
 * @param {{place: number, count: number, clip: number}} where among all by time, from 1; its clip from 1, 0 for none
 */
export function nameOf(highlight, { place, count, clip }) {
  const state = clip ? `in the reel as clip ${clip}` : "not in the reel";
  const span = `${clock(highlight.startS)} to ${clock(highlight.endS)}`;
  return [`Highlight ${place} of ${count}`, span, state, ...highlight.reasons].join(", ");
}

/**
 * Return what an edge is worth: Start 0:12.4, length 3.2 s.
 * @param {Highlight} highlight
 * @param {"start" | "end"} edge
 */
export function edgeText(highlight, edge) {
  const at = edge === "start" ? `Start ${exact(highlight.startS)}` : `End ${exact(highlight.endS)}`;
  return `${at}, length ${lengthOf(highlight)}`;
}

/** @param {{startS: number, endS: number}} span */
export function lengthOf({ startS, endS }) {
  const lengthS = endS - startS;
  return lengthS < 60 ? `${lengthS.toFixed(1)} s` : exact(lengthS);
}

/** @param {number} atS */
export function exact(atS) {
  return clock(atS, { tenths: true });
}

/** @param {import("../editing/snap_points.js").SnapPoint["kind"]} kind */
export function snapName(kind) {
  return { word: "word", motion: "movement", edge: "end of the source", highlight: "another highlight", playhead: "playhead" }[kind];
}

/**
 * Return what the drawings show.
 * @param {{durationS: number, join: import("../editing/reel_length.js").Join, motionSpans: [number, number][], speechSpans: [number, number][]}} source
 * @param {EditState} state
 */
export function summary({ durationS, join, motionSpans, speechSpans }, state) {
  const count = byTime(state).length;
  const sentences = [`The source is ${clock(durationS)} long.`];
  if (motionSpans.length) sentences.push(`There is movement in ${percent(total(motionSpans) / durationS)} of it.`);
  if (speechSpans.length) sentences.push(`There is speech in ${percent(total(speechSpans) / durationS)} of it.`);
  sentences.push(count ? `${counted(count, "highlight")}, ${state.order.length} in the reel of ${clock(reelLengthS(inReel(state), join))}.`
    : "No highlights were found: you can add some.");
  return sentences.join(" ");
}

/** @param {[number, number][]} spans */
function total(spans) {
  return spans.reduce((sum, [startS, endS]) => sum + endS - startS, 0);
}
