// Keys that work anywhere in a result but in controls, which have their own.

const CONTROLS = "input, select, textarea, button, a[href], summary, video, audio, dialog, [role=slider], [tabindex='0'], [contenteditable]";
const FIELDS = "input:not([type=checkbox]), select, textarea, [contenteditable]";

/**
 * @param {{screen: import("./screen.js").Screen, session: () => import("../editing/edit_session.js").EditSession | null}} on
 * @returns {() => void} which ends it
 */
export function listenToShortcuts({ screen, session }) {
  /** @type {Record<string, () => void>} */
  const keys = {
    " ": () => screen.togglePlay(), k: () => screen.togglePlay(),
    j: () => screen.jump(-5), l: () => screen.jump(5),
    ArrowLeft: () => screen.step(-1), ArrowRight: () => screen.step(1),
  };

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    const target = event.target instanceof Element ? event.target : null;
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const history = historyStep(event);
    if (history) {
      if (target?.closest(FIELDS)) return;
      event.preventDefault();
      session()?.[history]();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || target?.closest(CONTROLS)) return;
    const run = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!run) return;
    event.preventDefault();
    run();
  }

  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}

/**
 * Return what a key asks of an edit's history, or null. Pure.
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">} event
 * @returns {"undo" | "redo" | null}
 */
export function historyStep({ key, ctrlKey, metaKey, shiftKey, altKey }) {
  if (!(ctrlKey || metaKey) || altKey) return null;
  if (key.toLowerCase() === "z") return shiftKey ? "redo" : "undo";
  return key.toLowerCase() === "y" && !shiftKey ? "redo" : null;
}
