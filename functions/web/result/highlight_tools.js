// What can be done with the selected highlight in the list: its times typed, its place in the reel, its end.

import { ADDED } from "../editing/edit_state.js";
import { h, icon, ICONS } from "../dom.js";
import { clock, secondsOf } from "../format.js";

/**
 * Return the tools of one highlight; rows that were never selected have none, which keeps hundreds of them light.
 * @param {import("../editing/edit_session.js").EditSession} session
 * @param {string} id
 * @param {() => void} onTyped a time was typed, whatever came of it
 */
export function highlightTools(session, id, onTyped) {
  const start = timeField("Start", id, (atS) => session.trim(id, { startS: atS }), onTyped);
  const end = timeField("End", id, (atS) => session.trim(id, { endS: atS }), onTyped);
  const up = h("button", { type: "button", class: "button icon small", onclick: () => move(-1) }, icon(ICONS.up));
  const down = h("button", { type: "button", class: "button icon small", onclick: () => move(1) }, icon(ICONS.down));
  const remove = h("button", { type: "button", class: "button small danger", onclick: () => session.remove(id) }, icon(ICONS.trash), "Remove");
  const root = h("div", { class: "highlight-tools" }, start.root, end.root, h("div", { class: "buttons" }, up, down, remove));

  /** @param {-1 | 1} by */
  function move(by) {
    const button = by < 0 ? up : down;
    session.move(id, session.state.order.indexOf(id) + by);
    if (button.disabled) (by < 0 ? down : up).focus();
    else button.focus();
  }

  return {
    root,
    /**
     * @param {import("../editing/edit_state.js").Highlight} each
     * @param {{name: string, place: number, isLast: boolean}} standing
     */
    update(each, { name, place, isLast }) {
      up.setAttribute("aria-label", `Move ${name} up`);
      down.setAttribute("aria-label", `Move ${name} down`);
      up.disabled = place <= 0;
      down.disabled = place < 0 || isLast;
      up.hidden = down.hidden = place < 0;
      remove.hidden = !each.reasons.includes(ADDED);
      start.show(each.startS);
      end.show(each.endS);
    },
  };
}

/** @param {string} label @param {string} id @param {(atS: number) => void} set @param {() => void} onTyped */
function timeField(label, id, set, onTyped) {
  const inputId = `${label.toLowerCase()}-of-${id}`;
  const hintId = `${inputId}-hint`;
  const hint = h("span", { class: "visually-hidden fault", id: hintId }, "Such as 1:02.5");
  const input = h("input", {
    id: inputId, type: "text", inputmode: "decimal", spellcheck: "false", autocomplete: "off", "aria-describedby": hintId,
    onchange: () => {
      const atS = secondsOf(input.value);
      input.setAttribute("aria-invalid", String(atS === null));
      hint.classList.toggle("visually-hidden", atS !== null);
      if (atS === null) return;
      set(atS);
      onTyped();
    },
  });
  return { show, root: h("div", { class: "highlight-field" }, h("label", { for: inputId }, label), input, hint) };

  /** @param {number} atS */
  function show(atS) {
    if (input === document.activeElement && input.getAttribute("aria-invalid") === "true") return;
    input.value = clock(atS, { tenths: true });
    input.setAttribute("aria-invalid", "false");
    hint.classList.add("visually-hidden");
  }
}
