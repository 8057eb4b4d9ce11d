// One highlight in the list: what it is, why, and what can be done with it.

import { ADDED } from "../editing/edit_state.js";
import { fill, h, icon, ICONS, setText } from "../dom.js";
import { clock } from "../format.js";
import { highlightTools } from "./highlight_tools.js";
import { reasonBadge } from "./revision.js";
import { saidIn } from "./sentences.js";
import { showAt, thumbnail } from "./thumbnail.js";

const STILL_SHARE = 0.75; // sharp on most screens at the size of a row, and hundreds of rows stay small

/** @typedef {import("../editing/edit_state.js").Highlight} Highlight */
/**
 * @typedef {{session: import("../editing/edit_session.js").EditSession, thumbs: import("./thumbnail.js").Thumbs | null,
 *   words: import("./sentences.js").Word[], isReadOnly: boolean, onPlay: (id: string) => void, onGrip: (event: PointerEvent, id: string) => void}} RowContext
 */

/**
 * @param {RowContext} context
 * @param {string} id
 */
export function highlightRow({ session, thumbs, words, isReadOnly, onPlay, onGrip }, id) {
  const still = thumbnail(thumbs, { share: STILL_SHARE });
  const number = h("span", { class: "highlight-number" });
  const playButton = h("button", { type: "button", class: "highlight-play", onclick: () => onPlay(id) },
    still, number, h("span", { class: "highlight-play-mark" }, icon(ICONS.play)));
  const times = h("span", { class: "highlight-times numbers" });
  const lengthText = h("span", { class: "highlight-length numbers" });
  const meter = h("span", { class: "meter", role: "img" });
  const badges = h("span", { class: "highlight-reasons" });
  const said = h("q", { class: "highlight-said" });
  const more = h("button", {
    type: "button", class: "highlight-title", "aria-expanded": "false", disabled: isReadOnly,
    onclick: () => session.select(session.selectedId === id ? null : id),
  }, times, lengthText, meter);
  const box = h("input", {
    type: "checkbox", role: "switch", class: "switch", disabled: isReadOnly,
    onchange: () => session.switch(id, box.checked),
  });
  const grip = h("span", {
    class: "highlight-grip", title: "Drag to reorder", "aria-hidden": "true",
    onpointerdown: (/** @type {PointerEvent} */ event) => onGrip(event, id),
  }, icon(ICONS.grip));
  /** @type {ReturnType<typeof highlightTools> | null} */
  let tools = null;
  const row = h("li", { class: "highlight", dataset: { id } },
    grip, playButton,
    h("div", { class: "highlight-body" }, more, said, badges),
    h("label", { class: "switch-area" }, box));

  /** @type {{each: Highlight, place: number, isSelected: boolean, isLast: boolean} | null} */
  let told = null;
  function update() {
    const each = session.state.highlights[id];
    if (!each) return;
    const place = session.state.order.indexOf(id);
    const isOn = place >= 0;
    const isSelected = session.selectedId === id;
    const isLast = place === session.state.order.length - 1;
    if (told && told.each === each && told.place === place && told.isSelected === isSelected && told.isLast === isLast) return;
    told = { each, place, isSelected, isLast };
    const name = isOn ? `highlight ${place + 1}` : `the highlight at ${clock(each.startS)}`;
    row.classList.toggle("is-on", isOn);
    row.classList.toggle("is-selected", isSelected);
    setText(number, String(place + 1));
    number.hidden = !isOn;
    setText(times, `${clock(each.startS)} – ${clock(each.endS)}`);
    setText(lengthText, `${(each.endS - each.startS).toFixed(1)} s`);
    meter.style.setProperty("--share", each.score.toFixed(3));
    meter.setAttribute("aria-label", `Score ${Math.round(each.score * 100)} of 100`);
    meter.title = `Score ${Math.round(each.score * 100)} of 100`;
    meter.hidden = each.reasons.includes(ADDED);
    if (badges.childElementCount !== each.reasons.length) fill(badges, ...each.reasons.map(badge));
    const quote = saidIn(words, each.startS, each.endS);
    said.hidden = !quote;
    setText(said, quote);
    showAt(still, thumbs, (each.startS + each.endS) / 2, { isDim: !isOn });
    box.checked = isOn;
    box.setAttribute("aria-label", `${name}, in the reel`);
    playButton.setAttribute("aria-label", `Play ${name} in the source`);
    more.setAttribute("aria-expanded", String(isSelected));
    grip.hidden = !isOn || isReadOnly;
    if (isSelected && !isReadOnly) tools ??= added();
    if (!tools) return;
    tools.root.hidden = !isSelected;
    if (isSelected) tools.update(each, { name, place, isLast });
  }

  function added() {
    const made = highlightTools(session, id, () => {
      told = null; // what was typed may have come to nothing
      update();
    });
    row.append(made.root);
    return made;
  }

  return { row, update };
}

/** @param {string} reason */
function badge(reason) {
  const { text, kind } = reasonBadge(reason);
  return h("span", { class: `reason ${kind}`, title: kind === "keyword" ? "Your keyword" : null },
    kind === "keyword" && h("span", { class: "visually-hidden" }, "your keyword "), text);
}
