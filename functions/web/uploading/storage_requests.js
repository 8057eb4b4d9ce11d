// The requests that bring bytes to where they are kept. Nothing here rejects but for an abort.

/** @typedef {import("./resumable.js").Answer} Answer */

const SILENT_MS = 60_000; // as long as the server waits for a byte

/**
 * Begin an upload.
 * @param {import("../api.js").Upload} begin
 * @param {AbortSignal} signal
 */
export function beginSession(begin, signal) {
  return sent(begin.method, begin.url, { headers: begin.headers, body: null, signal });
}

/**
 * Send a part of a file, or with null ask how much has arrived.
 * @param {string} sessionUrl
 * @param {Blob | null} body
 * @param {string} contentRange
 * @param {AbortSignal} signal
 * @param {(sentBytes: number) => void} [onSent] how much of this part
 */
export function putPart(sessionUrl, body, contentRange, signal, onSent) {
  return sent("PUT", sessionUrl, { headers: { "Content-Range": contentRange }, body, signal, onSent });
}

/**
 * Take an upload back: what arrived is removed.
 * @param {string} sessionUrl
 */
export function removeSession(sessionUrl) {
  return sent("DELETE", sessionUrl, { headers: {}, body: null, signal: AbortSignal.timeout(SILENT_MS) });
}

/**
 * @param {string} method
 * @param {string} url
 * @param {{headers: Record<string, string>, body: Blob | null, signal: AbortSignal, onSent?: (sentBytes: number) => void}} what
 * @returns {Promise<Answer>}
 */
function sent(method, url, { headers, body, signal, onSent }) {
  return new Promise((done, fail) => {
    if (signal.aborted) return fail(signal.reason);
    const request = new XMLHttpRequest();
    /** @type {ReturnType<typeof setTimeout>} */
    let silence;
    const stirred = () => {
      clearTimeout(silence);
      silence = setTimeout(() => ended({ status: 0 }), SILENT_MS);
    };
    const aborted = () => {
      request.abort();
      fail(signal.reason);
    };
    /** @param {Answer} answer */
    const ended = (answer) => {
      clearTimeout(silence);
      signal.removeEventListener("abort", aborted);
      done(answer);
      request.abort();
    };
    signal.addEventListener("abort", aborted, { once: true });
    signal.addEventListener("abort", () => clearTimeout(silence), { once: true });
    request.upload.addEventListener("progress", (event) => {
      stirred();
      if (!signal.aborted) onSent?.(event.loaded);
    });
    request.addEventListener("load", () => ended(answerOf(request)));
    request.addEventListener("error", () => ended({ status: 0 }));
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    stirred();
    request.send(body);
    return undefined;
  });
}

/**
 * Return a header, or null. Not by getResponseHeader: of what another origin keeps to itself it complains in the console.
 * @param {XMLHttpRequest} request
 * @param {string} name in lower case
 */
function headerOf(request, name) {
  const line = request.getAllResponseHeaders().split("\r\n").find((each) => each.toLowerCase().startsWith(`${name}: `));
  return line ? line.slice(name.length + 2).trim() : null;
}

/** @param {XMLHttpRequest} request @returns {Answer} */
function answerOf(request) {
  /** @type {any} */
  let problem = {};
  try {
    problem = JSON.parse(request.responseText);
  } catch {
    // Cloud Storage answers in XML; its status says enough
  }
  return {
    status: request.status,
    code: problem?.code ?? null,
    detail: problem?.detail ?? null,
    range: headerOf(request, "range"),
    location: headerOf(request, "location"),
    retryAfterS: Number(headerOf(request, "retry-after")) || null,
  };
}
