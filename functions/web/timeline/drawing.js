// The picture behind the highlights: one canvas as large as the view, drawn anew whenever something changes.

import { inReel } from "../editing/edit_state.js";
import { drawMotion } from "./draw_motion.js";
import { drawRuler } from "./draw_ruler.js";
import { drawSpeech } from "./draw_speech.js";
import { drawThumbs } from "./draw_thumbs.js";
import { LANES_AIR_PX } from "./rows.js";
import { paletteOf } from "./palette.js";
import { loadSprite } from "./sprite.js";

/** @typedef {import("./rows.js").Rows} Rows */
/**
 * What each row is drawn with.
 * @typedef {{context: CanvasRenderingContext2D, view: import("./viewport.js").Viewport, palette: import("./palette.js").Palette}} Drawing
 */

const SHARPEST = 3;

export class Picture {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./viewport.js").Viewport} view
   * @param {import("./source_data.js").Source} source
   * @param {import("../editing/edit_session.js").EditSession} session
   */
  constructor(canvas, view, source, session) {
    this._canvas = canvas;
    this._source = source;
    this._session = session;
    /** @type {Rows | null} */
    this.rows = null;
    /** Where a dragged edge has snapped to. @type {number | null} */
    this.snapS = null;
    /** A highlight that is being drawn. @type {{startS: number, endS: number} | null} */
    this.draft = null;
    this._drawing = { context: /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false })), view, palette: paletteOf(canvas) };
    /** @type {ImageBitmap | null} */
    this._sprite = null;
    /** @type {(() => void) | null} */
    this._freeSprite = null;
    if (source.thumbs?.sprite) this._sprite = source.thumbs.sprite; // somebody else's, who closes it
    else if (source.thumbs?.url) {
      this._freeSprite = loadSprite(source.thumbs.url, (sprite) => {
        this._sprite = sprite;
        view.invalidate();
      });
    }
  }

  recolour() {
    this._drawing.palette = paletteOf(this._canvas);
    this._drawing.view.invalidate();
  }

  paint() {
    const { rows, _source: source, _drawing: drawing } = this;
    if (!rows) return;
    const { context, view, palette } = drawing;
    this._fit(view.widthPx, rows.heightPx);
    context.fillStyle = palette.surface;
    context.fillRect(0, 0, view.widthPx, rows.heightPx);
    const spans = this._marked();
    context.fillStyle = palette.chosen;
    for (const span of spans) this._fillSpan(span, rows.ruler.heightPx, rows.heightPx - rows.ruler.heightPx, 0.12);
    if (rows.thumbs && source.thumbs) drawThumbs(drawing, rows.thumbs, source.thumbs, this._sprite, this._session.state);
    context.fillStyle = palette.sunken;
    context.fillRect(0, rows.highlights.topPx, view.widthPx, rows.highlights.heightPx);
    if (rows.motion && source.motion) drawMotion(drawing, rows.motion, source.motion, source.motionSpans);
    if (rows.speech) drawSpeech(drawing, rows.speech, source);
    drawRuler(drawing, rows.ruler);
    this._drawLines(rows);
    for (const span of spans) this._drawEdges(span, rows);
    if (this.draft) this._fillSpan(this.draft, rows.highlights.topPx + LANES_AIR_PX, rows.lanePx - 2, 0.35);
    if (this.snapS !== null) this._drawSnap(this.snapS, rows.heightPx);
    this._underline(rows);
  }

  close() {
    this._freeSprite?.();
    this._canvas.width = 0;
  }

  /** @param {number} widthPx @param {number} heightPx */
  _fit(widthPx, heightPx) {
    const { _canvas: canvas, _drawing: { context } } = this;
    const sharpness = Math.min(SHARPEST, devicePixelRatio || 1);
    const [width, height] = [Math.round(widthPx * sharpness), Math.round(heightPx * sharpness)];
    if (canvas.width === width && canvas.height === height) return;
    canvas.width = width;
    canvas.height = height;
    canvas.style.width = `${widthPx}px`;
    canvas.style.height = `${heightPx}px`;
    context.setTransform(sharpness, 0, 0, sharpness, 0, 0);
  }

  /** @param {Rows} rows */
  _drawLines(rows) {
    const { context, view, palette } = this._drawing;
    context.fillStyle = palette.line;
    for (const row of [rows.thumbs, rows.highlights, rows.motion, rows.speech]) {
      if (row) context.fillRect(0, row.topPx, view.widthPx, 1);
    }
  }

  /** What stands out in all rows: the selected highlight and the one that is being drawn. */
  _marked() {
    const { state, selectedId } = this._session;
    const selected = selectedId === null ? undefined : state.highlights[selectedId];
    return [selected, this.draft].filter((each) => each !== undefined && each !== null);
  }

  /** A green line along the ruler: what of the source is in the reel. @param {Rows} rows */
  _underline(rows) {
    const { context, palette } = this._drawing;
    context.fillStyle = palette.chosen;
    for (const span of inReel(this._session.state)) this._fillSpan(span, rows.ruler.heightPx - 3, 3, 1);
  }

  /** @param {{startS: number, endS: number}} span @param {Rows} rows */
  _drawEdges({ startS, endS }, { ruler, heightPx }) {
    const { context, view, palette } = this._drawing;
    context.fillStyle = palette.chosen;
    for (const atS of [startS, endS]) context.fillRect(Math.round(view.xOf(atS)) - 0.5, ruler.heightPx, 1, heightPx - ruler.heightPx);
  }

  /** @param {{startS: number, endS: number}} span @param {number} topPx @param {number} heightPx @param {number} alpha */
  _fillSpan({ startS, endS }, topPx, heightPx, alpha) {
    const { context, view } = this._drawing;
    const left = Math.max(-1, view.xOf(startS));
    const right = Math.min(view.widthPx + 1, view.xOf(endS));
    if (right < 0 || left > view.widthPx) return;
    context.globalAlpha = alpha;
    context.fillRect(left, topPx, Math.max(1, right - left), heightPx);
    context.globalAlpha = 1;
  }

  /** @param {number} atS @param {number} heightPx */
  _drawSnap(atS, heightPx) {
    const { context, view, palette } = this._drawing;
    context.strokeStyle = palette.focus;
    context.lineWidth = 1.5;
    context.setLineDash([4, 3]);
    context.beginPath();
    const x = Math.round(view.xOf(atS)) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, heightPx);
    context.stroke();
    context.setLineDash([]);
  }
}
