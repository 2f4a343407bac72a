// Requests as the ledger has them: what was asked, how it ended, and each attempt.

import { ask } from "./api.js";
import { cells, compact, count, dialog, duration, during, fill, h, moment, money, table } from "./dom.js";
import { live } from "./frame.js";
import { t } from "./words.js";

const HEADS = [t("When"), t("Model"), t("State"), { text: t("Tokens"), number: true }, { text: t("Cost"), number: true }, { text: t("First content"), number: true }, { text: t("Total"), number: true }, { text: t("Attempts"), number: true }, { text: t("What to do"), hidden: true }];

const STATES = { open: t("open"), ok: t("ok"), error: t("failed"), aborted: t("left early"), lost: t("lost") };

export const state = (one) => h("span", { class: `mark ${one.state}`, title: one.code }, STATES[one.state] ?? one.state);

// Which part of a request's time each attempt took.
function timeline(one) {
  const whole = Math.max(one.latency_ms ?? 0, ...one.attempts.map((attempt) => attempt.began_ms + attempt.took_ms), 0.001);
  return h("div", { class: "bars" }, one.attempts.map((attempt) => {
    const bar = h("i", { class: attempt.outcome, style: { "inset-inline-start": `${(100 * attempt.began_ms) / whole}%`, width: `${(100 * attempt.took_ms) / whole}%` } });
    return h(
      "div",
      {},
      h("div", { class: "bar" }, h("span", {}, attempt.deployment), h("div", {}, bar)),
      h("p", { class: "quiet" }, `${attempt.region} · ${attempt.outcome}${attempt.error ? ` (${attempt.error})` : ""} · ${t("began after {began}, took {took}, first content {first}", { began: duration(attempt.began_ms), took: duration(attempt.took_ms), first: duration(attempt.first_token_ms) })} · ${money(attempt.cost)}`),
    );
  }));
}

const fact = (name, value) => (value === null || value === "" ? null : [h("dt", {}, name), h("dd", {}, value)]);

function details(one) {
  const labels = Object.entries(one.labels).map(([name, value]) => `${name}=${value}`).join(", ");
  const usage = one.usage && `${t("{prompt} in, {completion} out", { prompt: count(one.usage.prompt_tokens), completion: count(one.usage.completion_tokens) })} (${one.usage.source})`;
  dialog(t("Request"), [
    h("dl", { class: "facts" }, fact(t("Id"), h("code", {}, one.id)), fact(t("When"), moment(one.created)), fact(t("Kind"), one.kind), fact(t("Model asked"), one.model), fact(t("Model served"), one.served_model), fact(t("State"), state(one)), fact(t("Error"), one.code), fact(t("Tokens"), usage), fact(t("Cost"), money(one.cost)), fact(t("Key"), one.key && h("code", {}, one.key)), fact(t("Session"), one.session && h("code", {}, one.session)), fact(t("User"), one.user), fact(t("Labels"), labels)),
    h("h3", {}, t("Attempts")),
    one.attempts.length ? timeline(one) : h("p", { class: "quiet" }, t("None yet.")),
  ], {});
}

function row(one) {
  const look = h("button", { type: "button", class: "small", "aria-label": t("{action}: {name}", { action: t("Details"), name: one.id }), on: { click: () => details(one) } }, t("Details"));
  return cells(HEADS, h("span", { class: "nobreak" }, moment(one.created)), one.model, state(one), one.usage ? compact(one.usage.total_tokens) : "–", money(one.cost), duration(one.first_token_ms), duration(one.latency_ms), count(one.attempts.length), look);
}

export const listed = (found) => table(t("Requests"), HEADS, found.map(row), [h("p", {}, t("No requests yet."), " "), h("a", { href: "console" }, t("Send one from the console."))]);

export async function requests(context) {
  const { place, query, stop } = context;
  let older = [];
  let before;
  const rows = h("div", { class: "fields" });
  const more = h("button", { type: "button", hidden: true }, t("Older requests"));
  fill(place, h("div", { class: "row between" }, h("h2", {}, t("Requests")), h("span", { class: "quiet" }, t("The newest first, looked at every 3 seconds"))), rows, h("div", {}, more));
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
