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
    this._canvas = h("canvas", {});
    this._window = h("div", { class: "timeline-window" });
    this._playhead = h("div", { class: "timeline-strip-playhead", hidden: true });
    this.element = h("div", { class: "timeline-strip", "aria-hidden": "true" }, this._canvas, this._window, this._playhead);
    this._drawn = "";
  }

  /** Draw it anew next time: the edit or the colours are others. */
  touch() {
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
    if (drawn === this._drawn) return;
    this._drawn = drawn;
    this._draw(widthPx);
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
  _draw(widthPx) {
    const sharpness = Math.min(3, devicePixelRatio || 1);
    this._canvas.width = Math.round(widthPx * sharpness);
    this._canvas.height = Math.round(HEIGHT_PX * sharpness);
    const context = /** @type {CanvasRenderingContext2D} */ (this._canvas.getContext("2d"));
    context.setTransform(sharpness, 0, 0, sharpness, 0, 0);
    const palette = paletteOf(this._canvas);
    const { motion, sound, durationS } = this._source;
    const curve = motion ?? sound;
    context.fillStyle = motion ? palette.motion : palette.speech;
    context.globalAlpha = 0.45;
    for (let x = 0; curve && x < widthPx; x += 1) {
      const perPx = durationS / widthPx / curve.everyS;
      const heightPx = Math.min(1, curve.peaks.between(x * perPx, (x + 1) * perPx) / (motion?.topEnergy ?? 1)) * (HEIGHT_PX - 12);
      context.fillRect(x, HEIGHT_PX - 2 - heightPx, 1, heightPx);
    }
    const { state } = this._session;
    const chosen = new Set(state.order);
    for (const { id, startS, endS } of Object.values(state.highlights)) {
      const isOn = chosen.has(id);
      context.fillStyle = isOn ? palette.chosen : palette.lineStrong;
      context.globalAlpha = isOn ? 1 : 0.6;
      context.fillRect((startS / durationS) * widthPx, 3, Math.max(1, ((endS - startS) / durationS) * widthPx), isOn ? 5 : 2);
    }
    context.globalAlpha = 1;
  }
}
