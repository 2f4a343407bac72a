// Elements, words and numbers. Texts become text nodes: nothing that anybody wrote is ever read as HTML.

import { LOCALE, t } from "./words.js";

// Make an element. Properties: `on` has listeners, `data` goes to data-*, `style` sets single styles;
// `class` and what has a hyphen are attributes, all else are properties. Children are nodes or texts.
export function h(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "on") for (const [kind, act] of Object.entries(value)) made.addEventListener(kind, act);
    else if (key === "data") Object.assign(made.dataset, value);
    else if (key === "style") for (const [at, what] of Object.entries(value)) made.style.setProperty(at, what);
    else if (key === "class" || key === "role" || key === "for" || key === "list" || key.includes("-")) {
      made.setAttribute(key, value === true ? "" : value);
    } else made[key] = value;
  }
  made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

// Put other children in the place of those that there are.
export function fill(place, ...children) {
  place.replaceChildren(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return place;
}

export const find = (selector, within = document) => within.querySelector(selector);

// Numbers, money and times in the reader's way

const whole = new Intl.NumberFormat(LOCALE);
const short = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 });
const dayTime = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium" });
const clock = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium" });

export const count = (number) => whole.format(number);
export const compact = (number) => (number < 10_000 ? whole.format(number) : short.format(number));
export const moment = (seconds) => dayTime.format(seconds * 1000);
export const date = (seconds) => day.format(seconds * 1000);
export const time = (seconds) => clock.format(seconds * 1000);

// Prices of single requests are far below a cent: four digits that say something are shown.
export function money(dollars) {
  const amount = Number(dollars);
  const digits = amount && Math.abs(amount) < 1 ? { maximumSignificantDigits: 4 } : { maximumFractionDigits: 2 };
  return new Intl.NumberFormat(LOCALE, { style: "currency", currency: "USD", ...digits }).format(amount);
}

const span = (number, unit) => new Intl.NumberFormat(LOCALE, { style: "unit", unit, maximumFractionDigits: 1 }).format(number);

export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  if (milliseconds < 1) return `< ${span(1, "millisecond")}`;
  if (milliseconds < 1000) return span(Math.round(milliseconds), "millisecond");
  return span(milliseconds / 1000, "second");
}

export function share(part) {
  if (part === null) return "–";
  // 99.996 % is not 100 %.
  const shown = part < 1 ? Math.min(part, 0.9999) : part;
  return shown.toLocaleString(LOCALE, { style: "percent", maximumFractionDigits: 2 });
}

// What happens to a reader

// Say something for a moment, to screen readers too.
export function say(text, kind = "done") {
  const note = h("p", { class: `note ${kind}` }, text);
  find("#notes").append(note);
  setTimeout(() => note.remove(), kind === "failed" ? 12_000 : 5000);
}

// Do something for a button; what goes wrong is said, and the button waits meanwhile.
export async function during(button, act) {
  button.disabled = true;
  try {
    return await act();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, "failed");
    return undefined;
  } finally {
    button.disabled = false;
  }
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(t("Copied: {what}", { what }));
  } catch {
    say(t("The browser does not let pages copy here. Select the text and copy it."), "failed");
  }
}

export const copier = (text, what) =>
  h("button", { type: "button", class: "small", on: { click: () => copy(typeof text === "function" ? text() : text, what) } }, t("Copy"));

// Ask in a dialog; `act` is given its form's fields and may return what is to be shown in its place.
export function dialog(title, content, { action, danger = false, act }) {
  const message = h("p", { class: "wrong", role: "alert", hidden: true });
  const submit = action && h("button", { type: "submit", class: danger ? "danger" : "primary" }, action);
  const close = h("button", { type: "button", on: { click: () => box.close() } }, action ? t("Cancel") : t("Close"));
  const body = h("div", { class: "fields" }, content);
  const form = h("form", { method: "dialog" }, h("h2", {}, title), body, message, h("div", { class: "row end" }, close, submit));
  const box = h("dialog", { "aria-label": title }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    message.hidden = true;
    submit.disabled = true;
    try {
      const shown = await act(new FormData(form));
      if (!shown) return box.close();
      fill(body, shown);
      submit.remove();
      close.textContent = t("Done");
      close.focus();
    } catch (error) {
      message.textContent = error.message;
      message.hidden = false;
    } finally {
      submit.disabled = false;
    }
  });
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

let fields = 0;

// A labelled field; `hint` says what is taken.
export function field(label, input, hint) {
  input.id ||= `field-${(fields += 1)}`;
  if (hint) input.setAttribute("aria-describedby", `${input.id}-hint`);
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input, hint && h("small", { id: `${input.id}-hint` }, hint));
}

export const option = (value, text = value, selected = false) => h("option", { value, selected }, text);

// A table; `empty` is shown where it has no rows.
export function table(caption, heads, rows, empty) {
  if (!rows.length) return h("div", { class: "empty" }, empty);
  // On a phone rows become cards: what a table is has to be said where the style no longer shows it.
  const head = heads.map((one) => h("th", { scope: "col", role: "columnheader", class: one.number ? "number" : null }, one.hidden ? h("span", { class: "hidden" }, one.text) : (one.text ?? one)));
  return h(
    "div",
    { class: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
    h("table", { role: "table" }, h("caption", { class: "hidden" }, caption), h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)), h("tbody", { role: "rowgroup" }, rows)),
  );
}

export const cells = (heads, ...values) =>
  h("tr", { role: "row" }, values.map((one, n) => h("td", { role: "cell", class: heads[n].number ? "number" : null, data: { label: heads[n].hidden ? "" : (heads[n].text ?? heads[n]) } }, h("div", {}, one))));
