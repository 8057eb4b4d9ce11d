import { fill, h } from "../dom.js";
import { mountResult } from "../result/result.js";

const POLL_MS = 1000;

/**
 * @param {HTMLElement} root
 * @param {import("../app.js").Context} context
 * @param {string} id
 * @returns {import("../app.js").Mounted}
 */
export function mount(root, context, id) {
  let timer = 0;
  let isOver = false;
  /** @type {ReturnType<typeof mountResult> | null} */
  let result = null;
  const place = h("div", {});
  fill(root, place);
  void poll();

  async function poll() {
    clearTimeout(timer);
    try {
      const job = await context.api.job(id);
      if (isOver) return;
      if (result) result.update(job);
      else if (job.rendered_revision >= 1) result = mountResult(place, context, job, { onChanged: () => void poll() });
      if (job.state === "done") return;
    } catch (error) {
      fill(place, h("p", {}, String(error)));
    }
    timer = window.setTimeout(poll, POLL_MS);
  }
  return {
    unmount() {
      isOver = true;
      clearTimeout(timer);
      result?.unmount();
    },
  };
}
