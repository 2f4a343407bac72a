// Requests as the ledger has them: what was asked, how it ended, and each attempt.

import { ask } from "./api.js";
import { cells, compact, count, dialog, duration, during, fill, h, moment, money, table } from "./dom.js";
import { live } from "./frame.js";

const HEADS = ["When", "Model", "State", { text: "Tokens", number: true }, { text: "Cost", number: true }, { text: "First content", number: true }, { text: "Total", number: true }, { text: "Attempts", number: true }, { text: "What to do", hidden: true }];

const STATES = { open: "open", ok: "ok", error: "failed", aborted: "left early", lost: "lost" };

export const state = (one) => h("span", { class: `mark ${one.state}`, title: one.code }, STATES[one.state] ?? one.state);

// Which part of a request's time each attempt took.
function timeline(one) {
  const whole = Math.max(one.latency_ms ?? 0, ...one.attempts.map((attempt) => attempt.began_ms + attempt.took_ms), 0.001);
  return h("div", { class: "bars" }, one.attempts.map((attempt) => {
    const bar = h("i", { class: attempt.outcome, style: { left: `${(100 * attempt.began_ms) / whole}%`, width: `${(100 * attempt.took_ms) / whole}%` } });
    return h(
      "div",
      {},
      h("div", { class: "bar" }, h("span", {}, attempt.deployment), h("div", {}, bar)),
      h("p", { class: "quiet" }, `${attempt.region} · ${attempt.outcome}${attempt.error ? ` (${attempt.error})` : ""} · began after ${duration(attempt.began_ms)}, took ${duration(attempt.took_ms)}, first content ${duration(attempt.first_token_ms)} · ${money(attempt.cost)}`),
    );
  }));
}

const fact = (name, value) => (value === null || value === "" ? null : [h("dt", {}, name), h("dd", {}, value)]);

function details(one) {
  const labels = Object.entries(one.labels).map(([name, value]) => `${name}=${value}`).join(", ");
  const usage = one.usage && `${count(one.usage.prompt_tokens)} in, ${count(one.usage.completion_tokens)} out (${one.usage.source})`;
  dialog("Request", [
    h("dl", { class: "facts" }, fact("Id", h("code", {}, one.id)), fact("When", moment(one.created)), fact("Kind", one.kind), fact("Model asked", one.model), fact("Model served", one.served_model), fact("State", state(one)), fact("Error", one.code), fact("Tokens", usage), fact("Cost", money(one.cost)), fact("Key", one.key && h("code", {}, one.key)), fact("Session", one.session && h("code", {}, one.session)), fact("User", one.user), fact("Labels", labels)),
    h("h3", {}, "Attempts"),
    one.attempts.length ? timeline(one) : h("p", { class: "quiet" }, "None yet."),
  ], {});
}

function row(one) {
  const look = h("button", { type: "button", class: "small", "aria-label": `Details of ${one.id}`, on: { click: () => details(one) } }, "Details");
  return cells(HEADS, h("span", { class: "nobreak" }, moment(one.created)), one.model, state(one), one.usage ? compact(one.usage.total_tokens) : "–", money(one.cost), duration(one.first_token_ms), duration(one.latency_ms), one.attempts.length, look);
}

export const listed = (found) => table("Requests", HEADS, found.map(row), [h("p", {}, "No requests yet. "), h("a", { href: "console" }, "Send one from the console.")]);

export async function requests(context) {
  const { place, query, stop } = context;
  let older = [];
  let before;
  const rows = h("div", { class: "fields" });
  const more = h("button", { type: "button", hidden: true }, "Older requests");
  fill(place, h("div", { class: "row between" }, h("h2", {}, "Requests"), h("span", { class: "quiet" }, "The newest first, looked at every 3 seconds")), rows, h("div", {}, more));
  more.addEventListener("click", () => during(more, async () => {
    const page = await ask("GET", "requests", { query: { ...query, limit: 50, after: before } });
    older = older.concat(page.data);
    before = page.last_id ?? before;
    more.hidden = !page.has_more;
    await turn();
  }));
  async function turn() {
    const page = await ask("GET", "requests", { query: { ...query, limit: 50 }, signal: stop });
    // What is listed below stays below, though new ones come above.
    const known = new Set(older.map((one) => one.id));
    if (!older.length) {
      before = page.last_id;
      more.hidden = !page.has_more;
    }
    fill(rows, listed(page.data.filter((one) => !known.has(one.id)).concat(older)));
  }
  await live(turn, 3, stop);
}
