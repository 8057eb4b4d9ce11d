// The result of a job: its reel, what it was cut from, and what can be changed about it.

import { fill, h, toast } from "../dom.js";
import { clock } from "../format.js";
import { Addresses } from "./addresses.js";
import { load } from "./loading.js";
import { skeleton } from "./result_head.js";
import { isReelOf } from "./revision.js";
import { mountWorkbench } from "./workbench.js";

/** @typedef {import("../api.js").Job} Job */

/**
 * Show the result of a job that has one (`rendered_revision` at least 1). `update` takes the job as it is told later.
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @param {Job} job
 * @param {{onChanged: () => void}} how called when the job was changed from here, to be asked for anew
 * @returns {{update: (job: Job) => void, unmount: () => void}}
 */
export function mountResult(root, context, job, { onChanged }) {
  const addresses = new Addresses(context.api, job.id);
  let latest = job;
  let isOver = false;
  let turn = 0; // of what is loaded: only the last one counts
  /** @type {import("./loading.js").Loaded | null} */
  let loaded = null;
  /** @type {import("./workbench.js").Workbench | null} */
  let bench = null;
  const place = h("div", { class: "result" });
  fill(root, place);
  void begin();

  /**
   * Load what there is; null where something else was begun meanwhile, or everybody has left.
   * @param {Job} asked
   */
  async function loadedAs(asked) {
    turn += 1;
    const mine = turn;
    addresses.forget();
    const got = await load(addresses, asked, loaded);
    if (!isOver && mine === turn) {
      loaded = got;
      return got;
    }
    if (isOver || got.sprite !== loaded?.sprite) got.sprite?.close();
    return null;
  }

  /** @param {{isDropping?: boolean}} [how] whether the edit that was shown is not to be found again */
  async function begin({ isDropping = false } = {}) {
    const before = bench;
    before?.unmount();
    bench = null;
    fill(place, h("p", { class: "visually-hidden", role: "status" }, "Loading the reel"), skeleton());
    const asked = latest;
    const mine = turn + 1;
    try {
      const got = await loadedAs(asked);
      if (!got) return;
      if (isDropping) before?.forgetDraft();
      bench = mountWorkbench(place, {
        context, addresses, job: asked, loaded: got, onChanged, onRevision: (now) => void revised(now), onLoadTheirs: loadTheirs,
      });
      if (latest !== asked) bench.update(latest);
    } catch (error) {
      if (!isOver && mine === turn) fill(place, fault(error));
    }
  }

  /** @param {Job} now with another reel than is shown */
  async function revised(now) {
    if (!bench) return;
    const mine = turn + 1;
    try {
      const got = await loadedAs(now);
      if (!got || !bench) return;
      const isOwn = bench.isOwn(now) || isReelOf(bench.session.state, got.report);
      if (!isOwn && bench.session.isEdited) {
        bench.tellTheirs(now);
        return;
      }
      const isPlaying = isOwn && bench.show(now, got);
      if (!isOwn) await begin();
      const watch = { label: "Watch it", run: () => bench?.watch() };
      const sentence = `${isOwn ? "" : "Somebody rendered this reel anew: "}Revision ${now.rendered_revision} · ${clock(got.report.edit_list.duration_s)}`;
      whenSeen(() => !isOver && toast(sentence, isPlaying ? {} : { action: watch, forMs: 12_000 }));
    } catch (error) {
      if (!isOver && mine === turn) toast(error instanceof Error ? error.message : String(error), { action: { label: "Try again", run: () => void begin() } });
    }
  }

  async function loadTheirs() {
    if (!bench) return;
    const mine = bench.session.state;
    try {
      latest = await context.api.job(latest.id);
    } catch {
      toast("Montage does not answer. Try again in a moment; your edit is kept.");
      return;
    }
    await begin({ isDropping: true });
    if (bench) toast("Theirs is shown, in place of your edit.", { action: { label: "Undo", run: () => bench?.session.go(mine) }, forMs: 12_000 });
  }

  /** @param {unknown} error */
  function fault(error) {
    const again = h("button", { type: "button", class: "button", onclick: () => void begin() }, "Try again");
    return h("div", { class: "notice bad", role: "alert" }, h("p", {}, error instanceof Error ? error.message : String(error)), h("div", { class: "buttons" }, again));
  }

  return {
    update(now) {
      latest = now;
      bench?.update(now);
    },
    unmount() {
      isOver = true;
      bench?.unmount();
      loaded?.sprite?.close();
      fill(root);
    },
  };
}

/**
 * Run once somebody can see it: now, or when the tab is looked at again.
 * @param {() => void} run
 */
function whenSeen(run) {
  if (document.visibilityState === "visible") run();
  else document.addEventListener("visibilitychange", run, { once: true });
}
