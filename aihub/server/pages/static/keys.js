// Keys: made, shown once, bounded, rotated, revoked.

import { all, ask } from "./api.js";
import { cells, copier, count, date, dialog, during, field, fill, h, money, option, say, table } from "./dom.js";

const HEADS = ["Name", "Key", "State", "Scopes", "Limits", "Budget", "Made", "Expires", { text: "What to do", hidden: true }];
const SCOPES = { inference: "inference: ask models", read: "read: models, usage, sessions", admin: "admin: manage keys and budgets" };
const DAYS = 86_400;

const number = (given) => (given ? Number(given) : null);

function limits(key) {
  const told = [key.requests_per_minute !== null && `${count(key.requests_per_minute)} requests/min`, key.tokens_per_minute !== null && `${count(key.tokens_per_minute)} tokens/min`];
  return told.some(Boolean) ? told.filter(Boolean).map((one) => h("div", { class: "nobreak" }, one)) : "the plan's";
}

const positive = (name, value) => h("input", { type: "number", name, min: 1, step: 1, inputMode: "numeric", value: value ?? "" });

// The secret is in the answer that made a key, and nowhere else.
function secret(key) {
  const use = h("button", { type: "button", class: "small" }, "Use it in the console");
  use.addEventListener("click", () => during(use, async () => {
    await ask("POST", "me", { body: { key: key.secret } });
    location.assign("console");
  }));
  return [
    h("p", {}, "Copy the key now. It is shown this once, and kept nowhere."),
    h("p", { class: "secret", id: "secret" }, key.secret),
    h("div", { class: "row" }, copier(key.secret, "The key"), key.scopes.includes("inference") && use),
  ];
}

function make({ query, show, may }) {
  const scopes = Object.entries(SCOPES).map(([scope, text]) => h("label", { class: "check" }, h("input", { type: "checkbox", name: "scopes", value: scope, checked: scope !== "admin" }), text));
  const expires = h("select", { name: "expires" }, option("", "never", true), option(7, "in 7 days"), option(30, "in 30 days"), option(90, "in 90 days"), option(365, "in a year"));
  const box = dialog("Generate a key", [
    field("Name", h("input", { name: "name", maxLength: 128, placeholder: "what it is for" })),
    h("fieldset", {}, h("legend", {}, "Scopes"), scopes),
    field("Expires", expires),
    h("details", {}, h("summary", {}, "Limits and budget"), h("div", { class: "fields" }, field("Requests a minute", positive("requests_per_minute"), "Empty: as many as the plan allows"), field("Tokens a minute", positive("tokens_per_minute")), may("admin") && field("Budget in USD a month", h("input", { name: "budget", inputMode: "decimal", pattern: "[0-9]+([.][0-9]+)?", placeholder: "such as 20 or 0.50" })))),
  ], {
    action: "Generate",
    act: async (given) => {
      const days = number(given.get("expires"));
      const body = { ...query, name: given.get("name"), scopes: given.getAll("scopes"), expires: days && Math.floor(Date.now() / 1000) + days * DAYS, requests_per_minute: number(given.get("requests_per_minute")), tokens_per_minute: number(given.get("tokens_per_minute")) };
      if (!body.scopes.length) throw new Error("Choose at least one scope.");
      const key = await ask("POST", "keys", { body });
      const budget = given.get("budget");
      if (budget) {
        try {
          await ask("POST", "budgets", { body: { ...query, key: key.id, limit: budget, period: "month" } });
        } catch (error) {
          // The key is there: its secret must be shown all the same.
          say(`The key has no budget: ${error.message}`, "failed");
        }
      }
      return secret(key);
    },
  });
  box.addEventListener("close", show);
}

function change(key, { query, show }) {
  const box = dialog(`Change ${key.name || "the key"}`, [
    field("Name", h("input", { name: "name", maxLength: 128, value: key.name })),
    field("Requests a minute", positive("requests_per_minute", key.requests_per_minute), "Empty: as many as the plan allows"),
    field("Tokens a minute", positive("tokens_per_minute", key.tokens_per_minute)),
  ], {
    action: "Save",
    act: async (given) => {
      const body = { name: given.get("name"), requests_per_minute: number(given.get("requests_per_minute")), tokens_per_minute: number(given.get("tokens_per_minute")) };
      await ask("PUT", `keys/${encodeURIComponent(key.id)}`, { body, query });
      say("Saved.");
    },
  });
  box.addEventListener("close", show);
}

function rotate(key, { query, show }) {
  const overlap = h("select", { name: "overlap" }, option(0, "at once"), option(3600, "in an hour", true), option(DAYS, "in a day"), option(7 * DAYS, "in 7 days"));
  const box = dialog(`Rotate ${key.name || "the key"}`, [h("p", {}, "A new key with the same rights takes over. The old one ends when you say."), field("The old key ends", overlap)], {
    action: "Rotate",
    act: async (given) => secret(await ask("POST", `keys/${encodeURIComponent(key.id)}/rotate`, { body: { overlap: Number(given.get("overlap")) }, query })),
  });
  box.addEventListener("close", show);
}

function revoke(key, { query, show, me }) {
  const own = me.key?.id === key.id;
  const box = dialog(`Revoke ${key.name || "the key"}?`, [h("p", {}, "Whoever uses it is refused from now on. This cannot be undone."), own && h("p", { class: "wrong" }, "It is the key you are signed in with.")], {
    action: "Revoke",
    danger: true,
    act: async () => {
      await ask("DELETE", `keys/${encodeURIComponent(key.id)}`, { query });
      say("Revoked.");
    },
  });
  box.addEventListener("close", show);
}

function row(key, budgets, context) {
  const act = (text, does) => h("button", { type: "button", class: "small", "aria-label": `${text} ${key.name || key.id}`, on: { click: () => does(key, context) } }, text);
  const own = budgets.filter((one) => one.key === key.id);
  const live = key.status === "live";
  return cells(
    HEADS,
    key.name || h("span", { class: "quiet" }, "no name"),
    h("code", { title: key.id }, `…${key.hint}`),
    h("span", { class: `mark ${key.status}` }, key.status),
    key.scopes.map((one) => [h("span", { class: "chip" }, one), " "]),
    limits(key),
    own.length ? own.map((one) => h("div", { class: "nobreak" }, `${money(one.spent)} of ${money(one.limit)} (${one.period})`)) : "–",
    h("span", { class: "nobreak" }, date(key.created)),
    h("span", { class: "nobreak" }, key.expires === null ? "never" : date(key.expires)),
    live && h("div", { class: "row" }, act("Change", change), act("Rotate", rotate), act("Revoke", revoke)),
  );
}

export async function keys(context) {
  const { id, may, place, query } = context;
  if (!may("admin")) {
    fill(place, h("div", { class: "empty" }, h("p", {}, "The key you signed in with may not manage keys. Sign in with one that has the scope admin.")));
    return;
  }
  const [found, budgets] = await Promise.all([all("keys", query), all("budgets", query)]);
  found.sort((a, b) => (a.status === "live" ? 0 : 1) - (b.status === "live" ? 0 : 1) || b.created - a.created);
  const button = h("button", { type: "button", class: "primary", on: { click: () => make(context) } }, "Generate a key");
  fill(place, h("div", { class: "row between" }, h("h2", {}, "Keys"), button), table("Keys", HEADS, found.map((key) => row(key, budgets, context)), "No keys yet. Generate one: a program sends it with each request."));
  if (id === "new") {
    history.replaceState(null, "", "#keys");
    make(context);
  }
}
