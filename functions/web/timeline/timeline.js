// The timeline.

import { fill, h } from "../dom.js";
import { byTime, isOn } from "../editing/edit_state.js";

/**
 * @param {HTMLElement} root
 * @param {{data: import("../result/timeline_data.js").TimelineData, session: import("../editing/edit_session.js").EditSession,
 *   onSeek: (atS: number) => void, onPlay: (id: string) => void}} how
 */
export function mountTimeline(root, { data, session, onSeek, onPlay }) {
  const playhead = h("div", { class: "stand-in-playhead" });
  const boxes = h("div", {});
  const track = h("div", { class: "stand-in-track", onclick: (/** @type {MouseEvent} */ event) => {
    const { left, width } = track.getBoundingClientRect();
    onSeek((event.clientX - left) / width * data.durationS);
  } }, boxes, playhead);
  fill(root, track);
  function draw() {
    fill(boxes, ...byTime(session.state).map((each) => h("button", {
      type: "button", class: isOn(session.state, each.id) ? "stand-in-box is-on" : "stand-in-box", "aria-label": `Play the highlight at ${each.startS} s`,
      vars: { from: each.startS / data.durationS, share: (each.endS - each.startS) / data.durationS },
      onclick: (/** @type {MouseEvent} */ event) => {
        event.stopPropagation();
        onPlay(each.id);
      },
    })));
  }
  session.addEventListener("change", draw);
  draw();
  return {
    /** @param {number | null} atS */
    setPlayhead(atS) {
      playhead.hidden = atS === null;
      if (atS !== null) playhead.style.setProperty("--from", String(atS / data.durationS));
    },
    /** @param {number} atS */
    reveal(atS) {
      void atS;
    },
    unmount: () => session.removeEventListener("change", draw),
  };
}
