// The page's colours as drawings need them, and when they become others.

const NAMES = {
  surface: "--surface", sunken: "--surface-sunken", line: "--line", lineStrong: "--line-strong", ink: "--ink", inkSoft: "--ink-soft",
  inkFaint: "--ink-faint", chosen: "--chosen", chosenTint: "--chosen-tint", motion: "--motion", motionTint: "--motion-tint",
  speech: "--speech", speechTint: "--speech-tint", focus: "--focus",
};

/** @typedef {Record<keyof typeof NAMES, string> & {font: string}} Palette */

/**
 * Return the colours as they are now.
 * @param {Element} element
 * @returns {Palette}
 */
export function paletteOf(element) {
  const style = getComputedStyle(element);
  const colours = Object.entries(NAMES).map(([name, property]) => [name, style.getPropertyValue(property).trim() || "#888"]);
  return /** @type {Palette} */ ({ ...Object.fromEntries(colours), font: style.fontFamily });
}

/**
 * Call back whenever light turns dark or dark light.
 * @param {() => void} onChange
 * @returns {() => void} ends that
 */
export function watchTheme(onChange) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = new MutationObserver(onChange);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  dark.addEventListener("change", onChange);
  return () => {
    chosen.disconnect();
    dark.removeEventListener("change", onChange);
  };
}
