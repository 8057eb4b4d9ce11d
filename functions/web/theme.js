// Light or dark: the system's choice until somebody makes one.

import { fill, h, icon, ICONS } from "./dom.js";
import { lasting } from "./kept.js";

const KEPT = "montage.theme";

/** Return the button that changes it. */
export function themeButton() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  apply(lasting.get(KEPT));
  const button = h("button", { class: "button quiet icon", type: "button", onclick: () => turn(!isDark()) });
  dark.addEventListener("change", draw);
  draw();
  return button;

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : dark.matches;
  }

  /** @param {boolean} toDark */
  function turn(toDark) {
    const chosen = toDark === dark.matches ? null : toDark ? "dark" : "light";
    if (chosen) lasting.set(KEPT, chosen);
    else lasting.remove(KEPT);
    apply(chosen);
    draw();
  }

  function draw() {
    button.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
    fill(button, icon(isDark() ? ICONS.sun : ICONS.moon));
  }
}

/** @param {string | null} chosen */
function apply(chosen) {
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}
