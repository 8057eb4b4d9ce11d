// Past jobs: found again, filtered, opened, erased.

import { announce, fill, h, setText } from "../dom.js";
import { counted } from "../format.js";
import { addressOf, addressOfSearch, filterOf, FILTERS, hasWords, lookedForIn } from "../progress/filters.js";
import { rowOf } from "../progress/job_card.js";
import { keptPlace } from "../progress/kept_place.js";
import { nothingHere } from "../progress/nothing_here.js";
import { PagedRows } from "../progress/paged_rows.js";
import { MOST_IN_A_ROUND } from "../progress/pick_details.js";
import { poll } from "../progress/poll.js";
import { reelTile } from "../progress/reel_tile.js";
import { troubleLine } from "../progress/trouble_line.js";
import { isEnded } from "../progress/wording.js";

const EVERY_MS = 4000;
const ON_A_PAGE = 60;

/**
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @returns {import("../app.js").Mounted}
 */
export function mount(root, context) {
  const { api } = context;
  const filter = filterOf(location.search);
  context.setTitle(filter.key ? `My reels: ${filter.label}` : "My reels");
  const trouble = troubleLine();
  const search = h("input", { type: "search", id: "tile-search", placeholder: "Search by name", autocomplete: "off", oninput: looked });
  search.value = lookedForIn(location.search);
  const found = h("p", { class: "soft small overview-found", role: "status" });
  const grid = h("ul", { class: "tiles", "aria-label": "Reels" });
  const empty = h("div", { hidden: true });
  const more = h("button", { class: "button", type: "button", hidden: true, onclick: showMore }, "Show more");
  /** @type {Map<string, ReturnType<typeof reelTile>>} */
  const tiles = new Map();
  /** @type {AbortSignal | undefined} */
  let asking;
  const rows = new PagedRows((state, pageToken) => api.jobs({
    limit: ON_A_PAGE, pageToken, ...(state ? { state } : {}), ...(asking ? { signal: asking } : {}),
  }), filter.states);
  const kept = keptPlace({ pages: () => wantedPages, address: () => addressOfSearch(filter, search.value.trim()) });
  let wantedPages = kept.place.pages;
  let loadedPages = 0;
  const tools = h("div", { class: "overview-tools" },
    h("nav", { class: "filters", "aria-label": "Filter by state" }, FILTERS.map((each) => h("a", {
      href: addressOf(each), "data-link": true, "aria-current": each === filter ? "page" : null,
    }, each.label))),
    h("div", { class: "overview-search" }, h("label", { for: "tile-search", class: "visually-hidden" }, "Search by name"), search));
  fill(root,
    h("div", { class: "page-head overview-head" }, h("h1", {}, "My reels"), h("a", { class: "button primary", href: "/", "data-link": true }, "New reel")),
    tools,
    trouble.element, found, grid, empty, h("div", { class: "overview-more" }, more));
  const polling = poll({ round, onTrouble: trouble.tell, onEnd: end });
  return { unmount };

  /** @param {AbortSignal} signal */
  async function round(signal) {
    asking = signal;
    if (loadedPages >= wantedPages) await refresh(signal);
    while (loadedPages < wantedPages && rows.hasMore) {
      await rows.more();
      loadedPages += 1;
    }
    loadedPages = wantedPages;
    draw();
    kept.follow();
    return rows.rows().some((row) => !isEnded(row.state)) ? EVERY_MS : null;
  }

  /** Of what goes on beyond the newest page each is asked for, a few a round. @param {AbortSignal} signal */
  async function refresh(signal) {
    const told = await rows.refresh();
    const untold = rows.rows().filter((row) => !isEnded(row.state) && !told.has(row.id));
    for (const { id } of untold.slice(0, MOST_IN_A_ROUND)) {
      try {
        const row = rowOf(await api.job(id, signal));
        rows.remove(id); // goes to the end of what is kept, so that the others have their turn
        rows.put(row);
      } catch (error) {
        if (/** @type {{status?: number}} */ (error).status !== 404) throw error;
        rows.remove(id);
      }
    }
  }

  function looked() {
    draw();
    kept.changed();
  }

  function draw() {
    const known = rows.rows();
    const wanted = search.value.trim();
    const shown = new Set();
    /** @type {ChildNode | null} */
    let at = grid.firstChild;
    for (const row of known) {
      shown.add(row.id);
      const tile = tiles.get(row.id) ?? added(row.id);
      tile.update(row);
      tile.element.hidden = wanted !== "" && !hasWords(row.name, wanted);
      if (tile.element === at) at = at.nextSibling;
      else grid.insertBefore(tile.element, at);
    }
    const hadFocus = grid.contains(document.activeElement);
    for (const id of [...tiles.keys()]) if (!shown.has(id)) drop(id);
    if (hadFocus && !grid.contains(document.activeElement)) search.focus({ preventScroll: true }); // its tile has left
    more.hidden = !rows.hasMore;
    drawFound(known, wanted);
  }

  /** @param {import("../api.js").JobRow[]} known @param {string} wanted */
  function drawFound(known, wanted) {
    const hits = wanted ? known.filter((row) => hasWords(row.name, wanted)).length : known.length;
    const beyond = rows.hasMore ? " loaded so far" : "";
    setText(found, !known.length ? "" : wanted ? `${hits} of ${counted(known.length, "reel")}${beyond}` : `${counted(hits, "reel")}${beyond}`);
    empty.hidden = hits > 0 || loadedPages === 0;
    grid.hidden = hits === 0;
    tools.hidden = !filter.key && !known.length && loadedPages > 0; // nothing to choose from yet
    if (!empty.hidden) fill(empty, nothing(wanted));
  }

  /** @param {string} wanted */
  function nothing(wanted) {
    if (wanted) {
      return h("div", { class: "empty" }, h("p", {}, `No name here has “${wanted}” in it.`),
        h("button", { class: "button", type: "button", onclick: () => { search.value = ""; looked(); search.focus(); } }, "Show all names"));
    }
    if (filter.key) {
      return h("div", { class: "empty" }, h("p", {}, `Nothing is “${filter.label.toLowerCase()}” at the moment.`),
        h("a", { class: "button", href: "/jobs", "data-link": true }, "Show all"));
    }
    return h("div", { class: "empty" }, h("h2", {}, "No reels yet"),
      h("p", {}, "Give Montage a recording, and it finds the good minutes."),
      h("a", { class: "button primary", href: "/", "data-link": true }, "Make the first one"));
  }

  /** @param {string} id */
  function added(id) {
    const tile = reelTile(api, id, { onErased: erased });
    tiles.set(id, tile);
    return tile;
  }

  /** @param {string} id */
  function drop(id) {
    tiles.get(id)?.unmount();
    tiles.delete(id);
  }

  /** @param {string} id */
  function erased(id) {
    const next = /** @type {HTMLElement | null | undefined} */ (tiles.get(id)?.element.nextElementSibling);
    rows.remove(id);
    draw();
    /** @type {HTMLElement} */ (next?.querySelector("a") ?? search).focus();
  }

  function showMore() {
    wantedPages += 1;
    kept.changed();
    announce("Loading more");
    polling.soon();
  }

  /** @param {Error} error */
  function end(error) {
    unmount();
    fill(root, nothingHere(error, { what: "reel" }));
  }

  function unmount() {
    polling.stop();
    kept.end();
    for (const id of [...tiles.keys()]) drop(id);
  }
}
