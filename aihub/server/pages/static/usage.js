// What was used, by model, by key and by day.

import { all, ask } from "./api.js";
import { cells, count, fill, h, money, option, table } from "./dom.js";
import { live } from "./frame.js";
import { days } from "./charts.js";
import { gauges } from "./overview.js";
import { t } from "./words.js";

const DAY = 86_400_000;
const SPANS = { month: t("This month"), "7d": t("Last 7 days"), "30d": t("Last 30 days"), "90d": t("Last 90 days") };
const GROUPS = { model: t("Model"), served_model: t("Model served"), key: t("Key"), day: t("Day") };
const FIELDS = { model: "models", served_model: "served_models", key: "keys", day: "days" };
const CHARTS = { requests: t("Requests by day"), tokens: t("Tokens by day"), cost: t("Cost by day") };
const MEASURES = { requests: t("Requests"), tokens: t("Tokens"), cost: t("Cost") };

// A span that ends with this hour, in whole hours, as the API wants it; the server knows this month.
function span(chosen) {
  if (chosen === "month") return {};
  const midnight = new Date().setUTCHours(0, 0, 0, 0);
  const iso = (at) => new Date(at).toISOString().replace(".000Z", "Z");
  return { start: iso(midnight - (Number.parseInt(chosen, 10) - 1) * DAY), end: iso(midnight + DAY) };
}

// A spreadsheet takes what begins so for a formula: it is told that it is text.
const csvCell = (value) => {
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export const csv = (heads, rows) => `${[heads, ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n")}\r\n`;

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export async function usage(context) {
  const { may, own, place, query, stop } = context;
  const choose = (label, entries) => h("select", { "aria-label": label }, Object.entries(entries).map(([value, text]) => option(value, text)));
  const period = choose(t("Period"), SPANS);
  const by = choose(t("By"), GROUPS);
  const measure = choose(t("In the chart"), MEASURES);
  const save = h("button", { type: "button" }, t("Download as CSV"));
  const body = h("div", { class: "fields" });
  let chart = new AbortController();
  let shown = [];
  const names = new Map();
  if (may("admin")) for (const key of await all("keys", query)) names.set(key.id, key.name ? `${key.name} (…${key.hint})` : `…${key.hint}`);

  save.addEventListener("click", () => download(`usage-by-${by.value}.csv`, csv([by.value, "requests", "tokens", "cost_usd"], shown.map(([name, one]) => [name, one.requests, one.tokens, one.cost]))));
  fill(place, h("div", { class: "row between" }, h("h2", {}, t("Usage")), h("div", { class: "row" }, [period, by, measure].map((one) => h("div", {}, one)), save)), body);

  async function turn() {
    const asked = { ...query, ...span(period.value) };
    const [daily, grouped, caller] = await Promise.all([
      ask("GET", "usage", { query: { ...asked, group_by: "day" }, signal: stop }),
      ask("GET", "usage", { query: { ...asked, group_by: by.value }, signal: stop }),
      ask("GET", "me", { signal: stop }),
    ]);
    chart.abort();
    chart = new AbortController();
    const groups = Object.entries(grouped.usage[FIELDS[by.value]]);
    const order = by.value === "day" ? ([a], [b]) => (a < b ? 1 : -1) : ([, a], [, b]) => Number(b.cost) - Number(a.cost) || b.requests - a.requests;
    shown = groups.sort(order);
    const heads = [GROUPS[by.value], { text: t("Requests"), number: true }, { text: t("Tokens"), number: true }, { text: t("Cost"), number: true }];
    const name = (id) => (by.value === "key" ? h("span", { title: id }, names.get(id) ?? (id || t("no key"))) : id);
    const total = grouped.usage;
    const rows = shown.map(([id, one]) => cells(heads, name(id), count(one.requests), count(one.tokens), money(one.cost)));
    const title = CHARTS[measure.value];
    fill(
      body,
      h("section", { class: "card" }, h("h3", {}, title), days(title, daily, measure.value, chart.signal)),
      h("p", { class: "quiet" }, t("In all: requests {requests}, tokens {tokens}, cost {cost}. Looked at every 5 seconds.", { requests: count(total.total_requests), tokens: count(total.total_tokens), cost: money(total.total_cost) })),
      table(t("Usage"), heads, rows, t("Nothing was used in this time.")),
      own && h("section", { class: "card" }, h("h3", {}, t("Limits now")), gauges(caller.windows)),
    );
  }
  for (const one of [period, by, measure]) one.addEventListener("change", () => turn().catch((error) => fill(body, h("p", { class: "wrong" }, error.message))));
  stop.addEventListener("abort", () => chart.abort());
  await live(turn, 5, stop);
}
