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

/** The address whose view is mounted. */
let shown = "";

/**
 * Follow links and the browser's buttons.
 * @param {(route: Route, how: {isFirst: boolean}) => void} show
 * @returns {{go: (path: string, how?: {replace?: boolean}) => void}}
 */
export function startRouter(show) {
  document.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest?.("a[data-link]");
    if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.origin !== location.origin) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  addEventListener("popstate", () => {
    if (address() !== shown) now(); // else a link within the page was followed, such as the one to its content
  });
  now({ isFirst: true });
  return { go };

  /** @param {string} path @param {{replace?: boolean}} [how] */
  function go(path, { replace = false } = {}) {
    if (replace) history.replaceState(null, "", path);
    else history.pushState(null, "", path);
    now();
  }

  function now({ isFirst = false } = {}) {
    shown = address();
    show(routeOf(location.pathname), { isFirst });
  }
}

/** Return what was kept for this entry of the browser's history: null for one that is new. @returns {unknown} */
export const placeKept = () => history.state;

/**
 * Keep where somebody is, for when they come back by the browser's buttons, without changing what is shown.
 * @param {unknown} place whatever can be copied
 * @param {string} [path] the address from now on
 */
export function keepPlace(place, path = address()) {
  history.replaceState(place, "", path);
  shown = path;
}

const address = () => location.pathname + location.search;
