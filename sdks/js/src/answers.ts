/**
 * What a server answers: the JSON as it came, under the wire's own names.
 *
 * What may be left out may also be null. Fields that are not named here are kept.
 */

/** A function that the model calls; `arguments` is JSON as text, as the model wrote it. */
export interface FunctionCall {
  name?: string | null;
  arguments?: string | null;
}

/** A custom tool that the model calls with free text. */
export interface CustomCall {
  name?: string | null;
  input?: string | null;
}

/** A call of a tool, or in a stream a piece of the one with this `index`. */
export interface ToolCall {
  id?: string | null;
  type?: string | null;
  index?: number | null;
  function?: FunctionCall | null;
  custom?: CustomCall | null;
}

/** What the model said, or in a stream a piece of it. */
export interface Message {
  role?: string | null;
  content?: string | null;
  refusal?: string | null;
  reasoning_content?: string | null;
  tool_calls?: ToolCall[] | null;
  function_call?: FunctionCall | null;
}

/** Of what kinds the tokens were. */
export interface TokenDetails {
  cached_tokens?: number | null;
  audio_tokens?: number | null;
  reasoning_tokens?: number | null;
  accepted_prediction_tokens?: number | null;
  rejected_prediction_tokens?: number | null;
}

/** What an answer took; `cost` in USD, `source` says who counted. */
export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  cost?: number | null;
  source?: string | null;
  prompt_tokens_details?: TokenDetails | null;
  completion_tokens_details?: TokenDetails | null;
}

/** One of the answers that were asked for. */
export interface Choice {
  message: Message;
  index?: number | null;
  finish_reason?: string | null;
  logprobs?: unknown;
}

/** An answer to a chat. */
export interface ChatCompletion {
  choices: Choice[];
  id?: string | null;
  object?: string | null;
  created?: number | null;
  model?: string | null;
  usage?: CompletionUsage | null;
  system_fingerprint?: string | null;
}

/** A piece of one of the answers. */
export interface ChunkChoice {
  delta?: Message | null;
  index?: number | null;
  finish_reason?: string | null;
  logprobs?: unknown;
}

/** A piece of an answer to a chat. */
export interface ChatCompletionChunk {
  choices: ChunkChoice[];
  id?: string | null;
  object?: string | null;
  created?: number | null;
  model?: string | null;
  usage?: CompletionUsage | null;
  system_fingerprint?: string | null;
}

/** USD a token as decimal text; null where there is no such price. */
export interface Pricing {
  prompt?: string | null;
  completion?: string | null;
  cached?: string | null;
  cache_write?: string | null;
}

/** A model that can be asked. */
export interface Model {
  id: string;
  object?: string | null;
  created?: number | null;
  owned_by?: string | null;
  context_window?: number | null;
  max_output?: number | null;
  pricing?: Pricing | null;
}

/** From when to when, as RFC 3339 text. */
export interface Period {
  start: string;
  end: string;
}

/** What one group used: a model, a day, a key. */
export interface GroupUsage {
  requests: number;
  tokens: number;
  cost: number;
}

/** What was used in all, and by the group that was asked for. */
export interface UsageTotals {
  total_requests: number;
  total_tokens: number;
  total_cost: number;
  models?: Record<string, GroupUsage> | null;
  served_models?: Record<string, GroupUsage> | null;
  days?: Record<string, GroupUsage> | null;
  keys?: Record<string, GroupUsage> | null;
}

/** What an account used in a period. */
export interface UsageReport {
  period: Period;
  usage: UsageTotals;
}

/** What a session has come to. */
export interface SessionTotals {
  turns?: number | null;
  messages?: number | null;
  prompt_tokens?: number | null;
  completion_tokens?: number | null;
  total_tokens?: number | null;
  cost?: number | null;
}

/** Where a session was forked from. */
export interface Fork {
  session: string;
  turn: number;
}

/** A message of a session; `content` is text or a list of parts. */
export interface SessionMessage {
  role: string;
  content?: unknown;
  id?: string | null;
  turn?: number | null;
  created?: number | null;
  request_id?: string | null;
  incomplete?: boolean | null;
  refusal?: string | null;
  tool_calls?: ToolCall[] | null;
}

/** A page of a list. */
export interface ListOf<T> {
  data: T[];
  has_more?: boolean | null;
  first_id?: string | null;
  last_id?: string | null;
}

/** A conversation that the server keeps; `messages` is a page of it where it was read alone. */
export interface Session {
  id: string;
  title?: string | null;
  model?: string | null;
  system_prompt?: string | null;
  context_policy?: string | null;
  metadata?: Record<string, string> | null;
  created?: number | null;
  updated?: number | null;
  version?: number | null;
  forked_from?: Fork | null;
  totals?: SessionTotals | null;
  messages?: ListOf<SessionMessage> | null;
}

/**
 * An API key.
 *
 * Its `secret` is there only in the answer that made it, and is not enumerable: printing the
 * answer, copying it by `...` and `JSON.stringify` leave it out.
 */
export interface Key {
  id: string;
  account?: string | null;
  name?: string | null;
  hint?: string | null;
  status?: string | null;
  scopes?: string[] | null;
  created?: number | null;
  expires?: number | null;
  revoked?: number | null;
  requests_per_minute?: number | null;
  tokens_per_minute?: number | null;
  lineage?: string | null;
  secret?: string | null;
}

/** An account. */
export interface Account {
  id: string;
  name?: string | null;
  plan?: string | null;
  operator?: boolean | null;
  region?: string | null;
  created?: number | null;
}

/** What an account may do in a minute; a limit that there is not is null. */
export interface Plan {
  id: string;
  requests_per_minute?: number | null;
  tokens_per_minute?: number | null;
  parallel?: number | null;
  token_reserve?: string | null;
  built_in?: boolean | null;
}

/** What may be spent in a period; money is USD as decimal text. */
export interface Budget {
  id: string;
  account?: string | null;
  key?: string | null;
  period?: string | null;
  limit?: string | null;
  spent?: string | null;
  held?: string | null;
  renews?: number | null;
}

/** What was erased or revoked. */
export interface Ended {
  id: string;
  object?: string | null;
  deleted?: boolean | null;
  revoked?: boolean | null;
}

/**
 * How a limit stood when the last answer came: requests a minute, what is left of them, and when
 * the window is empty again in seconds since 1970.
 */
export interface RateLimit {
  limit: number;
  remaining: number;
  reset: number;
}

/** The first choice's text; empty where it has none, as many chunks do. */
export function textOf(answer: ChatCompletion | ChatCompletionChunk): string {
  return answer.choices
    .filter((choice) => (choice.index ?? 0) === 0)
    .map((choice: Choice | ChunkChoice) => {
      const said = "message" in choice ? choice.message : choice.delta;
      return said?.content ?? "";
    })
    .join("");
}
