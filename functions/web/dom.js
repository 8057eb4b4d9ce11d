// Building and changing the page. Text is always text: nothing here takes markup.

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, unknown>} Attributes */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Return a new element. Attributes beginning with "on" are listeners, `class`, `dataset` and `vars` (custom
 * properties, without their dashes) are what they say, true sets an empty attribute; null, undefined and false set none.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  made.append(...nodes(children));
  return made;
}

/**
 * Return a picture of strokes, 24 by 24, that says nothing to screen readers.
 * @param {string} path
 */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const stroke = document.createElementNS(SVG, "path");
  stroke.setAttribute("d", path);
  svg.append(stroke);
  return svg;
}

export const ICONS = {
  add: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 13l4 4L19 7",
  download: "M12 4v11m0 0l-4-4m4 4l4-4M5 20h14",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  link: "M10 14a4 4 0 005.7 0l3-3a4 4 0 00-5.7-5.7l-1 1M14 10a4 4 0 00-5.7 0l-3 3a4 4 0 005.7 5.7l1-1",
  moon: "M20 14.5A8 8 0 119.5 4a6.5 6.5 0 0010.5 10.5z",
  pause: "M8 5v14M16 5v14",
  play: "M7 4.5l12 7.5-12 7.5z",
  redo: "M20 9H9a5 5 0 000 10h6M20 9l-4-4m4 4l-4 4",
  search: "M11 5a6 6 0 100 12 6 6 0 000-12zm9 15l-4.7-4.7",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2m0 16v2M4 12H2m20 0h-2M5.6 5.6L4.2 4.2m15.6 15.6l-1.4-1.4M5.6 18.4l-1.4 1.4M19.8 4.2l-1.4 1.4",
  trash: "M4 7h16M9 7V4h6v3m-8 0l1 13h8l1-13",
  undo: "M4 9h11a5 5 0 010 10H9M4 9l4-4M4 9l4 4",
  up: "M12 19V5m0 0l-6 6m6-6l6 6",
  down: "M12 5v14m0 0l-6-6m6 6l6-6",
  upload: "M12 20V8m0 0l-4 4m4-4l4 4M5 4h14",
  warning: "M12 9v5m0 3v.5M10.3 4L2.6 18a2 2 0 001.7 3h15.4a2 2 0 001.7-3L13.7 4a2 2 0 00-3.4 0z",
};

/**
 * Replace what an element holds.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/**
 * Set an element's text if it differs, so that selections and screen readers are left alone.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Return a bar that tells how much is done.
 * @param {string} label
 * @param {string} [kind]
 */
export function bar(label, kind = "") {
  return h("div", {
    class: `bar ${kind}`.trim(), role: "progressbar", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100",
  });
}

/**
 * Show a share, from 0 to 1, on a bar.
 * @param {HTMLElement} element
 * @param {number} share
 */
export function setBar(element, share) {
  const clipped = Math.min(1, Math.max(0, share));
  element.style.setProperty("--share", clipped.toFixed(4));
  element.setAttribute("aria-valuenow", String(Math.floor(clipped * 100)));
}

/**
 * Tell screen readers something that has happened; the same words twice are told twice.
 * @param {string} sentence
 */
export function announce(sentence) {
  const region = document.getElementById("announcer");
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = sentence;
  });
}

/**
 * Show a notice in the corner for a while; `action` adds a button. Whoever points at it or has its focus keeps it.
 * @param {string} sentence
 * @param {{action?: {label: string, run: () => void}, forMs?: number}} [how]
 */
export function toast(sentence, { action, forMs = 6000 } = {}) {
  const away = () => shown.remove();
  const shown = h("div", { class: "toast" },
    h("span", {}, sentence),
    action && h("button", { class: "button small", type: "button", onclick: () => { away(); action.run(); } }, action.label),
    h("button", { class: "button small icon", type: "button", "aria-label": "Dismiss", onclick: away }, icon(ICONS.close)),
  );
  document.getElementById("toasts")?.append(shown);
  announce(sentence);
  const leave = () => (shown.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : away());
  setTimeout(leave, forMs);
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {unknown} value
 */
function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
  else if (name === "dataset") Object.assign(/** @type {HTMLElement} */ (element).dataset, value);
  else if (name === "vars") setVars(/** @type {HTMLElement} */ (element), /** @type {Record<string, unknown>} */ (value));
  else element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * @param {HTMLElement} element
 * @param {Record<string, unknown>} vars
 */
function setVars(element, vars) {
  for (const [name, value] of Object.entries(vars)) element.style.setProperty(`--${name}`, String(value));
}

/**
 * @param {(Child | Child[])[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children.flat().filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}
