// The reel in a player: a <video>, or an <audio> beside its own quiet picture.

import { fill, h } from "../dom.js";
import { addCaptions } from "./captions.js";
import { lastingMedia } from "./lasting_media.js";
import { followTime, play } from "./media_clock.js";
import { soundPicture } from "./sound_picture.js";

/**
 * @param {HTMLElement} root
 * @param {{addresses: import("./addresses.js").Addresses, isSound: boolean, sound: import("./sound_bars.js").Sound | null}} how
 */
export function mountReelPlayer(root, { addresses, isSound, sound }) {
  const media = isSound
    ? h("audio", { controls: true, preload: "metadata", "aria-label": "The reel" })
    : h("video", { controls: true, preload: "metadata", playsinline: true, "aria-label": "The reel" });
  const fault = h("p", { class: "screen-fault", role: "alert", hidden: true });
  const lasting = lastingMedia(media, addresses, "reel", (sentence) => {
    fill(fault, `${sentence} Download the reel to watch it.`);
    fault.hidden = false;
  });
  let removeCaptions = () => {};
  const picture = isSound ? soundPicture() : null;
  const unfollow = picture ? followTime(media, () => picture.setHeard(media.duration ? media.currentTime / media.duration : 0)) : () => {};
  fill(root, picture?.root, media, fault);
  return {
    media,
    /** Show the reel as it is now. @param {import("./reel_clock.js").Shown[]} clips @param {{isToPlay?: boolean}} [how] */
    async show(clips, { isToPlay = false } = {}) {
      picture?.draw(sound, clips);
      fault.hidden = true;
      removeCaptions();
      removeCaptions = () => {};
      const poster = addresses.held("poster");
      if (media instanceof HTMLVideoElement && poster) media.poster = poster;
      await lasting.load();
      if (isToPlay) play(media);
      if (!isSound && addresses.expiresAt("captions_vtt")) {
        removeCaptions = await addresses.of("captions_vtt").then((url) => addCaptions(media, url)).catch(() => () => {});
      }
    },
    unmount() {
      removeCaptions();
      unfollow();
      lasting.stop();
    },
  };
}
