// Keys that work anywhere in a result, but where a control uses them itself.

const FIELDS = "input:not([type=checkbox]), select, textarea, [contenteditable]";
/** What uses keys itself: arrows move sliders and lists and players, Space presses and scrolls. */
const OWN_ARROWS = `${FIELDS}, video, audio, [role=slider], .timeline-scroller`;
const OWN_SPACE = `${OWN_ARROWS}, input, button, a[href], summary, [tabindex='0']`;

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
    if (event.ctrlKey || event.metaKey || event.altKey || target?.closest(ownersOf(event.key))) return;
    const run = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!run) return;
    event.preventDefault();
    run();
  }

  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}

/**
 * Return the selector of what uses a key itself. Pure.
 * @param {string} key
 */
export function ownersOf(key) {
  if (key === " ") return OWN_SPACE;
  return key.startsWith("Arrow") ? OWN_ARROWS : FIELDS;
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
