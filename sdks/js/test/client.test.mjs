// What the vectors cannot say: how it is in JavaScript.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Fold } from "../dist/esm/folding.js";
import { isBrowser } from "../dist/esm/settings.js";
import { SseDecoder } from "../dist/esm/sse.js";
import { WORLD_AS_IT_IS } from "../dist/esm/world.js";
import { BUILDS } from "./playing.mjs";
import { Server } from "./server.mjs";

const { "as modules": esm, "by require": cjs } = BUILDS;
const { AIHubClient } = esm;

const HELLO = { model: "gpt-4", messages: [{ role: "user", content: "Hello!" }] };
const COMPLETION = { choices: [{ message: { role: "assistant", content: "Hi." } }] };
const piece = (content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const END = "data: [DONE]\n\n";
const PAGES = [
  { data: [{ id: "ses_1" }, { id: "ses_2" }], has_more: true, last_id: "ses_2" },
  { data: [{ id: "ses_3" }], has_more: false, last_id: "ses_3" },
];

async function served(t, steps, options = {}) {
  const server = await Server.open(steps);
  t.after(() => server.close());
  return [new AIHubClient({ apiKey: "test-key", baseURL: server.url, ...options }), server];
}

const freed = async (server) => {
  while (server.connections > 0) {
    await new Promise(setImmediate);
  }
};

test("a stream that is aborted rejects with the reason, and its connection is freed", async (t) => {
  const [client, server] = await served(t, [{ status: 200, events: piece("a"), hang: true }]);
  const stream = client.chat.stream(HELLO);
  const texts = [];
  const reading = (async () => {
    for await (const text of stream.texts()) {
      texts.push(text);
      setImmediate(() => stream.abort());
    }
  })();
  await assert.rejects(reading, { name: "AbortError" });
  assert.deepEqual(texts, ["a"]);
  await freed(server);
  await assert.rejects(stream.completion(), { name: "AbortError" });
});

test("leaving the texts of a stream frees its connection, and it has no whole answer", async (t) => {
  const [client, server] = await served(t, [{ status: 200, events: piece("a"), hang: true }]);
  const stream = client.chat.stream(HELLO);
  for await (const text of stream.texts()) {
    assert.equal(text, "a");
    break;
  }
  await freed(server);
  await assert.rejects(stream.completion(), esm.ConfigurationError);
});

test("a stream is asked for when its first chunk is wanted, and never where that was aborted", async (t) => {
  const [client, server] = await served(t, []);
  const stream = client.chat.stream(HELLO);
  stream.abort(new Error("no more"));
  await assert.rejects(stream.next(), { message: "no more" });
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  assert.deepEqual(server.requests, []);
});

test("chunks that are wanted at once come in order, of one request", async (t) => {
  const step = { status: 200, events: piece("a") + piece("b") + END };
  const [client, server] = await served(t, [step]);
  const stream = client.chat.stream(HELLO);
  const three = await Promise.all([stream.next(), stream.next(), stream.next()]);
  assert.deepEqual(
    three.map(({ done, value }) => (done ? null : esm.textOf(value))),
    ["a", "b", null],
  );
  assert.equal(server.requests.length, 1);
  assert.equal((await stream.completion()).choices[0].message.content, "ab");
});

test("create gives a stream that has begun where it is asked to", async (t) => {
  const refused = { status: 401, json: { error: { message: "No.", code: "invalid_api_key" } } };
  const [client] = await served(t, [refused, { status: 200, events: piece("a") + END }]);
  const asked = { ...HELLO, stream: true };
  await assert.rejects(client.chat.create(asked), esm.AuthenticationError);
  const whole = await (await client.chat.create(asked)).completion();
  assert.equal(whole.choices[0].message.content, "a");
});

test("calls keep their connections, streams that ended well too", async (t) => {
  const whole = { status: 200, json: COMPLETION };
  const streamed = { status: 200, events: piece("a") + END };
  const steps = [whole, streamed, { status: 404, json: {} }];
  const [client, server] = await served(t, [...steps, ...steps, ...steps]);
  for (let round = 0; round < 3; round += 1) {
    await client.chat.create(HELLO);
    await client.chat.stream(HELLO).completion();
    await assert.rejects(client.models.retrieve("none"), esm.NotFoundError);
  }
  // One would do; fetch makes another where the first is not free for a moment.
  assert.ok(server.accepted <= 2, String(server.accepted));
});

test("a signal that was aborted before asks nothing", async (t) => {
  const [client, server] = await served(t, []);
  const signal = AbortSignal.abort(new Error("gone"));
  await assert.rejects(client.chat.create(HELLO, { signal }), { message: "gone" });
  assert.deepEqual(server.requests, []);
});

test("a wait before a repetition ends when the call is cancelled", async (t) => {
  const busy = { status: 429, headers: { "Retry-After": "30" }, json: {} };
  const [client, server] = await served(t, [busy]);
  const controller = new AbortController();
  const asked = client.chat.create(HELLO, { signal: controller.signal });
  while (server.answered === 0) {
    await new Promise(setImmediate);
  }
  setImmediate(() => controller.abort());
  await assert.rejects(asked, { name: "AbortError" });
  const before = AbortSignal.abort(new Error("gone"));
  await assert.rejects(WORLD_AS_IT_IS.sleep(30_000, before), { message: "gone" });
});

test("a fetch that does not heed its signal is bounded all the same", async () => {
  const fetch = () => new Promise(() => {});
  const options = { apiKey: "k", fetch, timeout: { firstByte: 10 }, maxRetries: 0 };
  await assert.rejects(new AIHubClient(options).models.list(), { phase: "first_byte" });
});

test("an error is an instance of the other build's class, and of no wider or narrower one", () => {
  const error = new cjs.BudgetExceededError("No.", { status: 429 });
  assert.ok(error instanceof esm.BudgetExceededError);
  assert.ok(error instanceof esm.RateLimitError);
  assert.ok(error instanceof esm.AIHubError);
  assert.ok(!(error instanceof esm.NotFoundError));
  assert.ok(!(new esm.RateLimitError("No.") instanceof cjs.BudgetExceededError));
  assert.ok(![null, undefined, 7, {}, new Error("x")].some((one) => one instanceof esm.AIHubError));
  class Mine extends esm.AIHubError {}
  assert.ok(new Mine("x") instanceof Mine);
  assert.ok(!(error instanceof Mine));
  assert.match(inspect(error), /^BudgetExceededError: No\./);
});

test("a list is awaited for its first page, and gone through for all", async (t) => {
  const steps = [...PAGES, ...PAGES].map((json) => ({ status: 200, json }));
  const [client] = await served(t, steps);
  const page = await client.sessions.list({ limit: 2 });
  assert.deepEqual([page.data.length, page.hasMore], [2, true]);
  assert.equal(await (await page.nextPage()).nextPage(), null);
  const ids = [];
  for await (const session of client.sessions.list()) {
    ids.push(session.id);
  }
  assert.deepEqual(ids, ["ses_1", "ses_2", "ses_3"]);
});

test("a key's secret is read by its name, and is in no copy", async (t) => {
  const json = { id: "key_1", secret: "ah_hidden" };
  const [client] = await served(t, [{ status: 200, json }]);
  const key = await client.keys.create();
  assert.equal(key.secret, "ah_hidden");
  assert.deepEqual(JSON.parse(JSON.stringify({ ...key })), { id: "key_1" });
});

test("no form of a client shows its key", () => {
  const client = new AIHubClient({ apiKey: "hidden-key", headers: { "x-mine": "hidden-key" } });
  const other = client.withOptions({ maxRetries: 0 });
  for (const one of [client, other]) {
    const shown = inspect(one, { depth: Infinity, showHidden: true }) + JSON.stringify(one);
    assert.ok(!shown.includes("hidden-key"), shown);
  }
});

test("a client with other options asks the same server, and shares what it has seen", async (t) => {
  const limits = { "X-RateLimit-Limit": "9", "X-RateLimit-Remaining": "8", "X-RateLimit-Reset": "7" };
  const [client, server] = await served(t, [
    { status: 500, json: {} },
    { status: 200, headers: limits, json: COMPLETION },
  ]);
  const other = client.withOptions({ maxRetries: 0, headers: { "X-Mine": "1" } });
  await assert.rejects(other.chat.create(HELLO), esm.InternalServerError);
  await other.chat.create(HELLO, { headers: { "x-more": "2" } });
  const { headers } = server.requests[1];
  assert.deepEqual([headers["x-mine"], headers["x-more"]], ["1", "2"]);
  assert.deepEqual(client.lastRateLimit, { limit: 9, remaining: 8, reset: 7 });
});

test("what cannot be is refused by the name of its option", () => {
  const wrong = {
    timeout: [0, Number.NaN, 2 ** 31, { connect: 1 }, { idle: "1" }],
    maxRetries: [0.5, 21],
    fetch: ["fetch"],
    headers: [{ "bad name": "x" }, { "x-mine": 7 }],
    baseURL: [7, "http://127.0.0.1:0/v1", "http://127.0.0.1:99999/v1", "http://a\\b/v1"],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const make = () => new AIHubClient({ apiKey: "k", [name]: value });
      assert.throws(make, (error) => {
        return error instanceof esm.ConfigurationError && error.message.startsWith(name);
      });
    }
  }
});

test("what is no request is refused, and nothing is asked", async (t) => {
  const [client, server] = await served(t, []);
  const refused = [
    () => client.chat.create({ model: "gpt-4", messages: "Hello!" }),
    () => client.chat.create(undefined),
    () => client.chat.create(HELLO, { extraBody: { stream: true } }),
    () => client.chat.create({ ...HELLO, seed: 7n }),
    () => client.sessions.get(undefined),
    () => client.models.retrieve("\ud800"),
  ];
  for (const ask of refused) {
    await assert.rejects(ask, esm.ConfigurationError);
  }
  assert.deepEqual(server.requests, []);
});

test("where there is a page, or a worker of one, a client has to be allowed", () => {
  assert.ok(!isBrowser());
  assert.ok(isBrowser({ window: { document: {} } }));
  assert.ok(isBrowser({ importScripts: () => {} }));
  globalThis.importScripts = () => {};
  try {
    assert.throws(() => new AIHubClient({ apiKey: "k" }), /^ConfigurationError: dangerously/);
    assert.ok(new AIHubClient({ apiKey: "k", dangerouslyAllowBrowser: true }));
  } finally {
    delete globalThis.importScripts;
  }
});

test("events are the same however their bytes are cut", () => {
  const wire = new TextEncoder().encode(`\ufeff: hi\r\n${piece("你😀")}event: x\rdata:a\ndata\r\n\r\n\n${END}`);
  const whole = [...new SseDecoder().feed(wire)];
  assert.deepEqual(whole.slice(1), ["a\n", "[DONE]"]);
  for (let cut = 1; cut < wire.length; cut += 1) {
    const decoder = new SseDecoder();
    const parts = [wire.subarray(0, cut), wire.subarray(cut)];
    assert.deepEqual(parts.flatMap((part) => [...decoder.feed(part)]), whole);
  }
});

test("an event without bounds, or not in UTF-8, ends a stream", async (t) => {
  const bytes = new Uint8Array(1024 * 1024).fill(97);
  const decoder = new SseDecoder();
  assert.throws(() => {
    for (let at = 0; at < 17; at += 1) {
      [...decoder.feed(bytes)];
    }
  }, /bytes/);
  const body = Buffer.concat([Buffer.from(piece("a")), Buffer.from([100, 58, 255, 10, 10])]);
  const headers = { "Content-Type": "text/event-stream" };
  const [client] = await served(t, [{ status: 200, headers, base64: body.toString("base64") }]);
  const stream = client.chat.stream(HELLO);
  assert.equal(esm.textOf((await stream.next()).value), "a");
  await assert.rejects(stream.next(), esm.MalformedResponseError);
});

test("a field of any name folds as itself", () => {
  const fold = new Fold();
  const chunk = '{"choices": [{"delta": {"__proto__": "a", "x": ["b"]}}], "constructor": 1}';
  fold.add(JSON.parse(chunk));
  fold.add(JSON.parse(chunk));
  const whole = fold.whole();
  assert.equal(Object.getPrototypeOf(whole.choices[0].message), Object.prototype);
  const told = JSON.parse(JSON.stringify(whole));
  assert.equal(Object.getOwnPropertyDescriptor(told.choices[0].message, "__proto__").value, "aa");
  assert.deepEqual([told.choices[0].message.x, told.constructor], [["b", "b"], 1]);
});
