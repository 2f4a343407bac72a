/** A chat's stream: bytes in, chunks out, and the whole answer at the end. */

import { textOf, type ChatCompletion, type ChatCompletionChunk } from "./answers.js";
import type { CallOptions } from "./asks.js";
import {
  ConfigurationError,
  FailedStreamError,
  IncompleteStreamError,
  TimeoutError,
  type AIHubError,
} from "./errors.js";
import { Fold } from "./folding.js";
import type { Job } from "./jobs.js";
import type { Line } from "./line.js";
import { changeSettings, type Settings } from "./settings.js";
import { chatCompletionChunk, faultsOf } from "./shapes.js";
import { BadEvent, SseDecoder } from "./sse.js";
import { connectionError, fieldsOf, malformed, MAX_ANSWER, textIn } from "./talk.js";
import { Lost, type Exchange, type Head } from "./wire.js";

const END = "[DONE]";

// Milliseconds for a body to end behind its end marker; who takes longer loses the connection.
const LINGER = 100;

/** Read one stream. It is whole where `[DONE]` has come; what comes behind that is not looked at. */
class ChatReader {
  readonly head: Head;
  readonly #settings: Settings;
  readonly #events = new SseDecoder();
  readonly fold = new Fold();
  #size = 0;
  isWhole = false;

  constructor(head: Head, settings: Settings) {
    this.head = head;
    this.#settings = settings;
  }

  /** Yield the chunks that *piece* completes. */
  *read(piece: Uint8Array): Generator<ChatCompletionChunk> {
    this.#size += piece.length;
    if (this.#size > MAX_ANSWER) {
      throw malformed(`its stream has more than ${MAX_ANSWER} bytes`, this.head, "");
    }
    try {
      for (const data of this.#events.feed(piece)) {
        if (data === END) {
          this.isWhole = true;
          return;
        }
        yield this.#chunk(data);
      }
    } catch (error) {
      throw error instanceof BadEvent
        ? malformed(`an event of its stream ${error.message}`, this.head, "")
        : error;
    }
  }

  /** Say that nothing more comes, and the end marker has not. */
  incomplete(): IncompleteStreamError {
    return new IncompleteStreamError(
      "The stream ended without its end marker: the answer is not whole.",
      { status: this.head.status, requestId: this.head.requestId },
    );
  }

  /** Say that the connection ended in mid-stream, or took too long. */
  lost(lost: Lost): AIHubError {
    const { requestId, status } = this.head;
    const told = connectionError(lost, this.#settings, requestId);
    if (told instanceof TimeoutError) {
      return told;
    }
    const text = `${told.message} The answer is not whole.`;
    const { code } = told;
    return new IncompleteStreamError(text, { status, code, requestId, cause: lost.cause });
  }

  #chunk(data: string): ChatCompletionChunk {
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      throw malformed("an event of its stream is not JSON", this.head, data);
    }
    const told = fieldsOf(value)["error"];
    if (told !== undefined && told !== null && typeof told === "object") {
      throw this.#failed(fieldsOf(told), value);
    }
    const faults = faultsOf(chatCompletionChunk, value);
    if (faults !== null) {
      throw malformed(`an event of its stream is no chunk, ${faults}`, this.head, data);
    }
    this.fold.add(value as ChatCompletionChunk);
    return value as ChatCompletionChunk;
  }

  #failed(told: Record<string, unknown>, body: unknown): FailedStreamError {
    const usual = "The stream told an error, and did not say which.";
    return new FailedStreamError(textIn(told, "message") || usual, {
      status: this.head.status,
      type: textIn(told, "type"),
      code: textIn(told, "code"),
      param: textIn(told, "param"),
      requestId: this.head.requestId,
      body,
    });
  }
}

/**
 * An answer as it comes: its chunks, for one reader.
 *
 * It asks when its first chunk is wanted. Leaving a `for await` early, or `abort()`, frees its
 * connection, and the server stops answering. A stream that is not whole throws; what came before
 * was right.
 */
export class ChatStream implements AsyncIterableIterator<ChatCompletionChunk> {
  readonly #line: Line;
  readonly #job: Job<ChatCompletion>;
  readonly #settings: Settings;
  readonly #outer: AbortSignal | undefined;
  readonly #controller = new AbortController();
  readonly #onAbort = (): void => this.#controller.abort(this.#outer?.reason);
  #opening: Promise<void> | null = null;
  #exchange: Exchange | null = null;
  #reader: ChatReader | null = null;
  #chunks: Iterator<ChatCompletionChunk> = [][Symbol.iterator]();
  #failure: { error: unknown } | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #isOver = false;

  /** @internal */
  constructor(line: Line, job: Job<ChatCompletion>, options: CallOptions) {
    this.#line = line;
    this.#job = job;
    this.#settings = changeSettings(line.settings, options);
    this.#outer = options.signal;
  }

  /** Ask now, and not when the first chunk is wanted; rejects as a whole answer's call does. */
  async open(): Promise<this> {
    this.#opening ??= this.#open();
    await this.#opening;
    return this;
  }

  /** The next chunk. */
  next(): Promise<IteratorResult<ChatCompletionChunk, undefined>> {
    const step = this.#turn.then(() => this.#step());
    this.#turn = step.catch(() => {});
    return step;
  }

  async #step(): Promise<IteratorResult<ChatCompletionChunk, undefined>> {
    if (this.#isOver) {
      return { done: true, value: undefined };
    }
    await this.open();
    try {
      const chunk = await this.#next();
      return chunk === null ? { done: true, value: undefined } : { done: false, value: chunk };
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Want no more of it: what `for await` does when it is left. */
  async return(): Promise<IteratorResult<ChatCompletionChunk, undefined>> {
    this.#close();
    return { done: true, value: undefined };
  }

  /** Cancel it: who waits for it gets *reason*, by default an `AbortError`. */
  abort(reason?: unknown): void {
    if (!this.#isOver) {
      this.#controller.abort(reason);
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The first choice's text, piece by piece. */
  async *texts(): AsyncGenerator<string, void, undefined> {
    for await (const chunk of this) {
      const text = textOf(chunk);
      if (text !== "") {
        yield text;
      }
    }
  }

  /** Read what is left, and give the whole answer. */
  async completion(): Promise<ChatCompletion> {
    for await (const _ of this) {
      // The reader keeps what comes.
    }
    if (this.#failure !== null) {
      throw this.#failure.error;
    }
    if (this.#reader?.isWhole !== true) {
      throw new ConfigurationError("the stream was left before its end.");
    }
    return this.#reader.fold.whole();
  }

  async #open(): Promise<void> {
    if (this.#outer?.aborted === true) {
      this.#onAbort();
    }
    this.#outer?.addEventListener("abort", this.#onAbort, { once: true });
    try {
      const { signal } = this.#controller;
      const [exchange, head] = await this.#line.open(this.#job, this.#settings, signal);
      this.#exchange = exchange;
      this.#reader = new ChatReader(head, this.#settings);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #next(): Promise<ChatCompletionChunk | null> {
    const [exchange, reader] = [this.#exchange!, this.#reader!];
    for (;;) {
      if (this.#controller.signal.aborted) {
        throw this.#controller.signal.reason;
      }
      const { done, value } = this.#chunks.next();
      if (done !== true) {
        return value;
      }
      if (reader.isWhole) {
        await exchange.linger(LINGER);
        this.#close();
        return null;
      }
      this.#chunks = await this.#more(exchange, reader);
    }
  }

  async #more(exchange: Exchange, reader: ChatReader): Promise<Iterator<ChatCompletionChunk>> {
    try {
      const piece = await exchange.read();
      if (piece === null) {
        throw reader.incomplete();
      }
      return reader.read(piece);
    } catch (error) {
      throw error instanceof Lost ? reader.lost(error) : error;
    }
  }

  #fail(error: unknown): unknown {
    this.#failure ??= { error };
    this.#close();
    return error;
  }

  #close(): void {
    this.#isOver = true;
    this.#outer?.removeEventListener("abort", this.#onAbort);
    this.#exchange?.close();
  }
}
