// Asking before a job is erased, and erasing it.

import { h, setText, toast } from "../dom.js";

/**
 * Ask whether to erase a job, and do so; resolves with whether it is being erased.
 * @param {import("../api.js").Api} api
 * @param {{id: string, name: string}} job
 * @returns {Promise<boolean>}
 */
export function eraseAsked(api, { id, name }) {
  return new Promise((done) => {
    let isErased = false;
    const fault = h("p", { class: "notice bad", role: "alert", hidden: true });
    const yes = h("button", { class: "button danger", type: "button", onclick: () => void erase() }, "Erase it");
    const no = h("button", { class: "button", type: "button", autofocus: true, onclick: () => dialog.close() }, "Keep it");
    const dialog = h("dialog", { class: "erase-dialog", "aria-labelledby": "erase-title", "aria-describedby": "erase-what" },
      h("div", { class: "stack" },
        h("h2", { id: "erase-title" }, `Erase “${name}”?`),
        h("p", { id: "erase-what", class: "soft" },
          "The video that was uploaded, its reel and everything else made of it go from this Montage. ",
          "The file on your own device stays. This cannot be undone."),
        fault,
        h("div", { class: "buttons" }, no, yes)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(isErased);
    });
    document.body.append(dialog);
    dialog.showModal();

    async function erase() {
      yes.disabled = true;
      setText(yes, "Erasing…");
      try {
        await api.erase(id);
        isErased = true;
      } catch (error) {
        isErased = /** @type {{code?: string}} */ (error).code === "unknown_job"; // somebody else was first
        if (!isErased) {
          yes.disabled = false;
          setText(yes, "Erase it");
          fault.hidden = false;
          setText(fault, /** @type {Error} */ (error).message);
          return;
        }
      }
      dialog.close();
      toast(`“${name}” is erased.`);
    }
  });
}
