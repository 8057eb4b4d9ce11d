// The state an edit begins with, out of a report. Pure.

/** @typedef {import("./edit_state.js").EditState} EditState */
/** @typedef {import("./edit_state.js").Highlight} Highlight */
/** @typedef {{start_s: number, end_s: number, score: number, reasons: string[], chosen: boolean}} ReportHighlight */
/** @typedef {{wanted: [number, number], actual: [number, number], score: number, reasons: string[]}} ReportClip */
/**
 * What of report.json the page reads.
 * @typedef {{source: {name: string, duration_s: number, width: number | null, height: number | null, fps: string | null,
 *   codec: string | null, container: string}, motion: [number, number][], speech: [number, number][],
 *   highlights: ReportHighlight[], warnings: {code: string, message: string}[], edit_list: {render: string,
 *   join: {kind: string, duration_s: number}, duration_s: number, clips: ReportClip[]}}} Report
 */

const NEAR_S = 0.05;

/**
 * Return the reel as it is, and beside it what was found and not taken. A clip that several candidates grew together
 * to is those again, so that each can be switched off alone: the server joins what follows on each other.
 * @param {Report} report
 * @returns {EditState}
 */
export function stateOf(report) {
  /** @type {Record<string, Highlight>} */
  const highlights = {};
  /** @type {string[]} */
  const order = [];
  report.edit_list.clips.forEach((clip, n) => {
    const parts = partsOf(clip, report.highlights);
    parts.forEach((part, m) => {
      const id = parts.length > 1 ? `clip-${n}-${m}` : `clip-${n}`;
      highlights[id] = { id, ...part };
      order.push(id);
    });
  });
  report.highlights.forEach((each, n) => {
    const id = `found-${n}`;
    if (!isCovered(each, order.map((one) => /** @type {Highlight} */ (highlights[one])))) {
      highlights[id] = { id, startS: each.start_s, endS: each.end_s, score: each.score, reasons: each.reasons };
    }
  });
  return { highlights, order };
}

/**
 * Return the candidates that a clip consists of if they fill it without gaps, else the clip itself.
 * @param {ReportClip} clip
 * @param {ReportHighlight[]} candidates
 * @returns {Omit<Highlight, "id">[]}
 */
function partsOf(clip, candidates) {
  const [startS, endS] = clip.wanted;
  const inside = candidates.filter((each) => each.chosen && each.start_s >= startS - NEAR_S && each.end_s <= endS + NEAR_S)
    .sort((one, other) => one.start_s - other.start_s);
  const edges = [startS, ...inside.map((each) => each.end_s)];
  const isFilled = inside.length > 1 && Math.abs(/** @type {number} */ (edges.at(-1)) - endS) < NEAR_S
    && inside.every((each, n) => Math.abs(each.start_s - /** @type {number} */ (edges[n])) < NEAR_S);
  if (!isFilled) return [{ startS, endS, score: clip.score, reasons: clip.reasons }];
  return inside.map((each) => ({ startS: each.start_s, endS: each.end_s, score: each.score, reasons: each.reasons }));
}

/**
 * Return whether a candidate is in the reel for most of it, or what is left of it is. That the report calls it chosen
 * does not say so: a clip that merely touches it is enough for that.
 * @param {ReportHighlight} each
 * @param {Highlight[]} taken
 */
function isCovered(each, taken) {
  if (taken.some((one) => one.startS >= each.start_s - NEAR_S && one.endS <= each.end_s + NEAR_S)) return true;
  const lengthS = each.end_s - each.start_s;
  const sharedS = taken.reduce((sum, one) => sum + Math.max(0, Math.min(one.endS, each.end_s) - Math.max(one.startS, each.start_s)), 0);
  return sharedS > lengthS / 2;
}
