// The page: one frame, and in it the view that the address names.

import { Api } from "./api.js";
import { fill } from "./dom.js";
import { askForKey, keyCounted, knownKey } from "./key.js";
import { startRouter } from "./router.js";
import { themeButton } from "./theme.js";
import * as batch from "./views/batch.js";
import * as job from "./views/job.js";
import * as overview from "./views/overview.js";
import * as unknown from "./views/unknown.js";
import * as upload from "./views/upload.js";

/**
 * What every view is given. `api` answers, `go` changes the address, `setTitle` names the view.
 * @typedef {{api: Api, go: (path: string, how?: {replace?: boolean}) => void, setTitle: (title: string) => void}} Context
 */
/** @typedef {{unmount: () => void}} Mounted */

const views = { upload, batch, job, overview, unknown };
const root = /** @type {HTMLElement} */ (document.getElementById("view"));
const api = new Api({ key: knownKey, onKeyWanted: askForKey, onKeyCounted: keyCounted });
/** @type {Mounted | null} */
let mounted = null;

document.getElementById("tools")?.append(themeButton());
const { go } = startRouter((route, { isFirst }) => {
  mounted?.unmount();
  fill(root);
  markNavigation();
  scrollTo(0, 0);
  /** @type {Context} */
  const context = { api, go: (path, how) => go(path, how), setTitle };
  mounted = views[route.name].mount(root, context, "id" in route ? route.id : "");
  if (!isFirst) root.focus({ preventScroll: true });
});

/** @param {string} title */
function setTitle(title) {
  document.title = title ? `${title} · Montage` : "Montage";
}

function markNavigation() {
  for (const link of document.querySelectorAll(".site-nav a")) {
    const isHere = link.getAttribute("href") === location.pathname;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
