// How long the reel is, against what was asked for; while it is edited, before and after.

import { inReel } from "../editing/edit_state.js";
import { reelLengthS } from "../editing/reel_length.js";
import { h, setText } from "../dom.js";
import { clock } from "../format.js";

const OVER_S = 0.5; // a target is met within what nobody notices

/**
 * @param {HTMLElement} root
 * @param {{session: import("../editing/edit_session.js").EditSession, targetS: number | null,
 *   now: () => {lengthS: number, join: import("../editing/reel_length.js").Join}}} how `now` is the reel as it is
 */
export function mountRunningLength(root, { session, targetS, now }) {
  const before = h("s", { class: "length-before numbers" });
  const length = h("strong", { class: "length-now numbers" });
  const of = h("span", { class: "soft numbers" });
  const over = h("span", { class: "badge warn" });
  const meter = h("div", { class: "bar length-bar", "aria-hidden": "true" });
  root.append(h("p", { class: "length-line", "aria-live": "polite" },
    h("span", { class: "visually-hidden" }, "Length of the reel "), before, length, of, over), meter);

  function update() {
    const { lengthS: wasS, join } = now();
    const lengthS = session.isEdited ? reelLengthS(inReel(session.state), join) : wasS;
    const beyondS = targetS === null ? 0 : lengthS - targetS;
    const isOver = beyondS > OVER_S;
    const isAnother = session.isEdited && clock(wasS) !== clock(lengthS);
    before.hidden = !isAnother;
    setText(before, clock(wasS));
    setText(length, clock(lengthS));
    setText(of, targetS === null ? "reel" : `of ${clock(targetS)}`);
    over.hidden = !isOver;
    setText(over, `${clock(beyondS)} over`);
    meter.hidden = targetS === null;
    meter.classList.toggle("is-over", isOver);
    if (targetS !== null) meter.style.setProperty("--share", Math.min(1, lengthS / targetS).toFixed(4));
    if (targetS !== null) meter.style.setProperty("--target", isOver ? (targetS / lengthS).toFixed(4) : "1");
  }

  session.addEventListener("change", update);
  update();
  return { update, unmount: () => session.removeEventListener("change", update) };
}
