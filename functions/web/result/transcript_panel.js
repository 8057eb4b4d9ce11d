// What is said, to read, search and jump by. Only sentences near what is seen consist of words; the rest is text.

import { inReel } from "../editing/edit_state.js";
import { announce, fill, h, icon, ICONS, setText } from "../dom.js";
import { clock, counted } from "../format.js";
import { sentenceOf, sentencesOf, spanOf, textOf, wordAt } from "./sentences.js";
import { finderIn } from "./transcript_search.js";
import { wordRange } from "./word_selection.js";


const MANY = 100; // sentences, from which on blocks out of sight are not laid out
const BLOCK = 40; // sentences that are watched for together: to watch thousands takes milliseconds of every frame
const MARK_AFTER_MS = 120; // an edge that is dragged changes the reel with every move
const LINGERS_S = 0.3; // a word stays marked so long in a silence

/**
 * @param {HTMLElement} root
 * @param {{transcript: import("./loading.js").Transcript, session: import("../editing/edit_session.js").EditSession,
 *   isReadOnly: boolean, onSeek: (atS: number) => void}} how
 */
export function mountTranscript(root, { transcript: { words, segments }, session, isReadOnly, onSeek }) {
  const sentences = sentencesOf(words, segments);
  /** @type {((phrase: string) => import("./transcript_search.js").Found[]) | null} */
  let find = null;
  /** @type {import("./transcript_search.js").Found[]} */
  let found = [];
  let at = -1;
  let current = -1;
  const texts = sentences.map((each) => h("p", { class: "sentence-text" }, textOf(words, each)));
  const items = sentences.map((each, n) => h("div", { class: "sentence", role: "listitem", dataset: { n } },
    h("button", { type: "button", class: "sentence-time numbers", "aria-label": `Go to ${clock(each.startS)}`, "aria-keyshortcuts": isReadOnly ? null : "Shift+Enter", onclick: () => onSeek(each.startS) }, clock(each.startS)),
    texts[n]));
  const blocks = [...Array(Math.ceil(items.length / BLOCK)).keys()].map((block) =>
    h("div", { class: "sentence-block", role: "presentation", dataset: { block } }, items.slice(block * BLOCK, (block + 1) * BLOCK)));
  const list = h("div", { class: sentences.length > MANY ? "sentences is-long" : "sentences", tabindex: "0", role: "group", "aria-label": "What is said", onclick: pressed, onfocusin: offerSentence, onkeydown: addByKey },
    h("div", { role: "list" }, ...blocks));
  const input = h("input", { type: "search", placeholder: "Search what is said", "aria-label": "Search the transcript", oninput: search, onkeydown: next });
  const count = h("span", { class: "small soft numbers transcript-count", role: "status" });
  const add = h("button", { type: "button", class: "button small", hidden: isReadOnly, disabled: true, onclick: addSelected }, icon(ICONS.add), "Add selected words");
  const addOne = h("button", { type: "button", class: "button small sentence-add", title: "Shift+Enter", onclick: () => addSentence(offered) }, icon(ICONS.add), "Add sentence");
  let offered = -1; // the sentence that the button is in
  fill(root, h("div", { class: "transcript-head" }, h("h2", {}, "Transcript"), add),
    h("div", { class: "transcript-search" }, input, count), list);

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) buildBlock(/** @type {HTMLElement} */ (target));
  }, { root: list, rootMargin: "200px" });
  for (const each of blocks) seen.observe(each);

  /** @param {HTMLElement} block */
  function buildBlock(block) {
    seen.unobserve(block);
    const first = Number(block.dataset.block) * BLOCK;
    for (let n = first; n < Math.min(items.length, first + BLOCK); n += 1) build(n);
  }

  /** @param {number} n */
  function build(n) {
    if (texts[n].childElementCount) return;
    const { first, beyond } = sentences[n];
    fill(texts[n], ...words.slice(first, beyond).flatMap((word, m) => [
      m > 0 && word.space_before && " ", h("span", { class: "word", dataset: { word: first + m } }, word.text),
    ]));
    mark(n);
  }

  /** @param {number} n a sentence of words */
  function mark(n) {
    const spans = inReel(session.state);
    for (const each of /** @type {Iterable<HTMLElement>} */ (texts[n].children)) {
      const place = Number(each.dataset.word);
      const middleS = (words[place].start_s + words[place].end_s) / 2;
      each.classList.toggle("in-reel", spans.some((span) => middleS >= span.startS && middleS < span.endS));
      each.classList.toggle("is-current", place === current);
      each.classList.toggle("is-found", found.some(({ first, beyond }) => place >= first && place < beyond));
      each.classList.toggle("is-found-now", at >= 0 && place >= found[at].first && place < found[at].beyond);
    }
  }

  let marking = 0;
  function markSoon() {
    clearTimeout(marking);
    marking = window.setTimeout(markAll, MARK_AFTER_MS);
  }

  function markAll() {
    texts.forEach((each, n) => each.childElementCount && mark(n));
  }

  /** @param {number} n */
  function bringIntoView(n) {
    const outer = list.getBoundingClientRect();
    const inner = items[n].getBoundingClientRect();
    if (inner.top < outer.top || inner.bottom > outer.bottom) list.scrollTop += inner.top - outer.top - outer.height / 3;
  }

  /** @param {number} atS */
  function follow(atS) {
    const last = wordAt(words, atS);
    const word = last >= 0 && atS > words[last].end_s + LINGERS_S ? -1 : last;
    if (word === current) return;
    const [before, now] = [current, word].map((each) => (each < 0 ? -1 : sentenceOf(sentences, each)));
    current = word;
    if (now >= 0) build(now);
    if (before >= 0 && before !== now && texts[before].childElementCount) mark(before);
    if (now >= 0) mark(now);
    if (now >= 0 && now !== before && !list.matches(":hover, :focus-within")) bringIntoView(now);
  }

  /** @param {MouseEvent} event */
  function pressed(event) {
    const place = /** @type {HTMLElement} */ (event.target).dataset.word;
    if (place !== undefined && getSelection()?.isCollapsed) onSeek(words[Number(place)].start_s);
  }

  function search() {
    find ??= finderIn(words);
    found = find(input.value);
    at = found.length ? 0 : -1;
    showFound();
  }

  /** @param {KeyboardEvent} event */
  function next(event) {
    if (event.key !== "Enter" || !found.length) return;
    event.preventDefault();
    at = (at + (event.shiftKey ? -1 : 1) + found.length) % found.length;
    showFound();
  }

  function showFound() {
    const told = found.length ? `${at + 1} of ${found.length}` : "not said";
    setText(count, input.value.trim() ? told : "");
    count.title = found.length > 1 ? "Enter goes to the next" : "";
    if (at >= 0) {
      const n = sentenceOf(sentences, found[at].first);
      build(n);
      bringIntoView(n);
    }
    markAll();
  }

  /** Words are selected with a pointer; who has none adds the sentence that has the focus. @param {FocusEvent} event */
  function offerSentence(event) {
    const n = placeOf(event);
    if (isReadOnly || n === null || n === offered) return;
    offered = n;
    items[n].append(addOne);
  }

  /** @param {KeyboardEvent} event */
  function addByKey(event) {
    const n = placeOf(event);
    if (isReadOnly || n === null || event.key !== "Enter" || !event.shiftKey) return;
    event.preventDefault();
    addSentence(n);
  }

  /** @param {number} n */
  function addSentence(n) {
    const { first, beyond, startS } = sentences[n];
    session.add(spanOf(words, first, beyond - 1));
    announce(`The sentence at ${clock(startS)} is in the reel.`);
  }

  function selected() {
    const range = wordRange(getSelection(), list);
    add.disabled = !range;
    add.title = range ? `Add ${counted(range.last - range.first + 1, "word")} to the reel` : "Select words with the pointer, or press Shift and Enter on a sentence’s time";
    return range;
  }

  function addSelected() {
    const range = wordRange(getSelection(), list);
    if (!range) return;
    session.add(spanOf(words, range.first, range.last));
    getSelection()?.removeAllRanges();
  }

  document.addEventListener("selectionchange", selected);
  session.addEventListener("change", markSoon);
  return {
    follow,
    unmount() {
      seen.disconnect();
      document.removeEventListener("selectionchange", selected);
      clearTimeout(marking);
      session.removeEventListener("change", markSoon);
    },
  };
}

/** @param {Event} event @returns {number | null} the place of the sentence it is in */
function placeOf({ target }) {
  const item = /** @type {HTMLElement | null} */ (target instanceof Element ? target.closest(".sentence") : null);
  return item ? Number(item.dataset.n) : null;
}
