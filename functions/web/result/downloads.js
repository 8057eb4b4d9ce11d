// Every file of a result, to keep: by addresses that hold for a while and are asked for anew when they do not.

import { fill, h, icon, ICONS, toast } from "../dom.js";

/** @type {Record<string, [string, string]>} name → what people call it, and what it is good for */
const FILES = {
  reel: ["Reel", "plays everywhere"],
  poster: ["Poster", "a still of the best moment"],
  captions_srt: ["Captions of the reel", "for players and editors"],
  captions_vtt: ["Captions of the reel", "for web pages"],
  source_captions_srt: ["Captions of the source", "for players and editors"],
  source_captions_vtt: ["Captions of the source", "for web pages"],
  transcript: ["Transcript", "every word with its time"],
  report: ["Report", "what was found, and the edit list"],
  timeline: ["Timeline", "the whole source in one picture"],
  timeline_json: ["Timeline data", "movement and sound over time"],
  thumbs: ["Thumbnails", "stills of the source in one picture"],
  source: ["Source", "the file as it was uploaded"],
};

const FIRST = ["reel", "poster", "captions_srt", "transcript", "source"];

/**
 * @param {HTMLElement} root
 * @param {{addresses: import("./addresses.js").Addresses, isSound: boolean, isSourceThere: boolean}} how
 */
export function mountDownloads(root, { addresses, isSound, isSourceThere }) {
  const list = h("ul", { class: "downloads" });
  const others = h("ul", { class: "downloads" });
  const more = h("details", {}, h("summary", {}, "More files"), others);
  const until = h("p", { class: "small soft" });
  fill(root, h("h2", {}, "Downloads"), list, more, until);

  /** @param {string} name */
  function row(name) {
    const [label, use] = FILES[name] ?? [name, ""];
    const link = h("a", { class: "download", download: true, href: addresses.held(name) ?? "#", onclick: (/** @type {MouseEvent} */ event) => refresh(event, link, name) },
      icon(ICONS.download), h("span", { class: "download-text" }, h("span", { class: "download-name" }, label, " ", h("span", { class: "download-kind" }, kindOf(name, addresses.held(name), isSound))), h("span", { class: "small soft" }, use)));
    const copy = h("button", { type: "button", class: "button icon small quiet", "aria-label": `Copy the link: ${label}`, title: "Copy the link", onclick: () => copied(name) }, icon(ICONS.copy));
    return h("li", {}, link, copy);
  }

  /** @param {MouseEvent} event @param {HTMLAnchorElement} link @param {string} name */
  async function refresh(event, link, name) {
    const held = addresses.held(name);
    if (held) {
      link.href = held;
      return;
    }
    event.preventDefault();
    try {
      link.href = await addresses.of(name);
      link.click();
    } catch {
      toast("This file is not there any more. Reload the page to see what is.");
    }
  }

  /** @param {string} name */
  async function copied(name) {
    try {
      const url = new URL(await addresses.of(name), location.href).href;
      await navigator.clipboard.writeText(url);
      const at = addresses.expiresAt(name);
      toast(`Copied. The link works ${at ? `until ${whenOf(at)}` : "for a while"}; whoever has it can download the file.`);
    } catch {
      toast("The link could not be copied. Press and hold the download instead.");
    }
  }

  return {
    /** @param {string[]} artifacts what there is now */
    async update(artifacts) {
      const names = [...Object.keys(FILES), ...artifacts.filter((name) => !(name in FILES))]
        .filter((name) => (name === "source" ? isSourceThere : artifacts.includes(name)));
      await addresses.ask(names.filter((name) => !addresses.held(name))).catch(() => undefined); // asked for on a click
      fill(list, ...names.filter((name) => FIRST.includes(name)).map(row));
      fill(others, ...names.filter((name) => !FIRST.includes(name)).map(row));
      more.hidden = !others.childElementCount;
      const at = addresses.expiresAt("reel");
      until.textContent = at ? `Links can be shared; each works until ${whenOf(at)}.` : "";
    },
  };
}

/**
 * Return what kind of file it is, as people say: by the address's ending.
 * @param {string} name
 * @param {string | null} url
 * @param {boolean} isSound
 */
function kindOf(name, url, isSound) {
  const ending = /\.([a-z0-9]{2,4})$/i.exec(url ? new URL(url, location.href).pathname : "")?.[1];
  if (ending) return ending.toUpperCase();
  if (name === "reel") return isSound ? "M4A" : "MP4";
  return "";
}

/** @param {Date} at */
function whenOf(at) {
  const isToday = at.toDateString() === new Date().toDateString();
  return at.toLocaleString("en-GB", isToday ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}
