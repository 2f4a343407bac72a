// The console: a request is written, sent and looked at.

import { ask, events, send } from "./api.js";
import { copier, count, duration, during, field, fill, find, h, money, option, say } from "./dom.js";
import { signIn } from "./frame.js";
import { LANGUAGES } from "./codes.js";
import { text } from "./sessions.js";
import { t } from "./words.js";

const MAX_SHOWN = 200_000; // characters of a raw answer: a page that shows more is slow
const EXAMPLE_TOOLS = [{ type: "function", function: { name: "get_weather", description: "The weather at a place", parameters: { type: "object", properties: { place: { type: "string" } }, required: ["place"], additionalProperties: false } } }];
const EXAMPLE_SCHEMA = { type: "object", properties: { title: { type: "string" }, tags: { type: "array", items: { type: "string" } } }, required: ["title", "tags"], additionalProperties: false };
const NUMBERS = { temperature: [t("Temperature"), { min: 0, max: 2, step: "any" }], top_p: [t("Top p"), { min: 0, max: 1, step: "any" }], max_tokens: [t("Most tokens"), { min: 1, step: 1 }], seed: [t("Seed"), { step: 1 }] };
const BASE = new URL("v1", document.baseURI).href;

await signIn();

// What is asked

const model = h("input", { name: "model", list: "models", required: true, autocomplete: "off", spellcheck: false, value: "gpt-4" });
const models = h("datalist", { id: "models" });
const messages = h("div", { class: "fields" });
const tools = h("textarea", { class: "mono", rows: 6, spellcheck: false });
const schema = h("textarea", { class: "mono", rows: 6, spellcheck: false });
const numbers = Object.fromEntries(Object.entries(NUMBERS).map(([name, [, given]]) => [name, h("input", { type: "number", inputMode: "decimal", ...given })]));
const stop = h("input", { autocomplete: "off", placeholder: t("a text that ends the answer") });
const streamed = h("input", { type: "checkbox", checked: true });
const sendButton = h("button", { type: "submit", class: "primary" }, t("Send"));
const stopButton = h("button", { type: "button", hidden: true }, t("Stop"));

// What came

const verdict = h("p", { class: "quiet", role: "status", "aria-live": "polite" });
const answer = h("div", { class: "answer", dir: "auto" }, h("span", { class: "quiet" }, t("The answer stands here, as it comes.")));
const facts = h("dl", { class: "facts" });
const PANELS = { Request: t("Request"), Response: t("Response"), Headers: t("Headers") };
const raw = Object.fromEntries(Object.entries(PANELS).map(([name, label]) => [name, h("pre", { tabIndex: 0, role: "group", "aria-label": label })]));
const code = h("pre", { tabIndex: 0, role: "group", "aria-label": t("Code") });
const language = h("select", { "aria-label": t("Language") }, Object.keys(LANGUAGES).map((name) => option(name)));
const thread = h("div", { class: "thread" });
const conversation = h("section", { class: "card", hidden: true });
const goOn = h("button", { type: "button", hidden: true }, t("Continue as a session"));

let session = null; // the one that is gone on with
let unkept = []; // messages that it does not have yet
let last = null; // what was answered last: {messages, message}

function addMessage(role, content = "") {
  const who = h("select", { "aria-label": t("Role") }, ["system", "user", "assistant"].map((one) => option(one, one, one === role)));
  const what = h("textarea", { rows: role === "system" ? 2 : 4, "aria-label": t("Message"), dir: "auto", value: content });
  what.textContent = content;
  const remove = h("button", { type: "button", class: "small" }, t("Remove"));
  const box = h("div", { class: "message" }, h("div", { class: "row between" }, h("div", {}, who), remove), what);
  remove.addEventListener("click", () => box.remove());
  messages.append(box);
  return what;
}

const written = () => [...messages.children].map((one) => ({ role: find("select", one).value, content: find("textarea", one).value })).filter((one) => one.content);

function json(input, name) {
  if (!input.value.trim()) return undefined;
  try {
    return JSON.parse(input.value);
  } catch (error) {
    input.focus();
    throw new Error(t("{field}: this is not JSON. {why}", { field: name, why: error.message }));
  }
}

function request() {
  const body = { model: model.value.trim(), messages: [...unkept, ...written()] };
  if (session) body.session_id = session.id;
  const given = json(tools, t("Tools"));
  if (given !== undefined) body.tools = given;
  const form = json(schema, t("JSON schema"));
  if (form !== undefined) body.response_format = { type: "json_schema", json_schema: { name: "answer", schema: form } };
  for (const [name, input] of Object.entries(numbers)) if (input.value !== "") body[name] = Number(input.value);
  if (stop.value) body.stop = stop.value;
  if (streamed.checked) Object.assign(body, { stream: true, stream_options: { include_usage: true } });
  if (!body.messages.length) throw new Error(t("Write a message first."));
  return body;
}

function showCode() {
  try {
    code.textContent = LANGUAGES[language.value](BASE, request());
  } catch (error) {
    code.textContent = error.message;
  }
}

// One answer, whole or as it comes

function add(message, delta) {
  message.content += delta.content ?? "";
  message.reasoning += delta.reasoning_content ?? "";
  message.refusal += delta.refusal ?? "";
  for (const part of delta.tool_calls ?? []) {
    const call = (message.tool_calls[part.index] ??= { ...part, function: { name: "", arguments: "" } });
    call.id ??= part.id;
    call.function.name += part.function?.name ?? "";
    call.function.arguments += part.function?.arguments ?? "";
  }
}

function showMessage(message) {
  const calls = message.tool_calls.map((call) => h("pre", {}, `${call.function.name}(${call.function.arguments})`));
  fill(answer, message.reasoning && h("details", {}, h("summary", {}, t("Reasoning")), h("p", { class: "quiet" }, message.reasoning)), message.content || message.refusal, calls.length ? [h("p", { class: "quiet" }, t("Tools it calls")), calls] : null);
}

const fact = (name, value) => (value === undefined || value === null ? null : [h("dt", {}, name), h("dd", {}, value)]);

function showFacts(told) {
  const { usage } = told;
  fill(
    facts,
    fact(t("Ended by"), told.reason),
    fact(t("Tokens"), usage && t("{prompt} in, {completion} out", { prompt: count(usage.prompt_tokens), completion: count(usage.completion_tokens) })),
    fact(t("Cost"), usage && usage.cost !== undefined ? money(usage.cost) : null),
    fact(t("First content after"), told.first === undefined ? null : duration(told.first)),
    fact(t("Took"), duration(told.took)),
    fact(t("Request id"), told.id && h("code", {}, told.id)),
  );
}

async function readStream(response, message, told, began) {
  let received = "";
  for await (const data of events(response)) {
    if (received.length < MAX_SHOWN) received += `${data}\n`;
    raw.Response.textContent = received;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    told.usage = chunk.usage ?? told.usage;
    const [choice] = chunk.choices;
    if (!choice) continue;
    told.first ??= performance.now() - began;
    told.reason = choice.finish_reason ?? told.reason;
    add(message, choice.delta);
    showMessage(message);
  }
}

async function readWhole(response, message, told) {
  const body = await response.json();
  raw.Response.textContent = JSON.stringify(body, null, 2).slice(0, MAX_SHOWN);
  const [choice] = body.choices;
  add(message, { ...choice.message, tool_calls: choice.message.tool_calls?.map((call, index) => ({ ...call, index })) });
  Object.assign(told, { usage: body.usage, reason: choice.finish_reason });
  showMessage(message);
}

async function run() {
  const body = request();
  const leaving = new AbortController();
  stopButton.onclick = () => leaving.abort();
  raw.Request.textContent = JSON.stringify(body, null, 2);
  for (const one of [raw.Response, raw.Headers, answer, facts]) fill(one);
  verdict.textContent = t("Waiting for the answer …");
  goOn.hidden = true;
  stopButton.hidden = false;
  const message = { content: "", reasoning: "", refusal: "", tool_calls: [] };
  const told = {};
  const began = performance.now();
  try {
    const response = await send("POST", "chat/completions", { body: JSON.stringify(body), signal: leaving.signal });
    raw.Headers.textContent = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    told.id = response.headers.get("x-request-id");
    await (body.stream ? readStream(response, message, told, began) : readWhole(response, message, told));
    verdict.textContent = t("Answered.");
    answered(body, message);
  } catch (error) {
    told.id ??= error.id;
    const why = error.name === "AbortError" ? t("Stopped. What had come is billed.") : `${error.message}${error.code ? ` (${error.code})` : ""}`;
    verdict.replaceChildren(h("span", { class: error.name === "AbortError" ? "" : "wrong" }, why));
  } finally {
    told.took = performance.now() - began;
    showFacts(told);
    stopButton.hidden = true;
  }
}

// Sessions

const line = (one) => h("div", { class: one.role }, h("p", { class: "quiet" }, one.role), h("p", { dir: "auto" }, text(one.content)));

function answered(body, message) {
  last = { messages: body.messages, message: { role: "assistant", content: message.content } };
  const plain = message.content && !message.tool_calls.length;
  if (!session) {
    goOn.hidden = !plain;
    return;
  }
  // The session has all of it now.
  thread.append(...written().map(line), line(last.message));
  unkept = [];
  fill(messages);
  addMessage("user").focus();
}

function showSession(said) {
  fill(thread, said.map(line));
  const leave = h("button", { type: "button", class: "small" }, t("Leave it"));
  leave.addEventListener("click", () => {
    session = null;
    unkept = [];
    conversation.hidden = true;
    history.replaceState(null, "", location.pathname);
    showCode();
  });
  fill(conversation, h("div", { class: "row between" }, h("h2", {}, session.title || t("Session")), h("div", { class: "row" }, h("a", { href: `dashboard#sessions/${encodeURIComponent(session.id)}` }, t("In the dashboard")), leave)), thread);
  conversation.hidden = false;
  goOn.hidden = true;
}

goOn.addEventListener("click", () => during(goOn, async () => {
  const system = last.messages.filter((one) => one.role === "system").map((one) => one.content).join("\n\n");
  const rest = last.messages.filter((one) => one.role !== "system");
  const title = (rest[0]?.content ?? "").slice(0, 80);
  session = await ask("POST", "sessions", { body: { model: model.value.trim(), title, ...(system && { system_prompt: system }) } });
  unkept = [...rest, last.message];
  showSession(unkept);
  fill(messages);
  addMessage("user").focus();
  showCode();
  say(t("What you send now goes on with this conversation, and the server keeps it."));
}));

async function resume(id) {
  session = await ask("GET", `sessions/${encodeURIComponent(id)}`, { query: { limit: 100, order: "desc" } });
  if (session.model) model.value = session.model;
  showSession(session.messages.data.reverse());
  fill(messages);
  addMessage("user").focus();
}

// The page

const example = (input, value) => h("button", { type: "button", class: "small", on: { click: () => { input.value = JSON.stringify(value, null, 2); showCode(); } } }, t("Example"));
const more = (title, ...content) => h("details", {}, h("summary", {}, title), h("div", { class: "fields" }, content));
const form = h(
  "form",
  { class: "card" },
  h("h2", {}, t("Request")),
  field(t("Model"), model),
  models,
  h("fieldset", {}, h("legend", {}, t("Messages")), messages, h("div", {}, h("button", { type: "button", class: "small", on: { click: () => addMessage("user").focus() } }, t("Add a message")))),
  more(t("Tools"), field(t("Tools as JSON"), tools), h("div", {}, example(tools, EXAMPLE_TOOLS))),
  more(t("JSON schema"), field(t("Schema that the answer has to follow"), schema), h("div", {}, example(schema, EXAMPLE_SCHEMA))),
  more(t("Parameters"), h("div", { class: "small-fields" }, Object.entries(NUMBERS).map(([name, [label]]) => field(label, numbers[name]))), field(t("Stop at"), stop)),
  h("label", { class: "check" }, streamed, t("Stream the answer as it comes")),
  h("div", { class: "row" }, sendButton, stopButton, h("span", { class: "quiet" }, t("or Ctrl+Enter"))),
);
const panel = (name) => h("details", {}, h("summary", {}, PANELS[name]), raw[name]);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  during(sendButton, run);
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !sendButton.disabled) form.requestSubmit();
});
form.addEventListener("input", showCode);
language.addEventListener("change", showCode);

fill(
  find("main"),
  h("h1", { class: "hidden" }, t("Console")),
  conversation,
  h(
    "div",
    { class: "console" },
    form,
    h(
      "div",
      { class: "fields" },
      h("section", { class: "card", "aria-label": t("Answer") }, h("div", { class: "row between" }, h("h2", {}, t("Answer")), goOn), verdict, answer, facts, panel("Request"), panel("Response"), panel("Headers")),
      h("section", { class: "card", "aria-label": t("Code") }, h("div", { class: "row between" }, h("h2", {}, t("The same as code")), h("div", { class: "row" }, h("div", {}, language), copier(() => code.textContent, t("The code")))), code, h("p", { class: "quiet" }, t("It reads the key from AIHUB_API_KEY."))),
    ),
  ),
);

addMessage("system", "You are a helpful assistant.");
addMessage("user", "Hello!");
const wanted = new URLSearchParams(location.hash.slice(1)).get("session");
try {
  if (wanted) await resume(wanted);
  fill(models, (await ask("GET", "models")).data.map((one) => option(one.id)));
} catch (error) {
  say(error.message, "failed");
}
showCode();
