// How fast bytes go, smoothed over some seconds. Pure: whoever asks brings the time.

const WINDOW_MS = 8000; // a part of 8 MiB at 1 MB/s
const LEAST_MS = 800; // less says nothing: the system takes the first bytes at once

/** The last samples of an upload. */
export class Rate {
  constructor() {
    /** @type {{atMs: number, sentBytes: number}[]} */
    this._samples = [];
  }

  /** Forget everything, as after a pause. */
  reset() {
    this._samples = [];
  }

  /**
   * Note how much is sent in all.
   * @param {number} atMs
   * @param {number} sentBytes
   */
  add(atMs, sentBytes) {
    const last = this._samples.at(-1);
    if (last && sentBytes < last.sentBytes) this.reset(); // the server kept less than was sent
    this._samples.push({ atMs, sentBytes });
    while (this._samples.length > 2 && this._samples[1].atMs < atMs - WINDOW_MS) this._samples.shift();
  }

  /**
   * Return bytes per second, or null while nobody can tell.
   * @param {number} nowMs
   */
  bytesPerS(nowMs) {
    const first = this._samples[0];
    const last = this._samples.at(-1);
    if (!first || !last || nowMs - first.atMs < LEAST_MS) return null;
    return ((last.sentBytes - first.sentBytes) * 1000) / (nowMs - first.atMs);
  }
}

/**
 * Return the seconds that so many bytes take, or null while nobody can tell.
 * @param {number} leftBytes
 * @param {number | null} bytesPerS
 */
export function timeLeftS(leftBytes, bytesPerS) {
  return bytesPerS === null || bytesPerS < 1 ? null : leftBytes / bytesPerS;
}
