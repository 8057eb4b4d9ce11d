import { inReel } from "../editing/edit_state.js";
import { stillAt } from "../stills.js";

const AIR_PX = 3;

/**
 * Draw the film: frames side by side that stay with their time while it scrolls. What is not in the reel is dimmed.
 * @param {import("./drawing.js").Drawing} drawing
 * @param {import("./rows.js").Row} row
 * @param {import("./source_data.js").Thumbs} thumbs
 * @param {ImageBitmap | null} sprite
 * @param {import("../editing/edit_state.js").EditState} state
 */
export function drawThumbs({ context, view, palette }, { topPx, heightPx }, thumbs, sprite, state) {
  const frameTop = topPx + AIR_PX;
  const framePx = heightPx - 2 * AIR_PX;
  context.fillStyle = palette.sunken;
  context.fillRect(0, topPx, view.widthPx, heightPx);
  if (!sprite) return;
  const widthPx = Math.max(16, Math.round((framePx * thumbs.widthPx) / thumbs.heightPx));
  const endPx = view.durationS * view.pxPerS;
  const scrollPx = Math.round(view.scrollPx);
  for (let slot = Math.floor(scrollPx / widthPx); slot * widthPx < Math.min(endPx, scrollPx + view.widthPx); slot += 1) {
    const shownPx = Math.min(widthPx, endPx - slot * widthPx); // the last frame ends with the source
    const atS = ((slot + 0.5) * widthPx) / view.pxPerS;
    const { column, row } = stillAt(thumbs, atS);
    const share = shownPx / widthPx;
    context.drawImage(sprite, column * thumbs.widthPx, row * thumbs.heightPx, thumbs.widthPx * share, thumbs.heightPx, slot * widthPx - scrollPx, frameTop, shownPx - 1, framePx);
  }
  dim({ context, view, palette }, frameTop, framePx, state);
}

/**
 * @param {import("./drawing.js").Drawing} drawing
 * @param {number} topPx
 * @param {number} heightPx
 * @param {import("../editing/edit_state.js").EditState} state
 */
function dim({ context, view, palette }, topPx, heightPx, state) {
  const shown = inReel(state).sort((one, other) => one.startS - other.startS);
  if (!shown.length) return;
  context.fillStyle = palette.surface;
  context.globalAlpha = 0.5;
  let fromPx = 0;
  for (const { startS, endS } of shown) {
    const left = Math.min(view.widthPx, view.xOf(startS));
    if (left > fromPx) context.fillRect(fromPx, topPx, left - fromPx, heightPx);
    fromPx = Math.max(fromPx, view.xOf(endS));
  }
  if (fromPx < view.widthPx) context.fillRect(fromPx, topPx, view.widthPx - fromPx, heightPx);
  context.globalAlpha = 1;
}
