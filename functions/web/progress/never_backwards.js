// Shares of work that only grow, whatever order the answers come in. Pure but for what it remembers.

/** Remembers how far each thing was. A new epoch, or a new revision of the reel, begins at nothing. */
export class NeverBackwards {
  constructor() {
    /** @type {Map<string, {run: string, share: number}>} */
    this._known = new Map();
  }

  /**
   * Return how far to show it: the most that was told in this run of it.
   * @param {string} key
   * @param {string} run what tells one attempt from the next
   * @param {number} share from 0 to 1
   * @returns {number}
   */
  shown(key, run, share) {
    const known = this._known.get(key);
    const most = known?.run === run ? Math.max(known.share, share) : share;
    this._known.set(key, { run, share: most });
    return most;
  }
}

/**
 * Return what tells one attempt at a job from the next.
 * @param {import("../api.js").Job} job
 * @returns {string}
 */
export const runOf = (job) => `${job.epoch}.${job.revision}`;
