// What all pages that need a key have in common: who is signed in, and the way in and out.

import { ApiError, ask } from "./api.js";
import { during, fill, find, h } from "./dom.js";
import { t } from "./words.js";

function door(message) {
  const key = h("input", { type: "password", id: "key", name: "key", required: true, autocomplete: "current-password", spellcheck: false });
  const wrong = h("p", { class: "wrong", role: "alert", hidden: !message }, message ?? "");
  const button = h("button", { type: "submit", class: "primary" }, t("Sign in"));
  const form = h(
    "form",
    { class: "card door" },
    // Password managers want a name to keep a key by.
    h("input", { type: "text", name: "username", autocomplete: "username", value: "aihub", hidden: true, readOnly: true }),
    h("h1", {}, t("Sign in")),
    h("p", {}, t("Use an API key. The server printed one when it was started; people with the scope admin can make more.")),
    h("div", { class: "field" }, h("label", { for: "key" }, t("API key")), key),
    wrong,
    button,
    h("p", { class: "quiet" }, t("This browser keeps the key until it is closed. No script on any page can read it.")),
  );
  return new Promise((signedIn) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.hidden = true;
      button.disabled = true;
      try {
        signedIn(await ask("POST", "me", { body: { key: key.value.trim() } }));
      } catch (error) {
        wrong.textContent = error.message;
        wrong.hidden = false;
        key.select();
      } finally {
        button.disabled = false;
      }
    });
    fill(find("main"), form);
    key.focus();
  });
}

function greet(me) {
  const leave = h("button", { type: "button", class: "small" }, t("Sign out"));
  leave.addEventListener("click", () => during(leave, async () => {
    await ask("DELETE", "me");
    location.reload();
  }));
  fill(find("#who"), h("span", { title: me.account.id }, me.account.name || me.account.id), leave);
}

// Return who is signed in, having asked for a key where nobody is.
export async function signIn() {
  let me;
  try {
    me = await ask("GET", "me");
  } catch (error) {
    const out = error instanceof ApiError && error.status === 401;
    me = await door(out ? undefined : error.message);
  }
  greet(me);
  return me;
}

// Do something now and every few seconds while the page is looked at, until `stop` is aborted.
export function live(act, seconds, stop) {
  let timer;
  const turn = async () => {
    clearTimeout(timer);
    if (stop.aborted) return;
    if (!document.hidden) {
      try {
        await act();
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return location.reload();
        if (!stop.aborted) find("#notes").replaceChildren(h("p", { class: "note failed" }, error.message));
      }
    }
    if (!stop.aborted) timer = setTimeout(turn, seconds * 1000);
  };
  const look = () => !document.hidden && turn();
  document.addEventListener("visibilitychange", look, { signal: stop });
  stop.addEventListener("abort", () => clearTimeout(timer));
  return turn();
}
