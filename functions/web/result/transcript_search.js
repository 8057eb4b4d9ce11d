// Finding words in a transcript: whatever their case, accents and punctuation. Pure.

import { countBefore } from "../bisect.js";

/** @typedef {{first: number, beyond: number}} Found words[first] to words[beyond - 1] */

/**
 * Return a finder of phrases in these words; building it takes a while, asking it does not.
 * @param {readonly {text: string, space_before: boolean}[]} words
 * @returns {(phrase: string) => Found[]}
 */
export function finderIn(words) {
  /** @type {number[]} where in the text each word begins */
  const starts = [];
  let text = "";
  for (const word of words) {
    const letters = plain(word.text);
    if (text && letters && word.space_before) text += " ";
    starts.push(text.length);
    text += letters;
  }
  return (phrase) => {
    const wanted = phrase.trim().split(/\s+/).map(plain).filter(Boolean).join(" ");
    /** @type {Found[]} */
    const found = [];
    for (let at = wanted ? text.indexOf(wanted) : -1; at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      found.push({ first: placeOf(starts, at), beyond: placeOf(starts, at + wanted.length - 1) + 1 });
    }
    return found;
  };
}

/**
 * Return text as it is compared: lower case, without accents, without what is neither letter nor digit.
 * @param {string} text
 */
export function plain(text) {
  return text.normalize("NFKD").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/**
 * Return the last word that begins at or before a place of the text.
 * @param {readonly number[]} starts
 * @param {number} at
 */
function placeOf(starts, at) {
  return countBefore(starts, (each) => each <= at) - 1;
}
