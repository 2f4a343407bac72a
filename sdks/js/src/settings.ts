/** Where a client asks, as whom, and how long it waits: checked once, when it is made. */

import type { Timeouts } from "./asks.js";
import { ConfigurationError } from "./errors.js";

/** The base URL of each region, as the API document has them. */
export const REGIONS = {
  global: "https://api.ai-hub.com/v1",
  "us-east": "https://api-us-east.ai-hub.com/v1",
  eu: "https://api-eu.ai-hub.com/v1",
  "ap-southeast": "https://api-ap-southeast.ai-hub.com/v1",
} as const;

export type Region = keyof typeof REGIONS;

/** What asks: the platform's `fetch`, or one like it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What a client is made with. */
export interface ClientOptions {
  /** The API key; by default that of `AIHUB_API_KEY`. */
  apiKey?: string | undefined;
  /** Where to ask, with or without `/v1`; by default `AIHUB_BASE_URL`, or the region's. */
  baseURL?: string | undefined;
  /** Which of AI Hub's; a base URL wins over it. */
  region?: Region | undefined;
  /** Times that a call is asked again at most: 2 by default. */
  maxRetries?: number | undefined;
  /** Milliseconds for each phase; a number is the total. */
  timeout?: number | Timeouts | undefined;
  /** Further headers of each request. */
  headers?: Record<string, string> | undefined;
  /** What asks in place of the platform's `fetch`. */
  fetch?: Fetch | undefined;
  /**
   * Allow a client in a browser. Whoever opens the page can read its key: do that only with a key
   * that the page's visitor has given, or where all who can open the page may have it.
   */
  dangerouslyAllowBrowser?: boolean | undefined;
}

export interface Settings {
  readonly apiKey: string;
  readonly baseURL: string;
  readonly timeouts: Readonly<Record<keyof Timeouts, number>>;
  readonly maxRetries: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: Fetch | null;
}

const KEY_VARIABLE = "AIHUB_API_KEY";
const URL_VARIABLE = "AIHUB_BASE_URL";

// Those of the other SDKs.
const TIMEOUTS = { firstByte: 120_000, idle: 60_000, total: 600_000 };

// A timer of JavaScript's goes no further, and fires at once beyond.
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const MAX_RETRIES = 2;

// By then nobody waits any more.
const MOST_RETRIES = 20;

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const URL_SHAPE = /^https?:\/\/[^/?#@\\]+(\/[^?#\\]*)?$/i;
const PRINTABLE = /^[!-~](?:[ -~]*[!-~])?$/;
const OURS = new Set([
  "accept",
  "accept-encoding",
  "authorization",
  "connection",
  "content-length",
  "content-type",
  "host",
  "idempotency-key",
  "transfer-encoding",
]);

/** Check what was given; what was not comes from the environment, or is the default. */
export function makeSettings(options: ClientOptions): Settings {
  checkPlace(options.dangerouslyAllowBrowser);
  const env = environment();
  return {
    baseURL: findBaseURL(options.baseURL || env[URL_VARIABLE] || null, options.region),
    apiKey: checkKey(options.apiKey ?? env[KEY_VARIABLE]),
    timeouts: checkTimeouts(options.timeout, TIMEOUTS),
    maxRetries: checkRetries(options.maxRetries, MAX_RETRIES),
    headers: checkHeaders(options.headers),
    fetch: checkFetch(options.fetch),
  };
}

/** Return the same with other options; those that are undefined stay. */
export function changeSettings(
  old: Settings,
  options: Pick<ClientOptions, "timeout" | "maxRetries" | "headers">,
): Settings {
  return {
    ...old,
    timeouts: checkTimeouts(options.timeout, old.timeouts),
    maxRetries: checkRetries(options.maxRetries, old.maxRetries),
    headers: { ...old.headers, ...checkHeaders(options.headers) },
  };
}

/** Whether a header can carry a text. */
export function isHeaderValue(text: unknown): text is string {
  return typeof text === "string" && PRINTABLE.test(text);
}

interface Place {
  process?: { env?: Record<string, string | undefined> };
  window?: { document?: unknown };
  importScripts?: unknown;
}

/** Whether this runs in a page, or in a worker of one. */
export function isBrowser(place: Place = globalThis as Place): boolean {
  return place.window?.document !== undefined || place.importScripts !== undefined;
}

function environment(): Record<string, string | undefined> {
  return (globalThis as Place).process?.env ?? {};
}

function checkPlace(allowed: boolean | undefined): void {
  if (allowed !== true && isBrowser()) {
    throw new ConfigurationError(
      "dangerouslyAllowBrowser: whoever opens a page can read the API key of a client in it. " +
        "Ask from a server of your own, or set this option where that is meant.",
    );
  }
}

function findBaseURL(given: string | null, region: string | undefined): string {
  if (region !== undefined && !Object.hasOwn(REGIONS, region)) {
    const known = Object.keys(REGIONS).join(", ");
    throw new ConfigurationError(`region: ${JSON.stringify(region)} is none of ${known}.`);
  }
  if (given === null) {
    return REGIONS[(region ?? "global") as Region];
  }
  checkURL(given);
  return `${given.replace(/\/+$/, "").replace(/\/v1$/, "").replace(/\/+$/, "")}/v1`;
}

function checkURL(url: unknown): void {
  if (typeof url === "string" && /^[^/]*\/\/[^/?#]*@/.test(url)) {
    throw new ConfigurationError(
      `baseURL: a URL here has no user and no password; the key goes in ${KEY_VARIABLE}.`,
    );
  }
  if (!isHeaderValue(url) || url.includes(" ") || !URL_SHAPE.test(url) || !canBeRead(url)) {
    throw new ConfigurationError("baseURL: use a URL such as http://127.0.0.1:8484/v1.");
  }
}

function canBeRead(url: string): boolean {
  try {
    return new URL(url).port !== "0";
  } catch {
    return false;
  }
}

function checkKey(key: unknown): string {
  if (key === undefined || key === null || key === "") {
    throw new ConfigurationError(`apiKey: give an API key, or set ${KEY_VARIABLE}.`);
  }
  if (!isHeaderValue(key)) {
    throw new ConfigurationError("apiKey: an API key is printable ASCII without spaces around it.");
  }
  return key;
}

function checkTimeouts(
  given: number | Timeouts | undefined,
  old: Settings["timeouts"],
): Settings["timeouts"] {
  const wanted = typeof given === "object" ? given : { total: given };
  const made = { ...old };
  for (const [name, ms] of Object.entries(wanted ?? {})) {
    if (!Object.hasOwn(made, name)) {
      throw new ConfigurationError(`timeout: ${name} is none of ${Object.keys(made).join(", ")}.`);
    }
    if (ms !== undefined) {
      if (typeof ms !== "number" || !(ms > 0) || ms > LONGEST_TIMEOUT) {
        const most = `above 0, at most ${LONGEST_TIMEOUT}`;
        throw new ConfigurationError(`timeout: ${name} is a number of milliseconds ${most}.`);
      }
      made[name as keyof Timeouts] = ms;
    }
  }
  return made;
}

function checkRetries(most: unknown, old: number): number {
  if (most === undefined) {
    return old;
  }
  if (!Number.isInteger(most) || (most as number) < 0 || (most as number) > MOST_RETRIES) {
    throw new ConfigurationError(`maxRetries: use a whole number from 0 to ${MOST_RETRIES}.`);
  }
  return most as number;
}

function checkHeaders(headers: Record<string, unknown> | undefined): Record<string, string> {
  const told: Record<string, string> = {};
  for (const [given, value] of Object.entries(headers ?? {})) {
    const name = given.toLowerCase();
    if (OURS.has(name)) {
      throw new ConfigurationError(`headers: ${name} is the client's own.`);
    }
    if (!NAME.test(name) || !isHeaderValue(value)) {
      // Not the value: it may be a secret of somebody's.
      const shown = JSON.stringify(name);
      throw new ConfigurationError(`headers: ${shown} is no header, or its value is none.`);
    }
    told[name] = value;
  }
  return told;
}

function checkFetch(given: unknown): Fetch | null {
  if (given !== undefined && typeof given !== "function") {
    throw new ConfigurationError("fetch: give a function such as the platform's fetch.");
  }
  return (given as Fetch | undefined) ?? null;
}
