// What of the source is in view: zoom and scrolling, and one redraw per frame for whatever changed.

import { fittingPxPerS, scrolled, zoomed } from "./scale.js";

const SAME_GESTURE_MS = 400;

/** Scrolls natively: a wide spacer in a scroll container, and in it a stage that stays in view. */
export class Viewport {
  /**
   * @param {{scroller: HTMLElement, spacer: HTMLElement, stage: HTMLElement}} elements
   * @param {number} durationS
   */
  constructor({ scroller, spacer, stage }, durationS) {
    this._scroller = scroller;
    this._spacer = spacer;
    this._stage = stage;
    this.durationS = durationS;
    this.widthPx = 0;
    this.pxPerS = 0;
    this.scrollPx = 0;
    this.isFitting = true;
    /** What buttons and keys zoom in on. @type {number | null} */
    this.pivotS = null;
    /** @type {(() => void)[]} */
    this.painters = [];
    this._frame = 0;
    this._anchor = { atS: 0, xPx: -1, atMs: 0 };
    this._paint = this._paint.bind(this);
    scroller.addEventListener("scroll", () => this._onScroll(), { passive: true });
    this._watch = new ResizeObserver(() => this.measure());
    this._watch.observe(scroller);
  }

  /** Look how wide the view is. */
  measure() {
    const widthPx = this._scroller.clientWidth;
    if (!widthPx) return;
    const middleS = this.timeAt(this.widthPx / 2);
    const isFirst = this.widthPx === 0;
    this.widthPx = widthPx;
    this._stage.style.width = `${widthPx}px`;
    const pxPerS = this.isFitting || isFirst ? fittingPxPerS(this.durationS, widthPx) : this.pxPerS;
    this._show(zoomed(this._scale, pxPerS, { atS: middleS, xPx: widthPx / 2 }));
  }

  /** @param {number} atS @returns {number} px from the view's left edge */
  xOf(atS) {
    return atS * this.pxPerS - this.scrollPx;
  }

  /** @param {number} xPx from the view's left edge @returns {number} seconds within the source */
  timeAt(xPx) {
    if (!this.pxPerS) return 0;
    return Math.min(this.durationS, Math.max(0, (xPx + this.scrollPx) / this.pxPerS));
  }

  /** @param {number} clientX */
  xOfPointer(clientX) {
    return clientX - this._scroller.getBoundingClientRect().left;
  }

  /** Zoom around what matters if that is in view, else around the middle. @param {number} factor */
  zoomByStep(factor) {
    const xPx = this.pivotS === null ? -1 : this.xOf(this.pivotS);
    this.zoomBy(factor, xPx >= 0 && xPx <= this.widthPx ? xPx : this.widthPx / 2);
  }

  /** @param {number} factor @param {number} xPx what lies there stays there */
  zoomBy(factor, xPx) {
    const isSame = xPx === this._anchor.xPx && performance.now() - this._anchor.atMs < SAME_GESTURE_MS;
    this._anchor = { atS: isSame ? this._anchor.atS : this.timeAt(xPx), xPx, atMs: performance.now() };
    this._show(zoomed(this._scale, this.pxPerS * factor, this._anchor));
  }

  /** @param {number} pxPerS @param {{atS: number, xPx: number}} anchor */
  zoomTo(pxPerS, anchor) {
    this._show(zoomed(this._scale, pxPerS, anchor));
  }

  fit() {
    this._show(zoomed(this._scale, 0, { atS: 0, xPx: 0 }));
  }

  /** @param {number} scrollPx */
  scrollTo(scrollPx) {
    this._anchor.xPx = -1;
    this._show(scrolled(this._scale, scrollPx));
  }

  /** Bring a stretch into view if it is not; its beginning, where it is wider than the view. @param {number} startS @param {number} [endS] */
  reveal(startS, endS = startS) {
    const airPx = Math.min(48, this.widthPx / 8);
    const left = this.xOf(startS);
    const right = this.xOf(endS);
    if (left >= 0 && right <= this.widthPx) return;
    const isWide = right - left > this.widthPx - 2 * airPx;
    if (left < 0 || isWide) this.scrollTo(this.scrollPx + left - airPx);
    else this.scrollTo(this.scrollPx + right - this.widthPx + airPx);
  }

  /** Redraw in the next frame. */
  invalidate() {
    this._frame ||= requestAnimationFrame(this._paint);
  }

  /** Redraw what is to be redrawn at once: for those who are within a frame already. */
  paintNow() {
    if (!this._frame) return;
    cancelAnimationFrame(this._frame);
    this._paint();
  }

  close() {
    cancelAnimationFrame(this._frame);
    this._watch.disconnect();
    this.painters = [];
  }

  get _scale() {
    return { durationS: this.durationS, widthPx: this.widthPx, pxPerS: this.pxPerS, scrollPx: this.scrollPx };
  }

  /** @param {import("./scale.js").Scale} scale */
  _show({ pxPerS, scrollPx }) {
    if (pxPerS !== this.pxPerS) this._spacer.style.width = `${Math.max(this.widthPx, Math.round(this.durationS * pxPerS))}px`;
    this.pxPerS = pxPerS;
    this.scrollPx = scrollPx;
    this.isFitting = pxPerS <= fittingPxPerS(this.durationS, this.widthPx) * 1.0001;
    if (Math.abs(this._scroller.scrollLeft - scrollPx) >= 1) this._scroller.scrollLeft = scrollPx;
    this.invalidate();
  }

  _onScroll() {
    const scrollPx = this._scroller.scrollLeft;
    if (Math.abs(scrollPx - this.scrollPx) < 1) return; // our own, to the fraction of a pixel that browsers drop
    this.scrollPx = scrollPx;
    this._anchor.xPx = -1;
    this.invalidate();
  }

  _paint() {
    this._frame = 0;
    if (!this.widthPx) return;
    for (const paint of this.painters) paint();
  }
}
