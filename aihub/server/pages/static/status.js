// How everything stands. Anybody may look.

import { ask } from "./api.js";
import { count, duration, fill, find, h, moment, share, time } from "./dom.js";
import { live } from "./frame.js";
import { t } from "./words.js";

const SLOT = 900;
const SLOTS = 96;
const WORDS = {
  operational: t("Operational"),
  degraded: t("Degraded"),
  outage: t("Outage"),
};
const SENTENCES = {
  operational: t("All is well"),
  degraded: t("Some requests may fail or take longer"),
  outage: t("Requests are failing"),
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
    const told = slot ? t("Requests: {requests}, failed: {failed}, first content after {latency}", { requests: count(slot.requests), failed: count(slot.failed), latency: duration(slot.latency_ms) }) : t("no requests");
    bars.push(h("span", { class: kind, title: `${moment(began)}\n${told}` }));
  }
  const told = one.requests
    ? t("Requests in the last day: {requests}, answered: {share}", { requests: count(one.requests), share: share(one.uptime) })
    : t("No requests in the last day");
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
      `${one.provider} · ${one.region} · `,
      one.requests ? t("answered {share} of {requests}, first content after {latency}", { share: share(one.uptime), requests: count(one.requests), latency: duration(one.latency_ms) }) : t("No requests in the last day"),
    ),
  );
}

function incident(one) {
  const until = one.ended === null ? t("left alone since {began}", { began: moment(one.began) }) : t("left alone from {began} to {ended}", { began: moment(one.began), ended: moment(one.ended) });
  return h("li", {}, h("strong", {}, one.deployment), ` (${one.provider}, ${one.region}): ${until}`);
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
  document.title = `${WORDS[told.status]} · aihub`;
  const said = told.ready ? SENTENCES[told.status] : t("The server admits no requests now");
  fill(
    find("main"),
    h("div", { class: `banner ${told.status}`, role: "status" }, h("h1", {}, said), h("p", {}, t("Seen at {time}", { time: time(told.updated) }))),
    h("div", { class: "columns" }, group(t("Providers"), told.providers), group(t("Regions"), told.regions)),
    h("h2", {}, t("Deployments")),
    told.deployments.length
      ? h("ul", { class: "plain" }, told.deployments.map((one) => deployment(one, told.updated)))
      : h("p", { class: "empty" }, t("Nobody has asked for anything yet. Each deployment stands here with its last day from its first request on.")),
    h("h2", {}, t("Incidents of the last day")),
    told.incidents.length
      ? h("ul", { class: "incidents" }, told.incidents.map(incident))
      : h("p", { class: "empty" }, t("None.")),
  );
}

live(async () => show(await ask("GET", "status")), 15, new AbortController().signal);
