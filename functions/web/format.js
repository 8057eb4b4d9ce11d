// Measures as people read them. Pure.

/** The page's sentences are English, so the dates in them are, too; with 24 hours, and days before months. */
export const PAGE_LANGUAGE = "en-GB";

/**
 * Return a length of time to point at: 0:07, 12:03, 1:02:03; with tenths 0:07.4.
 * @param {number} seconds
 * @param {{tenths?: boolean}} [how]
 */
export function clock(seconds, { tenths = false } = {}) {
  const step = tenths ? 10 : 1;
  const whole = Math.max(0, Math.round(seconds * step));
  const secondsInAll = Math.floor(whole / step);
  const hours = Math.floor(secondsInAll / 3600);
  const minutes = Math.floor(secondsInAll / 60) % 60;
  const rest = String(secondsInAll % 60).padStart(2, "0") + (tenths ? `.${whole % 10}` : "");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/**
 * Return the seconds that 90, 1:30, 1:02:03.5 or "20 s" mean, or null for anything else.
 * @param {string} text
 * @returns {number | null}
 */
export function secondsOf(text) {
  const parts = text.trim().replace(",", ".").replace(/\s*(?:s|sec|seconds)$/, "").split(":");
  const isTime = parts.every((part, at) => (at === parts.length - 1 ? /^\d{1,5}(?:\.\d{0,3})?$/ : /^\d{1,5}$/).test(part)
    && (at === 0 || Number(part) < 60));
  return parts.length <= 3 && isTime ? parts.reduce((seconds, part) => seconds * 60 + Number(part), 0) : null;
}

/**
 * Return a length of time to wait for: 8 s, 3 min, 1 h 20 min.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest ? `${Math.floor(minutes / 60)} h ${rest} min` : `${minutes / 60} h`;
}

/**
 * Return an amount of data: 812 kB, 14.1 MB, 3.2 GB.
 * @param {number} sizeBytes
 */
export function bytes(sizeBytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let amount = sizeBytes;
  let unit = 0;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 99.95 ? 0 : 1;
  return `${amount.toFixed(digits)} ${units[unit]}`;
}

/**
 * Return a share from 0 to 1 as whole per cent, 100 only when all is done.
 * @param {number} share
 */
export function percent(share) {
  return `${Math.floor(Math.min(1, Math.max(0, share)) * 100)} %`;
}

/**
 * Return a number with its noun: 1 file, 3 files.
 * @param {number} count
 * @param {string} noun
 * @param {string} [plural]
 */
export function counted(count, noun, plural = `${noun}s`) {
  return `${count} ${count === 1 ? noun : plural}`;
}

/**
 * Return when something was, as short as can be: 14:05 today, 3 Mar otherwise, with the year if it is another.
 * @param {string} at ISO 8601
 * @param {Date} now
 */
export function moment(at, now) {
  const then = new Date(at);
  if (then.toDateString() === now.toDateString()) {
    return then.toLocaleTimeString(PAGE_LANGUAGE, { hour: "2-digit", minute: "2-digit" });
  }
  const year = then.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return then.toLocaleDateString(PAGE_LANGUAGE, { day: "numeric", month: "short", year });
}
