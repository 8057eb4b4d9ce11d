// An address that shows nothing.

import { h } from "../dom.js";

/**
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @returns {import("../app.js").Mounted}
 */
export function mount(root, context) {
  context.setTitle("Nothing here");
  root.append(h("div", { class: "empty" },
    h("h1", {}, "There is nothing at this address"),
    h("p", {}, "The link may be old, or a letter of it is missing."),
    h("a", { class: "button primary", href: "/", "data-link": true }, "Make a reel"),
  ));
  return { unmount() {} };
}
