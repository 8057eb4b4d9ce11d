// The timeline people work with: the whole source, what was found in it, and the highlights to choose and to trim.

import { h, icon, ICONS, setText } from "../dom.js";
import { Detail } from "./detail.js";
import { Picture } from "./drawing.js";
import { listenToEdges } from "./edge_drag.js";
import { listenToHighlights } from "./highlight_keys.js";
import { HighlightList } from "./highlight_list.js";
import { summary } from "./names.js";
import { OverviewStrip } from "./overview_strip.js";
import { watchTheme } from "./palette.js";
import { Playhead } from "./playhead.js";
import { LANES_AIR_PX, rowsOf } from "./rows.js";
import { addAt, listenToStage } from "./seek_and_add.js";
import { prepared } from "./source_data.js";
import { Tip } from "./tip.js";
import { Viewport } from "./viewport.js";
import { listenToZoom, ZOOM_STEP } from "./zoom_gestures.js";

/** @typedef {import("./parts.js").Parts} Parts */
/**
 * @typedef {{data: import("./source_data.js").TimelineData, session: import("../editing/edit_session.js").EditSession,
 *   isReadOnly?: boolean, onSeek: import("./parts.js").OnSeek, onPlay: (highlightId: string) => void}} TimelineOptions
 */

const FIT_ICON = "M4 6v12M20 6v12M8 12h8M10 9.5L7.5 12l2.5 2.5M14 9.5l2.5 2.5-2.5 2.5";
const OUT_ICON = "M5 12h14";

/**
 * Put a timeline into an element. `setPlayhead` takes the source's time, at each frame while it plays; null hides it.
 * @param {HTMLElement} root
 * @param {TimelineOptions} options
 * @returns {{setPlayhead: (atS: number | null) => void, reveal: (atS: number) => void, unmount: () => void}}
 */
export function mountTimeline(root, { data, session, isReadOnly = false, onSeek, onPlay }) {
  const source = prepared(data);
  const canvas = h("canvas", { class: "timeline-picture", "aria-hidden": "true" });
  const element = h("ol", { class: "timeline-highlights", "aria-label": "Highlights" });
  const stage = h("div", { class: "timeline-stage" }, canvas, element);
  const spacer = h("div", { class: "timeline-spacer" }, stage);
  const scroller = h("div", { class: "timeline-scroller", tabindex: "0", role: "group", "aria-label": "Timeline" }, spacer);
  const view = new Viewport({ scroller, spacer, stage }, source.durationS);
  const list = new HighlightList(element, view, session, { isReadOnly });
  const picture = new Picture(canvas, view, source, session);
  const tip = new Tip();
  const playhead = new Playhead(view);
  const strip = new OverviewStrip(view, source, session);
  stage.append(playhead.element);
  const shell = h("section", { class: "timeline", "aria-label": "Timeline of the source" });
  /** @type {Parts} */
  const parts = { root: shell, scroller, stage, source, session, view, picture, list, tip, isReadOnly, playheadS: () => playhead.atS, onSeek, onPlay };
  const detail = new Detail(parts);
  const words = h("p", { class: "visually-hidden" });
  const heads = h("div", { class: "timeline-heads", "aria-hidden": "true" });
  const zoomButtons = buttonsOf(view, isReadOnly ? null : () => addAt(parts, playhead.atS ?? view.timeAt(view.widthPx / 3)));
  shell.append(words, zoomButtons.element, h("div", { class: "timeline-grid" }, heads,
    h("div", { class: "timeline-frame" }, scroller, h("div", { class: "timeline-ring" }), tip.element), strip.element), detail.element);
  root.append(shell);
  picture.recolour();

  const ended = new AbortController();
  if (!isReadOnly) listenToEdges(parts, ended.signal);
  listenToHighlights(parts, ended.signal);
  listenToStage(parts, ended.signal);
  listenToZoom(parts, ended.signal);
  strip.listen(ended.signal);
  session.addEventListener("change", onChange, { signal: ended.signal });
  session.addEventListener("select", onSelect, { signal: ended.signal });
  const pointers = matchMedia("(pointer: coarse)");
  pointers.addEventListener("change", layOut, { signal: ended.signal });
  const unwatchTheme = watchTheme(() => {
    picture.recolour();
    strip.recolour();
  });
  view.painters.push(() => picture.paint(), () => list.paint(), () => playhead.paint(), () => strip.paint(), () => zoomButtons.show());
  onChange();
  view.measure();

  function onChange() {
    list.read();
    layOut();
    strip.touch();
    detail.show();
    if (!list.isDragging) setText(words, summary(source, session.state));
  }

  function onSelect() {
    list.touch();
    detail.show();
    const selected = session.selectedId === null ? undefined : session.state.highlights[session.selectedId];
    if (selected) view.pivotS = (selected.startS + selected.endS) / 2;
    if (selected && !list.isDragging) view.reveal(selected.startS, selected.endS);
  }

  function layOut() {
    const rows = rowsOf(source, { lanes: list.laneCount, isCoarse: pointers.matches });
    if (JSON.stringify(rows) === JSON.stringify(picture.rows)) return;
    picture.rows = rows;
    list.lanePx = rows.lanePx;
    list.gripPx = pointers.matches ? 40 : 14;
    shell.style.setProperty("--rows", `${rows.heightPx}px`);
    shell.style.setProperty("--lanes-top", `${rows.highlights.topPx + LANES_AIR_PX}px`);
    shell.style.setProperty("--lane", `${rows.lanePx}px`);
    heads.replaceChildren(...headsOf(rows, source));
    list.touch();
  }

  return {
    setPlayhead(atS) {
      playhead.show(atS, !list.isDragging);
      view.pivotS = atS;
      strip.showPlayhead(atS);
    },
    reveal(atS) {
      view.reveal(atS);
    },
    unmount() {
      ended.abort();
      unwatchTheme();
      view.close();
      picture.close();
      shell.remove();
    },
  };
}

/**
 * @param {Viewport} view
 * @param {(() => void) | null} onAdd
 */
function buttonsOf(view, onAdd) {
  const button = (/** @type {string} */ label, /** @type {string} */ path, /** @type {() => void} */ onclick) =>
    h("button", { class: "button small icon quiet", type: "button", "aria-label": label, title: label, onclick }, icon(path));
  const out = button("Zoom out", OUT_ICON, () => view.zoomByStep(1 / ZOOM_STEP));
  const fit = button("Show the whole source", FIT_ICON, () => view.fit());
  const closer = button("Zoom in", ICONS.add, () => view.zoomByStep(ZOOM_STEP));
  const element = h("div", { class: "timeline-tools" },
    onAdd ? h("button", { class: "button small", type: "button", onclick: onAdd }, icon(ICONS.add), "Add highlight here") : h("span"),
    h("div", { class: "timeline-zoom", role: "group", "aria-label": "Zoom" }, out, fit, closer));
  return {
    element,
    show() {
      for (const each of [out, fit]) each.setAttribute("aria-disabled", String(view.isFitting));
    },
  };
}

/**
 * @param {import("./rows.js").Rows} rows
 * @param {import("./source_data.js").Source} source
 */
function headsOf(rows, source) {
  /** @type {[string, import("./rows.js").Row | null][]} */
  const named = [["Picture", rows.thumbs], ["Highlights", rows.highlights], ["Movement", rows.motion],
    [source.words.length ? "Words" : "Sound", rows.speech]];
  return named.map(([name, row]) => row && h("span", { vars: { top: `${row.topPx}px`, height: `${row.heightPx}px` } }, name))
    .filter((each) => each !== null);
}
