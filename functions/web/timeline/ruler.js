// Where a ruler is marked, and what it says there. Pure.

import { clock } from "../format.js";

const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
const ROOM_PX = 84; // for the longest label, 1:02:03.4, and air

/**
 * Return how many seconds lie between two labels, and into how many parts they are divided.
 * @param {number} pxPerS
 * @returns {{stepS: number, parts: number}}
 */
export function marks(pxPerS) {
  const stepS = STEPS_S.find((each) => each * pxPerS >= ROOM_PX) ?? 14400;
  const parts = [10, 5, 4, 2].find((each) => divides(stepS, each) && (stepS / each) * pxPerS >= 7) ?? 1;
  return { stepS, parts };
}

/**
 * Return what the ruler says at a time.
 * @param {number} atS
 * @param {number} stepS
 */
export function label(atS, stepS) {
  return clock(atS, { tenths: stepS < 1 });
}

/** @param {number} stepS @param {number} parts */
function divides(stepS, parts) {
  const partS = stepS / parts;
  return STEPS_S.some((each) => Math.abs(each - partS) < 1e-9) || partS === 3 || partS === 1;
}
