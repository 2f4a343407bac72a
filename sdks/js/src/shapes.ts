/**
 * Whether what came is the answer that was asked for.
 *
 * A check adds its faults. It changes nothing, but that a key's secret is not printed.
 */

import type * as answers from "./answers.js";

/** A check of a `T`; the type is there for the compiler alone. */
export interface Check<T> {
  (value: unknown, at: string, faults: string[]): void;
  readonly of?: T;
}

/** Every field of a type has its check: one that is added to the type is missed here. */
type Fields<T> = { [K in keyof T]-?: Check<T[K]> };

// Faults of an answer that an error repeats: who sees three has seen enough.
const MAX_FAULTS = 3;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function plain<T>(name: string, isOne: (value: unknown) => boolean): Check<T> {
  return (value, at, faults) => {
    if (value === undefined) {
      faults.push(`${at} is missing`);
    } else if (!isOne(value)) {
      faults.push(`${at} is no ${name}`);
    }
  };
}

const text = plain<string>("text", (value) => typeof value === "string");
const number = plain<number>("number", (value) => typeof value === "number");
const whole = plain<number>("whole number", Number.isInteger);
const truth = plain<boolean>("true or false", (value) => typeof value === "boolean");
const any: Check<unknown> = () => {};

function maybe<T>(check: Check<T>): Check<T | null | undefined> {
  return (value, at, faults) => {
    if (value !== undefined && value !== null) {
      check(value, at, faults);
    }
  };
}

function object<T>(fields: Fields<T>): Check<T> {
  const checks = Object.entries(fields) as [string, Check<unknown>][];
  return (value, at, faults) => {
    if (!isObject(value)) {
      faults.push(value === undefined ? `${at} is missing` : `${at} is no object`);
      return;
    }
    for (const [name, check] of checks) {
      check(value[name], at === "" ? name : `${at}.${name}`, faults);
    }
  };
}

function list<T>(check: Check<T>): Check<T[]> {
  return (value, at, faults) => {
    if (!Array.isArray(value)) {
      faults.push(value === undefined ? `${at} is missing` : `${at} is no list`);
      return;
    }
    for (const [index, one] of value.entries()) {
      check(one, `${at}[${index}]`, faults);
      if (faults.length >= MAX_FAULTS) {
        return;
      }
    }
  };
}

function record<T>(check: Check<T>): Check<Record<string, T>> {
  return (value, at, faults) => {
    if (!isObject(value)) {
      faults.push(`${at} is no object`);
      return;
    }
    for (const [name, one] of Object.entries(value)) {
      check(one, `${at}.${name}`, faults);
    }
  };
}

/** Say what of a value is not as it should be; null where it all is. */
export function faultsOf(check: Check<unknown>, value: unknown): string | null {
  if (!isObject(value)) {
    return "it is no object";
  }
  const faults: string[] = [];
  check(value, "", faults);
  return faults.length === 0 ? null : faults.slice(0, MAX_FAULTS).join("; ");
}

const functionCall = object<answers.FunctionCall>({ name: maybe(text), arguments: maybe(text) });

const toolCall = object<answers.ToolCall>({
  id: maybe(text),
  type: maybe(text),
  index: maybe(whole),
  function: maybe(functionCall),
  custom: maybe(object<answers.CustomCall>({ name: maybe(text), input: maybe(text) })),
});

const message = object<answers.Message>({
  role: maybe(text),
  content: maybe(text),
  refusal: maybe(text),
  reasoning_content: maybe(text),
  tool_calls: maybe(list(toolCall)),
  function_call: maybe(functionCall),
});

const tokenDetails = object<answers.TokenDetails>({
  cached_tokens: maybe(whole),
  audio_tokens: maybe(whole),
  reasoning_tokens: maybe(whole),
  accepted_prediction_tokens: maybe(whole),
  rejected_prediction_tokens: maybe(whole),
});

const completionUsage = object<answers.CompletionUsage>({
  prompt_tokens: whole,
  completion_tokens: whole,
  total_tokens: whole,
  cost: maybe(number),
  source: maybe(text),
  prompt_tokens_details: maybe(tokenDetails),
  completion_tokens_details: maybe(tokenDetails),
});

const choice = object<answers.Choice>({
  message,
  index: maybe(whole),
  finish_reason: maybe(text),
  logprobs: any,
});

const chunkChoice = object<answers.ChunkChoice>({
  delta: maybe(message),
  index: maybe(whole),
  finish_reason: maybe(text),
  logprobs: any,
});

const ofAChat = {
  id: maybe(text),
  object: maybe(text),
  created: maybe(whole),
  model: maybe(text),
  usage: maybe(completionUsage),
  system_fingerprint: maybe(text),
};

export const chatCompletion = object<answers.ChatCompletion>({
  choices: list(choice),
  ...ofAChat,
});

export const chatCompletionChunk = object<answers.ChatCompletionChunk>({
  choices: list(chunkChoice),
  ...ofAChat,
});

export const model = object<answers.Model>({
  id: text,
  object: maybe(text),
  created: maybe(whole),
  owned_by: maybe(text),
  context_window: maybe(whole),
  max_output: maybe(whole),
  pricing: maybe(
    object<answers.Pricing>({
      prompt: maybe(text),
      completion: maybe(text),
      cached: maybe(text),
      cache_write: maybe(text),
    }),
  ),
});

const groups = maybe(
  record(object<answers.GroupUsage>({ requests: whole, tokens: whole, cost: number })),
);

export const usageReport = object<answers.UsageReport>({
  period: object<answers.Period>({ start: text, end: text }),
  usage: object<answers.UsageTotals>({
    total_requests: whole,
    total_tokens: whole,
    total_cost: number,
    models: groups,
    served_models: groups,
    days: groups,
    keys: groups,
  }),
});

/** A page of a list. */
export function listOf<T>(check: Check<T>): Check<answers.ListOf<T>> {
  return object<answers.ListOf<T>>({
    data: list(check),
    has_more: maybe(truth),
    first_id: maybe(text),
    last_id: maybe(text),
  });
}

const sessionMessage = object<answers.SessionMessage>({
  role: text,
  content: any,
  id: maybe(text),
  turn: maybe(whole),
  created: maybe(whole),
  request_id: maybe(text),
  incomplete: maybe(truth),
  refusal: maybe(text),
  tool_calls: maybe(list(toolCall)),
});

export const session = object<answers.Session>({
  id: text,
  title: maybe(text),
  model: maybe(text),
  system_prompt: maybe(text),
  context_policy: maybe(text),
  metadata: maybe(record(text)),
  created: maybe(whole),
  updated: maybe(whole),
  version: maybe(whole),
  forked_from: maybe(object<answers.Fork>({ session: text, turn: whole })),
  totals: maybe(
    object<answers.SessionTotals>({
      turns: maybe(whole),
      messages: maybe(whole),
      prompt_tokens: maybe(whole),
      completion_tokens: maybe(whole),
      total_tokens: maybe(whole),
      cost: maybe(number),
    }),
  ),
  messages: maybe(listOf(sessionMessage)),
});

const wholeKey = object<answers.Key>({
  id: text,
  account: maybe(text),
  name: maybe(text),
  hint: maybe(text),
  status: maybe(text),
  scopes: maybe(list(text)),
  created: maybe(whole),
  expires: maybe(whole),
  revoked: maybe(whole),
  requests_per_minute: maybe(whole),
  tokens_per_minute: maybe(whole),
  lineage: maybe(text),
  secret: maybe(text),
});

/** A key, whose secret is there by its name only: whatever prints or copies the answer leaves it out. */
export const key: Check<answers.Key> = (value, at, faults) => {
  wholeKey(value, at, faults);
  if (isObject(value) && Object.hasOwn(value, "secret")) {
    Object.defineProperty(value, "secret", { enumerable: false });
  }
};

export const account = object<answers.Account>({
  id: text,
  name: maybe(text),
  plan: maybe(text),
  operator: maybe(truth),
  region: maybe(text),
  created: maybe(whole),
});

export const plan = object<answers.Plan>({
  id: text,
  requests_per_minute: maybe(whole),
  tokens_per_minute: maybe(whole),
  parallel: maybe(whole),
  token_reserve: maybe(text),
  built_in: maybe(truth),
});

export const budget = object<answers.Budget>({
  id: text,
  account: maybe(text),
  key: maybe(text),
  period: maybe(text),
  limit: maybe(text),
  spent: maybe(text),
  held: maybe(text),
  renews: maybe(whole),
});

export const ended = object<answers.Ended>({
  id: text,
  object: maybe(text),
  deleted: maybe(truth),
  revoked: maybe(truth),
});
