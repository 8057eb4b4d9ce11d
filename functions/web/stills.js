// Which of the small stills in a picture of many shows a moment. Pure.

/**
 * Return the place of the still that is nearest to a moment: still n shows the source at n × everyS.
 * @param {{everyS: number, count: number, columns: number}} thumbs
 * @param {number} atS
 * @returns {{column: number, row: number}} from 0
 */
export function stillAt({ everyS, count, columns }, atS) {
  const n = Math.min(count - 1, Math.max(0, Math.round(atS / everyS)));
  return { column: n % columns, row: Math.floor(n / columns) };
}
