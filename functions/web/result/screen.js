// One place to look: the reel, or the source at any moment. Tells what of the source is seen.

import { clock } from "../format.js";
import { fill, h, setText } from "../dom.js";
import { followTime, play } from "./media_clock.js";
import { reelAt, sourceAt } from "./reel_clock.js";
import { mountReelPlayer } from "./reel_player.js";
import { mountSourcePreview } from "./source_preview.js";

/** @typedef {ReturnType<typeof mountScreen>} Screen */
/** @typedef {"reel" | "source"} Showing */

/**
 * @param {HTMLElement} root
 * @param {{addresses: import("./addresses.js").Addresses, isSound: boolean, data: import("./timeline_data.js").TimelineData, isSourceThere: boolean,
 *   onTime: (sourceS: number | null) => void}} how
 */
export function mountScreen(root, { addresses, isSound, data, isSourceThere, onTime }) {
  const { fps, thumbs, sound, durationS } = data;
  /** @type {import("./reel_clock.js").Shown[]} */
  let shown = [];
  /** @type {Showing} */
  let showing = "reel";
  let label = "";
  const reelRoot = h("div", { class: "screen-picture" });
  const sourceRoot = h("div", { class: "screen-picture", hidden: true });
  const line = h("p", { class: "screen-line numbers" });
  const tabs = { reel: tab("reel", "Reel"), source: tab("source", "Source") };
  root.classList.add("screen");
  root.classList.toggle("is-sound", isSound);
  fill(root,
    h("div", { class: "screen-bar" },
      h("div", { class: "segmented", role: "group", "aria-label": "What the player shows" }, tabs.reel, tabs.source), line),
    reelRoot, sourceRoot);
  const reel = mountReelPlayer(reelRoot, { addresses, isSound, sound });
  const source = mountSourcePreview(sourceRoot, {
    addresses, isSound, thumbs, sound, durationS, isThere: isSourceThere, onFallback: tell,
  });
  const unfollow = [
    followTime(reel.media, () => showing === "reel" && tell()),
    followTime(source.media, () => {
      source.stopAtEnd();
      if (showing === "source") tell();
    }),
  ];
  source.media.addEventListener("pause", () => { label = ""; });

  /** @param {Showing} which @param {string} text */
  function tab(which, text) {
    return h("button", { type: "button", "aria-pressed": String(which === "reel"), onclick: () => change(which) }, text);
  }

  /** @param {Showing} which */
  function change(which) {
    if (which === showing) return;
    const atS = sourceS();
    turn(which);
    if (which === "source") void source.show(atS ?? 0);
    else {
      const inReelS = reelAt(shown, source.atS);
      if (inReelS !== null) reel.media.currentTime = inReelS;
    }
    tell();
  }

  /** @param {Showing} which */
  function turn(which) {
    if (which === "reel") source.leave();
    else reel.media.pause();
    showing = which;
    reelRoot.hidden = which !== "reel";
    sourceRoot.hidden = which !== "source";
    for (const [name, button] of Object.entries(tabs)) button.setAttribute("aria-pressed", String(name === which));
  }

  function sourceS() {
    if (showing === "source") return source.atS;
    return reel.media.readyState > 0 || shown.length ? sourceAt(shown, reel.media.currentTime) : null;
  }

  function tell() {
    const atS = sourceS();
    onTime(atS);
    const where = atS === null ? "" : `Source ${clock(atS, { tenths: true })}`;
    const isStill = showing === "source" && !source.canPlay;
    const why = !isSourceThere ? "the source is gone: a still" : "not playable here: a still";
    setText(line, [label, where, isStill ? why : ""].filter(Boolean).join(" · "));
  }

  const media = () => (showing === "reel" ? reel.media : source.media);

  return {
    get isReel() {
      return showing === "reel";
    },
    /**
     * Take another reel. Where the source is shown it stays, unless the reel is to be played.
     * @param {import("./reel_clock.js").Shown[]} clips @param {{isToPlay?: boolean}} [how]
     */
    async showReel(clips, { isToPlay = false } = {}) {
      shown = clips;
      if (isToPlay) turn("reel");
      await reel.show(shown);
      if (isToPlay && showing === "reel") play(reel.media); // somebody may have gone elsewhere while it was loaded
      tell();
    },
    playReel() {
      turn("reel");
      play(reel.media);
      tell();
    },
    /** @param {number} atS @param {{isToPlay?: boolean, endS?: number | null, label?: string}} [how] */
    async showSource(atS, how = {}) {
      turn("source");
      label = how.label ?? "";
      await source.show(atS, how);
      tell();
    },
    /** Seek in whatever is shown: the reel where it has that moment, else the source. @param {number} atS */
    seek(atS) {
      const inReelS = showing === "reel" ? reelAt(shown, atS) : null;
      if (inReelS !== null) reel.media.currentTime = inReelS;
      else void this.showSource(atS, { isToPlay: !media().paused });
    },
    togglePlay() {
      if (media().paused) play(media());
      else media().pause();
    },
    /** @param {number} byS */
    jump(byS) {
      const each = media();
      if (showing === "source" && !source.canPlay) void source.show(Math.max(0, source.atS + byS)).then(tell);
      else each.currentTime = Math.max(0, Math.min(each.duration || 0, each.currentTime + byS));
    },
    /** @param {-1 | 1} direction */
    step(direction) {
      media().pause();
      this.jump(direction / (fps ?? 10));
    },
    sourceS,
    unmount() {
      for (const each of unfollow) each();
      reel.unmount();
      source.unmount();
    },
  };
}
