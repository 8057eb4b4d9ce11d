// A player whose signed address may expire while somebody watches: it gets another one and goes on where it was.

import { play } from "./media_clock.js";

const AGAIN_AFTER_MS = 10_000; // an address that fails sooner is not what is wrong

/**
 * Let a player show a file, and go on doing so.
 * @param {HTMLMediaElement} media
 * @param {import("./addresses.js").Addresses} addresses
 * @param {string} name of the file
 * @param {(sentence: string) => void} onGivenUp
 * @returns {{load: () => Promise<void>, stop: () => void}}
 */
export function lastingMedia(media, addresses, name, onGivenUp) {
  let askedAtMs = 0;
  let isOver = false;
  const load = async () => {
    try {
      askedAtMs = Date.now();
      const url = await addresses.of(name);
      if (!isOver) media.src = url;
    } catch (error) {
      if (!isOver) onGivenUp(error instanceof Error ? error.message : String(error));
    }
  };
  const again = async () => {
    if (isOver || !media.getAttribute("src")) return;
    if (Date.now() - askedAtMs < AGAIN_AFTER_MS) return onGivenUp("This browser cannot play it.");
    const { currentTime, paused } = media;
    addresses.forget([name]);
    await load();
    media.addEventListener("loadedmetadata", () => {
      media.currentTime = currentTime;
      if (!paused) play(media);
    }, { once: true });
  };
  media.addEventListener("error", again);
  return {
    load,
    stop() {
      isOver = true;
      media.removeEventListener("error", again);
      media.pause();
      media.removeAttribute("src");
      media.load();
    },
  };
}
