// Jobs of several states, newest first, a page at a time: the API filters by one state. Pure but for what it keeps.

/** @typedef {import("../api.js").JobRow} JobRow */
/** @typedef {import("../api.js").JobState} JobState */
/** @typedef {{jobs: JobRow[], next_page_token: string | null}} Page */

/** Asks for pages and knows which rows may be shown. */
export class PagedRows {
  /**
   * @param {(state: JobState | null, pageToken: string | null) => Promise<Page>} ask
   * @param {JobState[] | null} states null for all
   */
  constructor(ask, states) {
    this._ask = ask;
    this._streams = (states ?? [null]).map((state) => ({
      state, token: /** @type {string | null} */ (null), isBegun: false, oldest: Infinity,
    }));
    /** @type {Map<string, JobRow>} */
    this._rows = new Map();
  }

  /** @returns {boolean} whether there is more to load */
  get hasMore() {
    return this._streams.some(isOpen);
  }

  /**
   * Return the rows that are known and of the states, newest first. Those older than what a state has been loaded down to wait for the
   * rest, so that nothing is put between rows that were shown before.
   * @returns {JobRow[]}
   */
  rows() {
    const floor = Math.max(-Infinity, ...this._streams.filter(isOpen).map((stream) => stream.oldest));
    return [...this._rows.values()].filter((row) => this._isWanted(row) && madeAt(row) >= floor).sort(newestFirst);
  }

  /** @param {JobRow} row whether its state, which may have changed since, is one of those */
  _isWanted(row) {
    return this._streams.some(({ state }) => state === null || state === row.state);
  }

  /** Load the next page of the states that hold the others back. */
  async more() {
    const open = this._streams.filter(isOpen);
    const floor = Math.max(...open.map((stream) => stream.oldest));
    for (const stream of open.filter((each) => each.oldest === floor)) {
      const page = await this._ask(stream.state, stream.token);
      for (const row of page.jobs) this._rows.set(row.id, row);
      stream.isBegun = true;
      stream.token = page.next_page_token;
      const last = page.jobs.at(-1);
      if (last) stream.oldest = madeAt(last);
    }
  }

  /** Ask for the newest page of each state again, and take over what it says. @returns {Promise<Set<string>>} whom it told of */
  async refresh() {
    const told = new Set();
    for (const stream of this._streams) {
      for (const row of (await this._ask(stream.state, null)).jobs) {
        this._rows.set(row.id, row);
        told.add(row.id);
      }
    }
    return told;
  }

  /** @param {JobRow} row that somebody else has looked at */
  put(row) {
    this._rows.set(row.id, row);
  }

  /** @param {string} id */
  remove(id) {
    this._rows.delete(id);
  }
}

/** @param {{isBegun: boolean, token: string | null}} stream */
const isOpen = (stream) => !stream.isBegun || stream.token !== null;

/** @param {JobRow} row */
const madeAt = (row) => Date.parse(row.created_at);

/**
 * Dates have thousandths of a second, what the API tells has more digits.
 * @param {JobRow} one @param {JobRow} other
 */
const newestFirst = (one, other) => madeAt(other) - madeAt(one) || (one.created_at < other.created_at ? 1 : -1);
