import { fillArea, fillSpans } from "./draw_motion.js";
import { firstAfter } from "./phrases.js";

/** @typedef {import("./drawing.js").Drawing} Drawing */
/** @typedef {import("./rows.js").Row} Row */

const LETTERS_A_SECOND = 13; // somewhat fewer than people speak: what is too long is set narrower
const USUAL_TEXT = "the quick brown fox jumps over a lazy dog";
const LEAST_TEXT_PX = 40;

/**
 * Draw how loud it is, and over it what is said: words where there is room for them, else phrases, else where they are.
 * @param {Drawing} drawing
 * @param {Row} row
 * @param {import("./source_data.js").Source} source
 */
export function drawSpeech(drawing, row, source) {
  const { context, palette, view } = drawing;
  if (source.sound) {
    context.fillStyle = palette.speech;
    context.globalAlpha = 0.28;
    fillArea(drawing, source.sound, row.topPx + row.heightPx, row.heightPx - 4, row.heightPx - 3);
    context.globalAlpha = 1;
  }
  const [topPx, heightPx] = [row.topPx + 7, row.heightPx - 14];
  if (!source.words.length) {
    context.fillStyle = palette.speech;
    fillSpans(drawing, source.speechSpans, row.topPx + row.heightPx - 4, 4);
    return;
  }
  context.font = `12px ${palette.font}`;
  context.textBaseline = "middle";
  const letterPx = letterWidth(context);
  if (view.pxPerS >= LETTERS_A_SECOND * letterPx) drawWords(drawing, topPx, heightPx, source);
  else drawPhrases(drawing, topPx, heightPx, source.phrases, letterPx);
}

/**
 * @param {Drawing} drawing
 * @param {number} topPx
 * @param {number} heightPx
 * @param {import("./source_data.js").Source} source
 */
function drawWords({ context, view, palette }, topPx, heightPx, { words, phrases }) {
  const endS = view.timeAt(view.widthPx);
  for (let n = firstAfter(phrases, view.timeAt(0), (phrase) => phrase.endS); n < phrases.length; n += 1) {
    const { startS, endS: untilS } = /** @type {import("./phrases.js").Phrase} */ (phrases[n]);
    if (startS > endS) break;
    context.fillStyle = palette.speechTint;
    block(context, view.xOf(startS) - 3, view.xOf(untilS) + 3, topPx, heightPx);
  }
  context.fillStyle = palette.ink;
  for (let n = firstAfter(words, view.timeAt(0) - 1, (word) => word.end_s); n < words.length; n += 1) {
    const word = /** @type {import("./source_data.js").Word} */ (words[n]);
    if (word.start_s > endS) return;
    const left = view.xOf(word.start_s);
    const nextS = words[n + 1]?.start_s ?? Infinity;
    const roomPx = Math.min(view.xOf(nextS) - left - 3, 400);
    if (roomPx > 6) context.fillText(word.text.trim(), left, topPx + heightPx / 2 + 0.5, roomPx);
  }
}

/**
 * @param {Drawing} drawing
 * @param {number} topPx
 * @param {number} heightPx
 * @param {readonly import("./phrases.js").Phrase[]} phrases
 * @param {number} letterPx
 */
function drawPhrases({ context, view, palette }, topPx, heightPx, phrases, letterPx) {
  const endS = view.timeAt(view.widthPx);
  let drawnPx = -Infinity;
  for (let n = firstAfter(phrases, view.timeAt(0), (phrase) => phrase.endS); n < phrases.length; n += 1) {
    const phrase = /** @type {import("./phrases.js").Phrase} */ (phrases[n]);
    if (phrase.startS > endS) return;
    const left = Math.max(view.xOf(phrase.startS), drawnPx);
    const right = Math.max(view.xOf(phrase.endS) - 1, left + 1);
    if (right - left <= 1 && left - drawnPx < 0.5) continue; // lies on the one before
    drawnPx = right + 1;
    context.fillStyle = right - left < 8 ? palette.speech : palette.speechTint;
    block(context, left, right, topPx, heightPx);
    const textLeft = Math.max(left, 0) + 5;
    const roomPx = right - 4 - textLeft;
    if (roomPx < LEAST_TEXT_PX) continue;
    context.fillStyle = palette.ink;
    context.fillText(shortened(phrase.text, Math.floor(roomPx / letterPx)), textLeft, topPx + heightPx / 2 + 0.5, roomPx);
  }
}

/** @type {{font: string, widthPx: number}} */
let measured = { font: "", widthPx: 0 };

/**
 * Return how wide a letter is on average, measured once for each font.
 * @param {CanvasRenderingContext2D} context
 */
function letterWidth(context) {
  const { font } = context;
  if (measured.font !== font) measured = { font, widthPx: context.measureText(USUAL_TEXT).width / USUAL_TEXT.length };
  return measured.widthPx;
}

/** @param {string} text @param {number} letters */
function shortened(text, letters) {
  return text.length <= letters ? text : `${text.slice(0, letters - 1).trimEnd()}…`;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} left
 * @param {number} right
 * @param {number} topPx
 * @param {number} heightPx
 */
function block(context, left, right, topPx, heightPx) {
  if (right - left < 8) {
    context.fillRect(left, topPx, right - left, heightPx);
    return;
  }
  context.beginPath();
  context.roundRect(left, topPx, right - left, heightPx, 4);
  context.fill();
}
