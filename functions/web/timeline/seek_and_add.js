// Pressing where no highlight is: going there, scrubbing, and drawing a new highlight in the highlights' row.

import { announce } from "../dom.js";
import { SHORTEST_S } from "../editing/edit_state.js";
import { nearest } from "../editing/snap_points.js";
import { exact, lengthOf } from "./names.js";

/** @typedef {import("./parts.js").Parts} Parts */

const SNAP_PX = 8;
const MOVED_PX = 5;
const NEAR_PX = { mouse: 6, touch: 20 };
const ADDED_S = 4;
const ADDED_SNAP_S = 0.4;

/**
 * @param {Parts} parts
 * @param {AbortSignal} signal
 */
export function listenToStage(parts, signal) {
  const { stage, view, picture, list, session, tip, source, isReadOnly, onSeek } = parts;
  /** @type {{pointerId: number, leftPx: number, clientX: number, fromPx: number, isFree: boolean, adds: boolean, isScrubbed: boolean} | null} */
  let press = null;
  let frame = 0;
  let isTouch = false;
  stage.addEventListener("pointerdown", begin, { signal });
  stage.addEventListener("pointermove", (event) => {
    if (event.pointerId !== press?.pointerId) return;
    Object.assign(press, { clientX: event.clientX, isFree: event.altKey });
    frame ||= requestAnimationFrame(apply);
  }, { signal });
  stage.addEventListener("pointerup", finish, { signal });
  stage.addEventListener("pointercancel", close, { signal });
  stage.addEventListener("click", tap, { signal });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !press) return;
    event.stopPropagation();
    close();
  }, { signal, capture: true });
  signal.addEventListener("abort", () => cancelAnimationFrame(frame));

  /** @param {PointerEvent} event */
  function begin(event) {
    isTouch = event.pointerType === "touch";
    if (isTouch || event.button !== 0 || !isGround(event)) return;
    const leftPx = event.clientX - view.xOfPointer(event.clientX);
    const fromPx = event.clientX - leftPx;
    const isBeside = isInLanes(event);
    if (isBeside && selectNear(fromPx, NEAR_PX.mouse)) return;
    const adds = isBeside && !isReadOnly;
    press = { pointerId: event.pointerId, leftPx, clientX: event.clientX, fromPx, isFree: event.altKey, adds, isScrubbed: false };
    stage.setPointerCapture(event.pointerId);
    if (!adds) onSeek(view.timeAt(fromPx), { isToPlay: true });
  }

  function apply() {
    frame = 0;
    if (!press) return;
    const xPx = press.clientX - press.leftPx;
    if (!press.adds) {
      press.isScrubbed = true;
      onSeek(view.timeAt(xPx), { isToPlay: false });
      return;
    }
    if (!picture.draft && Math.abs(xPx - press.fromPx) < MOVED_PX) return;
    const [one, other] = [snapped(press.fromPx, press.isFree), snapped(xPx, press.isFree)];
    picture.draft = { startS: Math.min(one, other), endS: Math.max(one, other) };
    tip.show({ title: exact(other), more: lengthOf(picture.draft) }, { xPx: view.xOf(other), topPx: 30, widthPx: view.widthPx });
    view.invalidate();
    view.paintNow();
  }

  /** @param {PointerEvent} event */
  function finish(event) {
    if (event.pointerId !== press?.pointerId) return;
    if (frame) apply();
    const { adds, fromPx, isScrubbed, clientX, leftPx } = press;
    const drawn = picture.draft;
    close();
    if (drawn && drawn.endS - drawn.startS >= SHORTEST_S) added(parts, drawn);
    else if (adds) onSeek(view.timeAt(fromPx), { isToPlay: true });
    else if (isScrubbed) onSeek(view.timeAt(clientX - leftPx), { isToPlay: true });
  }

  function close() {
    press = null;
    cancelAnimationFrame(frame);
    frame = 0;
    if (!picture.draft) return;
    picture.draft = null;
    tip.hide();
    view.invalidate();
  }

  /** Fingers scroll, so only a tap means anything. @param {MouseEvent} event */
  function tap(event) {
    if (!isTouch || !isGround(event)) return;
    const xPx = view.xOfPointer(event.clientX);
    if (isInLanes(event) && selectNear(xPx, NEAR_PX.touch)) return;
    onSeek(view.timeAt(xPx), { isToPlay: true });
  }

  /** Take a press beside a highlight too narrow to be hit for one on it. @param {number} xPx @param {number} withinPx */
  function selectNear(xPx, withinPx) {
    const hit = list.near(view.timeAt(xPx), withinPx / view.pxPerS);
    if (!hit || (hit.endS - hit.startS) * view.pxPerS > 3 * withinPx) return false;
    session.select(hit.id);
    onSeek(hit.startS, { isToPlay: true });
    return true;
  }

  /** @param {number} xPx @param {boolean} isFree */
  function snapped(xPx, isFree) {
    const atS = view.timeAt(xPx);
    return isFree ? atS : nearest(source.snaps, atS, SNAP_PX / view.pxPerS)?.atS ?? atS;
  }

  /** @param {MouseEvent} event */
  function isInLanes(event) {
    const { rows } = picture;
    const y = event.clientY - stage.getBoundingClientRect().top;
    return rows !== null && y >= rows.highlights.topPx && y < rows.highlights.topPx + rows.highlights.heightPx;
  }

  /** @param {Event} event */
  function isGround({ target }) {
    return target instanceof Element && !target.closest(".timeline-highlight");
  }
}

/**
 * Add a highlight of a few seconds where the playhead is.
 * @param {Parts} parts
 * @param {number} atS
 */
export function addAt(parts, atS) {
  const { durationS, snaps } = parts.source;
  const startS = Math.max(0, Math.min(nearest(snaps, atS, ADDED_SNAP_S)?.atS ?? atS, durationS - SHORTEST_S));
  const wantedS = Math.min(durationS, startS + ADDED_S);
  const endS = nearest(snaps, wantedS, ADDED_SNAP_S)?.atS ?? wantedS;
  parts.list.focus(added(parts, { startS, endS: Math.max(endS, startS + SHORTEST_S) }));
}

/**
 * @param {Parts} parts
 * @param {{startS: number, endS: number}} span
 */
function added({ session, onSeek }, span) {
  const id = session.add(span);
  announce(`Highlight added, ${exact(span.startS)} to ${exact(span.endS)}.`);
  onSeek(span.startS, { isToPlay: false });
  return id;
}
