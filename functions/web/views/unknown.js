// An address that shows nothing.

import { page } from "../progress/nothing_here.js";

/**
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @returns {import("../app.js").Mounted}
 */
export function mount(root, context) {
  context.setTitle("Nothing here");
  root.append(page("There is nothing at this address", "The link may be old, or a letter of it is missing."));
  return { unmount() {} };
}
