// One upload of this tab.

import { Rate, timeLeftS } from "./rate.js";

/**
 * @typedef {"waiting" | "sending" | "broken" | "paused" | "done" | "cancelled" | "failed"} UploadStatus
 * @typedef {import("./unfinished_uploads.js").Unfinished} Unfinished
 */

/** One file on its way: what views show of it. */
export class LiveUpload {
  /**
   * @param {import("../api.js").Api} api
   * @param {Unfinished} record
   * @param {File} file
   * @param {import("../api.js").Upload | null} begin
   */
  constructor(api, record, file, begin) {
    this.api = api;
    this.record = record;
    this.file = file;
    this.begin = begin;
    this.job = record.job;
    this.batch = record.batch;
    this.name = record.name;
    this.sizeBytes = record.sizeBytes;
    /** @type {UploadStatus} */
    this.status = "waiting";
    this.sentBytes = 0;
    this.sentence = "";
    /** @type {number | null} */
    this.retryAtMs = null;
    /** @type {"start_over" | "choose_again" | null} */
    this.remedy = null;
    this.rate = new Rate();
    this.tryNow = () => {};
    this.release = () => {};
    /** @type {AbortController | null} */
    this.run = null;
  }

  /** Whether it will go on by itself. */
  get isActive() {
    return this.status === "waiting" || this.status === "sending" || this.status === "broken";
  }

  /** Whether it is over, for good. */
  get isOver() {
    return this.status === "done" || this.status === "cancelled";
  }

  bytesPerS() {
    return this.status === "sending" ? this.rate.bytesPerS(Date.now()) : null;
  }

  timeLeftS() {
    return timeLeftS(this.sizeBytes - this.sentBytes, this.bytesPerS());
  }
}
