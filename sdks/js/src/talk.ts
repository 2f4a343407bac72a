/**
 * One call from its first try to its end: what is sent, what comes of it, what is tried again.
 *
 * Theory of operation. A client hands each outcome of a try to the call's `Talk`, which waits for
 * nothing and reads no clock but the one that it was given: an answer becomes a value, `Again` after
 * some time, or an error.
 *
 * How long to wait is drawn anew from nothing to a bound that doubles (full jitter), so that clients
 * which failed together do not come back together; what the server asks for is waited besides.
 */

import type { RateLimit } from "./answers.js";
import * as errors from "./errors.js";
import type { Job } from "./jobs.js";
import { isBrowser, isHeaderValue, type Settings } from "./settings.js";
import { faultsOf } from "./shapes.js";
import type { Head, Lost, Request } from "./wire.js";
import { VERSION } from "./version.js";

// Milliseconds that the wait before the first repetition is drawn from.
const BASE_WAIT = 500;

// What that bound does not double beyond.
const LONGEST_WAIT = 8_000;

// Seconds of a `Retry-After` that are waited: a window of the server's is full no longer.
const PATIENCE = 60;

// Seconds of one that are told: a day is as good as never.
const MAX_RETRY_AFTER = 86_400;

/** Bytes of one answer, streams too: long ones have a few MiB. */
export const MAX_ANSWER = 64 * 1024 * 1024;

// Characters of an error's body that is not JSON which are kept.
const MAX_TEXT = 500;

const EVENTS = "text/event-stream";
const COUNT = /^[0-9]{1,15}$/;
const SECONDS = /^[0-9]{1,9}(\.[0-9]+)?$/;
const DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

const BY_STATUS: Readonly<Record<number, typeof errors.StatusError>> = {
  400: errors.BadRequestError,
  401: errors.AuthenticationError,
  403: errors.PermissionDeniedError,
  404: errors.NotFoundError,
  409: errors.ConflictError,
  429: errors.RateLimitError,
  503: errors.ServiceUnavailableError,
};

// Of these nothing came, whatever was asked.
const UNASKED = new Set(["connect_timeout", "connect_failed"]);
const LOST = new Set(["first_byte_timeout", "idle_timeout", "connection_lost", "broken_body"]);

const WHY: Readonly<Record<string, (spans: Settings["timeouts"]) => string>> = {
  connect_timeout: () => "no connection was made in time",
  first_byte_timeout: ({ firstByte }) => `no answer began within ${firstByte} ms`,
  idle_timeout: ({ idle }) => `the answer paused for more than ${idle} ms`,
  total_timeout: ({ total }) => `the call took more than ${total} ms`,
  connect_failed: () => "it cannot be reached",
  tls_failed: () => "no secure connection can be made",
  connection_lost: () => "the connection was lost",
  broken_body: () => "the answer breaks its own framing",
  not_http: () => "what came is no HTTP",
  head_too_large: () => "the head of the answer is too large",
};

// A page is not told more than that; often the server does not allow it to ask.
const BROWSERS_WHY = "no answer came, or a page here may not have it";

/** What a client takes from the world, so that tests need not wait. */
export interface World {
  /** Milliseconds since 1970, by a clock that does not step. */
  now(): number;
  /** A number from 0 to 1, drawn anew. */
  chance(): number;
  /** Wait so many milliseconds; a signal ends that with its reason. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

/** Wait so many milliseconds, then try again. */
export class Again {
  constructor(readonly ms: number) {}
}

/** One call. */
export class Talk<T> {
  readonly #job: Job<T>;
  readonly #settings: Settings;
  readonly #world: World;
  readonly #request: Request;
  readonly #ends: number;
  #again = 0;

  constructor(job: Job<T>, settings: Settings, world: World) {
    this.#job = job;
    this.#settings = settings;
    this.#world = world;
    this.#request = makeRequest(job, settings);
    this.#ends = world.now() + settings.timeouts.total;
  }

  /** What to send. */
  get request(): Request {
    return this.#request;
  }

  /** What is left of the call's time, in milliseconds. */
  get left(): number {
    return Math.max(this.#ends - this.#world.now(), 1);
  }

  /** Say when to ask again after a try without an answer; throws where that is not at all. */
  lost(lost: Lost): Again {
    const repeats = UNASKED.has(lost.code) || (LOST.has(lost.code) && this.#job.repeats);
    return this.#wait(connectionError(lost, this.#settings), repeats);
  }

  /** Return the answer, or say when to ask again; throws what else comes of it. */
  answered(head: Head, body: Uint8Array): T | Again {
    if (head.isGood) {
      if (this.#job.streams) {
        throw malformed("it is no stream of events", head, body);
      }
      return read(this.#job, head, body);
    }
    const told = statusError(head, body, this.#world.now());
    return this.#wait(told, isPassing(told, head, this.#job.repeats));
  }

  #wait(error: errors.AIHubError, repeats: boolean): Again {
    const asked = error.retryAfter ?? 0;
    if (!repeats || this.#again >= this.#settings.maxRetries || asked > PATIENCE) {
      throw error;
    }
    const bound = Math.min(LONGEST_WAIT, BASE_WAIT * 2 ** this.#again);
    const ms = asked * 1000 + this.#world.chance() * bound;
    if (this.#world.now() + ms >= this.#ends) {
      throw error;
    }
    this.#again += 1;
    return new Again(ms);
  }
}

/** Whether a good answer is a stream of events. */
export function isStream(head: Head): boolean {
  const type = head.header("content-type") ?? "";
  return head.isGood && type.split(";", 1)[0]?.trim().toLowerCase() === EVENTS;
}

/** Read how the limit stands; null where the answer does not say. */
export function rateLimitOf(head: Head): RateLimit | null {
  const told = ["limit", "remaining", "reset"].map((name) => head.header(`x-ratelimit-${name}`) ?? "");
  if (!told.every((one) => COUNT.test(one))) {
    return null;
  }
  const [limit, remaining, reset] = told.map(Number) as [number, number, number];
  return { limit, remaining, reset };
}

// What is sent

function makeRequest(job: Job<unknown>, settings: Settings): Request {
  const headers: Record<string, string> = {
    ...settings.headers,
    authorization: `Bearer ${settings.apiKey}`,
    accept: job.streams ? EVENTS : "application/json",
  };
  if (job.isNamed) {
    headers["idempotency-key"] = checkName(job.name ?? newName());
  }
  if (job.body !== null) {
    headers["content-type"] = "application/json";
  }
  // A browser has a name of its own, and would ask the server whether another one is allowed.
  if (!Object.hasOwn(headers, "user-agent") && !isBrowser()) {
    headers["user-agent"] = `aihub-js/${VERSION}`;
  }
  const body = job.body === null ? null : written(job.body);
  return { method: job.method, url: `${settings.baseURL}/${target(job)}`, headers, body };
}

function target(job: Job<unknown>): string {
  try {
    const path = job.path.map(encodeURIComponent).join("/");
    const query = Object.entries(job.query)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
    return query.length === 0 ? path : `${path}?${query.join("&")}`;
  } catch {
    throw new errors.ConfigurationError("an id, or what is asked for, is no text.");
  }
}

function written(body: object): string {
  try {
    return JSON.stringify(body);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new errors.ConfigurationError(`the request cannot be written as JSON: ${why}`);
  }
}

function checkName(name: unknown): string {
  if (!isHeaderValue(name) || name.length > 255) {
    throw new errors.ConfigurationError("idempotencyKey: use printable ASCII, 1 to 255 bytes.");
  }
  return name;
}

/** A name that no other call of the account has; it need not be hard to guess. */
function newName(): string {
  const bytes = new Uint8Array(16);
  const random = (globalThis as { crypto?: Crypto }).crypto;
  if (random === undefined) {
    // Node 18 has it only as a module, which a browser could not load.
    bytes.forEach((_, at) => (bytes[at] = Math.floor(Math.random() * 256)));
  } else {
    random.getRandomValues(bytes);
  }
  return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
}

// What came

function read<T>(job: Job<T>, head: Head, body: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw malformed(textOf(body).trim() === "" ? "it is empty" : "it is not JSON", head, body);
  }
  const faults = faultsOf(job.check, value);
  if (faults !== null) {
    throw malformed(faults, head, body);
  }
  return value as T;
}

/** Say that what came with a good status is no answer. */
export function malformed(
  why: string,
  head: Head,
  body: Uint8Array | string,
): errors.MalformedResponseError {
  return new errors.MalformedResponseError(
    `The answer with status ${head.status} is not one of AI Hub's: ${why}. Is the base URL right?`,
    { status: head.status, requestId: head.requestId, body: textOf(body) },
  );
}

/** Say that there is no answer, and why. */
export function connectionError(
  lost: Lost,
  settings: Settings,
  requestId: string | null = null,
): errors.ConnectionError {
  const isUnsaid = lost.code === "connection_lost" && isBrowser();
  const why = isUnsaid ? BROWSERS_WHY : (WHY[lost.code]?.(settings.timeouts) ?? "");
  const text = `${settings.baseURL}: ${why}.`;
  const details = { requestId, cause: lost.cause };
  if (lost.code.endsWith("_timeout")) {
    const phase = lost.code.slice(0, -"_timeout".length) as errors.Phase;
    return new errors.TimeoutError(text, phase, details);
  }
  return new errors.ConnectionError(text, { code: lost.code, ...details });
}

function statusError(head: Head, body: Uint8Array, now: number): errors.StatusError {
  const whole = jsonOf(body);
  const told = fieldsOf((whole as { error?: unknown } | null)?.error);
  const code = textIn(told, "code");
  const usual = `The server answered with status ${head.status}, and did not say why.`;
  return new (classOf(head.status, code))(textIn(told, "message") || usual, {
    // A browser hides the status of a redirect that it does not follow.
    status: head.status === 0 ? null : head.status,
    type: textIn(told, "type"),
    code,
    param: textIn(told, "param"),
    requestId: head.requestId,
    retryAfter: retryAfter(head, now) || secondsIn(told),
    body: whole,
  });
}

function classOf(status: number, code: string | null): typeof errors.StatusError {
  if (status === 429 && code === "budget_exceeded") {
    return errors.BudgetExceededError;
  }
  const usual = status >= 500 ? errors.InternalServerError : errors.StatusError;
  return BY_STATUS[status] ?? usual;
}

/** Say whether to ask again: as the server says, and where it does not, by the status. */
function isPassing(error: errors.StatusError, head: Head, repeats: boolean): boolean {
  const said = head.header("x-should-retry");
  if (said === "true" || said === "false") {
    return said === "true";
  }
  if (error instanceof errors.ConflictError) {
    return error.code === "request_in_progress";
  }
  if (error instanceof errors.RateLimitError) {
    return !(error instanceof errors.BudgetExceededError);
  }
  if (error instanceof errors.ServiceUnavailableError && error.retryAfter !== null) {
    return true;
  }
  return error.status === 408 || (repeats && head.status >= 500);
}

/** The seconds that an answer asks to wait; a date is held against the answer's own, or *now*. */
function retryAfter(head: Head, now: number): number | null {
  const exact = head.header("retry-after-ms") ?? "";
  if (SECONDS.test(exact)) {
    return bounded(Number(exact) / 1000);
  }
  const told = (head.header("retry-after") ?? "").trim();
  if (SECONDS.test(told)) {
    return bounded(Number(told));
  }
  if (!DATE.test(told)) {
    return null;
  }
  const date = head.header("date") ?? "";
  const since = DATE.test(date) ? Date.parse(date) : Math.floor(now / 1000) * 1000;
  const span = (Date.parse(told) - since) / 1000;
  return Number.isNaN(span) ? null : bounded(span);
}

function bounded(seconds: number): number {
  return Math.max(0, Math.min(MAX_RETRY_AFTER, Math.ceil(seconds)));
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return textOf(body);
  }
}

/** The fields of an object; none where it is none. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  const isOne = typeof value === "object" && value !== null && !Array.isArray(value);
  return isOne ? (value as Record<string, unknown>) : {};
}

/** A field of an error that is to be text. */
export function textIn(told: Record<string, unknown>, name: string): string | null {
  const value = told[name];
  return typeof value === "string" ? value : null;
}

function secondsIn(told: Record<string, unknown>): number | null {
  const value = told["retry_after"];
  return Number.isInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

function textOf(body: Uint8Array | string): string {
  const text =
    typeof body === "string" ? body : new TextDecoder().decode(body.subarray(0, 4 * MAX_TEXT));
  return text.slice(0, MAX_TEXT);
}
