// A page that says why there is nothing to show, and what to do.

import { h } from "../dom.js";

/**
 * Return the page for an error that asking again does not help against.
 * @param {Error} error
 * @param {{what: string}} how what: "batch" or "reel"
 * @returns {HTMLElement}
 */
export function nothingHere(error, { what }) {
  const { code, name } = /** @type {{code?: string, name: string}} */ (error);
  const isUnknown = code === "unknown_job" || code === "unknown_batch";
  if (isUnknown) {
    return page(`There is no such ${what}`,
      "It may have been erased, belong to somebody else, or a letter of the link is missing. Ask whoever sent it for the link.");
  }
  if (name === "KeyRefused") return page("A key is needed here", error.message, [again()]);
  return page("This cannot be shown", error.message, [again(), overview()]);
}

/**
 * Return a page with a heading, a sentence and what to do, the likeliest first.
 * @param {string} title
 * @param {string} sentence
 * @param {HTMLElement[]} [ways]
 * @returns {HTMLElement}
 */
export function page(title, sentence, ways = [newReel(), overview()]) {
  return h("div", { class: "empty" },
    h("h1", {}, title),
    h("p", {}, sentence),
    h("div", { class: "buttons" }, ways));
}

function newReel() {
  return h("a", { class: "button primary", href: "/", "data-link": true }, "Make a reel");
}

function overview() {
  return h("a", { class: "button", href: "/jobs", "data-link": true }, "See my reels");
}

function again() {
  return h("button", { class: "button primary", type: "button", onclick: () => location.reload() }, "Load again");
}
