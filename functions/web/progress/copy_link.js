// A button that copies this page's address.

import { h, icon, ICONS, toast } from "../dom.js";

/**
 * Return the button.
 * @returns {HTMLButtonElement}
 */
export function copyLinkButton() {
  return h("button", { class: "button", type: "button", onclick: () => void copy() }, icon(ICONS.link), "Copy link");
}

async function copy() {
  const address = location.origin + location.pathname;
  try {
    await navigator.clipboard.writeText(address);
    toast("The link is copied. It works for whoever may see these files.");
  } catch {
    toast(`Copying is not allowed here. The link is ${address}`, { forMs: 20_000 });
  }
}
