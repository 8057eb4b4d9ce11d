// Small stills of the source, all in one picture.

import { h } from "../dom.js";
import { stillAt } from "../stills.js";

/**
 * @typedef {{url: string, everyS: number, count: number, columns: number, rows: number, widthPx: number,
 *   heightPx: number}} Thumbs
 */

/**
 * Return an element that shows a still; `showAt` changes it.
 * @param {Thumbs | null} thumbs
 * @param {string} [kind] another class
 * @returns {HTMLElement}
 */
export function thumbnail(thumbs, kind = "") {
  if (!thumbs) return h("span", { class: `thumbnail ${kind}`.trim(), "aria-hidden": "true" });
  return h("span", {
    class: `thumbnail ${kind}`.trim(), "aria-hidden": "true",
    vars: {
      "thumbs": `url(${JSON.stringify(thumbs.url)})`, "thumb-columns": thumbs.columns, "thumb-rows": thumbs.rows,
      "thumb-shape": `${thumbs.widthPx} / ${thumbs.heightPx}`, "thumb-ratio": thumbs.widthPx / thumbs.heightPx,
    },
  });
}

/**
 * @param {HTMLElement} element
 * @param {Thumbs | null} thumbs
 * @param {number} atS
 */
export function showAt(element, thumbs, atS) {
  if (!thumbs) return;
  const { column, row } = stillAt(thumbs, atS);
  element.style.setProperty("--thumb-column", String(column));
  element.style.setProperty("--thumb-row", String(row));
}
