import { h } from "../dom.js";

/**
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @param {string} id
 * @returns {import("../app.js").Mounted}
 */
export function mount(root, context, id) {
  context.setTitle("batch");
  root.append(h("h1", {}, "batch", " ", id));
  return { unmount() {} };
}
