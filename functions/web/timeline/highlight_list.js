// The highlights in view as elements; those out of view have none, but for the focused one and its neighbours.

import { byTime } from "../editing/edit_state.js";
import { HighlightItem } from "./highlight_item.js";
import { lanes } from "./lanes.js";

/** @typedef {import("../editing/edit_state.js").Highlight} Highlight */

export class HighlightList {
  /**
   * @param {HTMLElement} list
   * @param {import("./viewport.js").Viewport} view
   * @param {import("../editing/edit_session.js").EditSession} session
   * @param {{isReadOnly: boolean}} how
   */
  constructor(list, view, session, { isReadOnly }) {
    this.element = list;
    this._view = view;
    this._session = session;
    this._isReadOnly = isReadOnly;
    /** @type {Map<string, HighlightItem>} */
    this._items = new Map();
    /** @type {string | null} */
    this.hoveredId = null;
    /** While an edge is dragged nothing changes places. */
    this.isDragging = false;
    this.lanePx = 34;
    this.gripPx = 14; // of an edge, as the style sheet has it
    /** @type {Highlight[]} */
    this.highlights = [];
    /** @type {Map<string, number>} */
    this._clips = new Map();
    this._lanes = lanes([]);
    this._shown = { fromPx: 0, toPx: -1, pxPerS: 0 };
    this.read();
  }

  get laneCount() {
    return this._lanes.count;
  }

  /** Take over what the session says. */
  read() {
    const { state } = this._session;
    this._clips = new Map(state.order.map((id, n) => [id, n + 1]));
    if (this.isDragging) {
      this.highlights = this.highlights.map((each) => state.highlights[each.id] ?? each);
    } else {
      this.highlights = byTime(state);
      this._lanes = lanes(this.highlights);
    }
    this.touch();
  }

  /** Have everything looked at again. */
  touch() {
    this._shown.toPx = -1;
    this._view.invalidate();
  }

  paint() {
    const { scrollPx, widthPx, pxPerS } = this._view;
    this.element.style.transform = `translateX(${-scrollPx}px)`;
    const shown = this._shown;
    if (pxPerS !== shown.pxPerS || scrollPx < shown.fromPx || scrollPx + widthPx > shown.toPx) {
      shown.fromPx = scrollPx - widthPx / 2;
      shown.toPx = scrollPx + 1.5 * widthPx;
      shown.pxPerS = pxPerS;
      this._render(shown.fromPx / pxPerS, shown.toPx / pxPerS);
    }
    for (const item of this._items.values()) {
      const isCut = item.highlight.startS * pxPerS < scrollPx && item.highlight.endS * pxPerS > scrollPx;
      item.inset(isCut ? scrollPx - item.highlight.startS * pxPerS : 0);
    }
  }

  /** @param {string} id @returns {HighlightItem | undefined} */
  itemOf(id) {
    return this._items.get(id);
  }

  /** @param {string} id @returns {number} the clip's place in the reel from 1, 0 if it is not in it */
  clipOf(id) {
    return this._clips.get(id) ?? 0;
  }

  /** Give a highlight the keyboard's focus, wherever it is. @param {string} id */
  focus(id) {
    const highlight = this._session.state.highlights[id];
    if (!highlight) return;
    this._view.reveal(highlight.startS, highlight.endS);
    this._render(this._view.timeAt(0), this._view.timeAt(this._view.widthPx));
    this.touch();
    this._items.get(id)?.body.focus({ preventScroll: true });
  }

  /** The highlight that lies nearest to a time. @param {number} atS @param {number} withinS */
  near(atS, withinS) {
    let best = null;
    let bestS = withinS;
    for (const each of this.highlights) {
      const awayS = Math.max(0, each.startS - atS, atS - each.endS);
      if (awayS > bestS) continue;
      best = each;
      bestS = awayS;
    }
    return best;
  }

  /** @param {number} fromS @param {number} toS */
  _render(fromS, toS) {
    const wanted = this._wanted(fromS, toS);
    const ids = new Set(wanted.map((place) => this.highlights[place]?.id));
    for (const [id, item] of this._items) {
      if (ids.has(id)) continue;
      item.element.remove();
      this._items.delete(id);
    }
    /** @type {Element | null} */
    let cursor = this.element.firstElementChild;
    for (const place of wanted) {
      const { element } = this._showAt(place);
      if (element === cursor) cursor = cursor.nextElementSibling;
      else this.element.insertBefore(element, cursor);
    }
  }

  /**
   * Return the places of what needs an element: what is in view, one more at each end so that Tab leads on, and the
   * focused and the selected one with their neighbours.
   * @param {number} fromS
   * @param {number} toS
   */
  _wanted(fromS, toS) {
    const focusedId = /** @type {HTMLElement | null} */ (document.activeElement?.closest(".timeline-highlight"))?.dataset.id;
    const isWanted = this.highlights.map(({ id, startS, endS }) =>
      (endS > fromS && startS < toS) || id === focusedId || id === this._session.selectedId);
    const next = this.highlights.findIndex((each) => each.startS >= toS);
    const after = next < 0 ? this.highlights.length : next;
    return [...isWanted.keys()].filter((n) => isWanted[n] || isWanted[n - 1] || isWanted[n + 1] || n === after || n === after - 1);
  }

  /** @param {number} place */
  _showAt(place) {
    const highlight = /** @type {Highlight} */ (this.highlights[place]);
    const { id } = highlight;
    const item = this._items.get(id) ?? new HighlightItem(highlight);
    this._items.set(id, item);
    const isSelected = id === this._session.selectedId;
    item.show(highlight, {
      place: place + 1, count: this.highlights.length, clip: this.clipOf(id), lane: this._lanes.of.get(id) ?? 0,
      isSelected, hasEdges: !this._isReadOnly && (isSelected || id === this.hoveredId),
    }, { pxPerS: this._view.pxPerS, lanePx: this.lanePx, gripPx: this.gripPx, durationS: this._view.durationS });
    return item;
  }
}
