/**
 * What each call asks, and what its answer is.
 *
 * A job may be asked again where nothing can come of that twice: reading, changing and erasing; and
 * a chat, whose `Idempotency-Key` the server knows again. To make a session or a key is to make
 * another.
 */

import type { ChatCompletion, ListOf } from "./answers.js";
import type { ChatBody, ChatOptions } from "./asks.js";
import { ConfigurationError } from "./errors.js";
import { chatCompletion, type Check } from "./shapes.js";

export type Method = "GET" | "POST" | "PUT" | "DELETE";
export type Query = Readonly<Record<string, string | number | null | undefined>>;

/** A call. Where `isNamed` it goes under a name of its own, by which the server knows it again. */
export interface Job<T> {
  readonly method: Method;
  readonly path: readonly string[];
  readonly query: Query;
  readonly body: object | null;
  readonly check: Check<T>;
  readonly repeats: boolean;
  readonly streams: boolean;
  readonly isNamed: boolean;
  readonly name: string | null;
}

/** Make a job of what is asked. */
export function job<T>(
  check: Check<T>,
  method: Method,
  path: readonly string[],
  { query = {}, body = null }: { query?: Query; body?: object | null } = {},
): Job<T> {
  for (const part of path) {
    // Clients and proxies resolve dots: the request would become another one.
    if (typeof part !== "string" || part === "" || part === "." || part === "..") {
      throw new ConfigurationError("id: no id is empty or made of dots.");
    }
  }
  const repeats = method !== "POST";
  const usual = { streams: false, isNamed: false, name: null };
  return { ...usual, method, path, query, body, check, repeats };
}

/** Ask for an answer to a chat. */
export function chat(
  given: ChatBody & { stream?: unknown },
  options: ChatOptions,
  streams: boolean,
): Job<ChatCompletion> {
  if (!Array.isArray(given?.messages)) {
    throw new ConfigurationError(
      'messages: give a list, as [{ role: "user", content: "..." }].',
    );
  }
  if (Object.hasOwn(options.extraBody ?? {}, "stream")) {
    throw new ConfigurationError("extraBody: stream is a field of its own.");
  }
  const { stream: _, ...fields } = given;
  const body = { ...fields, ...options.extraBody, stream: streams };
  return {
    ...job(chatCompletion, "POST", ["chat", "completions"], { body }),
    streams,
    isNamed: true,
    repeats: true,
    name: options.idempotencyKey ?? null,
  };
}

/**
 * Say what to ask for the page behind *page*; null where it is the last.
 *
 * A server that gives an empty page, or none further on, would be asked for ever.
 */
export function nextQuery(query: Query, page: ListOf<unknown>): Query | null {
  const last = page.last_id ?? null;
  if (page.has_more !== true || page.data.length === 0 || last === null || last === query["after"]) {
    return null;
  }
  return { ...query, after: last };
}
