// Captions for a player. A <track> must be of the page's origin, or allowed by CORS headers that signed addresses need
// not have; a blob is ours.

import { h } from "../dom.js";

/**
 * Give a player its captions, off until somebody switches them on.
 * @param {HTMLMediaElement} media
 * @param {string} url of a WebVTT file
 * @returns {Promise<() => void>} which removes them
 */
export async function addCaptions(media, url) {
  const answer = await fetch(url, { credentials: "omit" });
  if (!answer.ok) throw new Error(`captions: ${answer.status}`);
  const blobUrl = URL.createObjectURL(new Blob([await answer.text()], { type: "text/vtt" }));
  const track = h("track", { kind: "captions", label: "Captions", src: blobUrl });
  media.append(track);
  return () => {
    track.remove();
    URL.revokeObjectURL(blobUrl);
  };
}
