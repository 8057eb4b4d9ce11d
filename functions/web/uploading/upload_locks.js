// One tab sends an upload. Where the browser has no locks (a page without TLS), the server settles it.

const PREFIX = "montage.upload.";

/**
 * Take an upload for this tab. Returns what gives it back, or null when another tab has it.
 * @param {string} job
 * @returns {Promise<(() => void) | null>}
 */
export function takeUpload(job) {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((done, fail) => {
    navigator.locks.request(PREFIX + job, { ifAvailable: true }, (lock) => {
      if (!lock) return done(null);
      return new Promise((release) => done(() => release(undefined)));
    }).catch(fail);
  });
}

/** Return the jobs whose uploads some tab has. */
export async function takenUploads() {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return new Set(held.map(({ name = "" }) => name).filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length)));
}
