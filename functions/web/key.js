// The API key, where one is asked for: for this tab, or for this browser if its owner wants that.

import { h } from "./dom.js";
import { lasting, ofThisTab } from "./kept.js";

const KEPT = "montage.key";
const CAN_BE_SHOWN = /^[\x21-\x7e]+$/; // anything else cannot be sent at all

/** Return the key as it is known here, or null. */
export function knownKey() {
  return ofThisTab.get(KEPT) ?? lasting.get(KEPT) ?? held;
}

/** Forget the key. */
export function forgetKey() {
  ofThisTab.remove(KEPT);
  lasting.remove(KEPT);
  held = null;
}

/** Where the browser keeps nothing: as long as the page is there. @type {string | null} */
let held = null;
/** @type {Promise<void> | null} */
let asking = null;
/** What was given last and has not been seen to count. @type {string | null} */
let given = null;

/**
 * Ask for a key, once for however many want it. Rejects with an Error named KeyRefused when nobody gives one.
 * @returns {Promise<void>}
 */
export function askForKey() {
  asking ??= asked().finally(() => {
    asking = null;
  });
  return asking;
}

/** The key counted: should it stop to, it has been revoked. */
export function keyCounted() {
  given = null;
}

/** Return how to begin to ask. */
function title() {
  const known = knownKey();
  if (known === null) return "This Montage asks for a key";
  return known === given ? "This key does not count" : "This key does not count any more";
}

/** @returns {Promise<void>} */
function asked() {
  const isWrong = knownKey() !== null;
  return new Promise((done, fail) => {
    const key = h("input", { id: "key", type: "password", autocomplete: "off", required: true, "aria-describedby": "key-hint" });
    const keep = h("input", { id: "keep-key", type: "checkbox", checked: lasting.get(KEPT) !== null });
    const form = h("form", { method: "dialog", class: "stack" },
      h("h2", { id: "key-title" }, title()),
      h("p", { id: "key-hint", class: "soft" }, isWrong
        ? "Copy the whole key once more, or ask whoever runs this Montage for a new one. They make it with: "
        : "Whoever runs it makes one with: ", h("code", {}, "montage keys create NAME")),
      h("div", { class: "field" }, h("label", { for: "key" }, "Key"), key),
      h("label", { class: "check", for: "keep-key" }, keep, " Keep it in this browser"),
      h("div", { class: "buttons" },
        h("button", { class: "button primary", type: "submit", value: "use" }, "Use this key"),
        h("button", { class: "button quiet", type: "button", onclick: () => dialog.close("") }, "Not now")),
    );
    const dialog = h("dialog", { "aria-labelledby": "key-title" }, form);
    const check = () => key.setCustomValidity(!key.value.trim() || CAN_BE_SHOWN.test(key.value.trim())
      ? "" : "This is no key: there are other signs in it than a key has. Copy the whole key once more.");
    key.addEventListener("input", check);
    dialog.addEventListener("close", () => {
      dialog.remove();
      const typed = key.value.trim();
      if (dialog.returnValue !== "use" || !typed) {
        fail(Object.assign(new Error("Without a key there is nothing to see here. Load the page again to be asked anew."), { name: "KeyRefused" }));
        return;
      }
      forgetKey();
      given = typed;
      if (!(keep.checked ? lasting : ofThisTab).set(KEPT, typed)) held = typed;
      done();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
