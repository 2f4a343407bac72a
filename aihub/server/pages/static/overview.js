// What one wants to know first: how full the windows are, what this month came to, what was asked last.

import { ask } from "./api.js";
import { compact, count, fill, h, money, time } from "./dom.js";
import { live } from "./frame.js";
import { t } from "./words.js";
import { days } from "./charts.js";
import { listed } from "./requests.js";

const KINDS = { requests: t("Requests a minute"), tokens: t("Tokens a minute") };

export function gauges(windows) {
  if (!windows.length) return h("p", { class: "quiet" }, t("This account has no limits."));
  return windows.map((one) => {
    const label = one.of === "key" ? t("{limit}, this key", { limit: KINDS[one.kind] }) : KINDS[one.kind];
    // A browser paints a meter by how full it is: from 80 % on it warns.
    const meter = h("meter", { min: 0, max: one.limit, value: Math.min(one.used, one.limit), low: one.limit * 0.8, high: one.limit * 0.95, optimum: 0, "aria-label": label });
    const until = one.used ? t("empty at {time}", { time: time(one.resets) }) : t("empty");
    return h("div", { class: "gauge" }, h("div", { class: "row between" }, h("span", {}, label), h("span", { class: "quiet" }, t("{used} of {limit}, {until}", { used: count(one.used), limit: count(one.limit), until }))), meter);
  });
}

const figure = (label, value) => h("div", { class: "card" }, h("span", { class: "quiet" }, label), h("span", { class: "figure" }, value));

export async function overview(context) {
  const { me, own, query, stop, place } = context;
  let chart = new AbortController();
  stop.addEventListener("abort", () => chart.abort());
  await live(async () => {
    const [caller, report, recent] = await Promise.all([
      ask("GET", "me", { signal: stop }),
      ask("GET", "usage", { query: { ...query, group_by: "day" }, signal: stop }),
      ask("GET", "requests", { query: { ...query, limit: 8 }, signal: stop }),
    ]);
    chart.abort();
    chart = new AbortController();
    const total = report.usage;
    const newcomer = !recent.data.length && own;
    fill(
      place,
      newcomer && h("div", { class: "card" }, h("h2", {}, t("Make a first request")), h("p", {}, t("Nothing was asked with this account yet. The console sends a first request in a minute, and shows it as code.")), h("div", { class: "row" }, h("a", { class: "button primary", href: "console" }, t("Open the console")), h("a", { class: "button", href: "#keys/new" }, t("Make a key")))),
      h("div", { class: "columns" }, figure(t("Requests this month"), compact(total.total_requests)), figure(t("Tokens this month"), compact(total.total_tokens)), figure(t("Cost this month"), money(total.total_cost))),
      h("div", { class: "columns" }, h("section", { class: "card" }, h("h2", {}, t("Requests by day")), days(t("Requests by day"), report, "requests", chart.signal)), own && h("section", { class: "card" }, h("h2", {}, t("Limits now")), h("p", { class: "quiet" }, t("Plan {plan}", { plan: me.account.plan })), gauges(caller.windows))),
      h("div", { class: "row between" }, h("h2", {}, t("Recent requests")), h("a", { href: "#requests" }, t("All requests"))),
      listed(recent.data, context),
    );
  }, 5, stop);
}
