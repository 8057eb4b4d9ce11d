import { label, marks } from "./ruler.js";

/**
 * @param {import("./drawing.js").Drawing} drawing
 * @param {import("./rows.js").Row} row
 */
export function drawRuler({ context, view, palette }, { topPx, heightPx }) {
  const { stepS, parts } = marks(view.pxPerS);
  const partS = stepS / parts;
  const last = Math.ceil(view.timeAt(view.widthPx) / partS);
  context.font = `11px ${palette.font}`;
  context.textBaseline = "middle";
  for (let n = Math.max(0, Math.floor(view.timeAt(0) / stepS)) * parts; n <= last; n += 1) {
    const atS = n * partS;
    const x = Math.round(view.xOf(atS));
    const isLabelled = n % parts === 0;
    const tickPx = isLabelled ? heightPx - 6 : 4;
    context.fillStyle = isLabelled ? palette.lineStrong : palette.line;
    context.fillRect(x, topPx + heightPx - 3 - tickPx, 1, tickPx);
    if (!isLabelled || atS > view.durationS) continue;
    context.fillStyle = palette.inkSoft;
    context.fillText(label(atS, stepS), x + 5, topPx + 10);
  }
}
