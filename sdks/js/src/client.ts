/** The client. */

import type { RateLimit } from "./answers.js";
import type { CallOptions } from "./asks.js";
import * as calls from "./calls.js";
import { Line } from "./line.js";
import { makeSettings, type ClientOptions } from "./settings.js";
import type { World } from "./talk.js";
import { WORLD, WORLD_AS_IT_IS } from "./world.js";

/**
 * Asks a server of AI Hub's.
 *
 *     const client = new AIHubClient({ apiKey: "..." });
 *     const answer = await client.chat.create({
 *       model: "gpt-4",
 *       messages: [{ role: "user", content: "Hello!" }],
 *     });
 *
 * It may be used for any number of calls at once, and has nothing to be closed.
 */
export class AIHubClient {
  readonly #line: Line;
  readonly chat: calls.Chat;
  readonly models: calls.Models;
  readonly usage: calls.Usage;
  readonly sessions: calls.Sessions;
  readonly keys: calls.Keys;
  readonly accounts: calls.Accounts;
  readonly plans: calls.Plans;
  readonly budgets: calls.Budgets;

  /** Throws a `ConfigurationError` where an option cannot be; it begins with the option's name. */
  constructor(options: ClientOptions = {}) {
    const { [WORLD]: given } = options as { [WORLD]?: World | Line };
    const line =
      given instanceof Line ? given : new Line(makeSettings(options), given ?? WORLD_AS_IT_IS);
    this.#line = line;
    this.chat = new calls.Chat(line);
    this.models = new calls.Models(line);
    this.usage = new calls.Usage(line);
    this.sessions = new calls.Sessions(line);
    this.keys = new calls.Keys(line);
    this.accounts = new calls.Accounts(line);
    this.plans = new calls.Plans(line);
    this.budgets = new calls.Budgets(line);
  }

  /** How the limit stood by the last answer that said so, whichever call's. */
  get lastRateLimit(): RateLimit | null {
    return this.#line.seen.rateLimit;
  }

  /** Where it asks. */
  get baseURL(): string {
    return this.#line.settings.baseURL;
  }

  /** A client with other options, for the same server and account. */
  withOptions(options: Pick<CallOptions, "timeout" | "maxRetries" | "headers">): AIHubClient {
    return new AIHubClient({ [WORLD]: this.#line.changed(options) } as ClientOptions);
  }
}
