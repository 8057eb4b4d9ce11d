// Keeping an edit's draft: a moment after the last change, and whenever the page may be on its way out.

import { forgetDraft, keepDraft } from "./drafts.js";

const AFTER_MS = 300; // a dragged edge changes the edit with every move

/**
 * @param {string} jobId
 * @param {import("./edit_session.js").EditSession} session
 * @param {() => number} revision which is edited
 * @returns {{forget: () => void, end: () => void}} `forget` drops what is kept, until the next change
 */
export function keepDrafts(jobId, session, revision) {
  let keptAt = revision();
  let timer = 0;

  function soon() {
    clearTimeout(timer);
    timer = window.setTimeout(keep, AFTER_MS);
  }

  function keep() {
    clearTimeout(timer);
    timer = 0;
    if (keptAt !== revision()) forgetDraft(jobId, keptAt); // the edit goes on, of the reel that is shown now
    keptAt = revision();
    keepDraft(jobId, keptAt, session.state, session.rendered);
  }

  function leaving() {
    if (timer) keep();
  }

  session.addEventListener("change", soon);
  window.addEventListener("pagehide", leaving);
  return {
    forget() {
      clearTimeout(timer);
      timer = 0;
      forgetDraft(jobId, keptAt);
    },
    end() {
      leaving();
      session.removeEventListener("change", soon);
      window.removeEventListener("pagehide", leaving);
    },
  };
}
