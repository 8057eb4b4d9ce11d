// Which rows a timeline has, one under the other; what a source does not have leaves no hole. Pure.

/** @typedef {{topPx: number, heightPx: number}} Row */
/** @typedef {{ruler: Row, thumbs: Row | null, highlights: Row, motion: Row | null, speech: Row | null, lanePx: number, heightPx: number}} Rows */

/** Room above and below the lanes, where new highlights are drawn. */
export const LANES_AIR_PX = 6;

const HEIGHTS_PX = { ruler: 24, thumbs: 54, motion: 44, speech: 40 };
const LANE_PX = { fine: 34, coarse: 44 };

/**
 * @param {{thumbs: unknown, motion: unknown, sound: unknown, words: readonly unknown[], speechSpans: readonly unknown[]}} source
 * @param {{lanes: number, isCoarse: boolean}} how whether fingers point
 * @returns {Rows}
 */
export function rowsOf(source, { lanes, isCoarse }) {
  const lanePx = isCoarse ? LANE_PX.coarse : LANE_PX.fine;
  let topPx = 0;
  /** @param {number} heightPx @returns {Row} */
  const row = (heightPx) => {
    const made = { topPx, heightPx };
    topPx += heightPx;
    return made;
  };
  const ruler = row(HEIGHTS_PX.ruler);
  const thumbs = source.thumbs ? row(HEIGHTS_PX.thumbs) : null;
  const highlights = row(lanes * lanePx + 2 * LANES_AIR_PX);
  const motion = source.motion ? row(HEIGHTS_PX.motion) : null;
  const hasSpeech = source.sound || source.words.length > 0 || source.speechSpans.length > 0;
  const speech = hasSpeech ? row(HEIGHTS_PX.speech) : null;
  return { ruler, thumbs, highlights, motion, speech, lanePx, heightPx: topPx };
}
