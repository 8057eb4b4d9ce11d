import assert from "node:assert/strict";
import { test } from "node:test";

import { saidIn, sentenceOf, sentencesOf, spanOf, textOf, wordAt } from "../../../functions/web/result/sentences.js";
import { finderIn } from "../../../functions/web/result/transcript_search.js";

const words = ["Where’s", "the", "Café?", "–", "Over", "there."].map((text, n) => ({
  text, start_s: n, end_s: n + 0.8, space_before: n > 0,
}));
const segments = [{ start_s: 0 }, { start_s: 4 }];

test("words are told as sentences, none twice", () => {
  const sentences = sentencesOf(words, segments);
  assert.deepEqual(sentences.map((each) => textOf(words, each)), ["Where’s the Café? –", "Over there."]);
  assert.deepEqual(sentences.map((each) => [each.startS, each.endS]), [[0, 3.8], [4, 5.8]]);
  assert.deepEqual(words.map((_, n) => sentenceOf(sentences, n)), [0, 0, 0, 0, 1, 1]);
  assert.equal(sentencesOf(words, []).length, 1);
});

test("the word that is said is found by its time", () => {
  assert.deepEqual([-1, 0, 0.9, 3.5, 60].map((atS) => wordAt(words, atS)), [-1, 0, 0, 3, 5]);
});

test("phrases are found whatever their case, accents and punctuation", () => {
  const find = finderIn(words);
  assert.deepEqual(find("the cafe over"), [{ first: 1, beyond: 5 }]);
  assert.deepEqual(find("WHERES"), [{ first: 0, beyond: 1 }]);
  assert.deepEqual(find("the").map((each) => each.first), [1, 5]);
  assert.deepEqual(find(" ?! "), []);
});

test("text without spaces between words is searched as it is written", () => {
  const written = ["東京", "は", "夜"].map((text) => ({ text, space_before: false }));
  assert.deepEqual(finderIn(written)("京は"), [{ first: 0, beyond: 2 }]);
});

test("20,000 words are searched in no time", () => {
  const many = Array.from({ length: 20_000 }, (_, n) => ({ text: n === 19_999 ? "kickflip" : `word${n}`, space_before: true }));
  const find = finderIn(many);
  const began = performance.now();
  assert.deepEqual(find("kickflip"), [{ first: 19_999, beyond: 20_000 }]);
  assert.ok(performance.now() - began < 100);
});

test("a highlight is quoted by its first words", () => {
  assert.equal(saidIn(words, 0.9, 4.5), "the Café? – Over");
  assert.equal(saidIn(words, 0.2, 9, 2), "Where’s the");
  assert.equal(saidIn(words, 5.6, 9), "");
  assert.equal(saidIn([], 0, 9), "");
});

test("a highlight of some words has a breath around them, and nothing of their neighbours", () => {
  const close = [[0.05, 1], [1.04, 2], [3, 4]].map(([start_s, end_s]) => ({ start_s, end_s, text: "", space_before: true }));
  const { startS, endS } = spanOf(close, 1, 1);
  assert.deepEqual([startS, endS].map((each) => each.toFixed(3)), ["1.020", "2.100"]);
  assert.deepEqual(spanOf(close, 0, 2), { startS: 0, endS: 4.1 });
});
