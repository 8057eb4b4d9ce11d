import { firstAfter } from "./phrases.js";

/**
 * Draw how much the body moves, the threshold above which that counts, and the stretches that do.
 * @param {import("./drawing.js").Drawing} drawing
 * @param {import("./rows.js").Row} row
 * @param {import("./source_data.js").Motion} motion
 * @param {readonly [number, number][]} spans
 */
export function drawMotion(drawing, { topPx, heightPx }, motion, spans) {
  const { context, view, palette } = drawing;
  const bottomPx = topPx + heightPx;
  const scalePx = (heightPx - 5) / motion.topEnergy;
  context.fillStyle = palette.motionTint;
  fillSpans(drawing, spans, topPx + 1, heightPx - 1);
  context.fillStyle = palette.motion;
  context.globalAlpha = 0.8;
  fillArea(drawing, motion, bottomPx, scalePx, heightPx - 4);
  context.globalAlpha = 1;
  context.fillStyle = palette.lineStrong;
  const thresholdPx = Math.round(bottomPx - motion.threshold * scalePx);
  const endPx = Math.min(view.widthPx, view.xOf(view.durationS));
  for (let x = -(Math.round(view.scrollPx) % 8); x < endPx; x += 8) context.fillRect(x, thresholdPx, 4, 1);
}

/**
 * Fill what is in view of stretches that follow each other.
 * @param {import("./drawing.js").Drawing} drawing
 * @param {readonly [number, number][]} spans by time
 * @param {number} topPx
 * @param {number} heightPx
 */
export function fillSpans({ context, view }, spans, topPx, heightPx) {
  const endS = view.timeAt(view.widthPx);
  for (let n = firstAfter(spans, view.timeAt(0), (span) => span[1]); n < spans.length; n += 1) {
    const [from, to] = /** @type {[number, number]} */ (spans[n]);
    if (from > endS) return;
    const left = Math.max(0, view.xOf(from));
    context.fillRect(left, topPx, Math.max(1, Math.min(view.widthPx, view.xOf(to)) - left), heightPx);
  }
}

/**
 * Fill below a curve: through its values when they lie apart, else through the highest of each pixel.
 * @param {import("./drawing.js").Drawing} drawing
 * @param {{everyS: number, peaks: import("./peaks.js").Peaks}} curve
 * @param {number} bottomPx
 * @param {number} scalePx of one unit
 * @param {number} mostPx
 */
export function fillArea({ context, view }, { everyS, peaks }, bottomPx, scalePx, mostPx) {
  const stepPx = Math.max(1, everyS * view.pxPerS);
  const perStep = stepPx / (everyS * view.pxPerS); // values
  const first = Math.max(0, Math.floor(view.scrollPx / stepPx));
  const last = Math.min(Math.ceil((view.scrollPx + view.widthPx) / stepPx), Math.ceil(peaks.length / perStep));
  context.beginPath();
  context.moveTo(first * stepPx - view.scrollPx, bottomPx);
  for (let n = first; n <= last; n += 1) {
    const value = perStep > 1 ? peaks.between(n * perStep, (n + 1) * perStep) : peaks.at(n);
    context.lineTo(n * stepPx - view.scrollPx, bottomPx - Math.min(mostPx, value * scalePx));
  }
  context.lineTo(last * stepPx - view.scrollPx, bottomPx);
  context.fill();
}
