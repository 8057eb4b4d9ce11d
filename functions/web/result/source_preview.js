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
    : h("video", { controls: true, preload: "auto", playsinline: true, "aria-label": "The source" });
  const still = thumbnail(thumbs, { kind: "screen-still" });
  const lasting = lastingMedia(media, addresses, "source", fallBack);
  let canPlay = isThere;
  let isLoaded = false;
  let atS = 0;
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
    if (untilS !== null && (currentTime > untilS + ELSEWHERE_S || currentTime < fromS - ELSEWHERE_S)) untilS = null;
  });

  function stopAtEnd() {
    if (untilS === null || media.currentTime < untilS - END_S) return;
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

  async function ready() {
    if (!isLoaded) {
      isLoaded = true;
      await lasting.load();
    }
  }

  return {
    media,
    get canPlay() {
      return canPlay;
    },
    get atS() {
      return canPlay && media.readyState > 0 ? media.currentTime : atS;
    },
    stopAtEnd,
    /**
     * @param {number} seekS
     * @param {{isToPlay?: boolean, endS?: number | null}} [how] where playing is to stop
     */
    async show(seekS, { isToPlay = false, endS = null } = {}) {
      atS = seekS;
      showAt(still, thumbs, atS);
      picture?.setHeard(atS / durationS);
      if (!canPlay) return;
      await ready();
      if (!canPlay) return;
      untilS = endS;
      fromS = seekS;
      seek(media, atS);
      if (isToPlay) play(media);
    },
    unmount() {
      unfollow();
      lasting.stop();
    },
  };
}

/** @param {HTMLMediaElement} media @param {number} atS */
function seek(media, atS) {
  if (media.readyState > 0) media.currentTime = atS;
  else media.addEventListener("loadedmetadata", () => { media.currentTime = atS; }, { once: true });
}
