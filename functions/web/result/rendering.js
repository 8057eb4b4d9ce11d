// Rendering an edit: asking for it, following it, and what may come between.

import { ApiError } from "../api.js";
import { clipsOf, inReel } from "../editing/edit_state.js";

const AGAIN_AFTER_MS = 1000;
const SILENT = "Montage does not answer. Once it does, press the button again.";

/** @typedef {import("../api.js").Job} Job */
/** @typedef {import("../editing/edit_state.js").EditState} EditState */
/**
 * `theirs`: somebody else rendered meanwhile. `gone`: the source is not kept any more.
 * @typedef {{kind: "ready"} | {kind: "asking"} | {kind: "rendering", share: number, isMine: boolean} |
 *   {kind: "cancelling"} | {kind: "failed", sentence: string} | {kind: "theirs", revision: number} |
 *   {kind: "gone", sentence: string}} Phase
 */

export class Rendering {
  /**
   * @param {{api: import("../api.js").Api, job: Job, show: (phase: Phase) => void, onChanged: () => void,
   *   onRevision: (job: Job) => void, onCancelled: () => void}} how `onRevision`: there is another reel than was shown
   */
  constructor({ api, job, show, onChanged, onRevision, onCancelled }) {
    this._api = api;
    this._show = show;
    this._onChanged = onChanged;
    this._onRevision = onRevision;
    this._onCancelled = onCancelled;
    this._job = job;
    this._editedRevision = job.revision;
    this._shownRevision = job.rendered_revision;
    this._isFollowing = false;
    this._isCancelled = false;
    this._isMine = false;
    this._isAsking = false;
    this._askedRevision = 0;
    /** @type {EditState | null} what was asked for last */
    this.asked = null;
  }

  /**
   * Return what was asked for from here if that is the reel there is now, else null.
   * @param {Job} job
   */
  own(job) {
    return job.rendered_revision === this._askedRevision ? this.asked : null;
  }

  /** The reel that the page shows. */
  get shownRevision() {
    return this._shownRevision;
  }

  /**
   * Ask for a reel of this state, in place of the revision that was edited.
   * @param {EditState} state
   */
  async ask(state) {
    if (!inReel(state).length || this._isAsking) return;
    this._isAsking = true;
    this._show({ kind: "asking" });
    try {
      const job = await this._taken(state);
      this.asked = state;
      this._askedRevision = job.revision;
      this._isMine = true;
      this._isCancelled = false;
      this._isFollowing = true;
      this._isAsking = false;
      this._editedRevision = job.revision;
      this.update(job);
      this._onChanged();
    } catch (error) {
      this._isAsking = false;
      await this._refused(error);
    }
  }

  /**
   * Return the job whose next revision is rendered from the state. Asked again after a lost answer the server changes
   * nothing; where that revision is there by then, it is the one that was asked for.
   * @param {EditState} state
   */
  async _taken(state) {
    const asked = () => this._api.renderAgain(this._job.id, this._editedRevision, clipsOf(state));
    try {
      return await asked();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 0) throw error;
      await new Promise((done) => setTimeout(done, AGAIN_AFTER_MS));
    }
    try {
      return await asked();
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "edit_list_changed") throw error;
      const job = await this._api.job(this._job.id);
      if (job.revision !== this._editedRevision + 1) throw error;
      return job;
    }
  }

  /** Render this state whatever somebody else made of the reel meanwhile. @param {EditState} state */
  async askOver(state) {
    try {
      this.adopt(await this._api.job(this._job.id));
    } catch (error) {
      return this._refused(error);
    }
    return this.ask(state);
  }

  /** Give the new revision up; the reel before it stays. */
  async cancel() {
    this._show({ kind: "cancelling" });
    this._isCancelled = true;
    try {
      this.update(await this._api.cancel(this._job.id));
    } catch {
      this._isCancelled = false; // it was done before: the next update tells
    }
    this._onChanged();
  }

  /**
   * Edit this revision from now on: its reel is shown, or is to be replaced.
   * @param {Job} job
   */
  adopt(job) {
    this._job = job;
    this._editedRevision = job.revision;
    this._shownRevision = job.rendered_revision;
    this._isMine = false;
  }

  /** @param {Job} job as the API tells it now */
  update(job) {
    if (job.revision < this._job.revision || this._isAsking) return; // an answer that was overtaken
    this._job = job;
    if (job.state === "merging") {
      this._isFollowing = true;
      if (!this._isCancelled) this._show({ kind: "rendering", share: job.stages.merge?.progress ?? 0, isMine: this._isMine });
    } else if (job.rendered_revision > this._shownRevision) {
      this._isFollowing = false;
      this._onRevision(job);
    } else if (this._isFollowing && job.state === "done") this._ended(job);
    else if (job.revision > this._editedRevision) this._editedRevision = job.revision; // one that came to nothing
  }

  /** @param {Job} job whose new revision came to nothing */
  _ended(job) {
    this._isFollowing = false;
    this._editedRevision = job.revision;
    const wasCancelled = this._isCancelled || !job.error || job.error.code === "cancelled";
    this._isCancelled = false;
    if (wasCancelled) {
      this._show({ kind: "ready" });
      this._onCancelled();
    } else this._show({ kind: "failed", sentence: job.error?.message ?? "" });
  }

  /** @param {unknown} error */
  async _refused(error) {
    if (!(error instanceof ApiError)) this._show({ kind: "failed", sentence: String(error) });
    else if (error.status === 0) this._show({ kind: "failed", sentence: SILENT });
    else if (error.code === "edit_list_changed") this._show({ kind: "theirs", revision: await this._theirRevision() });
    else if (error.code === "unknown_job") this._onChanged(); // erased elsewhere: whoever looks again says so
    else if (error.code === "source_expired") this._show({ kind: "gone", sentence: error.message });
    else this._show({ kind: "failed", sentence: error.message });
  }

  async _theirRevision() {
    try {
      return (await this._api.job(this._job.id)).revision;
    } catch {
      return this._editedRevision + 1;
    }
  }
}
