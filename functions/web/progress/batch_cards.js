// The cards of a batch, kept where they are while what they say changes.

import { h } from "../dom.js";
import { jobCard, rowOf } from "./job_card.js";
import { isRunning } from "./wording.js";

/** @typedef {import("../api.js").Job} Job */
/** @typedef {import("../api.js").JobRow} JobRow */

/**
 * Return the list of a batch's cards.
 * @param {import("../app.js").Context} context
 * @param {{onChanged: () => void}} how
 */
export function batchCards(context, { onChanged }) {
  const element = h("ul", { class: "job-cards" });
  /** @type {Map<string, {item: HTMLElement, card: ReturnType<typeof jobCard>, job: Job | null, row: JobRow, at: number}>} */
  const cards = new Map();
  /** @type {Set<string>} */
  const onScreen = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const id = /** @type {HTMLElement} */ (target).dataset.job ?? "";
      if (isIntersecting) onScreen.add(id);
      else onScreen.delete(id);
    }
  });
  return {
    element,
    updateRows,
    updateJob,
    remove,
    unmount,
    standings: () => [...cards.values()].map(({ card }) => card.standing()),
    known: {
      /** @param {string} id */
      isOnScreen: (id) => onScreen.has(id),
      /** @param {string} id */
      askedAt: (id) => cards.get(id)?.at ?? 0,
      /** @param {string} id */
      heldState: (id) => cards.get(id)?.job?.state ?? null,
    },
  };

  /** @param {JobRow[]} rows in their order */
  function updateRows(rows) {
    const there = new Set(rows.map((row) => row.id));
    for (const id of [...cards.keys()]) if (!there.has(id)) remove(id);
    for (const row of rows) {
      const held = cards.get(row.id) ?? added(row);
      held.row = row;
      const isOfNow = held.job && (held.job.state === row.state || (isRunning(held.job.state) && isRunning(row.state)));
      held.card.update(row, isOfNow ? held.job : null);
    }
  }

  /** @param {JobRow} row */
  function added(row) {
    const card = jobCard(context, row.id, {
      onChanged(job) {
        if (job) updateJob(job);
        onChanged();
      },
      onErased() {
        remove(row.id);
        onChanged();
      },
    });
    const item = h("li", { dataset: { job: row.id } }, card.element);
    const held = { item, card, job: /** @type {Job | null} */ (null), row, at: 0 };
    cards.set(row.id, held);
    element.append(item);
    observer.observe(item);
    return held;
  }

  /** @param {Job} job */
  function updateJob(job) {
    const held = cards.get(job.id);
    if (!held) return;
    held.job = job;
    held.at = performance.now();
    held.card.update(rowOf(job), job);
  }

  /** @param {string} id */
  function remove(id) {
    const held = cards.get(id);
    if (!held) return;
    observer.unobserve(held.item);
    held.card.unmount();
    held.item.remove();
    cards.delete(id);
    onScreen.delete(id);
  }

  function unmount() {
    observer.disconnect();
    for (const id of [...cards.keys()]) remove(id);
  }
}
