// What pressing a highlight does, by pointer and by key.

import { announce } from "../dom.js";
import { ADDED } from "../editing/edit_state.js";
import { exact, lengthOf } from "./names.js";

/** @typedef {import("./parts.js").Parts} Parts */

/**
 * @param {Parts} parts
 * @param {AbortSignal} signal
 */
export function listenToHighlights(parts, signal) {
  const { list, session, view, tip, picture, onSeek, onPlay } = parts;
  const { element } = list;
  element.addEventListener("click", press, { signal });
  element.addEventListener("dblclick", (event) => withId(event, ".timeline-body", onPlay), { signal });
  element.addEventListener("keydown", key, { signal });
  element.addEventListener("keyup", (event) => {
    if (event.key === " " && idOf(event, ".timeline-body")) event.preventDefault(); // Firefox presses buttons here
  }, { signal });
  element.addEventListener("focusin", (event) => withId(event, ".timeline-body", revealed), { signal });
  element.addEventListener("pointerover", (event) => event.pointerType !== "touch" && hover(idOf(event, ".timeline-highlight")), { signal });
  element.addEventListener("pointerleave", () => hover(null), { signal });
  element.addEventListener("focusout", ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && element.contains(relatedTarget))) hover(null);
  }, { signal });
  let told = { scrollPx: 0, pxPerS: 0 };
  view.painters.push(() => { // what moved away is no longer pointed at
    if (!list.isDragging && (told.scrollPx !== view.scrollPx || told.pxPerS !== view.pxPerS)) tip.hide();
  });

  /** @param {MouseEvent} event */
  function press(event) {
    withId(event, ".timeline-switch", (id) => turn(parts, id));
    withId(event, ".timeline-body", (id) => {
      session.select(id);
      onSeek(session.state.highlights[id]?.startS ?? 0, { isToPlay: true });
    });
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const id = idOf(event, ".timeline-body");
    if (!id || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { Enter: play, " ": turned, o: turned, Delete: away, Backspace: away, ArrowLeft: before, ArrowRight: after }[event.key];
    if (!act) return;
    event.preventDefault();
    act(id);
  }

  /** @param {string} id */
  function play(id) {
    session.select(id);
    onPlay(id);
  }

  /** @param {string} id */
  function turned(id) {
    if (!parts.isReadOnly) turn(parts, id);
  }

  /** @param {string} id */
  function away(id) {
    if (!parts.isReadOnly) takeAway(parts, id);
  }

  /** @param {string} id */
  function before(id) {
    neighbour(id, -1);
  }

  /** @param {string} id */
  function after(id) {
    neighbour(id, 1);
  }

  /** @param {string} id @param {number} by */
  function neighbour(id, by) {
    const other = list.highlights[list.highlights.findIndex((each) => each.id === id) + by];
    if (!other) return;
    session.select(other.id);
    list.focus(other.id);
    onSeek(other.startS, { isToPlay: false });
  }

  /** @param {string} id */
  function revealed(id) {
    const highlight = session.state.highlights[id];
    if (highlight) view.reveal(highlight.startS, highlight.endS);
    list.touch();
    hover(id);
  }

  /** @param {string | null} id */
  function hover(id) {
    if (list.isDragging) return;
    if (id !== list.hoveredId) {
      list.hoveredId = id;
      list.touch();
    }
    const highlight = id === null ? undefined : session.state.highlights[id];
    if (!highlight || id === null) {
      tip.hide();
      return;
    }
    told = { scrollPx: view.scrollPx, pxPerS: view.pxPerS };
    const clip = list.clipOf(id);
    const [left, right] = [Math.max(0, view.xOf(highlight.startS)), Math.min(view.widthPx, view.xOf(highlight.endS))];
    tip.show({
      title: highlight.reasons.join(" · ") || "highlight",
      more: `${exact(highlight.startS)} · ${lengthOf(highlight)} · ${scoreOf(highlight)}${clip ? `clip ${clip}` : "not in the reel"}`,
    }, { xPx: (left + right) / 2, topPx: (picture.rows?.highlights.topPx ?? 0) - 2, widthPx: view.widthPx });
  }
}

/**
 * Switch a highlight, and say so.
 * @param {Parts} parts
 * @param {string} id
 */
export function turn({ session, list }, id) {
  const place = list.highlights.findIndex((each) => each.id === id) + 1;
  session.switch(id, !list.clipOf(id));
  const clip = list.clipOf(id);
  announce(clip ? `Highlight ${place} is in the reel as clip ${clip}.` : `Highlight ${place} is not in the reel.`);
}

/**
 * Remove a highlight that somebody added; one that was found is only taken out of the reel.
 * @param {Parts} parts
 * @param {string} id
 */
export function takeAway(parts, id) {
  const { session, list, scroller } = parts;
  if (!session.state.highlights[id]?.reasons.includes(ADDED)) {
    if (list.clipOf(id)) turn(parts, id);
    return;
  }
  const place = list.highlights.findIndex((each) => each.id === id);
  session.remove(id);
  announce("Highlight removed.");
  const other = list.highlights[Math.min(place, list.highlights.length - 1)];
  if (other) list.focus(other.id);
  else scroller.focus({ preventScroll: true });
}

/** @param {import("../editing/edit_state.js").Highlight} highlight */
function scoreOf({ score, reasons }) {
  return reasons.includes(ADDED) ? "" : `score ${score.toFixed(2)} · `;
}

/** @param {Event} event @param {string} selector @param {(id: string) => void} act */
function withId(event, selector, act) {
  const id = idOf(event, selector);
  if (id) act(id);
}

/** @param {Event} event @param {string} selector @returns {string | null} */
function idOf({ target }, selector) {
  const hit = target instanceof Element ? target.closest(selector) : null;
  return /** @type {HTMLElement | null} */ (hit?.closest(".timeline-highlight"))?.dataset.id ?? null;
}
