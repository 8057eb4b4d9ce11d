// How far down the overview somebody was, kept with the entry of the browser's history.

import { keepPlace, placeKept } from "../router.js";

const KEPT_MS = 150; // browsers refuse more than some hundred changes a minute
const MOST_PAGES = 20; // so many are loaded again, 1200 reels

/** @typedef {{pages: number, scrollY: number}} Place */

/**
 * Return the place that was kept, or the top of the first page. Pure.
 * @param {unknown} kept
 * @returns {Place}
 */
export function placeIn(kept) {
  const { pages, scrollY } = /** @type {Partial<Place>} */ (kept && typeof kept === "object" ? kept : {});
  return {
    pages: Number.isInteger(pages) ? Math.min(MOST_PAGES, Math.max(1, Number(pages))) : 1,
    scrollY: Number.isFinite(scrollY) ? Math.max(0, Number(scrollY)) : 0,
  };
}

/**
 * Keep the place from `follow` on until `end`.
 * @param {{pages: () => number, address: () => string}} now
 */
export function keptPlace({ pages, address }) {
  const place = placeIn(placeKept());
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let due;
  let isFollowed = false;
  return { place, follow, changed, end };

  /** Go where it was, now that it is there again, and follow. */
  function follow() {
    if (isFollowed) return;
    isFollowed = true;
    if (place.scrollY) scrollTo(0, place.scrollY);
    addEventListener("scroll", changed, { passive: true });
  }

  function changed() {
    clearTimeout(due);
    due = setTimeout(() => keepPlace({ pages: pages(), scrollY: isFollowed ? scrollY : place.scrollY }, address()), KEPT_MS);
  }

  function end() {
    clearTimeout(due);
    removeEventListener("scroll", changed);
  }
}
