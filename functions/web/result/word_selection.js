// Which words somebody has selected.

/**
 * Return the first and the last selected word's place, or null where none in the list is.
 * @param {Selection | null} selection
 * @param {HTMLElement} list
 * @returns {{first: number, last: number} | null}
 */
export function wordRange(selection, list) {
  if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  if (!list.contains(range.commonAncestorContainer)) return null;
  const places = [...list.querySelectorAll(".word")].filter((each) => range.intersectsNode(each) && isTouched(range, each))
    .map((each) => Number(/** @type {HTMLElement} */ (each).dataset.word));
  return places.length ? { first: places[0], last: places[places.length - 1] } : null;
}

/**
 * Return whether a selection has more of a word than its border.
 * @param {Range} range
 * @param {Element} word
 */
function isTouched(range, word) {
  const inner = document.createRange();
  inner.selectNodeContents(word);
  return range.compareBoundaryPoints(Range.END_TO_START, inner) < 0 && range.compareBoundaryPoints(Range.START_TO_END, inner) > 0;
}
