// What is selected, in words, with buttons for what can be done with it.

import { fill, h, icon, ICONS, setText } from "../dom.js";
import { ADDED } from "../editing/edit_state.js";
import { takeAway, turn } from "./highlight_keys.js";
import { exact, lengthOf } from "./names.js";

/** @typedef {import("./parts.js").Parts} Parts */

export class Detail {
  /** @param {Parts} parts */
  constructor(parts) {
    this._parts = parts;
    this._badge = h("span", { class: "badge" });
    this._times = h("span", { class: "numbers timeline-times" });
    this._why = h("span", { class: "soft" });
    this._switch = h("button", { class: "button small", type: "button", onclick: () => this._withId((id) => turn(parts, id)) });
    this._play = h("button", { class: "button small", type: "button", onclick: () => this._withId(parts.onPlay) }, icon(ICONS.play), "Play");
    this._remove = h("button", { class: "button small danger", type: "button", onclick: () => this._withId((id) => takeAway(parts, id)) }, "Remove");
    this._hint = h("p", { class: "soft small" });
    this._facts = h("p", { class: "timeline-facts" }, this._badge, this._times, this._why);
    this._buttons = h("div", { class: "buttons" }, this._remove, this._switch, this._play);
    this.element = h("div", { class: "timeline-detail" }, this._hint, this._facts, this._buttons);
  }

  show() {
    const { session, list, isReadOnly } = this._parts;
    const selected = session.selectedId === null ? undefined : session.state.highlights[session.selectedId];
    this._hint.hidden = Boolean(selected);
    this._facts.hidden = !selected;
    this._buttons.hidden = !selected;
    setText(this._hint, hint(list.highlights.length > 0, isReadOnly));
    if (!selected) return;
    const clip = list.clipOf(selected.id);
    const isAdded = selected.reasons.includes(ADDED);
    this._badge.classList.toggle("good", clip > 0);
    setText(this._badge, clip ? `Clip ${clip}` : "Not in the reel");
    setText(this._times, `${exact(selected.startS)} – ${exact(selected.endS)} · ${lengthOf(selected)}`);
    setText(this._why, selected.reasons.join(" · ") + (isAdded ? "" : ` · score ${selected.score.toFixed(2)}`));
    this._switch.hidden = isReadOnly;
    this._remove.hidden = !isAdded || isReadOnly;
    const wanted = clip ? "Take out of the reel" : "Put into the reel";
    if (this._switch.textContent !== wanted) fill(this._switch, icon(clip ? ICONS.close : ICONS.add), wanted);
  }

  /** @param {(id: string) => void} act */
  _withId(act) {
    const { selectedId } = this._parts.session;
    if (selectedId !== null) act(selectedId);
  }
}

/** @param {boolean} hasAny @param {boolean} isReadOnly */
function hint(hasAny, isReadOnly) {
  if (!hasAny) return isReadOnly ? "No highlights were found." : "No highlights were found. Draw one in the highlights’ row, or add one at the playhead.";
  return `Choose a highlight to see why it was found${isReadOnly ? "" : ", and drag its edges to trim it"}.`;
}
