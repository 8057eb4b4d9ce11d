// The files that are chosen but not announced: their sizes, what is wrong with any, and taking one away.

import { fill, h, icon, ICONS } from "../dom.js";
import { bytes, counted } from "../format.js";
import { leftOutBecause } from "./accepted_types.js";

/** @typedef {import("./file_choice.js").Chosen} Chosen */
/** @typedef {{chosen: Chosen, leftOut: string | null, refused: string | null}} Listed */

/** The list, and what shows it. Events: `change`. */
export class ChosenList extends EventTarget {
  constructor() {
    super();
    /** @type {Listed[]} */
    this._listed = [];
    this.element = h("ul", { class: "chosen-list", "aria-label": "Chosen files" });
  }

  /** What is there to be sent. */
  get wanted() {
    return this._listed.filter(({ leftOut }) => !leftOut);
  }

  /** Those that the server will not take. */
  get refused() {
    return this._listed.filter(({ refused }) => refused);
  }

  get isEmpty() {
    return this._listed.length === 0;
  }

  /** Return what is listed, in a few words. */
  words() {
    const { wanted } = this;
    const sizeBytes = wanted.reduce((total, { chosen }) => total + chosen.file.size, 0);
    return wanted.length ? `${counted(wanted.length, "file")} · ${bytes(sizeBytes)}` : "Nothing to upload yet";
  }

  /** Add files; returns how many were there already. @param {Chosen[]} chosen */
  add(chosen) {
    const before = this._listed.length;
    for (const each of chosen) {
      if (!this._listed.some((one) => isSame(one.chosen.file, each.file))) {
        this._listed.push({ chosen: each, leftOut: leftOutBecause(each.file), refused: null });
      }
    }
    this._draw();
    return chosen.length - (this._listed.length - before);
  }

  /** Show what the server refused of the wanted files. @param {import("../api.js").FileError[]} errors */
  refuse(errors) {
    const { wanted } = this;
    for (const { file, detail } of errors) if (wanted[file]) wanted[file].refused = detail;
    this._draw();
  }

  removeRefused() {
    this._listed = this._listed.filter(({ refused }) => !refused);
    this._draw();
  }

  clear() {
    this._listed = [];
    this._draw();
  }

  /** @param {Listed} listed */
  _remove(listed) {
    const at = this._listed.indexOf(listed);
    this._listed.splice(at, 1);
    this._draw();
    const buttons = this.element.querySelectorAll("button");
    /** @type {HTMLElement | undefined} */ (buttons[Math.min(at, buttons.length - 1)])?.focus();
  }

  _draw() {
    fill(this.element, ...this._listed.map((listed) => this._row(listed)));
    this.dispatchEvent(new Event("change"));
  }

  /** @param {Listed} listed */
  _row(listed) {
    const { chosen: { file }, leftOut, refused } = listed;
    const fault = leftOut ?? refused;
    return h("li", { class: `chosen-row${fault ? " bad" : ""}` },
      h("span", { class: "chosen-mark" }, icon(fault ? ICONS.warning : ICONS.check)),
      h("span", { class: "chosen-name" }, file.name),
      h("span", { class: "chosen-size soft numbers" }, bytes(file.size)),
      h("button", {
        class: "button small icon quiet", type: "button", title: "Remove", "aria-label": `Remove ${file.name}`,
        onclick: () => this._remove(listed),
      }, icon(ICONS.close)),
      fault && h("p", { class: "chosen-fault" }, fault));
  }
}

/** @param {File} one @param {File} other */
function isSame(one, other) {
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}
