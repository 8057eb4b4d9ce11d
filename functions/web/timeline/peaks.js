// The highest of any stretch of many numbers, in no more than a few steps. Pure.

/** Values of 0 and more, and above them the maxima of pairs, of pairs of pairs, and so on. */
export class Peaks {
  /** @param {readonly number[]} values */
  constructor(values) {
    this.length = values.length;
    /** @type {Float32Array[]} */
    this._levels = [Float32Array.from(values)];
    for (let below = this._top(); below.length > 1; below = this._top()) this._levels.push(halved(below));
  }

  /** @param {number} index @returns {number} the value there, 0 outside */
  at(index) {
    return this._levels[0]?.[index] ?? 0;
  }

  /**
   * Return the highest value of [from, to), which holds at least the one at `from`; wide stretches may take in
   * neighbours, up to a quarter more at each end.
   * @param {number} from
   * @param {number} to
   */
  between(from, to) {
    const first = Math.max(0, Math.floor(from));
    const last = Math.min(this.length - 1, Math.max(first, Math.ceil(to) - 1));
    const shift = Math.max(0, 29 - Math.clz32(last - first + 1));
    const level = this._levels[Math.min(shift, this._levels.length - 1)] ?? this._top();
    const until = last >> Math.min(shift, this._levels.length - 1);
    let most = 0;
    for (let n = first >> shift; n <= until; n += 1) most = Math.max(most, level[n] ?? 0);
    return most;
  }

  _top() {
    return /** @type {Float32Array} */ (this._levels[this._levels.length - 1]);
  }
}

/** @param {Float32Array} values */
function halved(values) {
  const half = new Float32Array(Math.ceil(values.length / 2));
  for (let n = 0; n < half.length; n += 1) {
    half[n] = Math.max(/** @type {number} */ (values[2 * n]), values[2 * n + 1] ?? 0);
  }
  return half;
}
