// The signed addresses of one job's files: asked for when wanted, and anew before they expire.

/** @typedef {import("../api.js").Api} Api */

const MARGIN_MS = 60_000; // an address that ends sooner may do so before the browser has used it
const SHORT = 0.5; // of its life; where that is short the margin is, too

export class Addresses {
  /**
   * @param {Pick<Api, "links">} api
   * @param {string} jobId
   */
  constructor(api, jobId) {
    this._api = api;
    this._jobId = jobId;
    /** @type {Map<string, {url: string, expiresAtMs: number, heldUntilMs: number}>} */
    this._known = new Map();
  }

  /**
   * Return an address that holds for a while. Rejects with an ApiError where there is no such file.
   * @param {string} name
   * @returns {Promise<string>}
   */
  async of(name) {
    const held = this.held(name);
    if (held) return held;
    await this.ask([name]);
    const found = this._known.get(name);
    if (!found) throw new Error(`no ${name}`);
    return found.url;
  }

  /**
   * Return an address that is known and holds, or null.
   * @param {string} name
   */
  held(name) {
    const known = this._known.get(name);
    return known && Date.now() < known.heldUntilMs ? known.url : null;
  }

  /**
   * Return until when an address holds, or null.
   * @param {string} name
   */
  expiresAt(name) {
    const known = this._known.get(name);
    return known ? new Date(known.expiresAtMs) : null;
  }

  /**
   * Ask for addresses in one go, whether they are known or not.
   * @param {string[]} names
   */
  async ask(names) {
    if (!names.length) return;
    const { forMs, links } = await this._api.links(this._jobId, names);
    const expiresAtMs = Date.now() + forMs;
    const heldUntilMs = expiresAtMs - Math.min(MARGIN_MS, forMs * SHORT);
    for (const [name, { url }] of Object.entries(links)) this._known.set(name, { url, expiresAtMs, heldUntilMs });
  }

  /**
   * Forget addresses: they lead to the files of an earlier revision, or were refused.
   * @param {string[]} [names] all but the source's, without
   */
  forget(names) {
    for (const name of names ?? [...this._known.keys()].filter((each) => each !== "source")) this._known.delete(name);
  }
}
