// A reel and what it was made of.

import { h } from "../dom.js";

/**
 * Show a job's reel.
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} _context
 * @param {import("../api.js").Job} job
 * @param {{onChanged: () => void}} _how
 * @returns {{update: (job: import("../api.js").Job) => void, unmount: () => void}}
 */
export function mountResult(root, _context, job, _how) {
  const title = h("h1", {}, job.source.name);
  root.append(title);
  return { update() {}, unmount: () => title.remove() };
}
