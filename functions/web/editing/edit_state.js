// What a reel is to be made of, while somebody edits it: highlights, which of them are on, and in which order. Pure.

/** A highlight shorter than this cannot be followed, and the server would refuse a frame's. */
export const SHORTEST_S = 0.3;

/**
 * A stretch of the source that may go into the reel. Times are seconds of the source.
 * @typedef {{id: string, startS: number, endS: number, score: number, reasons: readonly string[]}} Highlight
 */
/**
 * `order` holds the ids of those that are on, as the reel shows them.
 * @typedef {{highlights: Readonly<Record<string, Highlight>>, order: readonly string[]}} EditState
 */

/**
 * Return all highlights by time.
 * @param {EditState} state
 */
export function byTime(state) {
  return Object.values(state.highlights).sort((one, other) => one.startS - other.startS || one.endS - other.endS);
}

/**
 * Return the highlights that are on, as the reel shows them.
 * @param {EditState} state
 */
export function inReel(state) {
  return state.order.map((id) => /** @type {Highlight} */ (state.highlights[id]));
}

/**
 * @param {EditState} state
 * @param {string} id
 */
export function isOn(state, id) {
  return state.order.includes(id);
}

/**
 * Return the state with a highlight on or off. One that is switched on goes before the first that comes later in the
 * source while the reel follows the source, else to the end.
 * @param {EditState} state
 * @param {string} id
 * @param {boolean} on
 * @returns {EditState}
 */
export function switched(state, id, on) {
  if (!state.highlights[id] || isOn(state, id) === on) return state;
  if (!on) return { ...state, order: state.order.filter((each) => each !== id) };
  const start = startOf(state, id);
  const at = followsSource(state) ? state.order.findIndex((each) => startOf(state, each) > start) : -1;
  const place = at < 0 ? state.order.length : at;
  return { ...state, order: [...state.order.slice(0, place), id, ...state.order.slice(place)] };
}

/**
 * Return the state with a highlight's edges elsewhere, within the source and SHORTEST_S apart: an edge gives way, the
 * other stays.
 * @param {EditState} state
 * @param {string} id
 * @param {{startS?: number, endS?: number}} edges
 * @param {number} durationS of the source
 * @returns {EditState}
 */
export function trimmed(state, id, edges, durationS) {
  const was = state.highlights[id];
  if (!was) return state;
  let startS = clamp(edges.startS ?? was.startS, 0, durationS);
  let endS = clamp(edges.endS ?? was.endS, 0, durationS);
  if (edges.endS === undefined) startS = Math.max(0, Math.min(startS, endS - SHORTEST_S));
  else if (edges.startS === undefined) endS = Math.min(durationS, Math.max(endS, startS + SHORTEST_S));
  if (endS - startS < Math.min(SHORTEST_S, durationS) - 1e-9) return state;
  if (startS === was.startS && endS === was.endS) return state;
  return { ...state, highlights: { ...state.highlights, [id]: { ...was, startS, endS } } };
}

/**
 * Return the state with a highlight that is on at another place of the reel, counted from 0.
 * @param {EditState} state
 * @param {string} id
 * @param {number} place
 * @returns {EditState}
 */
export function moved(state, id, place) {
  const from = state.order.indexOf(id);
  const to = clamp(Math.round(place), 0, state.order.length - 1);
  if (from < 0 || from === to) return state;
  const rest = state.order.filter((each) => each !== id);
  return { ...state, order: [...rest.slice(0, to), id, ...rest.slice(to)] };
}

/**
 * Return the state with one highlight more, switched on.
 * @param {EditState} state
 * @param {{startS: number, endS: number}} span
 * @param {number} durationS of the source
 * @returns {{state: EditState, id: string}}
 */
export function withHighlight(state, span, durationS) {
  const id = freshId(state);
  const startS = clamp(Math.min(span.startS, durationS - SHORTEST_S), 0, durationS);
  const endS = clamp(Math.max(span.endS, startS + SHORTEST_S), 0, durationS);
  const added = { id, startS, endS, score: 1, reasons: [ADDED] };
  const off = { ...state, highlights: { ...state.highlights, [id]: added } };
  return { state: switched(off, id, true), id };
}

/** The reason of a highlight that somebody added. */
export const ADDED = "added by you";

/**
 * Return the state without a highlight that was added; others can only be switched off.
 * @param {EditState} state
 * @param {string} id
 * @returns {EditState}
 */
export function without(state, id) {
  if (!state.highlights[id]?.reasons.includes(ADDED)) return state;
  const highlights = { ...state.highlights };
  delete highlights[id];
  return { highlights, order: state.order.filter((each) => each !== id) };
}

/**
 * Return whether two states make the same reel.
 * @param {EditState} one
 * @param {EditState} other
 */
export function isSameReel(one, other) {
  const shown = (/** @type {EditState} */ state) => inReel(state).map((each) => [each.startS, each.endS]);
  return JSON.stringify(shown(one)) === JSON.stringify(shown(other));
}

/**
 * Return the clips as the API takes them: in the reel's order, to the millisecond, with what speaks for them.
 * @param {EditState} state
 */
export function clipsOf(state) {
  return inReel(state).map((each) => ({
    start_s: rounded(each.startS), end_s: rounded(each.endS), score: each.score, reasons: [...each.reasons],
  }));
}

/** @param {EditState} state */
function followsSource(state) {
  return state.order.every((id, n) => n === 0 || startOf(state, /** @type {string} */ (state.order[n - 1])) <= startOf(state, id));
}

/** @param {EditState} state @param {string} id */
function startOf(state, id) {
  return state.highlights[id]?.startS ?? 0;
}

/** @param {EditState} state */
function freshId(state) {
  let n = 1;
  while (state.highlights[`own-${n}`]) n += 1;
  return `own-${n}`;
}

/** @param {number} value @param {number} least @param {number} most */
function clamp(value, least, most) {
  return Math.min(most, Math.max(least, value));
}

/** @param {number} seconds */
function rounded(seconds) {
  return Math.round(seconds * 1000) / 1000;
}
