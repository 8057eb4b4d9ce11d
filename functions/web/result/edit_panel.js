// The panel beside the player: length, undo and redo, the highlights, and "Render again".

import { fill, h, icon, ICONS } from "../dom.js";
import { mountHighlightList } from "./highlight_list.js";
import { mountRunningLength } from "./running_length.js";

/**
 * @param {HTMLElement} root
 * @param {{session: import("../editing/edit_session.js").EditSession, thumbs: import("./thumbnail.js").Thumbs | null,
 *   words: import("./sentences.js").Word[], targetS: number | null, isReadOnly: boolean, draft: string | null, foot: HTMLElement,
 *   now: () => {lengthS: number, join: import("../editing/reel_length.js").Join}, onPlay: (id: string) => void,
 *   onDiscard: () => void, onUse: (() => void) | null}} how `foot` is what renders again; `draft` says which edit is kept, and
 *   `onUse` takes it where it is not what is shown
 */
export function mountEditPanel(root, { session, thumbs, words, targetS, isReadOnly, draft: kept, foot, now, onPlay, onDiscard, onUse }) {
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  const undo = tool("Undo", isMac ? "⌘Z" : "Ctrl+Z", ICONS.undo, () => session.undo());
  const redo = tool("Redo", isMac ? "⇧⌘Z" : "Ctrl+Shift+Z", ICONS.redo, () => session.redo());
  const reset = h("button", { type: "button", class: "button small quiet", onclick: () => session.reset() }, "Start over");
  const length = h("div", { class: "length" });
  const draft = h("div", { class: "draft-line", hidden: kept === null, role: "status" },
    h("span", {}, kept),
    h("div", { class: "buttons" }, onUse && decision("Use it", onUse), decision("Discard", onDiscard)));
  const list = h("div", { class: "edit-list", dataset: { scrolls: "" } });
  fill(root,
    h("div", { class: "edit-head" }, h("h2", {}, "Highlights"), h("div", { class: "buttons", hidden: isReadOnly }, undo, redo, reset)),
    length, draft, list, foot);
  list.classList.toggle("has-no-stills", thumbs === null);
  const parts = [
    mountRunningLength(length, { session, targetS, now }),
    mountHighlightList(list, { session, thumbs, words, isReadOnly, onPlay }),
  ];

  /** @param {string} text @param {() => void} run */
  function decision(text, run) {
    return h("button", { type: "button", class: "button small", onclick: () => { draft.hidden = true; run(); } }, text);
  }

  function update() {
    undo.disabled = !session.canUndo;
    redo.disabled = !session.canRedo;
    reset.disabled = !session.isEdited;
  }
  function changed() {
    if (!onUse) draft.hidden = true; // to discard would take more than what was there
    update();
  }

  session.addEventListener("change", changed);
  update();
  return {
    unmount() {
      session.removeEventListener("change", changed);
      for (const each of parts) each.unmount();
    },
  };
}

/** @param {string} label @param {string} keys @param {string} path @param {() => void} run */
function tool(label, keys, path, run) {
  return h("button", { type: "button", class: "button icon small quiet", "aria-label": label, title: `${label} (${keys})`, onclick: run }, icon(path));
}
