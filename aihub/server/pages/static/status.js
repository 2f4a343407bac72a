// How everything stands. Anybody may look.

import { ask } from "./api.js";
import { count, duration, fill, find, h, moment, share, time } from "./dom.js";
import { live } from "./frame.js";

const SLOT = 900;
const SLOTS = 96;
const WORDS = {
  operational: "Operational",
  degraded: "Degraded",
  outage: "Outage",
};
const SENTENCES = {
  operational: "All is well",
  degraded: "Some requests may fail or take longer",
  outage: "Requests are failing",
};

const mark = (standing) => h("span", { class: `mark ${standing}` }, WORDS[standing]);

function strip(one, now) {
  const slots = new Map(one.slots.map((slot) => [slot.began, slot]));
  const last = now - (now % SLOT);
  const bars = [];
  for (let began = last - (SLOTS - 1) * SLOT; began <= last; began += SLOT) {
    const slot = slots.get(began);
    const bad = slot ? slot.failed / slot.requests : 0;
    const kind = !slot ? "none" : bad === 0 ? "good" : bad < 0.5 ? "some" : "bad";
    const told = slot ? `${count(slot.requests)} requests, ${count(slot.failed)} failed, ${duration(slot.latency_ms)}` : "no requests";
    bars.push(h("span", { class: kind, title: `${moment(began)}: ${told}` }));
  }
  const told = one.requests
    ? `${share(one.uptime)} of ${count(one.requests)} requests answered in the last day`
    : "No requests in the last day";
  return h("div", { class: "strip", role: "img", "aria-label": told }, bars);
}

function deployment(one, now) {
  return h(
    "li",
    { class: "card deployment" },
    h("div", { class: "row between" }, h("h3", {}, one.id), mark(one.status)),
    strip(one, now),
    h(
      "p",
      { class: "quiet" },
      `${one.provider} in ${one.region} · `,
      one.requests ? `${share(one.uptime)} of ${count(one.requests)} · first content after ${duration(one.latency_ms)}` : "no requests in the last day",
    ),
  );
}

function incident(one) {
  const until = one.ended === null ? "still lasting" : `until ${moment(one.ended)}`;
  return h("li", {}, h("strong", {}, one.deployment), ` (${one.provider}, ${one.region}): left alone since ${moment(one.began)}, ${until}`);
}

function group(title, entries) {
  return h(
    "section",
    { class: "card" },
    h("h2", {}, title),
    h("ul", { class: "plain" }, entries.map((one) => h("li", { class: "row between" }, h("span", {}, one.id), mark(one.status)))),
  );
}

function show(told) {
  document.title = `${WORDS[told.status]} · aihub status`;
  const said = told.ready ? SENTENCES[told.status] : "The server admits no requests now";
  fill(
    find("main"),
    h("div", { class: `banner ${told.status}`, role: "status" }, h("h1", {}, said), h("p", {}, `Seen at ${time(told.updated)}`)),
    h("div", { class: "columns" }, group("Providers", told.providers), group("Regions", told.regions)),
    h("h2", {}, "Deployments"),
    told.deployments.length
      ? h("ul", { class: "plain" }, told.deployments.map((one) => deployment(one, told.updated)))
      : h("p", { class: "empty" }, "Nobody has asked for anything yet. Each deployment stands here with its last day from its first request on."),
    h("h2", {}, "Incidents of the last day"),
    told.incidents.length
      ? h("ul", { class: "incidents" }, told.incidents.map(incident))
      : h("p", { class: "empty" }, "None."),
  );
}

live(async () => show(await ask("GET", "status")), 15, new AbortController().signal);
