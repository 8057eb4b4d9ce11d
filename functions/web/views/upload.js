import { h } from "../dom.js";

/**
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @param {string} id
 * @returns {import("../app.js").Mounted}
 */
export function mount(root, context, id) {
  context.setTitle("upload");
  root.append(h("h1", {}, "upload", " ", id));
  return { unmount() {} };
}
