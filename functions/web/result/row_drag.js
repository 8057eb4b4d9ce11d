// Dragging a row of a list to another place. The rows give way while it goes; the list changes when it is let go.

/**
 * @param {PointerEvent} event the press on the row's grip
 * @param {HTMLElement[]} rows all that take part, in order
 * @param {number} from the dragged one's place
 * @param {(to: number) => void} onDrop
 */
export function dragRow(event, rows, from, onDrop) {
  if (event.button !== 0) return;
  event.preventDefault();
  const grip = /** @type {HTMLElement} */ (event.currentTarget);
  const row = rows[from];
  const boxes = rows.map((each) => each.getBoundingClientRect());
  const scroller = /** @type {HTMLElement | null} */ (row.closest("[data-scrolls]"));
  const scrolledPx = scroller?.scrollTop ?? 0;
  const gapPx = boxes.length > 1 ? boxes[1].top - boxes[0].bottom : 0;
  const stepPx = boxes[from].height + gapPx; // the room that the dragged one leaves
  let to = from;
  grip.setPointerCapture(event.pointerId);
  row.classList.add("is-dragged");

  /** @param {PointerEvent} moved */
  function move(moved) {
    scrollNear(moved.clientY);
    const byPx = moved.clientY - event.clientY + (scroller?.scrollTop ?? 0) - scrolledPx;
    const middle = boxes[from].top + boxes[from].height / 2 + byPx;
    to = placeAt(boxes, from, middle);
    rows.forEach((each, n) => each.style.setProperty("--drag", `${n === from ? byPx : shift(n, from, to) * stepPx}px`));
  }

  /** @param {number} clientY */
  function scrollNear(clientY) {
    if (!scroller) return;
    const { top, bottom } = scroller.getBoundingClientRect();
    if (clientY < top + 24) scroller.scrollTop -= 12;
    else if (clientY > bottom - 24) scroller.scrollTop += 12;
  }

  /** @param {boolean} isDropped */
  function end(isDropped) {
    grip.removeEventListener("pointermove", move);
    grip.removeEventListener("pointerup", drop);
    grip.removeEventListener("pointercancel", giveUp);
    document.removeEventListener("keydown", escape, true);
    row.classList.remove("is-dragged");
    for (const each of rows) each.style.removeProperty("--drag");
    if (isDropped && to !== from) onDrop(to);
  }
  const drop = () => end(true);
  const giveUp = () => end(false);
  /** @param {KeyboardEvent} pressed */
  function escape(pressed) {
    if (pressed.key !== "Escape") return;
    pressed.preventDefault();
    end(false);
  }

  grip.addEventListener("pointermove", move);
  grip.addEventListener("pointerup", drop);
  grip.addEventListener("pointercancel", giveUp);
  document.addEventListener("keydown", escape, true);
}

/**
 * Return the place that a row has whose middle is at a height. Pure.
 * @param {{top: number, height: number}[]} boxes
 * @param {number} from
 * @param {number} middle
 */
export function placeAt(boxes, from, middle) {
  return boxes.filter((each, n) => n !== from && each.top + each.height / 2 < middle).length;
}

/** @param {number} n @param {number} from @param {number} to */
function shift(n, from, to) {
  if (n > from && n <= to) return -1;
  return n < from && n >= to ? 1 : 0;
}
