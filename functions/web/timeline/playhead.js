// Where the player is, and the view that goes along with it.

import { h } from "../dom.js";

const AHEAD_PX = 40;
const LONGEST_STEP_S = 1.5; // more is a jump somebody made, not playing

export class Playhead {
  /** @param {import("./viewport.js").Viewport} view */
  constructor(view) {
    this._view = view;
    /** @type {number | null} */
    this.atS = null;
    this.element = h("div", { class: "timeline-playhead", "aria-hidden": "true", hidden: true });
  }

  /** @param {number | null} atS @param {boolean} follows whether the view may go along */
  show(atS, follows) {
    const before = this.atS;
    this.atS = atS;
    if (atS !== null && before !== null && follows) this._goAlong(before, atS);
    this.paint();
  }

  paint() {
    const xPx = this.atS === null ? -1 : this._view.xOf(this.atS);
    const isHidden = this.atS === null || xPx < -1 || xPx > this._view.widthPx + 1;
    if (this.element.hidden !== isHidden) this.element.hidden = isHidden;
    if (!isHidden) this.element.style.transform = `translateX(${xPx}px)`;
  }

  /** Turn the page when the playhead comes to its end; who has scrolled away is left alone. @param {number} before @param {number} atS */
  _goAlong(before, atS) {
    const { _view: view } = this;
    if (view.isFitting || atS <= before || atS - before > LONGEST_STEP_S) return;
    const wasIn = view.xOf(before) >= 0 && view.xOf(before) <= view.widthPx;
    if (wasIn && view.xOf(atS) > view.widthPx - AHEAD_PX) view.scrollTo(atS * view.pxPerS - view.widthPx * 0.12);
  }
}
