// The uploads of this tab. They go on whatever view is shown; views listen to `change`.

import { announce } from "../dom.js";
import { cancelUpload, freshAddress } from "./awaited.js";
import { fingerprintOf } from "./fingerprint.js";
import { LiveUpload } from "./live_upload.js";
import { sendFile, UploadStopped } from "./sending.js";
import { stayWhile } from "./staying_awake.js";
import { forget, remember } from "./unfinished_uploads.js";
import { takeUpload } from "./upload_locks.js";

const AT_ONCE = 2; // two fill a line even while one waits for its answer

/**
 * @typedef {import("./live_upload.js").UploadStatus} UploadStatus
 * @typedef {import("./unfinished_uploads.js").Unfinished} Unfinished
 */

/** All uploads of this tab. `change` events name a job in `detail`. */
export class UploadStore extends EventTarget {
  constructor() {
    super();
    /** @type {Map<string, LiveUpload>} */
    this._uploads = new Map();
  }

  /** Return all uploads, or those of a batch, in the order they were begun. @param {string} [batch] */
  all(batch) {
    return [...this._uploads.values()].filter((upload) => batch === undefined || upload.batch === batch);
  }

  /** Return a job's upload, or null when this tab does not send it. @param {string} job */
  of(job) {
    return this._uploads.get(job) ?? null;
  }

  /**
   * Send a file. Returns whether this tab may: another one might be at it.
   * @param {import("../api.js").Api} api
   * @param {Unfinished} record
   * @param {File} file
   * @param {import("../api.js").Upload | null} [begin] the request that begins it, where it is known
   */
  async add(api, record, file, begin = null) {
    const release = await takeUpload(record.job);
    if (!release) return false;
    const upload = new LiveUpload(api, record, file, begin);
    upload.release = release;
    this._uploads.set(record.job, upload);
    await remember(record);
    this._changed(upload);
    this._sendNext();
    return true;
  }

  /** @param {string} job */
  pause(job) {
    const upload = this.of(job);
    if (!upload?.isActive) return;
    upload.run?.abort();
    this._become(upload, "paused");
  }

  /** @param {string} job */
  resume(job) {
    const upload = this.of(job);
    if (upload?.status === "paused") this._become(upload, "waiting");
  }

  /** Send it from its beginning, because the server knows nothing of it any more. @param {string} job */
  startOver(job) {
    const upload = this.of(job);
    if (upload?.status !== "failed") return;
    upload.begin = null;
    upload.record = { ...upload.record, sessionUrl: null };
    upload.sentBytes = 0;
    this._become(upload, "waiting");
  }

  /** Go on with the file as it is now. @param {string} job @param {File} file */
  goOnWith(job, file) {
    const upload = this.of(job);
    if (upload?.status !== "failed") return;
    upload.file = file;
    this._become(upload, "waiting");
  }

  /**
   * Take a file back, and its job with it.
   * @param {string} job
   */
  async cancel(job) {
    const upload = this.of(job);
    if (!upload || upload.isOver) return;
    upload.run?.abort();
    this._become(upload, "cancelled");
    await cancelUpload(upload.api, upload.record);
  }

  /** @param {string} [batch] */
  pauseAll(batch) {
    for (const { job } of this.all(batch)) this.pause(job);
  }

  /** @param {string} [batch] */
  resumeAll(batch) {
    for (const { job } of this.all(batch)) this.resume(job);
  }

  _sendNext() {
    for (const upload of this.all()) { // sending one changes what the next one finds
      const running = this.all().filter(({ run }) => run).length;
      if (running < AT_ONCE && upload.status === "waiting" && !upload.run) this._send(upload);
    }
    stayWhile(this.all().some((upload) => upload.isActive));
  }

  /** @param {LiveUpload} upload */
  async _send(upload) {
    const run = new AbortController();
    upload.run = run;
    this._become(upload, "sending");
    try {
      await this._noteFingerprint(upload);
      await sendFile({ file: upload.file, begin: upload.begin, sessionUrl: upload.record.sessionUrl }, this._listener(upload, run.signal), run.signal);
      await forget(upload.job);
      if (upload.status !== "cancelled") this._arrived(upload);
    } catch (error) {
      if (!run.signal.aborted) await this._stopped(upload, error);
    } finally {
      upload.run = null;
      this._sendNext();
    }
  }

  /** @param {LiveUpload} upload */
  async _noteFingerprint(upload) {
    if (upload.record.fingerprint) return;
    try {
      upload.record = { ...upload.record, fingerprint: await fingerprintOf(upload.file) };
    } catch {
      throw new UploadStopped("The file cannot be read: it was moved or changed. Choose it again to go on.", "choose_again");
    }
  }

  /** @param {LiveUpload} upload @param {AbortSignal} signal @returns {import("./sending.js").Listener} */
  _listener(upload, signal) {
    let isTold = false; // a cut is told once, not at every try
    return {
      announceAgain: () => freshAddress(upload),
      onBegun: async (sessionUrl) => {
        upload.record = { ...upload.record, sessionUrl };
        await remember(upload.record);
      },
      onSent: (sentBytes) => {
        if (signal.aborted) return;
        if (sentBytes > upload.sentBytes) isTold = false;
        upload.sentBytes = sentBytes;
        upload.rate.add(Date.now(), sentBytes);
        this._changed(upload);
      },
      onGoingOn: () => {
        if (!signal.aborted) this._become(upload, "sending");
      },
      onBroken: (sentence, retryAtMs, tryNow) => {
        if (signal.aborted) return;
        Object.assign(upload, { retryAtMs, tryNow });
        this._become(upload, "broken", sentence);
        if (!isTold) announce(`${upload.name}: ${sentence}. It goes on by itself.`);
        isTold = true;
      },
    };
  }

  /** @param {LiveUpload} upload */
  _arrived(upload) {
    upload.sentBytes = upload.sizeBytes;
    this._become(upload, "done");
    announce(`${upload.name} is uploaded.`);
  }

  /** @param {LiveUpload} upload @param {unknown} error */
  async _stopped(upload, error) {
    const sentence = error instanceof Error ? error.message : "The upload stopped.";
    const remedy = error instanceof UploadStopped ? error.remedy : "start_over";
    if (remedy !== "choose_again") await forget(upload.job);
    this._become(upload, "failed", sentence, remedy);
    announce(`${upload.name}: ${sentence}`);
  }

  /**
   * @param {LiveUpload} upload
   * @param {UploadStatus} status
   * @param {string} [sentence]
   * @param {"start_over" | "choose_again" | null} [remedy]
   */
  _become(upload, status, sentence = "", remedy = null) {
    upload.status = status;
    upload.sentence = sentence;
    upload.remedy = remedy;
    if (status !== "broken") upload.retryAtMs = null;
    if (status !== "sending") upload.rate.reset();
    if (upload.isOver) upload.release();
    this._changed(upload);
    this._sendNext();
  }

  /** @param {LiveUpload} upload */
  _changed(upload) {
    this.dispatchEvent(new CustomEvent("change", { detail: upload.job }));
  }
}

export const uploads = new UploadStore();
