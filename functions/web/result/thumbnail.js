// Small stills of the source, drawn out of the one picture that all of them are in.

import { h } from "../dom.js";
import { stillAt } from "../stills.js";

/**
 * `sprite` is decoded once and shared with the timeline: as a style's background, each list would have copies of it.
 * @typedef {{sprite: ImageBitmap, everyS: number, count: number, columns: number, rows: number, widthPx: number,
 *   heightPx: number}} Thumbs
 */

/**
 * Return an element that shows a still; `showAt` changes it.
 * @param {Thumbs | null} thumbs
 * @param {{kind?: string, share?: number}} [how] another class; how large it is drawn, of what the source of it has
 * @returns {HTMLElement}
 */
export function thumbnail(thumbs, { kind = "", share = 1 } = {}) {
  const attributes = { class: `thumbnail ${kind}`.trim(), "aria-hidden": "true" };
  if (!thumbs) return h("span", attributes);
  const size = { width: Math.round(thumbs.widthPx * share), height: Math.round(thumbs.heightPx * share) };
  return h("canvas", { ...attributes, ...size, vars: { "thumb-shape": `${thumbs.widthPx} / ${thumbs.heightPx}` } });
}

/**
 * @param {HTMLElement} element
 * @param {Thumbs | null} thumbs
 * @param {number} atS
 * @param {{isDim?: boolean}} [how] drawn grey and faint: as a style, hundreds of them cost every frame of the page
 */
export function showAt(element, thumbs, atS, { isDim = false } = {}) {
  if (!thumbs || !(element instanceof HTMLCanvasElement)) return;
  const { column, row } = stillAt(thumbs, atS);
  const still = `${column},${row},${isDim}`;
  if (element.dataset.still === still) return;
  element.dataset.still = still;
  const { width, height } = element;
  const from = [column * thumbs.widthPx, row * thumbs.heightPx];
  const context = element.getContext("2d", { willReadFrequently: true }); // by the processor: so it is no layer of its own
  if (!context) return;
  context.clearRect(0, 0, width, height);
  context.filter = isDim ? "grayscale(1) opacity(0.6)" : "none";
  context.drawImage(thumbs.sprite, from[0], from[1], thumbs.widthPx, thumbs.heightPx, 0, 0, width, height);
}
