// The whole source in one narrow strip, and in it a window on what is in view, which can be dragged.

import { h } from "../dom.js";
import { paletteOf } from "./palette.js";

const HEIGHT_PX = 32;
const LEAST_WINDOW_PX = 14;

export class OverviewStrip {
  /**
   * @param {import("./viewport.js").Viewport} view
   * @param {import("./source_data.js").Source} source
   * @param {import("../editing/edit_session.js").EditSession} session
   */
  constructor(view, source, session) {
    this._view = view;
    this._source = source;
    this._session = session;
    this._curve = h("canvas", {}); // drawn once for each width and theme
    this._spans = h("canvas", {}); // drawn whenever the edit is another
    this._window = h("div", { class: "timeline-window" });
    this._playhead = h("div", { class: "timeline-strip-playhead", hidden: true });
    this.element = h("div", { class: "timeline-strip", "aria-hidden": "true" }, this._curve, this._spans, this._window, this._playhead);
    this._drawn = "";
    this._isEdited = true;
    /** @type {import("./palette.js").Palette | null} */
    this._palette = null;
  }

  /** Draw the highlights anew next time. */
  touch() {
    this._isEdited = true;
  }

  /** Draw everything anew next time. */
  recolour() {
    this._drawn = "";
  }

  paint() {
    const { durationS, widthPx, pxPerS, scrollPx } = this._view;
    const share = widthPx / (durationS * pxPerS);
    const windowPx = Math.min(widthPx, Math.max(LEAST_WINDOW_PX, widthPx * share));
    const most = durationS * pxPerS - widthPx;
    const leftPx = most > 0 ? (scrollPx / most) * (widthPx - windowPx) : 0;
    this._window.style.width = `${windowPx}px`;
    this._window.style.transform = `translateX(${leftPx}px)`;
    this.element.dataset.whole = String(this._view.isFitting);
    const drawn = `${widthPx} ${devicePixelRatio}`;
    if (drawn === this._drawn && !this._isEdited) return;
    if (drawn !== this._drawn) this._drawCurve(widthPx);
    this._drawn = drawn;
    this._isEdited = false;
    this._drawSpans(widthPx);
  }

  /** @param {number | null} atS */
  showPlayhead(atS) {
    this._playhead.hidden = atS === null;
    if (atS !== null) this._playhead.style.transform = `translateX(${(atS / this._view.durationS) * this._view.widthPx}px)`;
  }

  /** @param {AbortSignal} signal */
  listen(signal) {
    /** @type {{pointerId: number, leftPx: number, grabPx: number} | null} */
    let drag = null;
    this.element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const inWindow = this._window.getBoundingClientRect();
      const isOn = event.clientX >= inWindow.left && event.clientX <= inWindow.right;
      const leftPx = this.element.getBoundingClientRect().left;
      drag = { pointerId: event.pointerId, leftPx, grabPx: isOn ? event.clientX - inWindow.left : inWindow.width / 2 };
      this.element.setPointerCapture(event.pointerId);
      if (!isOn) this._scroll(event.clientX - leftPx - drag.grabPx, inWindow.width);
    }, { signal });
    this.element.addEventListener("pointermove", (event) => {
      if (event.pointerId !== drag?.pointerId) return;
      const { widthPx, durationS, pxPerS } = this._view;
      const windowPx = Math.max(LEAST_WINDOW_PX, (widthPx * widthPx) / (durationS * pxPerS));
      this._scroll(event.clientX - drag.leftPx - drag.grabPx, windowPx);
    }, { signal });
    for (const type of ["pointerup", "pointercancel"]) this.element.addEventListener(type, () => { drag = null; }, { signal });
  }

  /** @param {number} leftPx of the window @param {number} windowPx */
  _scroll(leftPx, windowPx) {
    const { widthPx, durationS, pxPerS } = this._view;
    if (widthPx > windowPx) this._view.scrollTo((leftPx / (widthPx - windowPx)) * (durationS * pxPerS - widthPx));
  }

  /** @param {number} widthPx */
  _drawCurve(widthPx) {
    const palette = paletteOf(this._curve);
    this._palette = palette;
    const context = cleared(this._curve, widthPx);
    const { motion, sound, durationS } = this._source;
    const curve = motion ?? sound;
    if (!curve) return;
    context.fillStyle = motion ? palette.motion : palette.speech;
    context.globalAlpha = 0.45;
    const perPx = durationS / widthPx / curve.everyS;
    for (let x = 0; x < widthPx; x += 1) {
      const share = Math.min(1, curve.peaks.between(x * perPx, (x + 1) * perPx) / (motion?.topEnergy ?? 1));
      const heightPx = share * (HEIGHT_PX - 12);
      context.fillRect(x, HEIGHT_PX - 2 - heightPx, 1, heightPx);
    }
  }

  /** @param {number} widthPx */
  _drawSpans(widthPx) {
    const { _palette: palette, _source: { durationS }, _session: { state } } = this;
    if (!palette) return;
    const context = cleared(this._spans, widthPx);
    const chosen = new Set(state.order);
    for (const { id, startS, endS } of Object.values(state.highlights)) {
      const isOn = chosen.has(id);
      context.fillStyle = isOn ? palette.chosen : palette.lineStrong;
      context.globalAlpha = isOn ? 1 : 0.6;
      context.fillRect((startS / durationS) * widthPx, 3, Math.max(1, ((endS - startS) / durationS) * widthPx), isOn ? 5 : 2);
    }
  }
}

/** @param {HTMLCanvasElement} canvas @param {number} widthPx */
function cleared(canvas, widthPx) {
  const sharpness = Math.min(3, devicePixelRatio || 1);
  const width = Math.round(widthPx * sharpness);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  if (canvas.width !== width) canvas.width = width;
  canvas.height = Math.round(HEIGHT_PX * sharpness); // this empties it and forgets its scale
  context.setTransform(sharpness, 0, 0, sharpness, 0, 0);
  return context;
}
