// The options, folded away: fields with their names, hints and faults. Remembered in this browser.

import { fill, h, setText } from "../dom.js";
import { lasting } from "../kept.js";
import { CHOICES, DEFAULT_FIELDS, fieldIn, inWords, LANGUAGES, optionsOf } from "./job_options.js";

const KEPT = "montage.options";

/** @typedef {import("./job_options.js").Field} Field */

/** @type {[Field, string, string][]} field, its name, what it means */
const ASKED = [
  ["mode", "Look for", "What makes a moment worth keeping."],
  ["target_s", "Length of the reel", "Seconds, or minutes and seconds: 90 or 1:30. Empty keeps everything good."],
  ["longest_clip_s", "Longest clip", "Seconds, or minutes and seconds. Empty sets no bound."],
  ["order", "Order of the clips", ""],
  ["join", "Between clips", ""],
  ["quality", "Quality", ""],
  ["keywords", "Keywords", "What you want to hear talked about, with commas between."],
  ["speech_language", "Spoken language", ""],
  ["vocabulary", "Names and terms", "That may be said, with commas between: they are heard more surely."],
];

/**
 * Return the options' form: a `<details>`, what reads it, and what shows a refusal in it.
 * @returns {{element: HTMLElement, read: () => Record<string, unknown> | null, refuse: (detail: string) => void}}
 */
export function optionsForm() {
  const kept = keptFields();
  /** @type {Map<Field, {control: HTMLInputElement | HTMLSelectElement, fault: HTMLElement}>} */
  const controls = new Map();
  const words = h("span", { class: "options-words soft" });
  const general = h("p", { class: "fault", role: "alert", hidden: true });
  const reset = h("button", { class: "button small quiet", type: "button", onclick: backToDefaults }, "Back to the defaults");
  const element = h("details", { class: "options" },
    h("summary", {}, "Options", words),
    h("div", { class: "options-fields" }, ...ASKED.map(([name, label, hint]) => fieldOf(name, label, hint))),
    general,
    h("div", { class: "buttons" }, reset),
  );
  element.addEventListener("input", changed);
  changed();
  return { element, read, refuse };

  /** @param {Field} name @param {string} label @param {string} hint */
  function fieldOf(name, label, hint) {
    const id = `option-${name}`;
    const choices = name === "speech_language" ? languages() : CHOICES[name];
    const described = `${id}-hint ${id}-fault`;
    const control = choices
      ? h("select", { id, "aria-describedby": described }, ...Object.entries(choices).map(([value, text]) => h("option", { value }, text)))
      : h("input", { id, type: "text", autocomplete: "off", "aria-describedby": described });
    control.value = kept[name];
    const fault = h("p", { id: `${id}-fault`, class: "fault", role: "alert" });
    controls.set(name, { control, fault });
    return h("div", { class: "field" },
      h("label", { for: id }, label), control, h("p", { id: `${id}-hint`, class: "hint" }, hint), fault);
  }

  /** @returns {import("./job_options.js").Fields} */
  function fields() {
    return /** @type {any} */ (Object.fromEntries([...controls].map(([name, { control }]) => [name, control.value])));
  }

  function changed() {
    setText(words, inWords(fields()));
    reset.hidden = JSON.stringify(fields()) === JSON.stringify({ ...fields(), ...DEFAULT_FIELDS });
    keep(fields());
    general.hidden = true;
    for (const { control, fault } of controls.values()) {
      control.removeAttribute("aria-invalid");
      fill(fault);
    }
  }

  function read() {
    const { options, faults } = optionsOf(fields());
    const wrong = /** @type {[Field, string][]} */ (Object.entries(faults));
    for (const [name, sentence] of wrong) show(name, sentence);
    if (wrong.length) controls.get(wrong[0][0])?.control.focus();
    return wrong.length ? null : options;
  }

  /** @param {string} detail */
  function refuse(detail) {
    const name = fieldIn(detail);
    /** @type {HTMLDetailsElement} */ (element).open = true;
    if (name) {
      show(name, detail);
      controls.get(name)?.control.focus();
    } else {
      general.hidden = false;
      setText(general, detail);
    }
  }

  /** @param {Field} name @param {string} sentence */
  function show(name, sentence) {
    /** @type {HTMLDetailsElement} */ (element).open = true;
    const found = controls.get(name);
    found?.control.setAttribute("aria-invalid", "true");
    if (found) setText(found.fault, sentence);
  }

  function backToDefaults() {
    for (const [name, { control }] of controls) control.value = DEFAULT_FIELDS[name];
    changed();
    controls.get("mode")?.control.focus();
  }
}

/** @returns {Record<string, string>} */
function languages() {
  const names = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });
  const named = LANGUAGES.map((code) => /** @type {[string, string]} */ ([code, names.of(code === "jw" ? "jv" : code) ?? code]));
  named.sort(([, one], [, other]) => one.localeCompare(other));
  return { "": "Found by listening", ...Object.fromEntries(named) };
}

/** @returns {import("./job_options.js").Fields} */
function keptFields() {
  try {
    const kept = JSON.parse(lasting.get(KEPT) ?? "{}");
    const known = Object.entries(DEFAULT_FIELDS).map(([name, value]) => [name, allowed(/** @type {Field} */ (name), kept[name]) ?? value]);
    return Object.fromEntries(known);
  } catch {
    return { ...DEFAULT_FIELDS };
  }
}

/** @param {Field} name @param {unknown} value */
function allowed(name, value) {
  const choices = CHOICES[name];
  if (typeof value !== "string" || (choices && !Object.hasOwn(choices, value))) return null;
  return name === "speech_language" && value && !LANGUAGES.includes(value) ? null : value;
}

/** @param {import("./job_options.js").Fields} fields */
function keep(fields) {
  lasting.set(KEPT, JSON.stringify(fields));
}
