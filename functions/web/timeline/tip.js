// The little flag that tells what is pointed at, or where a dragged edge is.

import { fill, h } from "../dom.js";

export class Tip {
  constructor() {
    this.element = h("div", { class: "timeline-tip", "aria-hidden": "true", hidden: true });
    this._shown = "";
  }

  /**
   * @param {{title: string, more: string, mark?: string}} text `mark` stands out
   * @param {{xPx: number, topPx: number, widthPx: number}} at the flag's middle, its lower edge, and the room it has
   */
  show({ title, more, mark = "" }, { xPx, topPx, widthPx }) {
    const said = [title, more, mark].join("\n");
    if (said !== this._shown) {
      fill(this.element, h("b", {}, title), more && h("span", {}, more), mark && h("span", { class: "timeline-tip-mark" }, mark));
      this._shown = said;
    }
    const { style } = this.element;
    this.element.hidden = false;
    const share = Math.min(1, Math.max(0, xPx / widthPx)); // at the edges it leans inwards
    style.transform = `translate(${Math.min(widthPx, Math.max(0, xPx))}px, ${topPx}px) translate(${-100 * share}%, -100%)`;
  }

  hide() {
    this.element.hidden = true;
  }
}
