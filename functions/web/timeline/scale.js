// How seconds lie on the screen: how close one may look, and what stays put when that changes. Pure.

/** Where a view stands. @typedef {{durationS: number, widthPx: number, pxPerS: number, scrollPx: number}} Scale */

const CLOSEST_PX_PER_S = 400;
const WIDEST_PX = 8_000_000; // browsers lay nothing out right beyond 16 million or so

/**
 * Return how many pixels a second takes when the whole source fits.
 * @param {number} durationS
 * @param {number} widthPx
 */
export function fittingPxPerS(durationS, widthPx) {
  return widthPx / durationS;
}

/**
 * Return how many pixels a second may take at most.
 * @param {number} durationS
 * @param {number} widthPx
 */
export function closestPxPerS(durationS, widthPx) {
  return Math.max(fittingPxPerS(durationS, widthPx), Math.min(CLOSEST_PX_PER_S, WIDEST_PX / durationS));
}

/**
 * Return the scale at another zoom, within what is allowed, with one time at one place of the view.
 * @param {Scale} scale
 * @param {number} pxPerS
 * @param {{atS: number, xPx: number}} anchor
 * @returns {Scale}
 */
export function zoomed(scale, pxPerS, { atS, xPx }) {
  const { durationS, widthPx } = scale;
  const most = closestPxPerS(durationS, widthPx);
  const allowed = Math.min(most, Math.max(fittingPxPerS(durationS, widthPx), pxPerS));
  return scrolled({ ...scale, pxPerS: allowed }, atS * allowed - xPx);
}

/**
 * Return the scale scrolled elsewhere, no further than the source goes.
 * @param {Scale} scale
 * @param {number} scrollPx
 * @returns {Scale}
 */
export function scrolled(scale, scrollPx) {
  const most = Math.max(0, scale.durationS * scale.pxPerS - scale.widthPx);
  return { ...scale, scrollPx: Math.min(most, Math.max(0, scrollPx)) };
}
