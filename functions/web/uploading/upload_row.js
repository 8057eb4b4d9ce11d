// One file's upload: its bar, rate and time left, and what its owner can do.

import { bar, fill, h, icon, ICONS, setBar, setText } from "../dom.js";
import { cancelAsked } from "./cancel_dialog.js";
import { pickedFiles } from "./file_choice.js";
import { differenceOf, fingerprintOf } from "./fingerprint.js";
import { uploads } from "./upload_store.js";
import { figures, shortName, standing } from "./upload_words.js";

const REDRAWN_MS = 250;

/**
 * Show a job's upload while this tab sends it; null when it does not.
 * @param {HTMLElement} root
 * @param {string} jobId
 * @returns {{unmount: () => void} | null}
 */
export function mountUploadRow(root, jobId) {
  const found = uploads.of(jobId);
  if (!found) return null;
  const upload = found;
  const progress = bar(`Upload of ${upload.name}`);
  const says = h("span", { class: "upload-standing" });
  const counts = h("span", { class: "upload-figures soft numbers" });
  const buttons = h("div", { class: "upload-buttons" });
  const notice = h("p", { class: "upload-fault", role: "alert" });
  const element = h("div", { class: "upload-row", role: "group", "aria-label": `Upload of ${upload.name}` },
    progress, h("div", { class: "upload-line" }, h("div", { class: "upload-says" }, says, counts), buttons), notice);
  root.append(element);
  let shownAs = "";
  /** @type {ReturnType<typeof setTimeout> | null} */
  let due = null;
  const onChange = (/** @type {Event} */ event) => {
    if (/** @type {CustomEvent} */ (event).detail !== jobId) return;
    if (upload.status !== shownAs) draw();
    else due ??= setTimeout(draw, REDRAWN_MS);
  };
  const ticking = setInterval(() => (upload.status === "broken" || upload.status === "sending") && draw(), 1000);
  uploads.addEventListener("change", onChange);
  draw();
  return {
    unmount() {
      const hadFocus = element.contains(document.activeElement);
      uploads.removeEventListener("change", onChange);
      clearInterval(ticking);
      if (due) clearTimeout(due);
      if (hadFocus) focusInstead();
      element.remove();
    },
  };

  function draw() {
    if (due) clearTimeout(due);
    due = null;
    const facts = {
      status: upload.status, sentence: upload.sentence, retryAtMs: upload.retryAtMs, sentBytes: upload.sentBytes,
      sizeBytes: upload.sizeBytes, bytesPerS: upload.bytesPerS(), timeLeftS: upload.timeLeftS(),
    };
    setBar(progress, upload.sizeBytes ? upload.sentBytes / upload.sizeBytes : 0);
    setText(says, standing(facts, Date.now()));
    setText(counts, figures(facts));
    if (upload.status !== shownAs) drawButtons();
  }

  function drawButtons() {
    const had = document.activeElement instanceof HTMLElement && buttons.contains(document.activeElement) ? document.activeElement.dataset.kind : null;
    shownAs = upload.status;
    element.dataset.status = upload.status;
    progress.className = `bar ${{ paused: "paused", broken: "paused", failed: "failed", cancelled: "failed" }[String(upload.status)] ?? ""}`.trim();
    fill(notice);
    fill(buttons, ...buttonsFor(upload.status));
    if (!had) return;
    const same = /** @type {HTMLElement | null} */ (buttons.querySelector(`[data-kind="${had}"]`) ?? buttons.querySelector("button"));
    if (same) same.focus();
    else focusInstead();
  }

  /** What had the focus goes: its file keeps it. */
  function focusInstead() {
    const title = /** @type {HTMLElement | null | undefined} */ (element.closest("article")?.querySelector("h1, h2"));
    if (!title) return;
    title.tabIndex = -1;
    title.focus({ preventScroll: true });
  }

  /** @param {import("./upload_store.js").UploadStatus} status */
  function buttonsFor(status) {
    const pause = () => small("Pause", "pausing", ICONS.pause, () => uploads.pause(jobId));
    const cancel = () => small("Cancel", "cancelling", ICONS.close, cancelled);
    switch (status) {
      case "waiting": case "sending": return [pause(), cancel()];
      case "broken": return [worded("Try now", () => upload.tryNow()), pause(), cancel()];
      case "paused": return [small("Resume", "pausing", ICONS.play, () => uploads.resume(jobId)), cancel()];
      case "failed": return [...remedies(), cancel()];
      default: return [];
    }
  }

  function remedies() {
    if (upload.remedy === "start_over") return [worded("Start over", () => uploads.startOver(jobId))];
    if (upload.remedy === "choose_again") return [worded(`Choose ${shortName(upload.name)} again`, chosenAgain)];
    return [];
  }

  async function cancelled() {
    const isSure = await cancelAsked({ name: upload.name, sizeBytes: upload.sizeBytes, storedBytes: upload.sentBytes });
    if (isSure) await uploads.cancel(jobId);
  }

  async function chosenAgain() {
    const [chosen] = await pickedFiles({ multiple: false });
    if (!chosen) return;
    try {
      const fingerprint = await fingerprintOf(chosen.file);
      const difference = differenceOf(upload.record, { name: chosen.file.name, sizeBytes: chosen.file.size, fingerprint });
      if (difference) setText(notice, difference);
      else uploads.goOnWith(jobId, chosen.file);
    } catch {
      setText(notice, `${chosen.file.name} cannot be read. Choose it again.`);
    }
  }

  /** @param {string} label @param {string} kind by which it keeps the focus @param {string} path @param {() => void} run */
  function small(label, kind, path, run) {
    return h("button", { class: "button small icon quiet", type: "button", title: label, dataset: { kind }, "aria-label": `${label}: ${upload.name}`, onclick: run }, icon(path));
  }

  /** @param {string} label @param {() => void} run */
  function worded(label, run) {
    return h("button", { class: "button small", type: "button", dataset: { kind: "remedy" }, onclick: run }, label);
  }
}
