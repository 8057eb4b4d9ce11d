// The reel in a player: a <video>, or an <audio> beside its own quiet picture.

import { fill, h, icon } from "../dom.js";
import { addCaptions } from "./captions.js";
import { lastingMedia } from "./lasting_media.js";
import { play } from "./media_clock.js";

/**
 * @param {HTMLElement} root
 * @param {{addresses: import("./addresses.js").Addresses, isSound: boolean}} how
 */
export function mountReelPlayer(root, { addresses, isSound }) {
  const media = isSound
    ? h("audio", { controls: true, preload: "metadata", "aria-label": "The reel" })
    : h("video", { controls: true, preload: "metadata", playsinline: true, "aria-label": "The reel" });
  const fault = h("p", { class: "screen-fault", role: "alert", hidden: true });
  const lasting = lastingMedia(media, addresses, "reel", (sentence) => {
    fill(fault, `${sentence} Download the reel to watch it.`);
    fault.hidden = false;
  });
  let removeCaptions = () => {};
  fill(root, isSound && h("div", { class: "sound-picture" }, icon(SOUND)), media, fault);
  return {
    media,
    /** Show the reel as it is now. @param {{isToPlay?: boolean}} [how] */
    async show({ isToPlay = false } = {}) {
      fault.hidden = true;
      removeCaptions();
      removeCaptions = () => {};
      const poster = addresses.held("poster");
      if (media instanceof HTMLVideoElement && poster) media.poster = poster;
      await lasting.load();
      if (isToPlay) play(media);
      const captions = addresses.held("captions_vtt");
      if (captions && !isSound) removeCaptions = await addCaptions(media, captions).catch(() => () => {});
    },
    unmount() {
      removeCaptions();
      lasting.stop();
    },
  };
}

const SOUND = "M3 10v4m4-7v10m5-14v18m5-14v10m4-7v4";
