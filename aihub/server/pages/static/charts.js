// Charts of days, drawn by uPlot (a script of its own: `uPlot` is global).

import { compact, h, money } from "./dom.js";
import { LOCALE, t } from "./words.js";

const DAY = 86_400;
const colour = (name) => {
  // A canvas knows no light-dark(): the browser is asked what it comes to here.
  const probe = h("span", { style: { color: `var(--${name})` } });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};

const shown = { requests: compact, tokens: compact, cost: money };

// A bar for each day of a report by days.
export function days(title, report, what, stop) {
  const { start, end } = report.period;
  const first = Date.parse(start) / 1000;
  const last = Math.min(Date.parse(end) / 1000, Date.now() / 1000);
  const at = [];
  const values = [];
  for (let day = first; day <= last; day += DAY) {
    const found = report.usage.days[new Date(day * 1000).toISOString().slice(0, 10)];
    at.push(day);
    values.push(found ? Number(found[what]) : null);
  }
  const box = h("div", { class: "chart", role: "img" });
  const most = Math.max(0, ...values);
  const sum = values.reduce((a, b) => a + (b ?? 0), 0);
  box.setAttribute("aria-label", t("{title}: {sum} in all, at most {most} a day, over days: {days}", { title, sum: shown[what](sum), most: shown[what](most), days: at.length }));
  const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const options = {
    width: 300,
    height: 220,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false },
    scales: { x: { range: () => [first - DAY / 2, at.at(-1) + DAY / 2] }, y: { range: (_, __, high) => [0, high ? high * 1.1 : 1] } },
    axes: [
      { ...axis, size: 32, incrs: [1, 2, 7, 14, 28].map((many) => many * DAY), values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleDateString(LOCALE, { day: "numeric", month: "short", timeZone: "UTC" })) },
      { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => shown[what](tick)) },
    ],
    series: [{}, { fill: colour("accent"), stroke: colour("accent"), paths: uPlot.paths.bars({ size: [0.7, 40] }), points: { show: false } }],
  };
  const chart = new uPlot(options, [at, values], box);
  const watch = new ResizeObserver(([entry]) => entry.contentRect.width && chart.setSize({ width: entry.contentRect.width, height: 220 }));
  watch.observe(box);
  stop.addEventListener("abort", () => {
    watch.disconnect();
    chart.destroy();
  });
  return box;
}
