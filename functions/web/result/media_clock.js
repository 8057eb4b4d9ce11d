// What time a player shows: by the frame while it plays, where the browser tells frames.

/**
 * Call `onTime` whenever a player's time is another one, until the returned function is called.
 * @param {HTMLMediaElement} media
 * @param {() => void} onTime
 * @returns {() => void}
 */
export function followTime(media, onTime) {
  let isOver = false;
  let pending = 0;
  const tick = () => {
    pending = 0;
    if (isOver) return;
    onTime();
    if (!media.paused && !media.ended) next();
  };
  const next = () => {
    if (!pending) pending = requestAnimationFrame(tick);
  };
  const events = ["play", "playing", "seeking", "seeked", "timeupdate", "pause", "ended", "loadedmetadata"];
  for (const type of events) media.addEventListener(type, next);
  return () => {
    isOver = true;
    cancelAnimationFrame(pending);
    for (const type of events) media.removeEventListener(type, next);
  };
}

/**
 * Play, if the browser lets us: it may want a press first, or be told to pause meanwhile.
 * @param {HTMLMediaElement} media
 */
export function play(media) {
  media.play().catch(() => undefined);
}
