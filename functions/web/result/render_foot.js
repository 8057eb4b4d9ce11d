// The foot of the edit panel: "Render again", how far it is, and what to do where it did not go through.

import { inReel } from "../editing/edit_state.js";
import { bar, fill, h, setBar } from "../dom.js";
import { percent } from "../format.js";

/** @typedef {import("./rendering.js").Phase} Phase */

/**
 * @param {HTMLElement} root
 * @param {{session: import("../editing/edit_session.js").EditSession, onRender: () => void, onCancel: () => void,
 *   onLoadTheirs: () => Promise<void>, onRenderOver: () => void}} how
 */
export function mountRenderFoot(root, { session, onRender, onCancel, onLoadTheirs, onRenderOver }) {
  /** @type {Phase} */
  let phase = { kind: "ready" };
  const render = button("Render again", onRender, "primary");
  const hint = h("p", { class: "small soft" });
  const cancel = button("Cancel", onCancel, "small");
  const share = h("span", { class: "numbers" });
  const doing = h("span", {});
  const meter = bar("Rendering again");
  const busy = h("div", { class: "render-busy" }, h("p", { class: "render-line" }, doing, share, cancel), meter);
  const notice = h("div", { role: "alert" });
  const lastly = h("div", { class: "render-ready" }, render, hint);
  fill(root, notice, busy, lastly);

  function update() {
    const isBusy = phase.kind === "asking" || phase.kind === "rendering" || phase.kind === "cancelling";
    busy.hidden = !isBusy;
    lastly.hidden = isBusy || phase.kind === "theirs" || phase.kind === "gone";
    const on = inReel(session.state).length;
    render.disabled = !session.isEdited || on === 0;
    hint.textContent = on === 0 ? "Switch on a highlight first." : session.isEdited ? "Takes seconds; nothing is analysed again."
      : "Switch, trim or move highlights, then render the reel anew.";
  }

  /** @param {Phase} next */
  function show(next) {
    const isAnother = next.kind !== phase.kind;
    const hadFocus = root.contains(document.activeElement);
    phase = next;
    if (next.kind === "rendering") {
      doing.textContent = next.isMine ? "Rendering the new reel…" : "The reel is being rendered anew…";
      setBar(meter, next.share);
      share.textContent = percent(next.share);
      cancel.hidden = false;
    } else {
      if (next.kind === "asking") setBar(meter, 0);
      doing.textContent = next.kind === "cancelling" ? "Cancelling…" : "Asking for the new reel…";
      share.textContent = "";
      cancel.hidden = true;
    }
    if (isAnother || next.kind === "failed") fill(notice, told(next));
    update();
    if (isAnother && hadFocus && !root.contains(document.activeElement)) focusIn(root);
  }

  /** @param {Phase} next */
  function told(next) {
    if (next.kind === "failed") {
      return h("div", { class: "notice bad" }, h("p", {}, next.sentence), h("p", { class: "small" }, "The reel is as it was, and your edit is still here."));
    }
    if (next.kind === "gone") return h("div", { class: "notice warn" }, h("p", {}, next.sentence));
    if (next.kind !== "theirs") return null;
    return h("div", { class: "notice warn" },
      h("p", {}, `Somebody else rendered revision ${next.revision} meanwhile. Your edit is kept.`),
      h("div", { class: "buttons" }, theirs(), button("Render mine over it", onRenderOver, "small primary")));
  }

  function theirs() {
    const load = button("Load theirs", async () => {
      load.disabled = true;
      await onLoadTheirs();
      load.disabled = false;
    }, "small");
    return load;
  }

  session.addEventListener("change", update);
  update();
  busy.hidden = true;
  return { show, unmount: () => session.removeEventListener("change", update) };
}

/** @param {string} text @param {() => void} onclick @param {string} kind */
function button(text, onclick, kind) {
  return h("button", { type: "button", class: `button ${kind}`, onclick }, text);
}

/** @param {HTMLElement} root the focus was in it, on something that is gone */
function focusIn(root) {
  const next = [...root.querySelectorAll("button")].find((each) => !each.disabled && each.offsetParent !== null);
  if (next) next.focus();
  else {
    root.tabIndex = -1;
    root.focus({ preventScroll: true });
  }
}
