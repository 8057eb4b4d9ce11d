// What the browser remembers of uploads that have not arrived, so that they go on after a reload. Where it may keep
// nothing, as in some private windows, nothing is remembered and nothing else is different.

const DATABASE = "montage";
const WEEK_MS = 7 * 24 * 3600 * 1000; // then the server forgets them

/**
 * How a batch was announced: the same again under the same key gives fresh addresses.
 * @typedef {{files: {name: string, size_bytes: number, content_type: string}[], options: Record<string, unknown>,
 *   key: string}} Announcement
 *
 * @typedef {{job: string, batch: string, name: string, sizeBytes: number, lastModified: number, type: string,
 *   sessionUrl: string | null, fingerprint: import("./fingerprint.js").Fingerprint | null,
 *   handle: FileSystemFileHandle | null, announcement: Announcement, atMs: number}} Unfinished
 */

/**
 * Remember an upload, or what has changed about it.
 * @param {Unfinished} upload
 */
export async function remember(upload) {
  try {
    await changed((uploads) => uploads.put(upload));
  } catch {
    try {
      await changed((uploads) => uploads.put({ ...upload, handle: null })); // not every browser stores handles
    } catch {
      // then a reload forgets it
    }
  }
}

/**
 * Forget an upload: it has arrived, or never will.
 * @param {string} job
 */
export async function forget(job) {
  try {
    await changed((uploads) => uploads.delete(job));
  } catch {
    // what cannot be forgotten was not remembered
  }
}

/**
 * Return what is remembered, oldest first; what the server has forgotten by now is forgotten here, too.
 * @param {number} [nowMs]
 * @returns {Promise<Unfinished[]>}
 */
export async function remembered(nowMs = Date.now()) {
  /** @type {Unfinished[]} */
  let all;
  try {
    all = await changed((uploads) => uploads.getAll());
  } catch {
    return [];
  }
  const isOld = (/** @type {Unfinished} */ upload) => upload.atMs < nowMs - WEEK_MS;
  for (const upload of all.filter(isOld)) await forget(upload.job);
  return all.filter((upload) => !isOld(upload)).sort((one, other) => one.atMs - other.atMs);
}

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

/** @returns {Promise<IDBDatabase>} */
function database() {
  if (opened) return opened;
  /** @type {Promise<IDBDatabase>} */
  const opening = new Promise((done, fail) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("uploads", { keyPath: "job" });
    request.onsuccess = () => {
      request.result.onclose = forgotten; // some browsers close those of hidden pages
      done(request.result);
    };
    request.onerror = () => fail(request.error);
    request.onblocked = () => fail(new Error("Another tab holds the database."));
  });
  opened = opening;
  opening.catch(forgotten); // the next one tries anew
  return opening;

  function forgotten() {
    if (opened === opening) opened = null;
  }
}

/**
 * @template T
 * @param {(uploads: IDBObjectStore) => IDBRequest<T>} change
 * @returns {Promise<T>}
 */
async function changed(change) {
  const transaction = await begun();
  const request = change(transaction.objectStore("uploads"));
  return new Promise((done, fail) => {
    transaction.oncomplete = () => done(request.result);
    transaction.onabort = () => fail(transaction.error);
  });
}

/** @returns {Promise<IDBTransaction>} */
async function begun() {
  const begin = async () => (await database()).transaction("uploads", "readwrite");
  try {
    return await begin();
  } catch {
    opened = null; // closed without a word, or not to be opened then
    return await begin();
  }
}
