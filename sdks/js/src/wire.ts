/**
 * How bytes get to a server: one request by `fetch`, and its answer piece by piece.
 *
 * Each wait has its time, by an `AbortController` that ends the request; the signal of whoever
 * calls is tied to it. What fetch does by itself is switched off: redirects, cookies, caches.
 */

import type { Fetch } from "./settings.js";

export interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** Milliseconds for each phase of one try. */
export interface Spans {
  readonly firstByte: number;
  readonly idle: number;
  readonly total: number;
}

/** A try without an answer: `code` says why. */
export class Lost {
  constructor(
    readonly code: string,
    readonly cause: unknown,
  ) {}
}

/** The beginning of an answer. */
export class Head {
  readonly status: number;
  readonly #headers: Headers;

  constructor(status: number, headers: Headers) {
    this.status = status;
    this.#headers = headers;
  }

  get isGood(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** By which the server knows the request. */
  get requestId(): string | null {
    return this.header("x-request-id");
  }

  header(name: string): string | null {
    return this.#headers.get(name);
  }
}

const CODES: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: "connect_timeout",
  UND_ERR_HEADERS_TIMEOUT: "first_byte_timeout",
  UND_ERR_BODY_TIMEOUT: "idle_timeout",
  UND_ERR_HEADERS_OVERFLOW: "head_too_large",
  HPE_HEADER_OVERFLOW: "head_too_large",
  HPE_INVALID_EOF_STATE: "connection_lost",
  EPROTO: "tls_failed",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls_failed",
};
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|UNABLE_TO_)/;
const CODING = /^Z_/;
const CONNECTING = new Set(["connect", "getaddrinfo"]);

interface PlatformError {
  name?: unknown;
  code?: unknown;
  syscall?: unknown;
  cause?: unknown;
  errors?: unknown[];
}

/** Say in our words what fetch rejected with; only Node tells why. */
export function lostBy(error: unknown, hasBegun: boolean): Lost {
  const cause = ((error as PlatformError | null)?.cause ?? error) as PlatformError;
  const first = (cause.errors?.[0] ?? cause) as PlatformError;
  const code = String(first.code ?? "");
  if (CODES[code] !== undefined) {
    return new Lost(CODES[code], error);
  }
  if (TLS.test(code)) {
    return new Lost("tls_failed", error);
  }
  // Node 24 leaves the parser's code out.
  if (code.startsWith("HPE_") || first.name === "HTTPParserError") {
    return new Lost(hasBegun ? "broken_body" : "not_http", error);
  }
  if (CODING.test(code)) {
    return new Lost("broken_body", error);
  }
  const isUnreached = !hasBegun && CONNECTING.has(String(first.syscall));
  return new Lost(isUnreached ? "connect_failed" : "connection_lost", error);
}

/** One request under way. */
export class Exchange {
  readonly #spans: Spans;
  readonly #ends: number;
  readonly #outer: AbortSignal | undefined;
  readonly #controller = new AbortController();
  readonly #onAbort = (): void => this.#controller.abort(this.#outer?.reason);
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #hasBegun = false;
  #isOver = false;

  private constructor(spans: Spans, outer: AbortSignal | undefined) {
    this.#spans = spans;
    this.#ends = performance.now() + spans.total;
    this.#outer = outer;
  }

  /**
   * Send a request, and give it with the head of its answer.
   *
   * Throws `Lost` where there is none, and the reason of *outer* where that was aborted. Whoever
   * gets an exchange closes it.
   */
  static async open(
    fetch: Fetch,
    request: Request,
    spans: Spans,
    outer: AbortSignal | undefined,
  ): Promise<[Exchange, Head]> {
    if (outer?.aborted === true) {
      throw outer.reason;
    }
    const made = new Exchange(spans, outer);
    outer?.addEventListener("abort", made.#onAbort, { once: true });
    try {
      return [made, await made.#begin(fetch, request)];
    } catch (error) {
      made.close();
      throw error;
    }
  }

  async #begin(fetch: Fetch, request: Request): Promise<Head> {
    const response = await this.#within("first_byte", this.#spans.firstByte, () =>
      fetch(request.url, {
        method: request.method,
        headers: { ...request.headers },
        body: request.body,
        redirect: "manual",
        credentials: "omit",
        cache: "no-store",
        signal: this.#controller.signal,
      }),
    );
    this.#hasBegun = true;
    this.#reader = response.body?.getReader() ?? null;
    this.#isOver = this.#reader === null;
    return new Head(response.status, response.headers);
  }

  /** Give the next piece of the body, null at its end; throws as `open`. */
  async read(): Promise<Uint8Array | null> {
    const reader = this.#reader;
    if (reader === null || this.#isOver) {
      return null;
    }
    const { done, value } = await this.#within("idle", this.#spans.idle, () => reader.read());
    this.#isOver = done;
    return value ?? null;
  }

  /** Read what is left for so long at most, which keeps the connection for another call. */
  async linger(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#controller.abort(), ms);
    try {
      while ((await this.read()) !== null) {
        // What comes behind the end is not looked at.
      }
    } catch {
      // The answer is whole: how its connection ends is nobody's loss.
    } finally {
      clearTimeout(timer);
      this.close();
    }
  }

  /** Want no more of it: what is still under way is given up. */
  close(): void {
    this.#outer?.removeEventListener("abort", this.#onAbort);
    if (!this.#isOver) {
      this.#isOver = true;
      this.#controller.abort();
      this.#reader?.cancel().catch(() => {});
    }
  }

  /** Wait for *work* as long as the phase may take, and what is left of all. */
  async #within<T>(phase: string, span: number, work: () => Promise<T>): Promise<T> {
    const left = this.#ends - performance.now();
    const tooLong = new Lost(`${left <= span ? "total" : phase}_timeout`, undefined);
    const timer = setTimeout(() => this.#controller.abort(tooLong), Math.min(left, span));
    try {
      return await until(this.#controller.signal, work);
    } catch (error) {
      const { aborted, reason } = this.#controller.signal;
      throw aborted ? reason : lostBy(error, this.#hasBegun);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Give what comes of *work*; an aborted signal ends the wait, whether *work* heeds it or not. */
function until<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener("abort", stop, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", stop));
  });
}
