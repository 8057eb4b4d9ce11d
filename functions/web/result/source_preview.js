// The source at any moment: played where the browser can, else its nearest thumbnail.

import { fill, h } from "../dom.js";
import { lastingMedia } from "./lasting_media.js";
import { followTime, play } from "./media_clock.js";
import { soundPicture } from "./sound_picture.js";
import { showAt, thumbnail } from "./thumbnail.js";

const END_S = 0.02; // the frame at the end is the next clip's
const ELSEWHERE_S = 0.5; // somebody who seeks so far beyond a highlight wants to see something else

/**
 * @param {HTMLElement} root
 * @param {{addresses: import("./addresses.js").Addresses, isSound: boolean, thumbs: import("./thumbnail.js").Thumbs | null,
 *   sound: import("./sound_bars.js").Sound | null, durationS: number, onFallback: () => void, isThere: boolean}} how
 */
export function mountSourcePreview(root, { addresses, isSound, thumbs, sound, durationS, onFallback, isThere }) {
  const media = isSound
    ? h("audio", { controls: true, preload: "metadata", "aria-label": "The source" })
    : h("video", { controls: true, preload: "metadata", playsinline: true, "aria-label": "The source" });
  const still = thumbnail(thumbs, { kind: "screen-still" });
  const lasting = lastingMedia(media, addresses, "source", fallBack);
  let canPlay = isThere;
  /** @type {Promise<void> | null} */
  let loading = null;
  let turn = 0; // of what is wanted; what was wanted before it is not played
  let atS = 0;
  /** @type {number | null} a time to go to as soon as the player has got to the one before */
  let wantedS = null;
  /** @type {number | null} */
  let untilS = null;
  let fromS = 0;
  still.hidden = isThere;
  media.hidden = !isThere;
  const picture = isSound ? soundPicture() : null;
  picture?.draw(sound, [{ startS: 0, endS: durationS }]);
  const unfollow = picture ? followTime(media, () => picture.setHeard(media.currentTime / durationS)) : () => {};
  fill(root, picture?.root, media, !isSound && still);
  media.addEventListener("timeupdate", stopAtEnd);
  media.addEventListener("seeking", () => {
    const { currentTime } = media;
    if (untilS !== null && wantedS === null && (currentTime > untilS + ELSEWHERE_S || currentTime < fromS - ELSEWHERE_S)) untilS = null;
  });

  function stopAtEnd() {
    if (untilS === null || wantedS !== null || media.currentTime < untilS - END_S) return;
    media.pause();
    untilS = null;
  }

  function fallBack() {
    canPlay = false;
    media.hidden = true;
    still.hidden = false;
    showAt(still, thumbs, atS);
    onFallback();
  }

  /** Go to the last of the times that are wanted: each that a drag passes would cost a decoded frame. */
  function seek() {
    if (wantedS === null || media.readyState === 0 || media.seeking) return;
    const toS = wantedS;
    wantedS = null;
    media.currentTime = toS;
  }
  media.addEventListener("loadedmetadata", seek);
  media.addEventListener("seeked", seek);

  return {
    media,
    get canPlay() {
      return canPlay;
    },
    get atS() {
      return canPlay && media.readyState > 0 ? wantedS ?? media.currentTime : atS;
    },
    stopAtEnd,
    /**
     * @param {number} seekS
     * @param {{isToPlay?: boolean, endS?: number | null}} [how] where playing is to stop; it pauses if it is not to play
     */
    async show(seekS, { isToPlay = false, endS = null } = {}) {
      turn += 1;
      const mine = turn;
      atS = seekS;
      showAt(still, thumbs, atS);
      picture?.setHeard(atS / durationS);
      if (!canPlay) return;
      if (!isToPlay) media.pause();
      loading ??= lasting.load();
      await loading;
      if (!canPlay || mine !== turn) return;
      untilS = endS;
      fromS = seekS;
      wantedS = atS;
      seek();
      if (isToPlay) play(media);
    },
    /** Give up whatever is still to be shown, and be quiet. */
    leave() {
      turn += 1;
      media.pause();
    },
    unmount() {
      unfollow();
      lasting.stop();
    },
  };
}
