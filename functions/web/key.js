// The API key, where one is asked for: for this tab, or for this browser if its owner wants that.

import { h } from "./dom.js";

const KEPT = "montage.key";

/** Return the key as it is known here, or null. */
export function knownKey() {
  return sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT);
}

/** Forget the key. */
export function forgetKey() {
  sessionStorage.removeItem(KEPT);
  localStorage.removeItem(KEPT);
}

/** @type {Promise<void> | null} */
let asking = null;

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

/** @returns {Promise<void>} */
function asked() {
  const hadKey = knownKey() !== null;
  return new Promise((done, fail) => {
    const key = h("input", { id: "key", type: "password", autocomplete: "off", required: true, "aria-describedby": "key-hint" });
    const keep = h("input", { id: "keep-key", type: "checkbox" });
    const form = h("form", { method: "dialog", class: "stack" },
      h("h2", { id: "key-title" }, hadKey ? "This key does not count any more" : "This Montage asks for a key"),
      h("p", { id: "key-hint", class: "soft" }, "Whoever runs it makes one with: montage keys create NAME"),
      h("div", { class: "field" }, h("label", { for: "key" }, "Key"), key),
      h("label", { class: "check", for: "keep-key" }, keep, " Keep it in this browser"),
      h("div", { class: "buttons" },
        h("button", { class: "button primary", type: "submit", value: "use" }, "Use this key"),
        h("button", { class: "button quiet", type: "button", onclick: () => dialog.close("") }, "Not now")),
    );
    const dialog = h("dialog", { "aria-labelledby": "key-title" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      const given = key.value.trim();
      if (dialog.returnValue !== "use" || !given) {
        fail(Object.assign(new Error("Without a key there is nothing to see here. Load the page again to be asked anew."), { name: "KeyRefused" }));
        return;
      }
      forgetKey();
      (keep.checked ? localStorage : sessionStorage).setItem(KEPT, given);
      done();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
