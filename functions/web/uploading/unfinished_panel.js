// Uploads that were begun in this browser and not finished.

/**
 * Show what was begun and not finished; with `batch` only of that one.
 * @param {HTMLElement} _root
 * @param {import("../app.js").Context} _context
 * @param {{batch?: string}} [_which]
 * @returns {{unmount: () => void}}
 */
export function mountUnfinished(_root, _context, _which = {}) {
  return { unmount() {} };
}
