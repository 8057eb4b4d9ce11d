// The HTTP API as the page asks it. Whatever goes wrong is an ApiError with a code and a sentence.

/**
 * @typedef {{name: string, size_bytes: number | null, content_type: string | null, duration_s: number | null,
 *   width: number | null, height: number | null}} Source
 * @typedef {{name: string, position: number, still_for_s: number, source_span_s: [number, number] | null}} Standing
 * @typedef {{state: string, progress: number, chunks: number, done: number, running: number, failed: number,
 *   slowest: Standing | null}} Stage
 * @typedef {{code: string, message: string}} Warning
 * @typedef {{code: string, message: string, is_input: boolean}} JobError
 * @typedef {"awaiting_upload" | "queued" | "analysing" | "merging" | "done" | "failed" | "cancelled" | "expired" |
 *   "erasing"} JobState
 * @typedef {{id: string, owner: string, batch: string | null, state: JobState, revision: number,
 *   rendered_revision: number, epoch: number, created_at: string, ended_at: string | null, source: Source,
 *   options: Record<string, any>, stages: Record<string, Stage>, progress: number, time_left_s: number | null,
 *   warnings: Warning[], error: JobError | null, artifacts: string[], numbers: Record<string, number>,
 *   labels: Record<string, string>}} Job
 * @typedef {{id: string, owner: string, batch: string | null, name: string, state: JobState, progress: number,
 *   created_at: string, ended_at: string | null, error_code: string | null, artifacts: string[],
 *   reel_s: number | null, duration_s: number | null}} JobRow
 * @typedef {{id: string, created_at: string, counts: Partial<Record<JobState, number>>, progress: number,
 *   is_ended: boolean, jobs: JobRow[], labels: Record<string, string>}} Batch
 * @typedef {{url: string, method: string, headers: Record<string, string>, resumable: boolean,
 *   expires_at: string}} Upload
 * @typedef {{job: string, name: string, state: JobState | "erased", upload: Upload | null}} UploadedJob
 * @typedef {{url: string, content_type: string}} Link
 * @typedef {{file: number, code: string, detail: string}} FileError
 */

const LONGEST_MS = 30_000; // a connection that died unnoticed, as after a sleep, must not be waited for

/** What the API refused, or that it could not be reached (`offline`). */
export class ApiError extends Error {
  /**
   * @param {number} status 0 where nobody answered
   * @param {string} code
   * @param {string} detail
   * @param {{errors?: FileError[], state?: JobState, retryAfterS?: number, traceId?: string}} [more]
   */
  constructor(status, code, detail, more = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = more.errors ?? [];
    this.state = more.state ?? null;
    this.retryAfterS = more.retryAfterS ?? null;
    this.traceId = more.traceId ?? null;
  }
}

/** Whoever calls the API: with a key where there is one. */
export class Api {
  /** @param {{key: () => string | null, onKeyWanted: () => Promise<void>, onKeyCounted?: () => void}} keys */
  constructor(keys) {
    this._keys = keys;
  }

  /**
   * @param {string} path
   * @param {{method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal}} [how]
   * @returns {Promise<Response>}
   */
  async send(path, { method = "GET", body, headers = {}, signal } = {}) {
    for (;;) {
      const key = this._keys.key();
      const answer = await reached(path, {
        method,
        headers: {
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(key ? { Authorization: `Bearer ${key}` } : {}),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
        cache: "no-store",
        credentials: "omit",
      });
      if (answer.status !== 401) {
        if (key) this._keys.onKeyCounted?.();
        return told(answer);
      }
      if (this._keys.key() !== key) continue; // another request has asked meanwhile
      await this._keys.onKeyWanted(); // rejects where somebody would rather not
    }
  }

  /**
   * @template T
   * @param {string} path
   * @param {{method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal}} [how]
   * @returns {Promise<T>}
   */
  async json(path, how) {
    return parsed(await this.send(path, how), how?.signal);
  }

  /**
   * @param {{name: string, size_bytes: number, content_type: string}[]} files
   * @param {Record<string, unknown>} options
   * @param {string} idempotencyKey
   * @returns {Promise<{batch: string, jobs: UploadedJob[]}>}
   */
  beginUploads(files, options, idempotencyKey) {
    return this.json("/v1/uploads", {
      method: "POST", body: { files, options }, headers: { "Idempotency-Key": idempotencyKey },
    });
  }

  /** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Job>} */
  job(id, signal) {
    return this.json(`/v1/jobs/${encodeURIComponent(id)}`, { signal });
  }

  /** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Batch>} */
  batch(id, signal) {
    return this.json(`/v1/batches/${encodeURIComponent(id)}`, { signal });
  }

  /**
   * @param {{state?: string, pageToken?: string | null, limit?: number, signal?: AbortSignal}} [query]
   * @returns {Promise<{jobs: JobRow[], next_page_token: string | null}>}
   */
  jobs({ state, pageToken, limit, signal } = {}) {
    const query = new URLSearchParams();
    if (state) query.set("state", state);
    if (limit) query.set("limit", String(limit));
    if (pageToken) query.set("page_token", pageToken);
    return this.json(`/v1/jobs?${query}`, { signal });
  }

  /**
   * Return addresses that a <video>, an <img> or a download can use as they are, and for how long.
   * @param {string} id
   * @param {string[]} [names]
   * @returns {Promise<{forMs: number, links: Record<string, Link>}>}
   */
  async links(id, names) {
    const query = names ? `?names=${names.map(encodeURIComponent).join(",")}` : "";
    const answer = await this.send(`/v1/jobs/${encodeURIComponent(id)}/links${query}`);
    const saidAtMs = Date.parse(answer.headers.get("Date") ?? "") || Date.now(); // clocks here may be wrong by hours
    /** @type {{expires_at: string, links: Record<string, Link>}} */
    const { expires_at, links } = await answer.json();
    return { forMs: Date.parse(expires_at) - saidAtMs, links };
  }

  /** @param {string} id @returns {Promise<Job>} */
  cancel(id) {
    return this.json(`/v1/jobs/${encodeURIComponent(id)}/cancel`, { method: "POST" });
  }

  /** @param {string} id @returns {Promise<Job>} */
  retry(id) {
    return this.json(`/v1/jobs/${encodeURIComponent(id)}/retry`, { method: "POST" });
  }

  /** @param {string} id @returns {Promise<Job>} */
  erase(id) {
    return this.json(`/v1/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  /**
   * @param {string} id
   * @param {number} revision the one that was edited
   * @param {unknown} editList
   * @returns {Promise<Job>}
   */
  renderAgain(id, revision, editList) {
    return this.json(`/v1/jobs/${encodeURIComponent(id)}/edit-list`, {
      method: "PUT", body: editList, headers: { "If-Match": `"r${revision}"` },
    });
  }
}

/**
 * Return the JSON behind a signed address.
 * @param {string} url
 * @returns {Promise<any>}
 */
export async function signedJson(url) {
  return parsed(await told(await reached(url, { credentials: "omit" })));
}

/**
 * @param {string} url
 * @param {RequestInit} how
 */
async function reached(url, how) {
  const silent = new AbortController();
  const isReading = (how.method ?? "GET") === "GET";
  const timer = isReading ? setTimeout(() => silent.abort(), LONGEST_MS) : undefined;
  const give = () => silent.abort();
  how.signal?.addEventListener("abort", give);
  if (how.signal?.aborted) give();
  try {
    return await fetch(url, { ...how, signal: silent.signal });
  } catch (error) {
    if (how.signal?.aborted) throw error;
    throw offline();
  } finally {
    clearTimeout(timer);
    how.signal?.removeEventListener("abort", give);
  }
}

/**
 * @param {Response} answer
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function parsed(answer, signal) {
  try {
    return await answer.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw offline(); // the connection broke within the answer, or something in between answered
  }
}

function offline() {
  return new ApiError(0, "offline", "Montage does not answer. Check the connection; this goes on by itself.");
}

/** @param {Response} answer */
async function told(answer) {
  if (answer.ok) return answer;
  /** @type {any} */
  let problem = {};
  try {
    problem = await answer.json();
  } catch {
    // no problem details: something in between answered
  }
  const detail = problem.detail ?? `The answer was ${answer.status}. Try again in a while.`;
  throw new ApiError(answer.status, problem.code ?? "unknown", detail, {
    errors: problem.errors, state: problem.state, traceId: problem.trace_id,
    retryAfterS: Number(answer.headers.get("Retry-After")) || undefined,
  });
}
