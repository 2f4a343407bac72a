// Keys: made, shown once, bounded, rotated, revoked.

import { all, ask } from "./api.js";
import { cells, copier, count, date, dialog, during, field, fill, h, money, option, say, table } from "./dom.js";
import { t } from "./words.js";

const HEADS = [t("Name"), t("Key"), t("State"), t("Scopes"), t("Limits"), t("Budget"), t("Made"), t("Expires"), { text: t("What to do"), hidden: true }];
const SCOPES = { inference: t("inference: ask models"), read: t("read: models, usage, sessions"), admin: t("admin: manage keys and budgets") };
const STATES = { live: t("live"), expired: t("expired"), revoked: t("revoked") };
const PERIODS = { day: t("a day"), month: t("a month"), total: t("in all") };
const DAYS = 86_400;

const named = (key) => key.name || key.id;

const number = (given) => (given ? Number(given) : null);

function limits(key) {
  const told = [key.requests_per_minute !== null && t("{count} requests/min", { count: count(key.requests_per_minute) }), key.tokens_per_minute !== null && t("{count} tokens/min", { count: count(key.tokens_per_minute) })];
  return told.some(Boolean) ? told.filter(Boolean).map((one) => h("div", { class: "nobreak" }, one)) : t("the plan's");
}

const positive = (name, value) => h("input", { type: "number", name, min: 1, step: 1, inputMode: "numeric", value: value ?? "" });

// The secret is in the answer that made a key, and nowhere else.
function secret(key) {
  const use = h("button", { type: "button", class: "small" }, t("Use it in the console"));
  use.addEventListener("click", () => during(use, async () => {
    await ask("POST", "me", { body: { key: key.secret } });
    location.assign("console");
  }));
  return [
    h("p", {}, t("Copy the key now. It is shown this once, and kept nowhere.")),
    h("p", { class: "secret", id: "secret" }, key.secret),
    h("div", { class: "row" }, copier(key.secret, t("The key")), key.scopes.includes("inference") && use),
  ];
}

function make({ query, show, may }) {
  const scopes = Object.entries(SCOPES).map(([scope, text]) => h("label", { class: "check" }, h("input", { type: "checkbox", name: "scopes", value: scope, checked: scope !== "admin" }), text));
  const expires = h("select", { name: "expires" }, option("", t("never"), true), option(7, t("in 7 days")), option(30, t("in 30 days")), option(90, t("in 90 days")), option(365, t("in a year")));
  const box = dialog(t("Generate a key"), [
    field(t("Name"), h("input", { name: "name", maxLength: 128, placeholder: t("what it is for") })),
    h("fieldset", {}, h("legend", {}, t("Scopes")), scopes),
    field(t("Expires"), expires),
    h("details", {}, h("summary", {}, t("Limits and budget")), h("div", { class: "fields" }, field(t("Requests a minute"), positive("requests_per_minute"), t("Empty: as many as the plan allows")), field(t("Tokens a minute"), positive("tokens_per_minute")), may("admin") && field(t("Budget in USD a month"), h("input", { name: "budget", inputMode: "decimal", pattern: "[0-9]+([.][0-9]+)?", placeholder: t("such as 20 or 0.50") })))),
  ], {
    action: t("Generate"),
    act: async (given) => {
      const days = number(given.get("expires"));
      const body = { ...query, name: given.get("name"), scopes: given.getAll("scopes"), expires: days && Math.floor(Date.now() / 1000) + days * DAYS, requests_per_minute: number(given.get("requests_per_minute")), tokens_per_minute: number(given.get("tokens_per_minute")) };
      if (!body.scopes.length) throw new Error(t("Choose at least one scope."));
      const key = await ask("POST", "keys", { body });
      const budget = given.get("budget");
      if (budget) {
        try {
          await ask("POST", "budgets", { body: { ...query, key: key.id, limit: budget, period: "month" } });
        } catch (error) {
          // The key is there: its secret must be shown all the same.
          say(t("The key has no budget: {why}", { why: error.message }), "failed");
        }
      }
      return secret(key);
    },
  });
  box.addEventListener("close", show);
}

function change(key, { query, show }) {
  const box = dialog(t("Change the key {name}", { name: named(key) }), [
    field(t("Name"), h("input", { name: "name", maxLength: 128, value: key.name })),
    field(t("Requests a minute"), positive("requests_per_minute", key.requests_per_minute), t("Empty: as many as the plan allows")),
    field(t("Tokens a minute"), positive("tokens_per_minute", key.tokens_per_minute)),
  ], {
    action: t("Save"),
    act: async (given) => {
      const body = { name: given.get("name"), requests_per_minute: number(given.get("requests_per_minute")), tokens_per_minute: number(given.get("tokens_per_minute")) };
      await ask("PUT", `keys/${encodeURIComponent(key.id)}`, { body, query });
      say(t("Saved."));
    },
  });
  box.addEventListener("close", show);
}

function rotate(key, { query, show }) {
  const overlap = h("select", { name: "overlap" }, option(0, t("at once")), option(3600, t("in an hour"), true), option(DAYS, t("in a day")), option(7 * DAYS, t("in 7 days")));
  const box = dialog(t("Rotate the key {name}", { name: named(key) }), [h("p", {}, t("A new key with the same rights takes over. The old one ends when you say.")), field(t("The old key ends"), overlap)], {
    action: t("Rotate"),
    act: async (given) => secret(await ask("POST", `keys/${encodeURIComponent(key.id)}/rotate`, { body: { overlap: Number(given.get("overlap")) }, query })),
  });
  box.addEventListener("close", show);
}

function revoke(key, { query, show, me }) {
  const own = me.key?.id === key.id;
  const box = dialog(t("Revoke the key {name}?", { name: named(key) }), [h("p", {}, t("Whoever uses it is refused from now on. This cannot be undone.")), own && h("p", { class: "wrong" }, t("It is the key you are signed in with."))], {
    action: t("Revoke"),
    danger: true,
    act: async () => {
      await ask("DELETE", `keys/${encodeURIComponent(key.id)}`, { query });
      say(t("Revoked."));
    },
  });
  box.addEventListener("close", show);
}

function row(key, budgets, context) {
  const act = (text, does) => h("button", { type: "button", class: "small", "aria-label": t("{action}: {name}", { action: text, name: named(key) }), on: { click: () => does(key, context) } }, text);
  const own = budgets.filter((one) => one.key === key.id);
  const live = key.status === "live";
  return cells(
    HEADS,
    key.name || h("span", { class: "quiet" }, t("no name")),
    h("code", { title: key.id }, `…${key.hint}`),
    h("span", { class: `mark ${key.status}` }, STATES[key.status] ?? key.status),
    key.scopes.map((one) => [h("span", { class: "chip" }, one), " "]),
    limits(key),
    own.length ? own.map((one) => h("div", { class: "nobreak" }, t("{spent} of {limit} ({period})", { spent: money(one.spent), limit: money(one.limit), period: PERIODS[one.period] ?? one.period }))) : "–",
    h("span", { class: "nobreak" }, date(key.created)),
    h("span", { class: "nobreak" }, key.expires === null ? t("never") : date(key.expires)),
    live && h("div", { class: "row" }, act(t("Change"), change), act(t("Rotate"), rotate), act(t("Revoke"), revoke)),
  );
}

export async function keys(context) {
  const { id, may, place, query } = context;
  if (!may("admin")) {
    fill(place, h("div", { class: "empty" }, h("p", {}, t("The key you signed in with may not manage keys. Sign in with one that has the scope admin."))));
    return;
  }
  const [found, budgets] = await Promise.all([all("keys", query), all("budgets", query)]);
  found.sort((a, b) => (a.status === "live" ? 0 : 1) - (b.status === "live" ? 0 : 1) || b.created - a.created);
  const button = h("button", { type: "button", class: "primary", on: { click: () => make(context) } }, t("Generate a key"));
  fill(place, h("div", { class: "row between" }, h("h2", {}, t("Keys")), button), table(t("Keys"), HEADS, found.map((key) => row(key, budgets, context)), t("No keys yet. Generate one: a program sends it with each request.")));
  if (id === "new") {
    history.replaceState(null, "", "#keys");
    make(context);
  }
}
