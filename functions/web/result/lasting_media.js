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
  let isPlaying = false; // as somebody wanted it: browsers pause by themselves when there is an error
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
    const isFresh = addresses.held(name) === media.getAttribute("src") && Date.now() - askedAtMs < AGAIN_AFTER_MS;
    if (isFresh) return onGivenUp("This browser cannot play it.");
    const { currentTime } = media;
    const isToPlay = isPlaying;
    addresses.forget([name]);
    await load();
    media.addEventListener("loadedmetadata", () => {
      media.currentTime = currentTime;
      if (isToPlay) play(media);
    }, { once: true });
  };
  const played = () => { isPlaying = true; };
  const paused = () => { if (!media.error) isPlaying = false; };
  media.addEventListener("error", again);
  media.addEventListener("play", played);
  media.addEventListener("pause", paused);
  return {
    load,
    stop() {
      isOver = true;
      media.removeEventListener("error", again);
      media.removeEventListener("play", played);
      media.removeEventListener("pause", paused);
      media.pause();
      media.removeAttribute("src");
      media.load();
    },
  };
}
