// All uploads together: how much is sent, how long it takes, and pausing or resuming them all.

import { bar, fill, h, icon, ICONS, setBar, setText } from "../dom.js";
import { counted, duration, percent } from "../format.js";
import { uploads } from "./upload_store.js";

/**
 * Show what this tab sends, of a batch or at all; nothing while that is nothing.
 * @param {HTMLElement} root
 * @param {{batch?: string}} [of]
 * @returns {{unmount: () => void}}
 */
export function mountUploadsSummary(root, { batch } = {}) {
  const links = h("span", { class: "uploads-links" });
  const progress = bar("All uploads");
  const words = h("p", { class: "uploads-words" });
  const buttons = h("div", { class: "buttons" });
  const element = h("section", { class: "uploads-summary", "aria-label": "Uploads", hidden: true },
    h("div", { class: "uploads-line" }, h("div", {}, words, links), buttons), progress);
  root.append(element);
  let shownAs = "";
  /** @type {ReturnType<typeof setTimeout> | null} */
  let due = null;
  const onChange = () => {
    due ??= setTimeout(draw, 200);
  };
  uploads.addEventListener("change", onChange);
  draw();
  return {
    unmount() {
      uploads.removeEventListener("change", onChange);
      if (due) clearTimeout(due);
      element.remove();
    },
  };

  function draw() {
    due = null;
    const all = uploads.all(batch).filter(({ status }) => status !== "cancelled");
    const open = all.filter(({ isOver }) => !isOver);
    element.hidden = open.length === 0;
    const sizeBytes = sum(all.map((upload) => upload.sizeBytes));
    const sentBytes = sum(all.map((upload) => upload.sentBytes));
    const bytesPerS = sum(open.map((upload) => upload.bytesPerS() ?? 0));
    setBar(progress, sizeBytes ? sentBytes / sizeBytes : 0);
    setText(words, [
      `${all.length - open.length} of ${counted(all.length, "file")} uploaded`,
      percent(sizeBytes ? sentBytes / sizeBytes : 0),
      bytesPerS > 1 && `${duration((sizeBytes - sentBytes) / bytesPerS)} left`,
    ].filter(Boolean).join(" · "));
    if (batch === undefined) drawLinks([...new Set(open.map((upload) => upload.batch))]);
    drawButtons(open.some(({ isActive }) => isActive), open.some(({ status }) => status === "paused"));
  }

  /** @param {string[]} batches */
  function drawLinks(batches) {
    if (links.childElementCount === batches.length) return;
    fill(links, ...batches.map((id, at) => h("a", { href: `/batches/${id}`, "data-link": true }, batches.length > 1 ? `Look at batch ${at + 1}` : "Look at them")));
  }

  /** @param {boolean} canPause @param {boolean} canResume */
  function drawButtons(canPause, canResume) {
    if (shownAs === `${canPause} ${canResume}`) return;
    shownAs = `${canPause} ${canResume}`;
    const had = document.activeElement instanceof HTMLElement && buttons.contains(document.activeElement);
    fill(buttons,
      canPause && button("Pause all", ICONS.pause, () => uploads.pauseAll(batch)),
      canResume && button("Resume all", ICONS.play, () => uploads.resumeAll(batch)));
    if (had) buttons.querySelector("button")?.focus();
  }
}

/** @param {string} label @param {string} path @param {() => void} run */
function button(label, path, run) {
  return h("button", { class: "button small", type: "button", onclick: run }, icon(path), label);
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}
