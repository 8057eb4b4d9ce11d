// What somebody watches after uploading: all files of a batch as they get on. Its address can be kept and shared.

import { bar, fill, h, setBar, setText } from "../dom.js";
import { counted, moment, percent } from "../format.js";
import { batchCards } from "../progress/batch_cards.js";
import { copyLinkButton } from "../progress/copy_link.js";
import { NeverBackwards } from "../progress/never_backwards.js";
import { nothingHere, page } from "../progress/nothing_here.js";
import { pickDetails, wanted } from "../progress/pick_details.js";
import { poll } from "../progress/poll.js";
import { troubleLine } from "../progress/trouble_line.js";
import { batchWords } from "../progress/wording.js";
import { mountUnfinished } from "../uploading/unfinished_panel.js";
import { mountUploadRow } from "../uploading/upload_row.js";
import { uploads } from "../uploading/upload_store.js";
import { mountUploadsSummary } from "../uploading/uploads_summary.js";

const EVERY_MS = 2000;
const AT_ONCE_MS = 50;

/**
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @param {string} id
 * @returns {import("../app.js").Mounted}
 */
export function mount(root, context, id) {
  const { api } = context;
  context.setTitle("Progress");
  const title = h("h1", {}, "Your files");
  const line = h("p", { class: "batch-line numbers" }, "Looking…");
  const whole = bar("All files", "batch-bar");
  const trouble = troubleLine();
  const unfinishedPlace = h("div", { class: "unfinished-place" });
  const cards = batchCards(context, { onChanged: () => polling.soon() });
  const shares = new NeverBackwards();
  let wasEnded = 0;
  /** @type {ReturnType<typeof mountUploadRow>[]} */
  const blind = [];
  let hurry = { left: Infinity, ms: AT_ONCE_MS };
  fill(root,
    h("div", { class: "page-head" },
      h("div", {}, title, line),
      h("div", { class: "buttons" }, copyLinkButton(), h("a", { class: "button", href: "/", "data-link": true }, "Upload more"))),
    whole, trouble.element, unfinishedPlace, cards.element);
  const unfinished = mountUnfinished(unfinishedPlace, context, { batch: id });
  const summary = mountUploadsSummary(unfinishedPlace, { batch: id });
  const polling = poll({ round, onTrouble: trouble.tell, onEnd: (error) => end(error) });
  return { unmount };

  /** @param {AbortSignal} signal */
  async function round(signal) {
    const batch = await api.batch(id, signal);
    cards.updateRows(batch.jobs);
    show(batch);
    for (const jobId of pickDetails(batch.jobs, cards.known)) await detail(jobId, signal);
    show(batch);
    if (!batch.jobs.length) return batch.is_ended ? null : EVERY_MS;
    if (!batch.is_ended) return EVERY_MS;
    const left = wanted(batch.jobs, cards.known).length;
    hurry = { left, ms: left < hurry.left ? AT_ONCE_MS : Math.min(EVERY_MS, hurry.ms * 2) }; // while row and detail disagree
    return left ? hurry.ms : null;
  }

  /** @param {string} jobId @param {AbortSignal} signal */
  async function detail(jobId, signal) {
    try {
      cards.updateJob(await api.job(jobId, signal));
    } catch (error) {
      if (/** @type {{status?: number}} */ (error).status !== 404) throw error;
      cards.remove(jobId); // erased meanwhile
    }
  }

  /** @param {import("../api.js").Batch} batch */
  function show(batch) {
    const standings = cards.standings();
    if (!standings.length) return showEmpty();
    const words = batchWords(standings);
    const ended = standings.filter((each) => each.state === "done" || each.state === "failed").length;
    const share = shares.shown("all", `${standings.length} ${ended < wasEnded}`, words.share);
    wasEnded = ended;
    const all = standings.length === 1 ? batch.jobs[0]?.name ?? "Your file" : counted(standings.length, "file");
    setText(title, standings.length === 1 ? "Your file" : all);
    setText(line, `${words.text} · begun ${moment(batch.created_at, new Date())}`);
    setBar(whole, share);
    whole.hidden = words.isEnded || standings.every(({ state }) => state === "awaiting_upload"); // the uploads have a bar
    context.setTitle(words.isEnded ? `${words.text} – ${all}` : `${percent(share)} – ${all}`);
  }

  function showEmpty() {
    context.setTitle("Erased");
    fill(root, page("All files of this batch are erased", "There is nothing left to watch."));
  }

  /** @param {Error} error */
  function end(error) {
    const isBlind = /** @type {{code?: string}} */ (error).code === "wrong_scope";
    if (isBlind && uploads.all(id).length) return goOnBlind();
    unmount();
    context.setTitle("Nothing here");
    fill(root, nothingHere(error, { what: "batch" }));
  }

  /** What is sent from here goes on all the same, and is all there is to see. */
  function goOnBlind() {
    fill(title, "Your files");
    fill(line, "This key may upload, but not look: the files arrive, and whoever may look sees their reels.");
    whole.hidden = true;
    const rows = h("ul", { class: "job-cards" });
    cards.element.replaceWith(rows);
    for (const { job, name } of uploads.all(id)) {
      const place = h("div", { class: "stack" }, h("h2", { class: "job-name" }, name));
      rows.append(h("li", {}, h("article", { class: "card", "aria-label": name }, place)));
      blind.push(mountUploadRow(place, job));
    }
  }

  function unmount() {
    polling.stop();
    for (const row of blind) row?.unmount();
    unfinished.unmount();
    summary.unmount();
    cards.unmount();
  }
}
