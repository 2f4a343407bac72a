// Whatever a server answers, what comes of it is an answer or an error of this package's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AIHubClient, AIHubError } from "../dist/esm/index.js";

const HELLO = { model: "gpt-4", messages: [{ role: "user", content: "Hello!" }] };
const CALL = { index: 0, id: "c", type: "function", function: { name: "f", arguments: "{}" } };
const SAID = { role: "assistant", content: "a", tool_calls: [CALL] };
const USAGE = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, cost: 0.5 };
const ERROR = { message: "No.", type: "api_error", param: "p", code: "c", retry_after: 1 };
const GROUP = { "gpt-4": { requests: 1, tokens: 2, cost: 0.5 } };
const TOTALS = { total_requests: 1, total_tokens: 2, total_cost: 0.5, models: GROUP };
const PERIOD = { start: "2026-01-01T00:00:00Z", end: "2026-01-31T23:59:59Z" };

const events = (chunk) => `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`;
const json = (value) => JSON.stringify(value);

// A call, a good answer to it, and how that is written.
const CALLS = [
  [(client) => client.chat.create(HELLO), { choices: [{ message: SAID }], usage: USAGE }, json],
  [
    (client) => client.chat.stream(HELLO).completion(),
    { id: "x", choices: [{ index: 0, delta: SAID, logprobs: { content: [] } }], usage: USAGE },
    events,
  ],
  [(client) => client.chat.stream(HELLO).completion(), { error: ERROR }, events],
  [(client) => client.usage.get(), { period: PERIOD, usage: TOTALS }, json],
  [(client) => client.keys.create(), { id: "key_1", scopes: ["read"], secret: "ah_x" }, json],
  [
    (client) => client.sessions.list(),
    { data: [{ id: "s", totals: { turns: 1 }, metadata: { a: "b" } }], has_more: true, last_id: "s" },
    json,
  ],
];
const ODD = [null, true, -1, 0.5, 1e300, "", "x", [], [null], {}, { a: {} }, [[]], { index: {} }];

/** The same with each part of it replaced by what is odd, or left out. */
function* mangled(value) {
  yield* ODD;
  if (typeof value !== "object" || value === null) {
    return;
  }
  for (const [name, one] of Object.entries(value)) {
    for (const other of mangled(one)) {
      yield Object.assign(structuredClone(value), { [name]: other });
    }
    const less = structuredClone(value);
    delete less[name];
    yield less;
  }
}

function answering(body, status, type) {
  const headers = { "content-type": type, "retry-after": "soon", "x-ratelimit-limit": "-1" };
  const fetch = async () => new Response(body, { status, headers });
  return new AIHubClient({ apiKey: "k", maxRetries: 0, fetch });
}

async function check(ask, body, status, type) {
  try {
    return (await ask(answering(body, status, type))) !== undefined;
  } catch (error) {
    assert.ok(error instanceof AIHubError, `${error.stack}\nat ${status} ${body}`);
    return false;
  }
}

for (const [ask, good, written] of CALLS) {
  const type = written === events ? "text/event-stream" : "application/json";
  test(`${ask} gives an answer or an error of ours`, async () => {
    const isError = "error" in good;
    assert.equal(await check(ask, written(good), 200, type), !isError);
    for (const value of mangled(good)) {
      await check(ask, written(value), 200, type);
    }
  });
}

test("an error's body may be anything", async () => {
  for (const status of [400, 404, 429, 500, 503]) {
    for (const value of [...mangled({ error: ERROR }), "<html>", "\ud800"]) {
      assert.equal(await check((client) => client.models.retrieve("m"), json(value), status, ""), false);
    }
  }
});
