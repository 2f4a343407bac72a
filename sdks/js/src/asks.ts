/**
 * What calls take: bodies and queries under the wire's own names, options under JavaScript's.
 *
 * A field is sent as it is given; null is sent as null, which for a chat is as good as left out and
 * in a change takes a value away. A field that is undefined is left out.
 */

/** A message of a conversation. */
export interface MessageParam {
  role: string;
  content?: string | readonly object[] | null | undefined;
  name?: string | undefined;
  tool_calls?: readonly object[] | null | undefined;
  tool_call_id?: string | undefined;
  refusal?: string | null | undefined;
  reasoning_content?: string | null | undefined;
}

/** A chat. */
export interface ChatBody {
  /** The conversation, or what is new in a session. */
  messages: readonly MessageParam[];
  /** By which model; a session has one of its own. */
  model?: string | undefined;
  /** With which session to go on. */
  session_id?: string | null | undefined;
  temperature?: number | null | undefined;
  top_p?: number | null | undefined;
  n?: number | null | undefined;
  max_tokens?: number | null | undefined;
  max_completion_tokens?: number | null | undefined;
  stop?: string | readonly string[] | null | undefined;
  presence_penalty?: number | null | undefined;
  frequency_penalty?: number | null | undefined;
  logit_bias?: Record<string, number> | null | undefined;
  logprobs?: boolean | null | undefined;
  top_logprobs?: number | null | undefined;
  user?: string | null | undefined;
  seed?: number | null | undefined;
  tools?: readonly object[] | null | undefined;
  tool_choice?: string | object | null | undefined;
  parallel_tool_calls?: boolean | null | undefined;
  response_format?: object | null | undefined;
  reasoning_effort?: string | null | undefined;
  stream_options?: object | null | undefined;
  prediction?: object | null | undefined;
  metadata?: Record<string, string> | null | undefined;
  store?: boolean | null | undefined;
  service_tier?: string | null | undefined;
  modalities?: readonly string[] | null | undefined;
  audio?: object | null | undefined;
  verbosity?: string | null | undefined;
}

/** The fields of a session, for making one. */
export interface SessionFields {
  title?: string | null | undefined;
  model?: string | null | undefined;
  system_prompt?: string | null | undefined;
  metadata?: Record<string, string> | null | undefined;
  context_policy?: "drop_oldest" | "error" | "off" | null | undefined;
}

/** What of a session can be changed; with `version`, only if it is still that one. */
export interface SessionChanges extends SessionFields {
  version?: number | undefined;
}

/** From which turn a session is forked, and what it is called then. */
export interface ForkFields {
  turn?: number | undefined;
  title?: string | null | undefined;
  metadata?: Record<string, string> | null | undefined;
}

/** What of a key can be changed; null takes a limit or an end away. */
export interface KeyChanges {
  name?: string | undefined;
  scopes?: readonly string[] | undefined;
  expires?: number | null | undefined;
  requests_per_minute?: number | null | undefined;
  tokens_per_minute?: number | null | undefined;
}

/** The fields of a key, for making one. */
export interface KeyFields extends KeyChanges {
  account?: string | undefined;
}

/** How a key is replaced: it ends itself after so many seconds. */
export interface RotateFields {
  overlap?: number | undefined;
}

/** What of an account can be changed. */
export interface AccountChanges {
  name?: string | undefined;
  plan?: string | undefined;
  operator?: boolean | undefined;
  region?: string | null | undefined;
}

/** The fields of an account, for making one. */
export interface AccountFields extends AccountChanges {
  id?: string | undefined;
}

/** The fields of a plan; a limit that is null does not hold. */
export interface PlanFields {
  requests_per_minute?: number | null | undefined;
  tokens_per_minute?: number | null | undefined;
  parallel?: number | null | undefined;
  token_reserve?: string | undefined;
}

/** What of a budget can be changed: USD as decimal text, or a whole number. */
export interface BudgetChanges {
  limit: string | number;
}

/** The fields of a budget, for making one. */
export interface BudgetFields extends BudgetChanges {
  account?: string | undefined;
  key?: string | undefined;
  period?: "day" | "month" | "total" | undefined;
}

/** Which part of a list: so many at a time, after that id. */
export interface PageQuery {
  limit?: number | undefined;
  after?: string | undefined;
}

/** A part of a list of an account's. */
export interface AccountPageQuery extends PageQuery {
  /** Whose; another's for operators only. */
  account?: string | undefined;
}

/** Which page of a session's messages. */
export interface SessionQuery extends PageQuery {
  order?: "asc" | "desc" | undefined;
}

/** Of which period, by what, and whose. */
export interface UsageQuery {
  /** The first hour, as RFC 3339 text or a Date; by default the month's. */
  start?: string | Date | undefined;
  /** Where it ends, itself outside. */
  end?: string | Date | undefined;
  group_by?: "model" | "served_model" | "day" | "key" | undefined;
  /** Whose; another's for operators only. */
  account?: string | undefined;
}

/** Milliseconds that each phase of a call may take. */
export interface Timeouts {
  /** Until the head of an answer is there, reaching the server included: 120 000 by default. */
  firstByte?: number | undefined;
  /** Between two pieces of an answer: 60 000 by default. */
  idle?: number | undefined;
  /** All of it together, tries and waits included: 600 000 by default. */
  total?: number | undefined;
}

/** What every call takes besides. */
export interface CallOptions {
  /** Cancels the call: it rejects with the signal's reason, and its connection is freed. */
  signal?: AbortSignal | undefined;
  /** As the client's; a number is the total. */
  timeout?: number | Timeouts | undefined;
  /** As the client's. */
  maxRetries?: number | undefined;
  /** Further headers, besides the client's. */
  headers?: Record<string, string> | undefined;
}

/** What a chat takes besides. */
export interface ChatOptions extends CallOptions {
  /**
   * The call's name; by default one of its own, so that a call which is asked again is answered, and
   * billed, once.
   */
  idempotencyKey?: string | undefined;
  /** Fields that the types here do not know; they win. */
  extraBody?: Record<string, unknown> | undefined;
}

/** What a call about an account's own things takes besides. */
export interface AccountOptions extends CallOptions {
  /** Whose it is, where that is not the key's own account: for operators. */
  account?: string | undefined;
}
