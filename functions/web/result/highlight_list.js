// The highlights: the reel's in its order, then what is not in it.

import { byTime, inReel, isOn } from "../editing/edit_state.js";
import { announce, h, setText } from "../dom.js";
import { counted } from "../format.js";
import { highlightRow } from "./highlight_row.js";
import { dragRow } from "./row_drag.js";

const MANY = 40; // rows, from which on those out of sight are not laid out

/** @typedef {ReturnType<typeof highlightRow>} Row */

/**
 * @param {HTMLElement} root
 * @param {Omit<import("./highlight_row.js").RowContext, "onGrip">} how
 */
export function mountHighlightList(root, how) {
  const { session } = how;
  /** @type {Map<string, Row>} */
  const rows = new Map();
  const on = h("ol", { class: "highlights", "aria-label": "In the reel" });
  const off = h("ul", { class: "highlights", "aria-label": "Not in the reel" });
  const nothing = h("p", { class: "soft highlight-none" }, "Nothing is in the reel. Switch on what you want to see.");
  const offTitle = h("h3", { class: "highlights-title" });
  root.append(on, nothing, offTitle, off);

  /** @param {string} id @returns {Row} */
  function rowOf(id) {
    const known = rows.get(id);
    if (known) return known;
    const made = highlightRow({ ...how, onGrip: grip }, id);
    rows.set(id, made);
    return made;
  }

  /** @param {PointerEvent} event @param {string} id */
  function grip(event, id) {
    const order = session.state.order;
    dragRow(event, order.map((each) => rowOf(each).row), order.indexOf(id), (to) => {
      session.move(id, to);
      announce(`Now number ${to + 1} of ${order.length}.`);
    });
  }

  function update() {
    const shown = inReel(session.state);
    const rest = byTime(session.state).filter((each) => !isOn(session.state, each.id));
    place(on, shown.map((each) => rowOf(each.id).row));
    place(off, rest.map((each) => rowOf(each.id).row));
    for (const [id, each] of rows) {
      if (session.state.highlights[id]) each.update();
      else rows.delete(id);
    }
    nothing.hidden = shown.length > 0;
    for (const list of [on, off]) list.classList.toggle("is-long", list.childElementCount > MANY);
    offTitle.hidden = off.hidden = rest.length === 0;
    setText(offTitle, `Not in the reel · ${counted(rest.length, "highlight")}`);
  }

  function reveal() {
    for (const each of rows.values()) each.update();
    const selected = session.selectedId ? rows.get(session.selectedId) : null;
    const scroller = root.closest("[data-scrolls]");
    if (selected && scroller && getComputedStyle(scroller).overflowY === "auto") bringIntoView(scroller, selected.row);
  }

  session.addEventListener("change", update);
  session.addEventListener("select", reveal);
  update();
  return {
    unmount() {
      session.removeEventListener("change", update);
      session.removeEventListener("select", reveal);
    },
  };
}

/**
 * Let a list hold these rows in this order, moving no more than must: what has the focus keeps it.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} rows
 */
function place(list, rows) {
  if (list.childElementCount === rows.length && isInOrder(list, rows)) return;
  const wanted = new Set(rows);
  for (const each of [...list.children]) if (!wanted.has(/** @type {HTMLElement} */ (each))) each.remove();
  rows.forEach((row, n) => {
    if (list.children[n] === row) return;
    const focused = row.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
    list.insertBefore(row, list.children[n] ?? null);
    focused?.focus({ preventScroll: true });
  });
}

/**
 * Return whether a list holds as many rows in this order. Children are gone through one by one: each by its number
 * would be looked for from the first.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} rows
 */
function isInOrder(list, rows) {
  let child = list.firstElementChild;
  for (const row of rows) {
    if (child !== row) return false;
    child = row.nextElementSibling;
  }
  return true;
}

/**
 * Scroll the list, and not the page.
 * @param {Element} scroller
 * @param {HTMLElement} row
 */
function bringIntoView(scroller, row) {
  const outer = scroller.getBoundingClientRect();
  const inner = row.getBoundingClientRect();
  if (inner.top < outer.top) scroller.scrollTop += inner.top - outer.top - 8;
  else if (inner.bottom > outer.bottom) scroller.scrollTop += inner.bottom - outer.bottom + 8;
}
