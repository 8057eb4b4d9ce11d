// The first thing a newcomer sees: what Montage does, and where the films go.

import { ApiError } from "../api.js";
import { announce, fill, h, icon, ICONS, setText } from "../dom.js";
import { counted } from "../format.js";
import { announceFiles } from "../uploading/announce_files.js";
import { ChosenList } from "../uploading/chosen_list.js";
import { pickedFiles, takeDrops, takenFrom } from "../uploading/file_choice.js";
import { optionsForm } from "../uploading/options_form.js";
import { mountUnfinished } from "../uploading/unfinished_panel.js";
import { mountUploadsSummary } from "../uploading/uploads_summary.js";

const STEPS = [
  ["Bring your footage", "Whole sessions, from any camera or phone, as many files as you like."],
  ["Montage finds the moments", "It looks for people who move and listens to what is said, on your own server."],
  ["Keep what you like", "See why each moment was chosen, switch it on or off, and render again in seconds."],
];

/** @type {Record<string, string>} */
const OWN_WORDS = {
  offline: "Montage does not answer. Check the connection, then press the button once more: nothing is made twice.",
  KeyRefused: "Without a key nothing can be uploaded. Your files stay chosen: press the button once more to be asked again.",
};

/**
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @returns {import("../app.js").Mounted}
 */
export function mount(root, context) {
  context.setTitle("");
  const list = new ChosenList();
  const options = optionsForm();
  const input = h("input", {
    hidden: true, type: "file", multiple: true,
    onchange: () => add({ chosen: takenFrom(input), skipped: 0 }),
  });
  const choose = h("button", { class: "button primary drop-choose", type: "button", onclick: pick }, icon(ICONS.add), "Choose files");
  const drop = h("div", { class: "drop" },
    h("span", { class: "drop-icon" }, icon(ICONS.upload)),
    h("p", { class: "drop-words" }, h("span", { class: "by-hand" }, "Drop films, recordings or whole folders anywhere here"),
      h("span", { class: "by-touch" }, "Films and recordings from this device")),
    choose, input);
  const words = h("h2", { class: "chosen-words" });
  const says = h("div", { class: "chosen-says" });
  const refusals = h("div", { class: "chosen-says" });
  const begin = h("button", { class: "button primary begin", type: "button", onclick: start }, "Make reels");
  const chosen = h("section", { class: "card chosen stack", "aria-label": "What will be uploaded", hidden: true },
    h("div", { class: "chosen-head" }, words,
      h("button", { class: "button small quiet", type: "button", onclick: clear }, "Remove all")),
    list.element, options.element, refusals, says, h("div", { class: "chosen-foot" }, begin));
  const steps = h("ol", { class: "steps" }, ...STEPS.map(([title, text], at) => h("li", {},
    h("span", { class: "step-number", "aria-hidden": "true" }, at + 1), h("h2", {}, title), h("p", { class: "soft" }, text))));
  const overlay = h("div", { class: "drop-overlay", hidden: true }, h("p", {}, icon(ICONS.upload), "Let go to add them"));
  const running = h("div", { class: "running" });
  const unfinished = h("div", {});
  root.append(
    h("div", { class: "upload-hero" },
      h("h1", {}, "Hours of footage in, the good minutes out"),
      h("p", { class: "lead" }, "Montage watches your films, finds the moments that move and the words that count, and cuts them into a reel.")),
    running, unfinished, drop, chosen, steps, overlay);
  const summary = mountUploadsSummary(running);
  const panel = mountUnfinished(unfinished, context);
  const endDrops = takeDrops((dragging) => { overlay.hidden = !dragging; }, add);
  let isBusy = false;
  let isMounted = true;
  let shownRefused = 0;
  list.addEventListener("change", draw);
  draw();
  return {
    unmount() {
      isMounted = false;
      endDrops();
      panel.unmount();
      summary.unmount();
    },
  };

  async function pick() {
    if (!("showOpenFilePicker" in globalThis)) input.click(); // its change is listened to
    else await add({ chosen: await pickedFiles({ multiple: true }), skipped: 0 });
  }

  /** @param {import("../uploading/file_choice.js").Choice} choice */
  async function add({ chosen: files, skipped }) {
    if (isBusy) return;
    const rest = await panel.take(files);
    if (!isMounted) return;
    const doubled = list.add(rest);
    const sentences = [
      skipped && `${counted(skipped, "other file")} in the folder ${skipped === 1 ? "is" : "are"} no footage and left out.`,
      doubled && `${counted(doubled, "file")} ${doubled === 1 ? "was" : "were"} in the list already.`,
    ].filter(Boolean);
    tell(sentences.length > 0 && h("p", { class: "soft" }, sentences.join(" ")));
    if (rest.length) announce([list.words(), ...sentences].join(". "));
  }

  function clear() {
    list.clear();
    tell(null);
    choose.focus();
  }

  function draw() {
    const { wanted, refused } = list;
    chosen.hidden = list.isEmpty;
    steps.hidden = !list.isEmpty;
    drop.classList.toggle("small", !list.isEmpty);
    choose.classList.toggle("primary", list.isEmpty);
    fill(choose, icon(ICONS.add), list.isEmpty ? "Choose files" : "Add more files");
    setText(words, list.words());
    fill(begin, isBusy ? "One moment…" : wanted.length === 1 ? "Make a reel" : `Make ${counted(wanted.length, "reel")}`);
    begin.disabled = isBusy || wanted.length === 0 || refused.length > 0;
    begin.hidden = wanted.length === 0;
    if (refused.length !== shownRefused) fill(refusals, refused.length > 0 && refusedNotice(refused.length));
    shownRefused = refused.length;
  }

  async function start() {
    const asked = options.read();
    if (!asked || isBusy) return;
    isBusy = true;
    tell(null);
    draw();
    try {
      const batch = await announceFiles(context.api, list.wanted.map((each) => each.chosen), asked);
      if (isMounted) context.go(`/batches/${batch}`);
    } catch (error) {
      isBusy = false;
      if (isMounted) refuse(/** @type {Error} */ (error));
    }
  }

  /** @param {Error} error */
  function refuse(error) {
    const { code, errors } = error instanceof ApiError ? error : { code: error.name, errors: [] };
    if (errors.length) list.refuse(errors);
    else draw();
    if (code === "bad_option" || code === "unknown_option") options.refuse(error.message);
    else if (!errors.length) {
      tell(h("div", { class: "notice bad", role: "alert" }, h("p", {}, OWN_WORDS[code] ?? error.message)));
    }
  }

  /** @param {number} count */
  function refusedNotice(count) {
    const without = () => {
      list.removeRefused();
      (begin.hidden ? choose : begin).focus();
    };
    return h("div", { class: "notice bad", role: "alert" },
      h("p", {}, `${counted(count, "file")} cannot be taken, as the list says. Nothing was begun yet.`),
      h("div", { class: "buttons" }, h("button", { class: "button small", type: "button", onclick: without },
        count === 1 ? "Go on without it" : "Go on without them")));
  }

  /** @param {Node | null | false} node */
  function tell(node) {
    fill(says, node);
  }
}
