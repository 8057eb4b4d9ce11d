// A file that this tab uploads.

/**
 * Show a file that this tab uploads; null when it does not.
 * @param {HTMLElement} _root
 * @param {string} _jobId
 * @returns {{unmount: () => void} | null}
 */
export function mountUploadRow(_root, _jobId) {
  return null;
}
