// A past job in the overview: poster, name, when, how long, and how it stands.

import { bar, h, icon, ICONS, setBar, setText } from "../dom.js";
import { moment } from "../format.js";
import { eraseAsked } from "./erase_dialog.js";
import { NeverBackwards } from "./never_backwards.js";
import { poster } from "./poster.js";
import { isEnded, isRunning, lengthWords, stateWords } from "./wording.js";

/**
 * Return a tile; `update` changes it where it is.
 * @param {import("../api.js").Api} api
 * @param {string} id
 * @param {{onErased: (id: string) => void}} how
 * @returns {{element: HTMLElement, update: (row: import("../api.js").JobRow) => void, unmount: () => void}}
 */
export function reelTile(api, id, { onErased }) {
  const link = h("a", { href: `/jobs/${id}`, "data-link": true, class: "tile-link" });
  const state = h("span", { class: "badge" });
  const when = h("time", { class: "soft small" });
  const length = h("span", { class: "soft small numbers" });
  const progress = bar("", "tile-bar");
  const picture = poster(api, id);
  let name = "";
  const erase = h("button", { class: "button icon small tile-erase", type: "button", onclick: () => void ask() }, icon(ICONS.trash));
  const element = h("li", { class: "tile", dataset: { job: id } },
    h("div", { class: "tile-picture" }, picture.element, state),
    progress,
    h("div", { class: "tile-text" }, h("h2", { class: "tile-name" }, link), h("p", { class: "tile-facts" }, when, length)),
    erase);
  const shares = new NeverBackwards();
  let runs = 0;
  let wasEnded = false;
  let shown = "";
  return { element, update, unmount: () => { picture.unmount(); element.remove(); } };

  /** @param {import("../api.js").JobRow} row */
  function update(row) {
    const now = JSON.stringify(row);
    if (now === shown) return; // a thousand tiles are looked through every few seconds
    shown = now;
    name = row.name;
    setText(link, row.name);
    link.title = row.name;
    const words = stateWords(row.state);
    setText(state, words.text);
    state.className = `badge ${words.tone}`;
    element.dataset.state = row.state;
    when.dateTime = row.created_at;
    setText(when, moment(row.created_at, new Date()));
    setText(length, lengthWords(row));
    if (wasEnded && !isEnded(row.state)) runs += 1;
    wasEnded = isEnded(row.state);
    progress.hidden = !isRunning(row.state);
    progress.setAttribute("aria-label", `${row.name}: ${words.text}`);
    setBar(progress, shares.shown("whole", String(runs), row.progress));
    picture.update(row.artifacts ?? [], row.reel_s ?? 0);
    erase.setAttribute("aria-label", `Erase: ${row.name}`);
    erase.hidden = row.state === "erasing";
  }

  async function ask() {
    if (await eraseAsked(api, { id, name })) onErased(id);
  }
}
