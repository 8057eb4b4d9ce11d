// The result of a job: its reel, what it was cut from, and what can be changed about it.

import { fill, h, toast } from "../dom.js";
import { forgetDraft } from "../editing/drafts.js";
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
  /** @type {import("./loading.js").Loaded | null} */
  let loaded = null;
  /** @type {import("./workbench.js").Workbench | null} */
  let bench = null;
  const place = h("div", { class: "result" });
  fill(root, place);
  void begin();

  async function begin({ isPlaying = false } = {}) {
    bench?.unmount();
    bench = null;
    fill(place, h("p", { class: "visually-hidden", role: "status" }, "Loading the reel"), skeleton());
    const asked = latest;
    try {
      addresses.forget();
      loaded = await load(addresses, asked, loaded);
      if (isOver) return;
      bench = mountWorkbench(place, {
        context, addresses, job: asked, loaded, isPlaying, onChanged, onRevision: (now) => void revised(now), onLoadTheirs: () => void loadTheirs(),
      });
      if (latest !== asked) bench.update(latest);
    } catch (error) {
      if (!isOver) fill(place, fault(error));
    }
  }

  /** @param {Job} now with another reel than is shown */
  async function revised(now) {
    if (!bench) return;
    try {
      addresses.forget();
      loaded = await load(addresses, now, loaded);
      if (isOver || !bench) return;
      const isOwn = bench.isOwn(now) || isReelOf(bench.session.state, loaded.report);
      if (!isOwn && bench.session.isEdited) {
        bench.tellTheirs(now);
        return;
      }
      if (isOwn) bench.show(now, loaded);
      else await begin();
      toast(`${isOwn ? "" : "Somebody rendered this reel anew: "}Revision ${now.rendered_revision} · ${clock(loaded.report.edit_list.duration_s)}`);
    } catch (error) {
      if (!isOver) toast(error instanceof Error ? error.message : String(error), { action: { label: "Try again", run: () => void begin() } });
    }
  }

  async function loadTheirs() {
    try {
      latest = await context.api.job(latest.id);
    } catch {
      toast("Montage does not answer. Try again in a moment; your edit is kept.");
      return;
    }
    forgetDraft(latest.id);
    await begin();
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

