// Edges of highlights, dragged with a pointer or stepped with keys.

import { nearest, next, withEdges } from "../editing/snap_points.js";
import { edgeText, exact, lengthOf, snapName } from "./names.js";

/** @typedef {import("./highlight_item.js").Edge} Edge */
/** @typedef {import("../editing/snap_points.js").SnapPoint} SnapPoint */
/** @typedef {import("./parts.js").Parts} Parts */
/** @typedef {{id: string, edge: Edge, element: HTMLElement, pointerId: number, leftPx: number, grabPx: number, clientX: number, isFree: boolean, beganS: number, snaps: SnapPoint[]}} Drag */

const SNAP_PX = 8;
const BORDER_PX = 28;
const FASTEST_PX = 18; // a frame, when the pointer is at the view's border

/**
 * @param {Parts} parts
 * @param {AbortSignal} signal
 */
export function listenToEdges(parts, signal) {
  const { root, list, session, view, picture, tip, source, onSeek } = parts;
  /** @type {Drag | null} */
  let drag = null;
  let frame = 0;
  const { element } = list;
  element.addEventListener("pointerdown", begin, { signal });
  element.addEventListener("pointermove", follow, { signal });
  element.addEventListener("pointerup", (event) => end(event, true), { signal });
  element.addEventListener("pointercancel", (event) => end(event, false), { signal });
  element.addEventListener("lostpointercapture", (event) => end(event, false), { signal });
  document.addEventListener("keydown", giveUp, { signal, capture: true });
  element.addEventListener("keydown", step, { signal });
  element.addEventListener("keyup", (event) => edgeOf(event) && !drag && session.settle(), { signal });
  element.addEventListener("focusout", (event) => edgeOf(event) && !drag && session.settle(), { signal });
  signal.addEventListener("abort", () => cancelAnimationFrame(frame));

  /** @param {PointerEvent} event */
  function begin(event) {
    const hit = edgeOf(event);
    if (!hit || event.button !== 0 || drag) return;
    const highlight = session.state.highlights[hit.id];
    if (!highlight) return;
    event.preventDefault();
    session.select(hit.id);
    const beganS = hit.edge === "start" ? highlight.startS : highlight.endS;
    const leftPx = event.clientX - view.xOfPointer(event.clientX);
    drag = {
      ...hit, pointerId: event.pointerId, leftPx, clientX: event.clientX, isFree: event.altKey, beganS, snaps: snapsBeside(hit.id, playheadBut(beganS)),
      grabPx: event.clientX - leftPx - view.xOf(beganS),
    };
    list.isDragging = true;
    hit.element.dataset.dragged = "true";
    hit.element.setPointerCapture(event.pointerId);
    hit.element.focus({ preventScroll: true });
    tell();
  }

  /** @param {PointerEvent} event */
  function follow(event) {
    if (!drag || event.pointerId !== drag.pointerId) return;
    drag.clientX = event.clientX;
    drag.isFree = event.altKey;
    frame ||= requestAnimationFrame(apply);
  }

  function apply() {
    frame = 0;
    if (!drag) return;
    if (scrollAtBorder(drag)) frame = requestAnimationFrame(apply);
    const wantedS = view.timeAt(drag.clientX - drag.leftPx - drag.grabPx);
    const snap = drag.isFree ? null : nearest(drag.snaps, wantedS, SNAP_PX / view.pxPerS);
    const before = atS(drag);
    session.trim(drag.id, { [`${drag.edge}S`]: snap?.atS ?? wantedS }, { isGoing: true });
    const after = atS(drag);
    markSnap(snap && Math.abs(snap.atS - after) < 1e-6 ? snap.atS : null);
    view.invalidate();
    tell(picture.snapS === null || !snap ? "" : snapName(snap.kind));
    if (after !== before) onSeek(after, { isToPlay: false });
    view.paintNow();
  }

  /** @param {PointerEvent} event @param {boolean} isDone */
  function end(event, isDone) {
    if (!drag || event.pointerId !== drag.pointerId) return;
    if (isDone && frame) apply();
    if (isDone) close(() => session.settle());
    else abandon();
  }

  function abandon() {
    const beganS = drag?.beganS;
    close(() => session.revert());
    if (beganS !== undefined) onSeek(beganS, { isToPlay: false });
  }

  /** @param {() => void} finish */
  function close(finish) {
    const ended = drag;
    drag = null;
    cancelAnimationFrame(frame);
    frame = 0;
    list.isDragging = false;
    markSnap(null);
    tip.hide();
    finish();
    list.read();
    if (!ended) return;
    delete ended.element.dataset.dragged;
    if (ended.element.hasPointerCapture(ended.pointerId)) ended.element.releasePointerCapture(ended.pointerId);
  }

  /** @param {KeyboardEvent} event */
  function giveUp(event) {
    if (event.key !== "Escape" || !drag) return;
    event.preventDefault();
    event.stopPropagation();
    abandon();
  }

  /** @param {KeyboardEvent} event */
  function step(event) {
    const hit = edgeOf(event);
    const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!hit || !direction || drag || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const fromS = atS(hit);
    const frameS = source.fps ? 1 / source.fps : 0.1;
    const toS = event.shiftKey ? fromS + direction * frameS
      : next(snapsBeside(hit.id, null), fromS, direction < 0 ? -1 : 1)?.atS ?? fromS;
    session.trim(hit.id, { [`${hit.edge}S`]: toS }, { isGoing: true });
    view.reveal(atS(hit));
    onSeek(atS(hit), { isToPlay: false });
  }

  /** @param {string} id @param {number | null} playheadS */
  function snapsBeside(id, playheadS) {
    return withEdges(source.snaps, Object.values(session.state.highlights).filter((each) => each.id !== id), playheadS);
  }

  /** The playhead goes along with what is dragged: where it began it is no place of its own. @param {number} beganS */
  function playheadBut(beganS) {
    const atS = parts.playheadS();
    return atS !== null && Math.abs(atS - beganS) > 0.05 ? atS : null;
  }

  /** @param {number | null} snapS */
  function markSnap(snapS) {
    picture.snapS = snapS;
    root.dataset.snapped = String(snapS !== null);
  }

  /** @param {string} [mark] */
  function tell(mark = "") {
    const highlight = drag && session.state.highlights[drag.id];
    if (!drag || !highlight) return;
    const edgeS = drag.edge === "start" ? highlight.startS : highlight.endS;
    tip.show({ title: exact(edgeS), more: lengthOf(highlight), mark }, { xPx: view.xOf(edgeS), topPx: 30, widthPx: view.widthPx });
    drag.element.setAttribute("aria-valuetext", edgeText(highlight, drag.edge));
  }

  /** @param {{id: string, edge: Edge}} which */
  function atS({ id, edge }) {
    const highlight = session.state.highlights[id];
    return (edge === "start" ? highlight?.startS : highlight?.endS) ?? 0;
  }

  /** Scroll on while the pointer is held at a border. @param {Drag} drag */
  function scrollAtBorder({ clientX, leftPx }) {
    const xPx = clientX - leftPx;
    const beyondPx = Math.min(0, xPx - BORDER_PX) + Math.max(0, xPx - view.widthPx + BORDER_PX);
    if (!beyondPx || view.isFitting) return false;
    const before = view.scrollPx;
    view.scrollTo(before + Math.max(-1, Math.min(1, beyondPx / BORDER_PX)) * FASTEST_PX);
    return view.scrollPx !== before;
  }
}

/** @param {Event} event @returns {{id: string, edge: Edge, element: HTMLElement} | null} */
function edgeOf({ target }) {
  const element = target instanceof HTMLElement ? /** @type {HTMLElement | null} */ (target.closest(".timeline-edge")) : null;
  const id = /** @type {HTMLElement | null} */ (element?.closest(".timeline-highlight"))?.dataset.id;
  return element && id ? { id, edge: /** @type {Edge} */ (element.dataset.edge), element } : null;
}
