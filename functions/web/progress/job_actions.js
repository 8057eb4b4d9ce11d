// What can be done about a job: stop it, try it again, erase it, open its reel.

import { fill, h, icon, ICONS, setText } from "../dom.js";
import { eraseAsked } from "./erase_dialog.js";
import { isEnded } from "./wording.js";

/** @typedef {import("../api.js").JobState} JobState */
/**
 * `run` tells one attempt from the next; `isInput` is null until the whole job is known.
 * @typedef {{id: string, name: string, state: JobState, run: string, isInput: boolean | null, hasReel: boolean}} Acted
 */

/**
 * Return the buttons of a job. They are made anew only when others are right, so that focus and a question stay.
 * @param {import("../app.js").Context} context
 * @param {{onChanged: (job: import("../api.js").Job | null) => void, onErased: () => void, isOwnPage?: boolean}} how isOwnPage: no way to itself is shown
 * @returns {{element: HTMLElement, update: (job: Acted) => void}}
 */
export function jobActions({ api }, { onChanged, onErased, isOwnPage = false }) {
  const buttons = h("div", { class: "buttons" });
  const fault = h("p", { class: "action-fault", role: "alert", hidden: true });
  const element = h("div", { class: "job-actions" }, buttons, fault);
  let shown = "";
  /** @type {Acted} */
  let job;
  return { element, update };

  /** @param {Acted} acted */
  function update(acted) {
    job = acted;
    const now = [acted.state, acted.run, acted.isInput, acted.hasReel].join();
    if (now === shown) return;
    shown = now;
    fault.hidden = true;
    draw();
  }

  function draw() {
    const hadFocus = buttons.contains(document.activeElement);
    fill(buttons, chosen());
    if (hadFocus) /** @type {HTMLElement | null} */ (buttons.querySelector("a, button"))?.focus();
  }

  function chosen() {
    const { id, name, state } = job;
    if (state === "erasing") return [];
    const made = [];
    if (state === "done" && !isOwnPage) {
      made.push(h("a", { class: "button primary", href: `/jobs/${id}`, "data-link": true, "aria-label": `Open the reel: ${name}` }, "Open the reel"));
    }
    if (state === "failed" && job.isInput === false) {
      made.push(button("Try again", "primary", name, () => act(() => api.retry(id))));
    }
    if ((state === "failed" && job.isInput) || state === "cancelled" || state === "expired") {
      made.push(h("a", { class: "button", href: "/", "data-link": true }, "Upload another file"));
    }
    if (isEnded(state)) {
      made.push(h("button", { class: "button quiet", type: "button", "aria-label": `Erase: ${name}`, onclick: () => void erase() },
        icon(ICONS.trash), "Erase"));
    } else {
      made.push(button(job.hasReel ? "Stop this cut" : "Cancel", "small", name, ask));
    }
    return made;
  }

  function ask() {
    const question = job.hasReel ? "Stop this cut? The reel before it stays." : "Stop this one? No reel will be made of it.";
    const keep = button("Keep going", "", job.name, draw);
    fill(buttons, h("div", { class: "confirm", role: "group", "aria-label": question, onkeydown: escaped },
      h("p", {}, question),
      h("div", { class: "buttons" },
        button("Stop it", "danger", job.name, () => act(() => api.cancel(job.id))), keep)));
    keep.focus();
  }

  /** @param {KeyboardEvent} event */
  function escaped(event) {
    if (event.key === "Escape") draw();
  }

  /** @param {() => Promise<import("../api.js").Job>} does */
  async function act(does) {
    fault.hidden = true;
    const pressed = /** @type {HTMLButtonElement[]} */ ([...buttons.querySelectorAll("button")]);
    for (const each of pressed) each.setAttribute("aria-disabled", "true");
    try {
      onChanged(await does());
      draw(); // also where it stands as before: what was tried again may have failed in the same moment
    } catch (error) {
      const { code, message } = /** @type {import("../api.js").ApiError} */ (error);
      if (code === "already_ended" || code === "not_failed") onChanged(null); // it has changed meanwhile: show that
      else {
        fault.hidden = false;
        setText(fault, message);
      }
      draw();
    }
  }

  async function erase() {
    if (await eraseAsked(api, job)) onErased();
  }
}

/**
 * @param {string} text
 * @param {string} kind
 * @param {string} of the file it is about: said to those who do not see where it stands, after what they may speak
 * @param {() => unknown} run
 */
function button(text, kind, of, run) {
  return h("button", {
    class: `button ${kind}`, type: "button", "aria-label": `${text}: ${of}`,
    onclick: (/** @type {Event} */ event) => {
      const pressed = /** @type {Element} */ (event.currentTarget);
      if (pressed.getAttribute("aria-disabled") !== "true") void run();
    },
  }, text);
}
