// Ways to look closer: the wheel with Ctrl or ⌘, two fingers, and keys.

/** @typedef {import("./parts.js").Parts} Parts */

const LINE_PX = 16;
const NOTCH_PX = 60; // wheels that turn in notches would leap
const PER_PX = 0.008;
export const ZOOM_STEP = 1.6;

/**
 * @param {Parts} parts
 * @param {AbortSignal} signal
 */
export function listenToZoom({ root, scroller, view }, signal) {
  let turnedPx = 0;
  let atPx = 0;
  let frame = 0;
  /** @type {{distancePx: number, pxPerS: number, atS: number} | null} */
  let pinch = null;
  scroller.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const deltaPx = event.deltaY * (event.deltaMode === 1 ? LINE_PX : 1);
    turnedPx += Math.max(-NOTCH_PX, Math.min(NOTCH_PX, deltaPx));
    atPx = event.clientX;
    frame ||= requestAnimationFrame(turn);
  }, { signal, passive: false });
  scroller.addEventListener("touchstart", beginPinch, { signal, passive: false });
  scroller.addEventListener("touchmove", followPinch, { signal, passive: false });
  scroller.addEventListener("touchend", endPinch, { signal });
  scroller.addEventListener("touchcancel", endPinch, { signal });
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") view.zoomByStep(ZOOM_STEP);
    else if (event.key === "-") view.zoomByStep(1 / ZOOM_STEP);
    else if (event.key === "0") view.fit();
    else return;
    event.preventDefault();
  }, { signal });
  signal.addEventListener("abort", () => cancelAnimationFrame(frame));

  function turn() {
    frame = 0;
    view.zoomBy(Math.exp(-turnedPx * PER_PX), view.xOfPointer(atPx));
    turnedPx = 0;
    view.paintNow();
  }

  /** @param {TouchEvent} event */
  function beginPinch(event) {
    const found = fingers(event);
    if (!found) return;
    event.preventDefault();
    pinch = { distancePx: found.distancePx, pxPerS: view.pxPerS, atS: view.timeAt(view.xOfPointer(found.middleX)) };
  }

  /** @param {TouchEvent} event */
  function followPinch(event) {
    const found = fingers(event);
    if (!pinch || !found) return;
    event.preventDefault();
    const { distancePx, pxPerS, atS } = pinch;
    view.zoomTo(pxPerS * (found.distancePx / distancePx), { atS, xPx: view.xOfPointer(found.middleX) });
  }

  /** @param {TouchEvent} event */
  function endPinch(event) {
    if (event.touches.length < 2) pinch = null;
  }
}

/** @param {TouchEvent} event */
function fingers({ touches }) {
  const [one, other] = touches;
  if (touches.length !== 2 || !one || !other) return null;
  return { distancePx: Math.max(20, Math.abs(one.clientX - other.clientX)), middleX: (one.clientX + other.clientX) / 2 };
}
