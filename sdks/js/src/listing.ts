/** Lists that page by themselves. */

import type { ListOf } from "./answers.js";
import type { CallOptions } from "./asks.js";
import { job, nextQuery, type Job, type Query } from "./jobs.js";
import type { Line } from "./line.js";
import { listOf, type Check } from "./shapes.js";

/** A page of a list; iterating goes on through all that follow. */
export class Page<T> implements AsyncIterable<T> {
  readonly #listing: Listing<T>;
  readonly #page: ListOf<T>;

  /** @internal */
  constructor(listing: Listing<T>, page: ListOf<T>) {
    this.#listing = listing;
    this.#page = page;
  }

  /** What is on this page. */
  get data(): T[] {
    return this.#page.data;
  }

  /** Whether there are more. */
  get hasMore(): boolean {
    return this.#page.has_more === true;
  }

  /** The page that follows; null where this is the last. */
  async nextPage(): Promise<Page<T> | null> {
    return (await this.#listing.after(this.#page)) ?? null;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let page: Page<T> | null = this; page !== null; page = await page.nextPage()) {
      yield* page.data;
    }
  }
}

/** A list, not yet asked for: awaiting it gives its first page, `for await` all of it. */
export class Listing<T> implements AsyncIterable<T>, PromiseLike<Page<T>> {
  readonly #line: Line;
  readonly #what: string;
  readonly #check: Check<T>;
  readonly #query: Query;
  readonly #options: CallOptions;

  /** @internal */
  constructor(line: Line, what: string, check: Check<T>, query: object, options: CallOptions) {
    this.#line = line;
    this.#what = what;
    this.#check = check;
    this.#query = query as Query;
    this.#options = options;
  }

  then<A = Page<T>, B = never>(
    onPage?: ((page: Page<T>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#ask().then(onPage, onError);
  }

  catch<B = never>(
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<Page<T> | B> {
    return this.#ask().catch(onError);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.#ask();
  }

  /** @internal */
  async after(page: ListOf<T>): Promise<Page<T> | null> {
    const query = nextQuery(this.#query, page);
    if (query === null) {
      return null;
    }
    return new Listing(this.#line, this.#what, this.#check, query, this.#options).#ask();
  }

  async #ask(): Promise<Page<T>> {
    const asked: Job<ListOf<T>> = job(listOf(this.#check), "GET", [this.#what], {
      query: this.#query,
    });
    return new Page(this, await this.#line.ask(asked, this.#options));
  }
}
