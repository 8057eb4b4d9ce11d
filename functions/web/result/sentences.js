// A transcript as sentences of words. Pure.

import { countBefore } from "../bisect.js";

/** @typedef {{text: string, start_s: number, end_s: number, space_before: boolean}} Word */
/** @typedef {{startS: number, endS: number, first: number, beyond: number}} Sentence words[first] to words[beyond - 1] */

/**
 * Return the sentences, each with its words' places; a word belongs to the last segment that has begun at its middle.
 * @param {readonly Word[]} words by time
 * @param {readonly {start_s: number}[]} segments by time
 * @returns {Sentence[]}
 */
export function sentencesOf(words, segments) {
  /** @type {Sentence[]} */
  const made = [];
  let next = 0;
  words.forEach((word, n) => {
    const middleS = middleOf(word);
    let begins = n === 0;
    while (next < segments.length && segments[next].start_s <= middleS) {
      begins = true;
      next += 1;
    }
    const last = made.at(-1);
    if (begins || !last) made.push({ startS: word.start_s, endS: word.end_s, first: n, beyond: n + 1 });
    else Object.assign(last, { endS: word.end_s, beyond: n + 1 });
  });
  return made;
}

/**
 * Return the place of the word that is said at a moment, or of the one before while nobody speaks; -1 before the first.
 * @param {readonly {start_s: number}[]} words by time
 * @param {number} atS
 */
export function wordAt(words, atS) {
  return countBefore(words, (each) => each.start_s <= atS) - 1;
}

/**
 * Return the place of the sentence that has a word.
 * @param {readonly Sentence[]} sentences
 * @param {number} word its place
 */
export function sentenceOf(sentences, word) {
  return countBefore(sentences, (each) => each.beyond <= word);
}

/**
 * Return the beginning of what is said in a stretch: words that have their middle in it; "" where nobody speaks.
 * @param {readonly Word[]} words by time
 * @param {number} startS
 * @param {number} endS
 * @param {number} [most] words
 */
export function saidIn(words, startS, endS, most = 14) {
  let first = Math.max(0, wordAt(words, startS));
  while (first < words.length && middleOf(words[first]) < startS) first += 1;
  let beyond = first;
  while (beyond < words.length && beyond - first < most && middleOf(words[beyond]) < endS) beyond += 1;
  return textOf(words, { first, beyond });
}

const AIR_S = 0.1; // what is added by its words begins and ends with a breath

/**
 * Return the stretch of some words with a breath around it, but nothing of the words beside it.
 * @param {readonly Word[]} words by time
 * @param {number} first
 * @param {number} last
 */
export function spanOf(words, first, last) {
  const [startS, endS] = [words[first].start_s, words[last].end_s];
  const beforeS = Math.max(0, startS - (words[first - 1]?.end_s ?? -Infinity));
  const afterS = Math.max(0, (words[last + 1]?.start_s ?? Infinity) - endS);
  return { startS: Math.max(0, startS - Math.min(AIR_S, beforeS / 2)), endS: endS + Math.min(AIR_S, afterS / 2) };
}

/** @param {Word} word */
function middleOf(word) {
  return (word.start_s + word.end_s) / 2;
}

/**
 * Return a sentence as running text.
 * @param {readonly Word[]} words
 * @param {Pick<Sentence, "first" | "beyond">} sentence
 */
export function textOf(words, { first, beyond }) {
  return words.slice(first, beyond).map((word, n) => (n > 0 && word.space_before ? " " : "") + word.text).join("");
}
