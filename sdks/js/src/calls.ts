/** What a client can be asked, by what it is about. */

import type * as answers from "./answers.js";
import type * as asks from "./asks.js";
import { chat, job } from "./jobs.js";
import type { Line } from "./line.js";
import { Listing } from "./listing.js";
import * as shapes from "./shapes.js";
import { ChatStream } from "./stream.js";

/** Chats: `client.chat`. */
export class Chat {
  readonly #line: Line;

  /** @internal */
  constructor(line: Line) {
    this.#line = line;
  }

  /** Ask for an answer, whole or, with `stream: true`, as it comes. */
  create(
    body: asks.ChatBody & { stream?: false | null | undefined },
    options?: asks.ChatOptions,
  ): Promise<answers.ChatCompletion>;
  create(
    body: asks.ChatBody & { stream: true },
    options?: asks.ChatOptions,
  ): Promise<ChatStream>;
  create(
    body: asks.ChatBody & { stream?: boolean | null | undefined },
    options?: asks.ChatOptions,
  ): Promise<answers.ChatCompletion | ChatStream>;
  async create(
    body: asks.ChatBody & { stream?: boolean | null | undefined },
    options: asks.ChatOptions = {},
  ): Promise<answers.ChatCompletion | ChatStream> {
    if (body?.stream === true) {
      return this.stream(body, options).open();
    }
    return this.#line.ask(chat(body, options, false), options);
  }

  /** Ask for an answer as it comes, when its first piece is wanted. */
  stream(body: asks.ChatBody, options: asks.ChatOptions = {}): ChatStream {
    return new ChatStream(this.#line, chat(body, options, true), options);
  }
}

/** Models: `client.models`. */
export class Models {
  readonly #line: Line;

  /** @internal */
  constructor(line: Line) {
    this.#line = line;
  }

  /** All models. */
  list(options: asks.CallOptions = {}): Listing<answers.Model> {
    return new Listing(this.#line, "models", shapes.model, {}, options);
  }

  /** One model; its id may have slashes. */
  async retrieve(model: string, options?: asks.CallOptions): Promise<answers.Model> {
    return this.#line.ask(job(shapes.model, "GET", ["models", model]), options);
  }
}

/** What was used: `client.usage`. */
export class Usage {
  readonly #line: Line;

  /** @internal */
  constructor(line: Line) {
    this.#line = line;
  }

  /** What an account used in a period. */
  async get(
    query: asks.UsageQuery = {},
    options?: asks.CallOptions,
  ): Promise<answers.UsageReport> {
    const [start, end] = [instant(query.start), instant(query.end)];
    const asked = job(shapes.usageReport, "GET", ["usage"], { query: { ...query, start, end } });
    return this.#line.ask(asked, options);
  }
}

function instant(given: string | Date | undefined): string | undefined {
  return given instanceof Date ? given.toISOString() : given;
}

/** Conversations that the server keeps: `client.sessions`; a chat's `session_id` goes on with one. */
export class Sessions {
  readonly #line: Line;

  /** @internal */
  constructor(line: Line) {
    this.#line = line;
  }

  /** Begin a session. */
  async create(
    body: asks.SessionFields = {},
    options?: asks.CallOptions,
  ): Promise<answers.Session> {
    return this.#line.ask(job(shapes.session, "POST", ["sessions"], { body }), options);
  }

  /** The account's sessions, oldest first. */
  list(query: asks.PageQuery = {}, options: asks.CallOptions = {}): Listing<answers.Session> {
    return new Listing(this.#line, "sessions", shapes.session, query, options);
  }

  /** One, with a page of its messages. */
  async get(
    session: string,
    { limit, after, order }: asks.SessionQuery = {},
    options?: asks.CallOptions,
  ): Promise<answers.Session> {
    const query = { limit, after, order };
    return this.#line.ask(job(shapes.session, "GET", ["sessions", session], { query }), options);
  }

  /** Change what is named; with `version`, only if it is still that one. */
  async update(
    session: string,
    body: asks.SessionChanges,
    options?: asks.CallOptions,
  ): Promise<answers.Session> {
    return this.#line.ask(job(shapes.session, "PUT", ["sessions", session], { body }), options);
  }

  /** Erase it. */
  async delete(session: string, options?: asks.CallOptions): Promise<answers.Ended> {
    return this.#line.ask(job(shapes.ended, "DELETE", ["sessions", session]), options);
  }

  /** Begin a session with the same history, up to `turn`. */
  async fork(
    session: string,
    body: asks.ForkFields = {},
    options?: asks.CallOptions,
  ): Promise<answers.Session> {
    const path = ["sessions", session, "fork"];
    return this.#line.ask(job(shapes.session, "POST", path, { body }), options);
  }
}

/** API keys: `client.keys`, for keys with the scope `admin`. */
export class Keys {
  readonly #line: Line;

  /** @internal */
  constructor(line: Line) {
    this.#line = line;
  }

  /** Make a key; its `secret` is in this answer only. */
  async create(body: asks.KeyFields = {}, options?: asks.CallOptions): Promise<answers.Key> {
    return this.#line.ask(job(shapes.key, "POST", ["keys"], { body }), options);
  }

  /** An account's keys. */
  list(query: asks.AccountPageQuery = {}, options: asks.CallOptions = {}): Listing<answers.Key> {
    return new Listing(this.#line, "keys", shapes.key, query, options);
  }

  /** One. */
  async get(key: string, options: asks.AccountOptions = {}): Promise<answers.Key> {
    const query = { account: options.account };
    return this.#line.ask(job(shapes.key, "GET", ["keys", key], { query }), options);
  }

  /** Change what is named; null takes a limit or an end away. */
  async update(
    key: string,
    body: asks.KeyChanges,
    options: asks.AccountOptions = {},
  ): Promise<answers.Key> {
    const query = { account: options.account };
    return this.#line.ask(job(shapes.key, "PUT", ["keys", key], { query, body }), options);
  }

  /** Make a key like it, which itself ends after `overlap` seconds. */
  async rotate(
    key: string,
    body: asks.RotateFields = {},
    options: asks.AccountOptions = {},
  ): Promise<answers.Key> {
    const query = { account: options.account };
    const path = ["keys", key, "rotate"];
    return this.#line.ask(job(shapes.key, "POST", path, { query, body }), options);
  }

  /** End it now. */
  async revoke(key: string, options: asks.AccountOptions = {}): Promise<answers.Ended> {
    const query = { account: options.account };
    return this.#line.ask(job(shapes.ended, "DELETE", ["keys", key], { query }), options);
  }
}

/** Accounts: `client.accounts`, for operators. */
export class Accounts {
  readonly #line: Line;

  /** @internal */
  constructor(line: Line) {
    this.#line = line;
  }

  /** Make an account. */
  async create(
    body: asks.AccountFields = {},
    options?: asks.CallOptions,
  ): Promise<answers.Account> {
    return this.#line.ask(job(shapes.account, "POST", ["accounts"], { body }), options);
  }

  /** All accounts; a tenant's key sees its own. */
  list(query: asks.PageQuery = {}, options: asks.CallOptions = {}): Listing<answers.Account> {
    return new Listing(this.#line, "accounts", shapes.account, query, options);
  }

  /** One. */
  async get(account: string, options?: asks.CallOptions): Promise<answers.Account> {
    return this.#line.ask(job(shapes.account, "GET", ["accounts", account]), options);
  }

  /** Change what is named. */
  async update(
    account: string,
    body: asks.AccountChanges,
    options?: asks.CallOptions,
  ): Promise<answers.Account> {
    return this.#line.ask(job(shapes.account, "PUT", ["accounts", account], { body }), options);
  }

  /** End it, and forget who it was. */
  async delete(account: string, options?: asks.CallOptions): Promise<answers.Ended> {
    return this.#line.ask(job(shapes.ended, "DELETE", ["accounts", account]), options);
  }
}

/** Plans: `client.plans`; to change them is for operators. */
export class Plans {
  readonly #line: Line;

  /** @internal */
  constructor(line: Line) {
    this.#line = line;
  }

  /** All plans. */
  list(query: asks.PageQuery = {}, options: asks.CallOptions = {}): Listing<answers.Plan> {
    return new Listing(this.#line, "plans", shapes.plan, query, options);
  }

  /** One. */
  async get(plan: string, options?: asks.CallOptions): Promise<answers.Plan> {
    return this.#line.ask(job(shapes.plan, "GET", ["plans", plan]), options);
  }

  /** Make it, or change what is named. */
  async update(
    plan: string,
    body: asks.PlanFields,
    options?: asks.CallOptions,
  ): Promise<answers.Plan> {
    return this.#line.ask(job(shapes.plan, "PUT", ["plans", plan], { body }), options);
  }

  /** Drop it; the built-in one of that name shows again. */
  async delete(plan: string, options?: asks.CallOptions): Promise<answers.Ended> {
    return this.#line.ask(job(shapes.ended, "DELETE", ["plans", plan]), options);
  }
}

/** Budgets: `client.budgets`; money is USD as decimal text, or a whole number. */
export class Budgets {
  readonly #line: Line;

  /** @internal */
  constructor(line: Line) {
    this.#line = line;
  }

  /** Bound what may be spent. */
  async create(body: asks.BudgetFields, options?: asks.CallOptions): Promise<answers.Budget> {
    return this.#line.ask(job(shapes.budget, "POST", ["budgets"], { body }), options);
  }

  /** An account's budgets, and how they stand. */
  list(query: asks.AccountPageQuery = {}, options: asks.CallOptions = {}): Listing<answers.Budget> {
    return new Listing(this.#line, "budgets", shapes.budget, query, options);
  }

  /** One. */
  async get(budget: string, options: asks.AccountOptions = {}): Promise<answers.Budget> {
    const query = { account: options.account };
    return this.#line.ask(job(shapes.budget, "GET", ["budgets", budget], { query }), options);
  }

  /** Change its limit. */
  async update(
    budget: string,
    body: asks.BudgetChanges,
    options: asks.AccountOptions = {},
  ): Promise<answers.Budget> {
    const query = { account: options.account };
    return this.#line.ask(job(shapes.budget, "PUT", ["budgets", budget], { query, body }), options);
  }

  /** End it. */
  async delete(budget: string, options: asks.AccountOptions = {}): Promise<answers.Ended> {
    const query = { account: options.account };
    return this.#line.ask(job(shapes.ended, "DELETE", ["budgets", budget], { query }), options);
  }
}
