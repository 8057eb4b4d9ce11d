// Asking before much of an upload is thrown away.

import { h } from "../dom.js";
import { bytes } from "../format.js";

const LARGE_BYTES = 200e6; // so much is not thrown away without a question

/**
 * Resolve with whether to cancel an upload: at once where there is little to lose, else with what its owner says.
 * @param {{name: string, storedBytes: number | null, sizeBytes: number}} upload `storedBytes` is null where nobody knows
 * @returns {Promise<boolean>}
 */
export function cancelAsked({ name, storedBytes, sizeBytes }) {
  if ((storedBytes ?? sizeBytes) < LARGE_BYTES) return Promise.resolve(true);
  return new Promise((done) => {
    let isSure = false;
    const sure = () => {
      isSure = true;
      dialog.close();
    };
    const dialog = h("dialog", { class: "erase-dialog", "aria-labelledby": "cancel-title", "aria-describedby": "cancel-what" },
      h("div", { class: "stack" },
        h("h2", { id: "cancel-title" }, `Cancel the upload of “${name}”?`),
        h("p", { id: "cancel-what", class: "soft" },
          storedBytes === null ? "What has arrived of it is thrown away, " : `The ${bytes(storedBytes)} that have arrived are thrown away, `,
          "and no reel is made of it. The file on your own device stays."),
        h("div", { class: "buttons" },
          h("button", { class: "button", type: "button", autofocus: true, onclick: () => dialog.close() }, "Keep it"),
          h("button", { class: "button danger", type: "button", onclick: sure }, "Cancel it"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(isSure);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
