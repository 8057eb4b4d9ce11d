// What is seen of a reel that has sound alone: its loudness, and how much of it was heard.

import { h } from "../dom.js";
import { barHeights, barPath } from "./sound_bars.js";

const SVG = "http://www.w3.org/2000/svg";
const BARS = 120;
const NO_DATA = [0.2, 0.5, 0.9, 0.6, 1, 0.5, 0.8, 0.4, 0.2];

/** Return a picture, to be drawn anew for every reel. */
export function soundPicture() {
  const root = h("div", { class: "sound-picture", "aria-hidden": "true" });
  return {
    root,
    /**
     * @param {import("./sound_bars.js").Sound | null} sound of the source
     * @param {readonly {startS: number, endS: number}[]} spans what is heard of it
     */
    draw(sound, spans) {
      const heights = sound ? barHeights(sound, spans, BARS) : [];
      const shown = heights.length ? heights : NO_DATA;
      root.replaceChildren(picture(shown, "all"), picture(shown, "heard"));
    },
    /** @param {number} share from 0 to 1 */
    setHeard(share) {
      root.style.setProperty("--heard", share.toFixed(4));
    },
  };
}

/** @param {number[]} heights @param {string} kind */
function picture(heights, kind) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${heights.length * 4} 100`);
  svg.setAttribute("preserveAspectRatio", heights.length === BARS ? "none" : "xMidYMid meet");
  svg.setAttribute("class", `sound-bars ${kind}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", barPath(heights));
  svg.append(path);
  return svg;
}
