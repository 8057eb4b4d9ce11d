// The page's addresses. Links with `data-link` change the view without loading the page anew.

/**
 * @typedef {{name: "upload"} | {name: "overview"} | {name: "batch", id: string} | {name: "job", id: string} |
 *   {name: "unknown"}} Route
 */

/**
 * Return what an address shows. Pure.
 * @param {string} path
 * @returns {Route}
 */
export function routeOf(path) {
  const [first, id, ...more] = path.split("/").filter(Boolean);
  if (first === undefined) return { name: "upload" };
  if (more.length) return { name: "unknown" };
  if (first === "jobs") return id === undefined ? { name: "overview" } : { name: "job", id };
  if (first === "batches" && id !== undefined) return { name: "batch", id };
  return { name: "unknown" };
}

/**
 * Follow links and the browser's buttons.
 * @param {(route: Route, how: {isFirst: boolean}) => void} show
 * @returns {{go: (path: string, how?: {replace?: boolean}) => void}}
 */
export function startRouter(show) {
  const now = () => show(routeOf(location.pathname), { isFirst: false });
  document.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest?.("a[data-link]");
    if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.origin !== location.origin) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  addEventListener("popstate", now);
  show(routeOf(location.pathname), { isFirst: true });
  return { go };

  /** @param {string} path @param {{replace?: boolean}} [how] */
  function go(path, { replace = false } = {}) {
    if (replace) history.replaceState(null, "", path);
    else history.pushState(null, "", path);
    now();
  }
}
