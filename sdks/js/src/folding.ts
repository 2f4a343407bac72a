/**
 * Chunks put together again.
 *
 * What the SDK knows has been read, so it has its shape. What it does not know is kept: texts and
 * lists that come in pieces are joined, of anything else the last counts. Maps in place of objects,
 * for a field may have any name.
 */

import type { ChatCompletion, ChatCompletionChunk, ChunkChoice } from "./answers.js";

type Fields = Map<string, unknown>;

const CALLED = new Set(["function", "custom"]);
const WHOLE = new Set(["id", "type", "name", "role", "index"]);

interface Growing {
  readonly fields: Fields;
  readonly message: Fields;
  readonly calls: Map<number, Fields>;
}

/** An answer that grows. */
export class Fold {
  readonly #top: Fields = new Map();
  readonly #choices = new Map<number, Growing>();

  /** Take the next chunk. */
  add(chunk: ChatCompletionChunk): void {
    for (const [name, value] of told(chunk)) {
      if (name !== "choices") {
        this.#top.set(name, value);
      }
    }
    for (const one of chunk.choices) {
      this.#addChoice(one);
    }
  }

  /** Return the answer. */
  whole(): ChatCompletion {
    const choices = sorted(this.#choices).map(wholeChoice);
    this.#top.set("object", "chat.completion").set("choices", choices);
    return Object.fromEntries(this.#top) as unknown as ChatCompletion;
  }

  #addChoice(one: ChunkChoice): void {
    const index = one.index ?? 0;
    const choice = this.#choices.get(index) ?? newChoice(index);
    this.#choices.set(index, choice);
    for (const [name, value] of told(one)) {
      if (name === "logprobs") {
        choice.fields.set(name, grown(choice.fields.get(name), value));
      } else if (name !== "delta" && name !== "message") {
        choice.fields.set(name, value);
      }
    }
    for (const [name, value] of told(one.delta ?? {})) {
      addField(choice, name, value);
    }
  }
}

function newChoice(index: number): Growing {
  const message: Fields = new Map<string, unknown>([
    ["role", "assistant"],
    ["content", null],
  ]);
  const fields: Fields = new Map<string, unknown>([
    ["index", index],
    ["message", null],
    ["finish_reason", null],
  ]);
  return { fields, message, calls: new Map() };
}

function addField(choice: Growing, name: string, value: unknown): void {
  const { message, calls } = choice;
  if (name === "tool_calls") {
    for (const piece of value as { index?: number | null }[]) {
      addCall(calls, piece);
    }
  } else if (name === "function_call") {
    message.set(name, grown(message.get(name), value));
  } else {
    message.set(name, WHOLE.has(name) ? value : added(message.get(name), value));
  }
}

/** Add a piece to the call that it is of: the one with its index. */
function addCall(calls: Map<number, Fields>, piece: { index?: number | null }): void {
  const index = piece.index ?? 0;
  const call: Fields = calls.get(index) ?? new Map<string, unknown>([["index", index]]);
  calls.set(index, call);
  for (const [name, value] of told(piece)) {
    call.set(name, CALLED.has(name) ? grown(call.get(name), value) : value);
  }
}

/** Return an object that grows, with a piece of it added. */
function grown(old: unknown, piece: unknown): unknown {
  if (typeof piece !== "object" || piece === null || Array.isArray(piece)) {
    return piece;
  }
  const whole: Fields = old instanceof Map ? (old as Fields) : new Map();
  for (const [name, value] of Object.entries(piece)) {
    if (value !== null) {
      whole.set(name, WHOLE.has(name) ? value : added(whole.get(name), value));
    } else if (!whole.has(name)) {
      whole.set(name, null);
    }
  }
  return whole;
}

function added(old: unknown, value: unknown): unknown {
  if (typeof value === "string") {
    return typeof old === "string" ? old + value : value;
  }
  if (Array.isArray(value)) {
    const list: unknown[] = Array.isArray(old) ? old : [];
    for (const one of value) {
      list.push(one);
    }
    return list;
  }
  return value;
}

function told(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, one]) => one !== null);
}

function sorted<T>(by: Map<number, T>): T[] {
  return [...by].sort(([a], [b]) => a - b).map(([, one]) => one);
}

function wholeChoice({ fields, message, calls }: Growing): object {
  if (calls.size > 0) {
    message.set("tool_calls", [...calls.values()].map(settled));
  }
  return settled(new Map(fields).set("message", message));
}

/** Make objects of maps. */
function settled(fields: Fields): object {
  const entries = [...fields].map(([name, value]) => [
    name,
    value instanceof Map ? settled(value as Fields) : value,
  ]);
  return Object.fromEntries(entries) as object;
}
