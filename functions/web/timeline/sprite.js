// The thumbnails, decoded once into one picture that stays in memory.

/**
 * Fetch and decode a sprite. Where it cannot be had the timeline does without pictures.
 * @param {string} url
 * @param {(bitmap: ImageBitmap) => void} onReady
 * @returns {() => void} frees it, whenever called
 */
export function loadSprite(url, onReady) {
  const asking = new AbortController();
  /** @type {ImageBitmap | null} */
  let bitmap = null;
  decoded(url, asking.signal).then((made) => {
    bitmap = made;
    if (asking.signal.aborted) made.close();
    else onReady(made);
  }).catch(() => undefined);
  return () => {
    asking.abort();
    bitmap?.close();
  };
}

/**
 * Return the picture, straight from its bytes: an <img> would keep a second copy.
 * @param {string} url
 * @param {AbortSignal} signal
 */
async function decoded(url, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return createImageBitmap(await answer.blob());
}
