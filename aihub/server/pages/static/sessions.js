// Sessions: conversations that the server keeps.

import { all, ask } from "./api.js";
import { cells, compact, count, dialog, during, field, fill, h, moment, money, say, table } from "./dom.js";
import { t } from "./words.js";

const HEADS = [t("Title"), t("Model"), { text: t("Turns"), number: true }, { text: t("Tokens"), number: true }, { text: t("Cost"), number: true }, t("Changed"), { text: t("What to do"), hidden: true }];
const path = (id) => `sessions/${encodeURIComponent(id)}`;
const named = (one) => one.title || t("without a title");

function rename(one, show) {
  const box = dialog(t("Rename the session"), field(t("Title"), h("input", { name: "title", maxLength: 256, value: one.title ?? "" })), {
    action: t("Save"),
    act: async (given) => {
      await ask("PUT", path(one.id), { body: { title: given.get("title") || null, version: one.version } });
      say(t("Saved."));
    },
  });
  box.addEventListener("close", show);
}

function erase(one, after) {
  dialog(t("Delete the session {title}?", { title: named(one) }), h("p", {}, t("What was said in it is erased. This cannot be undone.")), {
    action: t("Delete"),
    danger: true,
    act: async () => {
      await ask("DELETE", path(one.id));
      say(t("Deleted."));
      after();
    },
  });
}

async function fork(one) {
  const made = await ask("POST", `${path(one.id)}/fork`, { body: { title: t("{title}, forked", { title: named(one) }).slice(0, 256) } });
  say(t("Forked."));
  location.hash = `sessions/${encodeURIComponent(made.id)}`;
}

const action = (text, one, act) => {
  const button = h("button", { type: "button", class: "small", "aria-label": t("{action}: {name}", { action: text, name: named(one) }) }, text);
  button.addEventListener("click", () => during(button, act));
  return button;
};

export async function sessions({ own, place, show }) {
  if (!own) {
    fill(place, h("h2", {}, t("Sessions")), h("p", { class: "empty" }, t("Sessions are read by their own account alone.")));
    return;
  }
  const found = await all("sessions");
  found.sort((a, b) => b.updated - a.updated);
  const rows = found.map((one) => cells(
    HEADS,
    h("a", { href: `#sessions/${encodeURIComponent(one.id)}` }, named(one)),
    one.model ?? "–",
    count(one.totals.turns),
    compact(one.totals.total_tokens),
    money(one.totals.cost),
    h("span", { class: "nobreak" }, moment(one.updated)),
    h("div", { class: "row" }, action(t("Rename"), one, async () => rename(one, show)), action(t("Fork"), one, () => fork(one)), action(t("Delete"), one, async () => erase(one, show))),
  ));
  fill(place, h("h2", {}, t("Sessions")), table(t("Sessions"), HEADS, rows, [h("p", {}, t("No sessions yet."), " "), h("a", { href: "console" }, t("Continue a chat of the console as one."))]));
}

// What a message says: its text, and a word for each part that is none.
export function text(content) {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.text ?? part.refusal ?? `[${part.type}]`).join("\n");
}

function message(one) {
  const calls = (one.tool_calls ?? []).map((call) => `${(call.function ?? call.custom)?.name}(${call.function?.arguments ?? call.custom?.input ?? ""})`);
  return h("div", { class: one.role }, h("p", { class: "quiet" }, one.incomplete ? t("{role}, incomplete", { role: one.role }) : one.role), h("p", { dir: "auto" }, [text(one.content), ...calls].filter(Boolean).join("\n")));
}

export async function session({ place, show }, id) {
  const one = await ask("GET", path(id), { query: { limit: 100 } });
  const thread = h("div", { class: "thread" }, one.messages.data.map(message));
  let after = one.messages.last_id;
  const more = h("button", { type: "button", hidden: !one.messages.has_more }, t("Later messages"));
  more.addEventListener("click", () => during(more, async () => {
    const { messages } = await ask("GET", path(id), { query: { limit: 100, after } });
    thread.append(...messages.data.map(message));
    after = messages.last_id;
    more.hidden = !messages.has_more;
  }));
  fill(
    place,
    h("p", {}, h("a", { href: "#sessions" }, t("All sessions"))),
    h("div", { class: "row between" }, h("h2", {}, named(one)), h("div", { class: "row" }, h("a", { class: "button small primary", href: `console#session=${encodeURIComponent(one.id)}` }, t("Continue in the console")), action(t("Rename"), one, async () => rename(one, show)), action(t("Fork"), one, () => fork(one)), action(t("Delete"), one, async () => erase(one, () => { location.hash = "sessions"; })))),
    h("p", { class: "quiet" }, `${one.model ?? t("no model of its own")} · ${t("Turns: {count}", { count: count(one.totals.turns) })} · ${t("Tokens: {count}", { count: compact(one.totals.total_tokens) })} · ${money(one.totals.cost)} · ${moment(one.updated)}`),
    one.system_prompt && h("details", {}, h("summary", {}, t("System prompt")), h("pre", {}, one.system_prompt)),
    one.messages.data.length ? h("section", { class: "card" }, thread, h("div", {}, more)) : h("p", { class: "empty" }, t("Nothing was said yet.")),
  );
}
