// What the timeline shows of a source, made ready to be drawn at any zoom. Pure.

import { Peaks } from "./peaks.js";
import { phrasesOf } from "./phrases.js";

/** @typedef {import("../editing/snap_points.js").SnapPoint} SnapPoint */
/** @typedef {import("../editing/reel_length.js").Join} Join how clips of the reel follow on each other */
/** @typedef {{text: string, start_s: number, end_s: number, space_before: boolean}} Word */
/** `url` is fetched where nobody has the `sprite` decoded. @typedef {{url?: string, sprite?: ImageBitmap, everyS: number, count: number, columns: number, rows: number, widthPx: number, heightPx: number}} Thumbs */
/**
 * Times are seconds of the source. What a source does not have is null or empty.
 * @typedef {{durationS: number, fps: number | null, thumbs: Thumbs | null,
 *   motion: {everyS: number, threshold: number, energy: number[]} | null,
 *   sound: {everyS: number, levelDb: number[]} | null, motionSpans: [number, number][], speechSpans: [number, number][],
 *   words: Word[], snaps: SnapPoint[], join?: Join}} TimelineData
 */
/** @typedef {{everyS: number, threshold: number, topEnergy: number, peaks: Peaks}} Motion */
/** @typedef {{everyS: number, peaks: Peaks}} Sound */
/**
 * @typedef {{durationS: number, fps: number | null, thumbs: Thumbs | null, motion: Motion | null, sound: Sound | null,
 *   motionSpans: [number, number][], speechSpans: [number, number][], words: Word[],
 *   phrases: import("./phrases.js").Phrase[], snaps: SnapPoint[], join: Join}} Source
 */

const QUIETEST_DB = -60;

/**
 * @param {TimelineData} data
 * @returns {Source}
 */
export function prepared(data) {
  const { motion, sound } = data;
  return {
    ...data,
    join: data.join ?? { kind: "cut", duration_s: 0 },
    durationS: Math.max(data.durationS, 0.1),
    motion: motion && motion.energy.length ? preparedMotion(motion) : null,
    sound: sound && sound.levelDb.length ? { everyS: sound.everyS, peaks: new Peaks(sound.levelDb.map(loudness)) } : null,
    phrases: phrasesOf(data.words),
  };
}

/**
 * Return the energies with the one that reaches the top of the row: one fall does not flatten all other movement.
 * @param {{everyS: number, threshold: number, energy: number[]}} motion
 * @returns {Motion}
 */
function preparedMotion({ everyS, threshold, energy }) {
  const usual = Float32Array.from(energy).sort()[Math.floor(0.995 * (energy.length - 1))] ?? 0;
  return { everyS, threshold, peaks: new Peaks(energy), topEnergy: Math.max(2 * threshold, usual) || 1 };
}

/** @param {number} levelDb @returns {number} from 0 to 1 */
function loudness(levelDb) {
  return Math.min(1, Math.max(0, 1 - levelDb / QUIETEST_DB));
}
