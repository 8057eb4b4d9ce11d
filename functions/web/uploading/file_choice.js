// Files as people bring them: dropped, in folders or not, or chosen in a picker. With a handle where the browser gives
// one, which opens the same file again after a reload.

import { h } from "../dom.js";
import { isMedia } from "./accepted_types.js";

/** @typedef {{file: File, handle: FileSystemFileHandle | null}} Chosen */
/** @typedef {{chosen: Chosen[], skipped: number}} Choice `skipped`: files in folders that are no media */

/**
 * Return what was dropped; folders are read to their last file. To be called while the event is being handled.
 * @param {DataTransfer} dropped
 * @returns {Promise<Choice>}
 */
export async function droppedFiles(dropped) {
  const items = [...dropped.items].filter((item) => item.kind === "file").map((item) => ({
    // all at once: after the event the items are empty
    file: item.getAsFile(),
    entry: item.webkitGetAsEntry?.() ?? null,
    handle: /** @type {Promise<FileSystemHandle | null>} */ (/** @type {any} */ (item).getAsFileSystemHandle?.().catch(() => null) ?? Promise.resolve(null)),
  }));
  /** @type {Choice} */
  const choice = { chosen: [], skipped: 0 };
  for (const { file, entry, handle } of items) {
    const known = await handle;
    if (known?.kind === "directory") await addFolder(/** @type {FileSystemDirectoryHandle} */ (known), choice);
    else if (entry?.isDirectory) await addEntry(entry, choice);
    else if (file) choice.chosen.push({ file, handle: /** @type {FileSystemFileHandle | null} */ (known) });
  }
  return choice;
}

/**
 * Ask for files. Returns none when nobody chose any. To be called while a click is being handled.
 * @param {{multiple: boolean}} how
 * @returns {Promise<Chosen[]>}
 */
export async function pickedFiles({ multiple }) {
  const open = /** @type {any} */ (globalThis).showOpenFilePicker;
  if (!open) return filesOfInput(multiple);
  try {
    /** @type {FileSystemFileHandle[]} */
    const handles = await open.call(globalThis, { multiple });
    return await Promise.all(handles.map(async (handle) => ({ file: await handle.getFile(), handle })));
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") return [];
    return filesOfInput(multiple);
  }
}

/** For browsers whose pickers give no handles. @param {boolean} multiple @returns {Promise<Chosen[]>} */
function filesOfInput(multiple) {
  const input = h("input", { type: "file", multiple });
  return new Promise((done) => {
    const settled = new AbortController();
    const end = () => {
      settled.abort();
      done(takenFrom(input));
    };
    input.addEventListener("change", end, { signal: settled.signal });
    input.addEventListener("cancel", end, { signal: settled.signal });
    input.click();
  });
}

/**
 * Return an input's files and empty it, so that the same ones can be chosen again.
 * @param {HTMLInputElement} input
 * @returns {Chosen[]}
 */
export function takenFrom(input) {
  const chosen = [...(input.files ?? [])].map((file) => ({ file, handle: null }));
  input.value = "";
  return chosen;
}

/** @param {FileSystemDirectoryHandle} folder @param {Choice} choice */
async function addFolder(folder, choice) {
  for await (const found of /** @type {any} */ (folder).values()) {
    if (found.kind === "directory") await addFolder(found, choice);
    else await addFound(() => found.getFile(), found, choice);
  }
}

/** @param {FileSystemEntry} entry @param {Choice} choice */
async function addEntry(entry, choice) {
  if (entry.isFile) {
    const { file } = /** @type {FileSystemFileEntry} */ (entry);
    return addFound(() => new Promise((done, fail) => file.call(entry, done, fail)), null, choice);
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) { // a hundred at a time, until there are none
    /** @type {FileSystemEntry[]} */
    const found = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (!found.length) return undefined;
    for (const each of found) await addEntry(each, choice);
  }
}

/** @param {() => Promise<File>} read @param {FileSystemFileHandle | null} handle @param {Choice} choice */
async function addFound(read, handle, choice) {
  try {
    const file = await read();
    if (isMedia(file) && !file.name.startsWith(".")) choice.chosen.push({ file, handle });
    else choice.skipped += 1;
  } catch {
    choice.skipped += 1; // it cannot be read
  }
}

/**
 * Take drops anywhere on the page. Returns what ends that.
 * @param {(dragging: boolean) => void} onDragging
 * @param {(choice: Choice) => void} onDropped
 * @returns {() => void}
 */
export function takeDrops(onDragging, onDropped) {
  const taking = new AbortController();
  const { signal } = taking;
  let depth = 0; // an element is entered before its parent is left
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    onDragging(true);
  }, { signal });
  addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    if (!depth) onDragging(false);
  }, { signal });
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  }, { signal });
  addEventListener("drop", (event) => {
    if (!hasFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    depth = 0;
    onDragging(false);
    droppedFiles(event.dataTransfer).then(onDropped, () => onDropped({ chosen: [], skipped: 0 }));
  }, { signal });
  return () => taking.abort();
}
