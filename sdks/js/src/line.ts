/** Calls carried to their end. What they decide is in `talk`; here they wait. */

import type { ChatCompletion, RateLimit } from "./answers.js";
import type { CallOptions } from "./asks.js";
import type { Job } from "./jobs.js";
import { changeSettings, type Settings } from "./settings.js";
import { joined } from "./sse.js";
import { Again, isStream, malformed, MAX_ANSWER, rateLimitOf, Talk, type World } from "./talk.js";
import { Exchange, Lost, type Head } from "./wire.js";

/** What answers said besides, for all clients on the same line. */
export interface Seen {
  rateLimit: RateLimit | null;
}

/** The way to a server. */
export class Line {
  constructor(
    readonly settings: Settings,
    readonly world: World,
    readonly seen: Seen = { rateLimit: null },
  ) {}

  /** Return a line with other options. */
  changed(options: CallOptions): Line {
    return new Line(changeSettings(this.settings, options), this.world, this.seen);
  }

  /** Return the answer of a call. */
  async ask<T>(job: Job<T>, options: CallOptions = {}): Promise<T> {
    const settings = changeSettings(this.settings, options);
    const talk = new Talk(job, settings, this.world);
    const { signal } = options;
    for (;;) {
      const done = await this.#try(talk, settings, signal, async (exchange, head) => {
        return talk.answered(head, await wholeOf(exchange, head));
      });
      if (!(done instanceof Again)) {
        return done;
      }
      await this.world.sleep(done.ms, signal);
    }
  }

  /** Return what a stream is read from; whoever gets it closes it. */
  async open(
    job: Job<ChatCompletion>,
    settings: Settings,
    signal: AbortSignal,
  ): Promise<[Exchange, Head]> {
    const talk = new Talk(job, settings, this.world);
    for (;;) {
      let isKept = false;
      const done = await this.#try(
        talk,
        settings,
        signal,
        async (exchange, head) => {
          isKept = isStream(head);
          const opened: [Exchange, Head] = [exchange, head];
          // A good answer that is no stream is refused: what is left is to ask again.
          return isKept ? opened : (talk.answered(head, await wholeOf(exchange, head)) as Again);
        },
        () => isKept,
      );
      if (!(done instanceof Again)) {
        return done;
      }
      await this.world.sleep(done.ms, signal);
    }
  }

  async #try<T>(
    talk: Talk<unknown>,
    settings: Settings,
    signal: AbortSignal | undefined,
    work: (exchange: Exchange, head: Head) => Promise<T | Again>,
    isKept: () => boolean = () => false,
  ): Promise<T | Again> {
    const fetch = settings.fetch ?? globalThis.fetch;
    const spans = { ...settings.timeouts, total: talk.left };
    try {
      const [exchange, head] = await Exchange.open(fetch, talk.request, spans, signal);
      this.seen.rateLimit = rateLimitOf(head) ?? this.seen.rateLimit;
      try {
        return await work(exchange, head);
      } finally {
        if (!isKept()) {
          exchange.close();
        }
      }
    } catch (error) {
      if (error instanceof Lost) {
        return talk.lost(error);
      }
      throw error;
    }
  }
}

/** Read a whole answer within our bounds. */
async function wholeOf(exchange: Exchange, head: Head): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (let piece = await exchange.read(); piece !== null; piece = await exchange.read()) {
    pieces.push(piece);
    size += piece.length;
    if (size > MAX_ANSWER) {
      throw malformed(`it has more than ${MAX_ANSWER} bytes`, head, "");
    }
  }
  return joined(pieces);
}
