// A reel's poster, asked for when it comes into view.

import { fill, h, icon } from "../dom.js";

const FILM = "M4 5h16v14H4zM8 5v14M16 5v14M4 9.7h4M4 14.3h4M16 9.7h4M16 14.3h4";
const WAVES = "M3 11v2M7 8v8M11 4v16M15 7v10M19 10v4";
const MOST_AT_ONCE = 4;

/** @type {(() => Promise<void>)[]} */
const waiting = [];
let asking = 0;

/**
 * Return a place for a poster; `update` says what there is to show: nothing yet, a reel with a picture, or sound alone.
 * @param {import("../api.js").Api} api
 * @param {string} id
 * @returns {{element: HTMLElement, update: (artifacts: string[], revision: number | string) => void, unmount: () => void}}
 */
export function poster(api, id) {
  const element = h("div", { class: "poster", "aria-hidden": "true" }, icon(FILM));
  let isMounted = true;
  let isSeen = false;
  /** What is shown, or asked for: the same artifacts of the same revision are asked for once. */
  let shown = "";
  let wanted = "";
  const observer = new IntersectionObserver((entries) => {
    isSeen = entries.some((entry) => entry.isIntersecting);
    if (isSeen) load();
  }, { rootMargin: "200px" });
  observer.observe(element);
  return {
    element,
    update,
    unmount() {
      isMounted = false;
      observer.disconnect();
    },
  };

  /** @param {string[]} artifacts @param {number | string} revision */
  function update(artifacts, revision) {
    const kind = artifacts.includes("poster") ? `poster ${revision}` : artifacts.includes("reel") ? "sound" : "";
    if (kind === wanted) return;
    wanted = kind;
    if (kind === "sound") fill(element, icon(WAVES));
    element.classList.toggle("sound", kind === "sound");
    if (isSeen) load();
  }

  function load() {
    if (!wanted.startsWith("poster") || shown === wanted) return;
    shown = wanted;
    waiting.push(show);
    next();
  }

  async function show() {
    if (!isMounted) return;
    const asked = shown;
    try {
      const link = (await api.links(id, ["poster"])).links.poster;
      if (!link || !isMounted || asked !== wanted) return; // a newer reel has a poster of its own
      const image = h("img", { src: link.url, alt: "", decoding: "async" });
      await image.decode();
      fill(element, image);
    } catch {
      shown = ""; // the card has its stand-in; when it comes into view again the poster is asked for once more
    }
  }
}

function next() {
  while (asking < MOST_AT_ONCE && waiting.length) {
    const ask = /** @type {() => Promise<void>} */ (waiting.shift());
    asking += 1;
    void ask().finally(() => {
      asking -= 1;
      next();
    });
  }
}
