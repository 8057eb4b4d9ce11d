// Words in runs that are spoken in one breath: what can be read before single words can. Pure.

import { countBefore } from "../bisect.js";

/** @typedef {import("./source_data.js").Word} Word */
/** Words [from, to) and what they say. @typedef {{startS: number, endS: number, from: number, to: number, text: string}} Phrase */

const PAUSE_S = 0.7;
const ENDS = /[.!?…。！？]["'”’)]?$/u;

/**
 * Return the phrases by time: a sentence ends one, and so does a pause.
 * @param {readonly Word[]} words by time
 * @returns {Phrase[]}
 */
export function phrasesOf(words) {
  /** @type {Phrase[]} */
  const phrases = [];
  let from = 0;
  words.forEach((word, n) => {
    const next = words[n + 1];
    if (next && !ENDS.test(word.text) && next.start_s - word.end_s < PAUSE_S) return;
    phrases.push(phrase(words, from, n + 1));
    from = n + 1;
  });
  return phrases;
}

/**
 * Return the place of the first item that ends after a time.
 * @template T
 * @param {readonly T[]} items by time
 * @param {number} atS
 * @param {(item: T) => number} endOf
 */
export function firstAfter(items, atS, endOf) {
  return countBefore(items, (each) => endOf(each) <= atS);
}

/**
 * @param {readonly Word[]} words
 * @param {number} from
 * @param {number} to
 * @returns {Phrase}
 */
function phrase(words, from, to) {
  const said = words.slice(from, to);
  const text = said.map((word, n) => (n && word.space_before ? " " : "") + word.text.trim()).join("");
  return { startS: said[0]?.start_s ?? 0, endS: said.at(-1)?.end_s ?? 0, from, to, text };
}
