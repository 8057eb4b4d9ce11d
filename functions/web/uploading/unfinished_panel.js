// "2 uploads were interrupted": asks for their files again and goes on. Shown by the upload view and by a batch's.

import { announce, bar, fill, h, icon, ICONS, setBar, setText, toast } from "../dom.js";
import { bytes, counted, percent } from "../format.js";
import { cancelUpload } from "./awaited.js";
import { cancelAsked } from "./cancel_dialog.js";
import { pickedFiles, takeDrops } from "./file_choice.js";
import { goOnWith, interruptedUploads, reopened } from "./interrupted.js";
import { shortName } from "./upload_words.js";

/** @typedef {import("./interrupted.js").Interrupted} Interrupted */
/** @typedef {import("./file_choice.js").Chosen} Chosen */

/**
 * Show uploads that were interrupted, of a batch or all; nothing where there are none.
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @param {{batch?: string}} [of]
 * @returns {{unmount: () => void, take: (chosen: Chosen[]) => Promise<Chosen[]>}} `take` goes on with those of some
 *   files that were interrupted, and returns the others
 */
export function mountUnfinished(root, context, { batch } = {}) {
  const title = h("h2", { tabindex: "-1" });
  const list = h("ul", { class: "unfinished-list" });
  const over = h("div", { class: "unfinished-over" });
  const element = h("section", { class: "unfinished notice warn", "aria-label": "Interrupted uploads", hidden: true }, title, over, list);
  root.append(element);
  let isMounted = true;
  /** @type {Interrupted[]} */
  let all = [];
  const looked = look();
  const endDrops = batch ? takeDrops((dragging) => element.classList.toggle("dropping", dragging), dropped) : () => {};
  return {
    unmount() {
      isMounted = false;
      endDrops();
      element.remove();
    },
    take,
  };

  /** @param {Chosen[]} chosen */
  async function take(chosen) {
    await looked;
    const rest = [];
    let went = null;
    for (const each of chosen) {
      const match = all.find(({ record, isElsewhere }) => !isElsewhere && record.name === each.file.name && record.sizeBytes === each.file.size);
      if (!match || await goOnWith(context.api, match.record, each)) rest.push(each);
      else {
        went = match;
        leave(match);
      }
    }
    if (went && rest.length === 0) lookAt(went);
    return rest;
  }

  /** @param {import("./file_choice.js").Choice} choice */
  async function dropped({ chosen: files }) {
    const rest = await take(files);
    if (rest.length) toast(`${rest[0].file.name} is no file that was interrupted here, or has changed since. New files go under New reel.`);
  }

  async function look() {
    const found = await interruptedUploads(batch);
    if (!isMounted) return;
    all = found.interrupted;
    fill(over, ...found.over.map((sentence) => h("p", {}, sentence)));
    draw();
  }

  function draw() {
    element.hidden = all.length === 0 && !over.hasChildNodes();
    const here = all.filter(({ isElsewhere }) => !isElsewhere);
    setText(title, here.length
      ? `${counted(here.length, "upload")} ${here.length === 1 ? "was" : "were"} interrupted`
      : all.length ? "Uploading in another tab" : "Nothing is left to upload");
    fill(list, ...all.map(row));
  }

  /** @param {Interrupted} one */
  function row(one) {
    const { record, storedBytes, isElsewhere } = one;
    const share = (storedBytes ?? 0) / record.sizeBytes;
    const progress = bar(`Upload of ${record.name}`, "paused");
    setBar(progress, share);
    const fault = h("p", { class: "fault", role: "alert" });
    const says = isElsewhere
      ? "Another tab is sending it. Keep that one open."
      : storedBytes === null
        ? `${bytes(record.sizeBytes)}. The server does not answer yet; go on all the same.`
        : `${percent(share)} of ${bytes(record.sizeBytes)} has arrived, and stays there for a week.`;
    return h("li", { class: "unfinished-row" },
      h("div", { class: "unfinished-line" },
        h("div", { class: "unfinished-what" }, h("strong", {}, record.name), h("span", { class: "soft small" }, says)),
        isElsewhere ? null : h("div", { class: "buttons" }, ...buttons(one, fault))),
      isElsewhere ? null : progress, fault);
  }

  /** @param {Interrupted} one @param {HTMLElement} fault */
  function buttons(one, fault) {
    const { record } = one;
    const again = h("button", { class: "button small", type: "button", onclick: () => chosen(one, fault) }, `Choose ${shortName(record.name)} again`);
    const goOn = record.handle && h("button", { class: "button small primary", type: "button", onclick: () => continued(one, fault, again) }, "Continue");
    again.hidden = record.handle !== null;
    return [goOn, again, h("button", {
      class: "button small icon quiet", type: "button", title: "Cancel", "aria-label": `Cancel: ${record.name}`,
      onclick: () => cancelled(one),
    }, icon(ICONS.trash))];
  }

  /** @param {Interrupted} one @param {HTMLElement} fault @param {HTMLElement} again */
  async function continued(one, fault, again) {
    const { record } = one;
    const file = record.handle && await reopened(record.handle);
    if (!file) {
      again.hidden = false;
      setText(fault, `${record.name} cannot be opened from here. Choose it again.`);
    } else await goOn(one, { file, handle: record.handle }, fault);
  }

  /** @param {Interrupted} one @param {HTMLElement} fault */
  async function chosen(one, fault) {
    const [file] = await pickedFiles({ multiple: false });
    if (file) await goOn(one, file, fault);
  }

  /** @param {Interrupted} one @param {Chosen} file @param {HTMLElement} fault */
  async function goOn(one, file, fault) {
    const why = await goOnWith(context.api, one.record, file);
    if (why) {
      setText(fault, why);
      return;
    }
    leave(one);
    lookAt(one);
  }

  /** Show the batch of one that goes on, unless others still ask for their files here. @param {Interrupted} one */
  function lookAt(one) {
    announce(`${one.record.name} goes on where it was.`);
    if (!batch && isMounted && !all.some(({ isElsewhere }) => !isElsewhere)) context.go(`/batches/${one.record.batch}`);
  }

  /** @param {Interrupted} one */
  async function cancelled(one) {
    const { name, sizeBytes } = one.record;
    if (!await cancelAsked({ name, sizeBytes, storedBytes: one.storedBytes }) || !all.includes(one)) return;
    leave(one);
    announce(`${name} is cancelled.`);
    await cancelUpload(context.api, one.record);
  }

  /** @param {Interrupted} one */
  function leave(one) {
    all = all.filter((each) => each !== one);
    draw();
    if (!element.hidden) title.focus();
  }
}

