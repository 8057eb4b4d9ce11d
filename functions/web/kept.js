// What the browser keeps for the page. Where it keeps nothing, as some do for pages whose storage is blocked, nothing is
// remembered and nothing else is different.

/**
 * @typedef {{get: (name: string) => string | null, set: (name: string, value: string) => boolean,
 *   remove: (name: string) => void}} Kept `set` returns whether it is kept
 */

/**
 * Return a storage that never throws.
 * @param {() => Storage} storage even to ask for it may throw
 * @returns {Kept}
 */
export function guarded(storage) {
  return {
    get: (name) => tried(() => storage().getItem(name), null),
    set: (name, value) => tried(() => {
      storage().setItem(name, value);
      return true;
    }, false),
    remove: (name) => tried(() => storage().removeItem(name), undefined),
  };
}

/** Kept until somebody clears it. */
export const lasting = guarded(() => localStorage);

/** Kept until the tab is closed. */
export const ofThisTab = guarded(() => sessionStorage);

/** @template T @param {() => T} does @param {T} otherwise @returns {T} */
function tried(does, otherwise) {
  try {
    return does();
  } catch {
    return otherwise;
  }
}
