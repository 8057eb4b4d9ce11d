// One highlight as it can be pressed: its body, its switch, and edges to drag.

import { h, icon, ICONS } from "../dom.js";
import { edgeText, nameOf } from "./names.js";

/** @typedef {import("../editing/edit_state.js").Highlight} Highlight */
/** @typedef {"start" | "end"} Edge */
/** Where it stands. @typedef {{place: number, count: number, clip: number, lane: number, isSelected: boolean, hasEdges: boolean}} Standing */

const ROOM_FOR_NUMBER_PX = 20;
const ROOM_FOR_EDGES_PX = 24;
const ROOM_FOR_REASON_PX = 72;
const ROOM_FOR_SWITCH_PX = 132;
const LEAST_PX = 3;

export class HighlightItem {
  /** @param {Highlight} highlight */
  constructor(highlight) {
    this.highlight = highlight;
    this._number = h("span", { class: "timeline-number" });
    this._reason = h("span", { class: "timeline-reason" });
    this.body = h("button", { class: "timeline-body", type: "button" }, this._number, this._reason);
    this._switch = h("button", { class: "timeline-switch", type: "button", tabindex: "-1" }, icon(ICONS.check));
    this.element = h("li", { class: "timeline-highlight", dataset: { id: highlight.id } }, this.body, this._switch);
    /** @type {Record<Edge, HTMLElement> | null} */
    this.edges = null;
    this._drawn = "";
    this._insetPx = 0;
  }

  /** Keep what it says in view while its beginning is not. @param {number} hiddenPx to the left of the view */
  inset(hiddenPx) {
    const insetPx = Math.max(0, Math.round(hiddenPx));
    if (insetPx === this._insetPx) return;
    this._insetPx = insetPx;
    this.body.style.paddingLeft = `${insetPx}px`;
  }

  /**
   * @param {Highlight} highlight
   * @param {Standing} standing
   * @param {{pxPerS: number, lanePx: number, gripPx: number, durationS: number}} scale
   */
  show(highlight, standing, { pxPerS, lanePx, gripPx, durationS }) {
    this.highlight = highlight;
    const { place, count, clip, lane, isSelected, hasEdges } = standing;
    const drawn = [highlight.startS, highlight.endS, place, count, clip, lane, isSelected, hasEdges, pxPerS, lanePx, gripPx].join();
    if (drawn === this._drawn) return;
    this._drawn = drawn;
    const widthPx = Math.max(LEAST_PX, (highlight.endS - highlight.startS) * pxPerS);
    this._place(highlight.startS * pxPerS, lane * lanePx, widthPx);
    this._name(highlight, standing);
    const { dataset } = this.element;
    dataset.on = String(clip > 0);
    dataset.selected = String(isSelected);
    dataset.first = String(highlight.startS * pxPerS < gripPx); // nothing is to be pressed beyond the stage
    dataset.last = String((durationS - highlight.endS) * pxPerS < gripPx);
    dataset.narrow = String(widthPx < ROOM_FOR_EDGES_PX);
    this._number.dataset.text = String(clip); // drawn by the style sheet: the label says all of it already
    this._number.hidden = !clip || widthPx < ROOM_FOR_NUMBER_PX;
    this._reason.dataset.text = highlight.reasons.join(" · ");
    this._reason.hidden = widthPx < ROOM_FOR_REASON_PX;
    this._switch.hidden = !hasEdges || widthPx < ROOM_FOR_SWITCH_PX;
    this._showEdges(hasEdges, isSelected, durationS);
  }

  /** @param {number} leftPx @param {number} topPx @param {number} widthPx */
  _place(leftPx, topPx, widthPx) {
    const { style } = this.element;
    style.left = `${leftPx}px`;
    style.top = `${topPx}px`;
    style.width = `${widthPx}px`;
  }

  /** @param {Highlight} highlight @param {Standing} standing */
  _name(highlight, standing) {
    this.element.setAttribute("aria-posinset", String(standing.place));
    this.element.setAttribute("aria-setsize", String(standing.count));
    this.body.setAttribute("aria-label", nameOf(highlight, standing));
    if (standing.isSelected) this.body.setAttribute("aria-current", "true");
    else this.body.removeAttribute("aria-current");
    const turn = standing.clip ? "Take out of the reel" : "Put into the reel";
    this._switch.setAttribute("aria-label", turn);
    this._switch.title = turn;
  }

  /** @param {boolean} hasEdges @param {boolean} isSelected @param {number} durationS */
  _showEdges(hasEdges, isSelected, durationS) {
    if (!hasEdges) {
      this.edges?.start.remove();
      this.edges?.end.remove();
      this.edges = null;
      return;
    }
    if (!this.edges) {
      this.edges = { start: edge("start", durationS), end: edge("end", durationS) };
      this.element.append(this.edges.start, this.edges.end);
    }
    for (const which of /** @type {Edge[]} */ (["start", "end"])) {
      const atS = which === "start" ? this.highlight.startS : this.highlight.endS;
      const element = this.edges[which];
      element.tabIndex = isSelected ? 0 : -1;
      element.setAttribute("aria-valuenow", atS.toFixed(3));
      element.setAttribute("aria-valuetext", edgeText(this.highlight, which));
    }
  }
}

/** @param {Edge} which @param {number} durationS */
function edge(which, durationS) {
  return h("div", {
    class: "timeline-edge", role: "slider", dataset: { edge: which }, "aria-orientation": "horizontal", "aria-valuemin": "0",
    "aria-valuemax": durationS.toFixed(3), "aria-label": which === "start" ? "Start of the highlight" : "End of the highlight",
  });
}
