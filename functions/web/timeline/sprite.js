// The thumbnails, decoded once into one picture that stays in memory.

/**
 * Fetch and decode a sprite. Where it cannot be had the timeline does without pictures.
 * @param {string} url
 * @param {(bitmap: ImageBitmap) => void} onReady
 * @returns {() => void} frees it, whenever called
 */
export function loadSprite(url, onReady) {
  const image = new Image();
  let isWanted = true;
  /** @type {ImageBitmap | null} */
  let bitmap = null;
  image.src = url;
  image.decode().then(() => (isWanted ? createImageBitmap(image) : null)).then((made) => {
    image.removeAttribute("src"); // the bitmap is the one copy
    bitmap = made;
    if (made && isWanted) onReady(made);
    else made?.close();
  }, () => undefined);
  return () => {
    isWanted = false;
    bitmap?.close();
  };
}
