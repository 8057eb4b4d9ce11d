// A quiet line that says when what is shown may be old.

import { h, setText } from "../dom.js";

/**
 * Return the line; `tell` shows an error, and null takes it away.
 * @returns {{element: HTMLElement, tell: (error: Error | null) => void}}
 */
export function troubleLine() {
  const element = h("p", { class: "trouble-line", role: "status", hidden: true });
  return { element, tell };

  /** @param {Error | null} error */
  function tell(error) {
    element.hidden = error === null;
    if (!error) return;
    const { status } = /** @type {import("../api.js").ApiError} */ (error);
    setText(element, status === 0
      ? "Montage cannot be reached just now. This is what was last known; it goes on by itself."
      : "Montage is busy just now. This is what was last known; it goes on by itself.");
  }
}
