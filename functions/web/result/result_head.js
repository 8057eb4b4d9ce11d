// What a result is called, and its lengths.

import { fill, h, setText } from "../dom.js";
import { clock } from "../format.js";

/**
 * @param {HTMLElement} root
 * @param {string} name
 */
export function mountResultHead(root, name) {
  const facts = h("p", { class: "result-facts numbers" });
  const back = h("div", { class: "buttons" });
  fill(root, h("div", {}, h("h1", {}, ...breakable(name)), facts), back);
  return {
    /**
     * @param {{reelS: number, sourceS: number, revision: number, earlier: number[]}} now
     * @param {(revision: number) => void} onBack
     */
    update({ reelS, sourceS, revision, earlier }, onBack) {
      setText(facts, `Reel ${clock(reelS)} of ${clock(sourceS)} · Revision ${revision}`);
      const last = earlier.at(-1);
      fill(back, last !== undefined && h("button", { type: "button", class: "button small", onclick: () => onBack(last) }, `Back to revision ${last}`));
    },
  };
}

/**
 * Return a file's name with places to break it at.
 * @param {string} name
 */
function breakable(name) {
  return (name.match(/[^_.-]*[_.-]?/g) ?? []).flatMap((part, n) => (n ? [h("wbr"), part] : [part]));
}

/** Return what stands where a result will, while it is fetched. */
export function skeleton() {
  return h("div", { class: "result-skeleton", "aria-hidden": "true" },
    h("div", { class: "bone bone-screen" }), h("div", { class: "bone bone-panel" }), h("div", { class: "bone bone-timeline" }));
}
