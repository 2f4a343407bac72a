// The dashboard: which of its views is shown, and to whom.

import { all } from "./api.js";
import { fill, find, h, option, say } from "./dom.js";
import { signIn } from "./frame.js";
import { t } from "./words.js";
import { overview } from "./overview.js";
import { keys } from "./keys.js";
import { usage } from "./usage.js";
import { requests } from "./requests.js";
import { session, sessions } from "./sessions.js";

const VIEWS = { overview, keys, usage, requests, sessions };
const TITLES = { overview: t("Overview"), keys: t("Keys"), usage: t("Usage"), requests: t("Requests"), sessions: t("Sessions") };

const me = await signIn();
const may = (scope) => me.key === null || me.key.scopes.includes(scope);
const tabs = h("nav", { class: "tabs", "aria-label": t("Views") });
const place = h("div", { class: "fields", id: "view" });
let whose = me.account.id;
let stop = new AbortController();

// Operators may look at every account; sessions are their owner's alone.
async function picker() {
  if (!me.account.operator || !may("admin")) return null;
  const accounts = await all("accounts");
  const chosen = h("select", { "aria-label": t("Account") }, accounts.map((one) => option(one.id, one.name ? `${one.name} (${one.id})` : one.id, one.id === whose)));
  chosen.addEventListener("change", () => {
    whose = chosen.value;
    show();
  });
  return h("div", { class: "row" }, h("span", { class: "quiet" }, t("Account")), h("div", {}, chosen));
}

async function show() {
  stop.abort();
  stop = new AbortController();
  const [view, id] = location.hash.slice(1).split("/");
  const name = view in VIEWS ? view : "overview";
  for (const link of tabs.children) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${TITLES[name]} · aihub`;
  fill(place, h("p", { class: "quiet" }, t("Loading …")));
  const own = whose === me.account.id;
  const context = { me, may, own, whose, id, query: own ? {} : { account: whose }, place, stop: stop.signal, show };
  try {
    await (name === "sessions" && id ? session(context, decodeURIComponent(id)) : VIEWS[name](context));
  } catch (error) {
    if (context.stop.aborted) return;
    if (error.status === 401) return location.reload();
    fill(place, h("div", { class: "empty" }, h("p", { class: "wrong" }, error.message)));
  }
}

tabs.append(...Object.keys(VIEWS).map((name) => h("a", { href: `#${name}` }, TITLES[name])));
let chooser = null;
try {
  chooser = await picker();
} catch (error) {
  say(error.message, "failed");
}
fill(find("main"), h("h1", { class: "hidden" }, t("Dashboard")), h("div", { class: "row between" }, tabs, chooser), place);
addEventListener("hashchange", show);
await show();
