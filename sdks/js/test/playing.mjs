// Plays the cases of `sdks/vectors` against a build of this package, over real connections.
//
// Names are JavaScript's: `api_key` of a case is the option `apiKey`, `retry_after` of an error is
// `retryAfter`, and where an error names an option it names it so. Seconds are milliseconds.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setImmediate as turn } from "node:timers/promises";
import { inspect } from "node:util";

import { Server, STEPS } from "./server.mjs";

const CASES = new URL("../../vectors/cases/", import.meta.url);
const require = createRequire(import.meta.url);

// What a case may take at most, whatever the machine does besides.
const MOST = 20_000;

const OPTIONS = {
  api_key: "apiKey",
  base_url: "baseURL",
  region: "region",
  max_retries: "maxRetries",
  timeout: "timeout",
  headers: "headers",
  env: null,
};
const PHASES = { first_byte: "firstByte", idle: "idle", total: "total" };
const NAMES = { ...OPTIONS, ...PHASES, idempotency_key: "idempotencyKey" };

const FIELDS = {
  case: ["name", "about", "needs", "client", "now", "chance", "call", "server", "expect"],
  call: ["do", "with", "leave_after", "cancel"],
  request: ["method", "path", "query", "headers", "body"],
};

/** Both builds, each as a program gets it, and the world that it is given in tests. */
export const BUILDS = {
  "as modules": {
    ...(await import("../dist/esm/index.js")),
    ...(await import("../dist/esm/world.js")),
  },
  "by require": { ...require("../dist/cjs/index.js"), ...require("../dist/cjs/world.js") },
};

const ERRORS = {
  configuration: "ConfigurationError",
  connection: "ConnectionError",
  timeout: "TimeoutError",
  status: "StatusError",
  bad_request: "BadRequestError",
  authentication: "AuthenticationError",
  permission_denied: "PermissionDeniedError",
  not_found: "NotFoundError",
  conflict: "ConflictError",
  rate_limit: "RateLimitError",
  budget_exceeded: "BudgetExceededError",
  internal_server: "InternalServerError",
  service_unavailable: "ServiceUnavailableError",
  malformed_response: "MalformedResponseError",
  incomplete_stream: "IncompleteStreamError",
  failed_stream: "FailedStreamError",
};

const plain = (group, name) => (client, given, options) => client[group][name](given, options);
const one = (group, name) => (client, { id }, options) => client[group][name](id, options);
const changed = (group, name) => (client, { id, ...body }, options) =>
  client[group][name](id, body, options);
const ofAccount = (group, name) => (client, { id, account }, options) =>
  client[group][name](id, { ...options, account });
const changedOfAccount = (group, name) => (client, { id, account, ...body }, options) =>
  client[group][name](id, body, { ...options, account });
const chat = (name) => (client, given, options) => {
  const { idempotency_key: idempotencyKey, extra_body: extraBody, ...body } = given;
  return client.chat[name](body, { ...options, idempotencyKey, extraBody });
};

const CALLS = {
  "chat.create": chat("create"),
  "chat.stream": chat("stream"),
  "models.list": (client, given, options) => client.models.list(options),
  "models.retrieve": one("models", "retrieve"),
  "usage.get": plain("usage", "get"),
  "sessions.create": plain("sessions", "create"),
  "sessions.list": plain("sessions", "list"),
  "sessions.get": changed("sessions", "get"),
  "sessions.update": changed("sessions", "update"),
  "sessions.delete": one("sessions", "delete"),
  "sessions.fork": changed("sessions", "fork"),
  "keys.create": plain("keys", "create"),
  "keys.list": plain("keys", "list"),
  "keys.get": ofAccount("keys", "get"),
  "keys.update": changedOfAccount("keys", "update"),
  "keys.rotate": changedOfAccount("keys", "rotate"),
  "keys.revoke": ofAccount("keys", "revoke"),
  "accounts.create": plain("accounts", "create"),
  "accounts.list": plain("accounts", "list"),
  "accounts.get": one("accounts", "get"),
  "accounts.update": changed("accounts", "update"),
  "accounts.delete": one("accounts", "delete"),
  "plans.list": plain("plans", "list"),
  "plans.get": one("plans", "get"),
  "plans.update": changed("plans", "update"),
  "plans.delete": one("plans", "delete"),
  "budgets.create": plain("budgets", "create"),
  "budgets.list": plain("budgets", "list"),
  "budgets.get": ofAccount("budgets", "get"),
  "budgets.update": changedOfAccount("budgets", "update"),
  "budgets.delete": ofAccount("budgets", "delete"),
};

// The Fetch standard asks once more, on a new connection, where a server was asked by mistake (421),
// and gives nobody a say in it; the request is the same, under the same idempotency key. The server
// answers both, and what comes of it is held to the case.
const MAY_BE_ASKED_TWICE = ["errors: status-421"];

/** Why a case cannot be played by the fetch that there is; false where it can. */
export function unplayable(title) {
  const isOld = process.versions.node.startsWith("18.");
  const why = "the fetch of Node 18 sends no body when it asks again at 421, and rejects instead";
  return isOld && MAY_BE_ASKED_TWICE.includes(title) ? why : false;
}

/** Every case, with the name of its file. */
export function* cases() {
  for (const file of readdirSync(CASES).sort()) {
    for (const one of JSON.parse(readFileSync(new URL(file, CASES), "utf8")).cases) {
      yield [`${file.replace(".json", "")}: ${one.name}`, one];
    }
  }
}

/** Whether a case is to be played whole and byte by byte. */
export function isStream({ server }) {
  return Array.isArray(server) && server.some((step) => "events" in step);
}

/** Play a case, within its time, and hold what came to what it expects. */
export async function play(build, title, one, size) {
  known(one, FIELDS.case, "case");
  known(one.call ?? {}, FIELDS.call, "call");
  const steps = Array.isArray(one.server) ? one.server : [];
  steps.forEach((step) => known(step, [...STEPS], "step"));
  const times = MAY_BE_ASKED_TWICE.includes(title) ? 2 : 1;
  const server = await Server.open(Array(times).fill(steps).flat(), size);
  const url = server.url;
  if (one.server === "nobody") {
    await server.close();
  }
  const played = { texts: [], chunks: 0, items: [], waits: [], build, times };
  let timer;
  const tooLong = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("the case takes too long")), MOST);
  });
  try {
    await Promise.race([ask(build, one, url, played, server), tooLong]);
    check(one, played, server);
  } finally {
    clearTimeout(timer);
    if (one.server !== "nobody") {
      await server.close();
    }
  }
}

function known(value, names, what) {
  const unknown = Object.keys(value).filter((name) => !names.includes(name));
  assert.deepEqual(unknown, [], `nobody plays this ${what}`);
}

async function ask(build, one, url, played, server) {
  const { client: given = {}, expect } = one;
  setEnv(given.env ?? {});
  try {
    played.client = new build.AIHubClient(options(build, one, url, played));
    if (one.call) {
      await call(build, one, played, server);
    }
  } catch (error) {
    played.error = error;
  }
  while (expect.closed && server.connections > 0) {
    await turn();
  }
}

function setEnv(env) {
  for (const name of ["AIHUB_API_KEY", "AIHUB_BASE_URL"]) {
    if (name in env) {
      process.env[name] = env[name];
    } else {
      delete process.env[name];
    }
  }
}

function options(build, { client = {}, call, now, chance }, url, played) {
  known(client, Object.keys(OPTIONS), "client");
  const given = {};
  if (call) {
    given.baseURL = `${url}/v1`;
    given.apiKey = "AIHUB_API_KEY" in (client.env ?? {}) ? undefined : "test-key";
  }
  for (const [name, value] of Object.entries(client)) {
    if (OPTIONS[name] !== null) {
      given[OPTIONS[name]] = value;
    }
  }
  if (client.timeout) {
    known(client.timeout, Object.keys(PHASES), "time-out");
    const spans = Object.entries(client.timeout);
    given.timeout = Object.fromEntries(spans.map(([name, s]) => [PHASES[name], s * 1000]));
  }
  let clock = Date.parse(now ?? "2026-01-01T00:00:00Z");
  given[build.WORLD] = {
    now: () => clock,
    chance: () => chance ?? Math.random(),
    sleep: async (ms) => {
      played.waits.push(ms / 1000);
      clock += ms;
    },
  };
  return given;
}

async function call(build, one, played, server) {
  const { do: name, with: given, cancel } = one.call;
  assert.ok(name in CALLS, `nobody plays ${name}`);
  const controller = new AbortController();
  played.cancelled = cancel ? controller.signal : null;
  const cancelling = cancel ? cancelLater(controller, one, played, server) : null;
  const asked = CALLS[name](played.client, given, { signal: controller.signal });
  try {
    if (name === "chat.stream") {
      await readStream(build, asked, one, played);
    } else if (name.endsWith(".list")) {
      for await (const item of asked) {
        played.items.push(item);
      }
    } else {
      played.result = await asked;
    }
  } finally {
    await cancelling;
  }
}

async function cancelLater(controller, { server: steps, expect }, played, server) {
  const texts = expect.texts?.length ?? 0;
  while (server.answered < steps.length || played.texts.length < texts) {
    await turn();
  }
  controller.abort();
}

async function readStream(build, stream, one, played) {
  for await (const chunk of stream) {
    played.chunks += 1;
    const text = build.textOf(chunk);
    if (text !== "") {
      played.texts.push(text);
    }
    if (played.texts.length === one.call.leave_after) {
      return;
    }
  }
  played.completion = await stream.completion();
}

// What must be

function check({ expect }, played, server) {
  known(expect, Object.keys(CHECKS), "expectation");
  if (played.cancelled) {
    assert.equal(played.error, played.cancelled.reason, "a cancelled call rejects with the reason");
  } else if (played.error !== undefined && !("raises" in expect)) {
    throw played.error;
  }
  for (const [name, wanted] of Object.entries(expect)) {
    CHECKS[name](wanted, played, server);
  }
}

const CHECKS = {
  answer: (wanted, played) => checkValues(wanted, played.result),
  base_url: (wanted, played) => assert.equal(played.client.baseURL, wanted),
  chunks: (wanted, played) => assert.equal(played.chunks, wanted),
  closed: () => {}, // waited for
  completion: (wanted, played) => checkValues(wanted, played.completion),
  items: (wanted, played) => {
    assert.equal(played.items.length, wanted.length);
    wanted.forEach((values, at) => checkValues(values, played.items[at]));
  },
  kept: (wanted, played) => checkValues(wanted, JSON.parse(JSON.stringify(played.result))),
  never_shown: (wanted, played) => checkUnsaid(wanted, played.result),
  raises: checkError,
  rate_limit: (wanted, played) => assert.deepEqual(played.client.lastRateLimit, wanted),
  requests: (once, { times }, server) => {
    const wanted = times === 1 ? once : Array(server.requests.length).fill(once).flat();
    assert.ok(server.requests.length <= times * once.length, inspect(server.requests));
    assert.equal(server.requests.length, wanted.length, inspect(server.requests));
    wanted.forEach((one, at) => checkRequest(one, server.requests[at], server.requests));
  },
  texts: (wanted, played) => assert.deepEqual(played.texts, wanted),
  waits: (wanted, played) => {
    assert.equal(played.waits.length, wanted.length, inspect(played.waits));
    wanted.forEach(([least, most], at) => {
      assert.ok(least <= played.waits[at] && played.waits[at] <= most, inspect(played.waits));
    });
  },
};

const ERROR_FIELDS = {
  status: "status",
  type: "type",
  code: "code",
  param: "param",
  request_id: "requestId",
  retry_after: "retryAfter",
  phase: "phase",
  body: "body",
};

function checkError(wanted, { error, client, build }) {
  known(wanted, ["error", "says", "never_says", ...Object.keys(ERROR_FIELDS)], "error");
  assert.ok(error !== undefined, "nothing was thrown");
  assert.equal(error.constructor, build[ERRORS[wanted.error]], inspect(error));
  assert.equal(error.name, ERRORS[wanted.error]);
  for (const [name, field] of Object.entries(ERROR_FIELDS)) {
    if (name in wanted) {
      assert.deepEqual(error[field], wanted[name], name);
    }
  }
  for (const text of wanted.says ?? []) {
    assert.ok(error.message.includes(NAMES[text] ?? text), error.message);
  }
  checkUnsaid(wanted.never_says ?? [], error);
  checkUnsaid(wanted.never_says ?? [], client);
}

function checkUnsaid(texts, value) {
  const deep = { depth: Infinity };
  const shown = [String(value), inspect(value, deep), JSON.stringify(value), value?.stack].join();
  texts.forEach((text) => assert.ok(!shown.includes(text), shown));
}

function checkRequest(wanted, came, all) {
  known(wanted, FIELDS.request, "request");
  const [path, query = ""] = came.target.split("?");
  const parts = {
    method: came.method,
    path,
    query: Object.fromEntries(new URLSearchParams(query)),
    body: came.body === "" ? null : JSON.parse(came.body),
  };
  for (const [name, value] of Object.entries(wanted)) {
    if (name === "headers") {
      checkHeaders(value, came.headers, all);
    } else {
      assert.deepEqual(parts[name], value);
    }
  }
}

function checkHeaders(wanted, headers, all) {
  for (const [name, value] of Object.entries(wanted)) {
    if (typeof value === "string") {
      assert.equal(headers[name], value);
    } else if ("present" in value) {
      assert.equal(name in headers, value.present, name);
    } else {
      assert.equal(headers[name], all[value.same_as].headers[name]);
    }
  }
}

function checkValues(wanted, value) {
  for (const [pointer, expected] of Object.entries(wanted)) {
    let found = value;
    for (const part of pointer.split("/").slice(1)) {
      found = found?.[part.replaceAll("~1", "/").replaceAll("~0", "~")];
    }
    assert.deepEqual(found ?? null, expected, pointer);
  }
}
