// Finding a place in what is sorted, by halving. Pure.

/**
 * Return how many items come before a border: those for which `isBefore` holds, which must be the first ones.
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => boolean} isBefore
 */
export function countBefore(items, isBefore) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(/** @type {T} */ (items[middle]))) low = middle + 1;
    else high = middle;
  }
  return low;
}
