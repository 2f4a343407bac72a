"""Dashboard, console and status, as people use them."""

import json
import os
import subprocess
import sys

import pytest

from .asking import CHAT, HELLO, KEY, ask, chat
from .driving import NARROW, WIDE, open_browser
from .looking import PAGES, faults

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("cmd:chromium", "cmd:chromedriver", "cmd:node", "cmd:npm"),
]

MOST_BYTES = 150_000


def attack(name):
    """Text that would run, were it ever read as HTML."""
    return f"<img src=x onerror=\"window.hacked='{name}'\">{name}"


# The newcomer's walk


def test_a_newcomer_has_a_streamed_answer_with_a_key_of_ones_own_in_under_ten_actions(run_server):
    """From the printed lines, by what stands on the pages alone."""
    with run_server("--ephemeral") as server:
        printed = "".join(server.printed)
        while "  -d " not in printed:
            printed = "".join(server.printed)
        assert f"{server.url}/dashboard" in printed
        key = printed.split("  key       ")[1].split()[0]
        with open_browser(server.url) as browser:
            browser.open("dashboard")
            browser.type("API key", key)
            browser.press("Sign in")
            browser.press("Make a key")
            browser.press("Generate")
            browser.press("Use it in the console")
            browser.press("Send")
            browser.wait_for_text("Answered.")
            assert browser.actions < 10
            assert browser.complaints() == []
            answered = browser.find("Answer", "section").text
            assert "Tokens" in answered
        used = server.ask("/v1/usage?group_by=key", key)["usage"]["keys"]
        made = [one for one in server.ask("/v1/keys", key)["data"] if one["id"] in used]
        assert [(one["hint"] != key[-4:], used[one["id"]]["requests"]) for one in made] == [
            (True, 1)
        ]


# Signing in


def test_a_wrong_key_is_told_so_and_a_good_one_is_kept_from_scripts(browser):
    """Also over reloads, until one signs out."""
    browser.open("dashboard")
    browser.type("API key", "no-such-key")
    browser.press("Sign in")
    browser.wait_for_text("API key")
    browser.wait(lambda: browser.all(".wrong"), "no word about the wrong key")
    browser.type("API key", KEY)
    browser.press("Sign in")
    browser.wait_for_text("Requests this month")
    script = "return document.cookie + JSON.stringify({...localStorage, ...sessionStorage})"
    assert KEY not in browser.driver.execute_script(script)
    browser.open("console")
    browser.wait_for_text("The same as code")
    assert KEY not in browser.driver.page_source
    browser.press("Sign out")
    browser.wait(lambda: browser.named("API key", "input"), "still signed in")


def test_a_key_that_is_revoked_is_out_at_once(server, browser):
    """What it was signed in with asks for another."""
    made = ask(server, "/v1/keys", {"name": "soon gone", "scopes": ["read"]})
    browser.sign_in(made["secret"])
    browser.wait_for_text("Requests this month")
    ask(server, f"/v1/keys/{made['id']}", method="DELETE")
    browser.wait(lambda: browser.named("API key", "input"), "still signed in")


def test_a_key_that_may_not_manage_keys_is_told_so(server, browser):
    """The rest of the dashboard works."""
    made = ask(server, "/v1/keys", {"scopes": ["read"]})
    browser.sign_in(made["secret"], "dashboard#keys")
    browser.wait_for_text("may not manage keys")
    browser.press("Usage")
    browser.wait_for_text("Looked at every 5 seconds")


# Keys


def test_a_key_is_made_shown_once_used_changed_rotated_and_revoked(server, signed_in):
    """And what is revoked is refused from then on."""
    signed_in.press("Keys")
    signed_in.press("Generate a key")
    signed_in.type("Name", "for the pages")
    signed_in.press("Limits and budget")
    signed_in.type("Requests a minute", "50")
    signed_in.type("Budget in USD a month", "1.50")
    signed_in.press("Generate")
    secret = signed_in.wait(lambda: signed_in.all("#secret"), "no secret")[0].text
    signed_in.press("Done")
    signed_in.wait(lambda: row_of(signed_in, "for the pages"), "no row")
    row = row_of(signed_in, "for the pages")
    assert "50 requests/min" in row
    assert "$0.00 of $1.50 (a month)" in row
    assert f"…{secret[-4:]}" in row
    assert secret not in signed_in.driver.page_source
    assert ask(server, CHAT, {"model": "gpt-4", "messages": HELLO}, key=secret)["choices"]

    signed_in.press("Change: for the pages")
    signed_in.type("Name", "for others")
    signed_in.press("Save")
    signed_in.wait(lambda: row_of(signed_in, "for others"), "not renamed")

    signed_in.press("Rotate: for others")
    signed_in.choose("The old key ends", "at once")
    signed_in.press("Rotate")
    newer = signed_in.wait(lambda: signed_in.all("#secret"), "no secret")[0].text
    signed_in.press("Done")
    with pytest.raises(OSError, match="401"):
        ask(server, "/v1/models", key=secret)
    assert ask(server, "/v1/models", key=newer)["data"]

    signed_in.press("Revoke: for others")
    signed_in.press("Revoke")
    signed_in.wait_for_text("Revoked.")
    with pytest.raises(OSError, match="401"):
        ask(server, "/v1/models", key=newer)
    signed_in.wait(lambda: "revoked" in (row_of(signed_in, "for others") or ""), "still live")


def row_of(browser, name):
    """The row that begins so."""
    return next((row for row in browser.rows() if row.startswith(name)), None)


def test_what_a_key_cannot_be_is_told_in_its_dialog(signed_in):
    """In the server's words, and nothing is lost of what was filled in."""
    signed_in.press("Keys")
    signed_in.press("Generate a key")
    for scope in ("inference: ask models", "read: models, usage, sessions"):
        signed_in.find(scope, "input").click()
    signed_in.press("Generate")
    signed_in.wait_for_text("Choose at least one scope.")
    signed_in.press("Cancel")


# Usage and requests


def test_usage_and_requests_appear_while_one_looks(server, signed_in):
    """Without reloading; by model, and as a file."""
    signed_in.press("Usage")
    signed_in.wait_for_text("Looked at every 5 seconds")
    chat(server, model="gpt-4o-mini")
    signed_in.wait(lambda: row_of(signed_in, "gpt-4o-mini"), "no usage")
    signed_in.choose("By", "Day")
    signed_in.wait(lambda: (signed_in.rows() or [""])[0].startswith("20"), "no day")
    signed_in.press("Requests")
    signed_in.wait(signed_in.rows, "no requests")
    answered = chat(server, model="gpt-4o", user="somebody")
    id = "req_" + answered["id"].removeprefix("chatcmpl-")
    signed_in.press(f"Details: {id}")
    signed_in.wait_for_text("mock/gpt-4o")
    assert "somebody" in signed_in.all("dialog")[0].text
    signed_in.press("Close")


def test_usage_as_csv_is_read_as_text_by_a_spreadsheet(signed_in):
    """Commas and quotes are quoted; what begins like a formula is none."""
    signed_in.press("Usage")
    told = signed_in.driver.execute_async_script(
        """
        const done = arguments[0];
        import("/assets/usage.js").then(({csv}) => done(csv(
          ["a", "b"], [["=1+1", 2], ['say "hi", you', "x\\ny"], ["-3", ""]])));
        """
    )
    assert told == 'a,b\r\n\'=1+1,2\r\n"say ""hi"", you","x\ny"\r\n\'-3,\r\n'


# The console


def open_console(browser, **fields):
    browser.open("console")
    browser.wait_for_text("The same as code")
    for name, text in fields.items():
        browser.type(name, text)


def write(browser, text):
    """Put a text in the last message."""
    field = browser.all("textarea")[-1]
    field.clear()
    field.send_keys(text)


def test_an_answer_streams_into_the_console_and_can_be_stopped(run_server):
    """What had come stays, the request is settled as aborted, and the page says so."""
    options = ["--ephemeral", "--latency", "50ms,200ms", "--key"]
    with (
        run_server(*options, f"{KEY}=pro:read+inference+admin") as server,
        open_browser(server.url) as browser,
    ):
        browser.sign_in(KEY, "console")
        browser.wait_for_text("The same as code")
        write(browser, "Tell me a long story")
        browser.press("Send")
        answer = browser.find("Answer", "section").find_element("css selector", ".answer")
        first = browser.wait(lambda: answer.text, "nothing came")
        browser.wait(lambda: len(answer.text) > len(first), "it does not go on")
        browser.press("Stop")
        browser.wait_for_text("Stopped. What had come is billed.")
        assert answer.text
        states = lambda: [one["state"] for one in ask(server, "/v1/requests")["data"]]  # noqa: E731
        browser.wait(lambda: states() == ["aborted"], "not settled")
        assert browser.complaints() == []


def test_tools_schemas_and_parameters_are_sent_as_they_were_written(server, signed_in):
    """And what came is shown: calls, tokens, cost, headers, the raw answer."""
    open_console(signed_in, Model="gpt-4o")
    write(signed_in, "What is the weather in Paris?")
    signed_in.press("Tools")
    signed_in.press("Example")
    signed_in.press("Send")
    signed_in.wait_for_text("Answered.")
    told = signed_in.find("Answer", "section").text
    assert 'get_weather({"place":"Paris"})' in told.replace(" ", "")
    assert "tool_calls" in told
    assert "$" in told
    signed_in.press("Headers")
    signed_in.wait_for_text("x-request-id")

    open_console(signed_in, Model="gpt-4o")
    write(signed_in, "Something with tags")
    signed_in.press("JSON schema")
    signed_in.press("Example")
    signed_in.press("Parameters")
    signed_in.type("Seed", "7")
    signed_in.find("Stream the answer as it comes", "input").click()
    signed_in.press("Send")
    signed_in.wait_for_text("Answered.")
    answer = signed_in.find("Answer", "section").find_element("css selector", ".answer").text
    assert json.loads(answer).keys() == {"title", "tags"}
    assert signed_in.complaints() == []


def test_a_request_that_is_refused_says_why(signed_in):
    """What is no JSON is told before anything is sent; the rest in the server's words."""
    open_console(signed_in, Model="no-such-model")
    signed_in.press("Send")
    signed_in.wait_for_text("(model_not_found)")
    signed_in.press("Tools")
    signed_in.type("Tools as JSON", "[{")
    signed_in.press("Send")
    signed_in.wait_for_text("Tools: this is not JSON.")


@pytest.mark.needs("cmd:curl", "cmd:go")
@pytest.mark.parametrize("streamed", [True, False])
def test_each_copy_works_when_it_is_pasted(server, signed_in, tmp_path, streamed):
    """In a shell, Python, Node and Go; whatever stands in the message."""
    open_console(signed_in)
    write(signed_in, 'It\'s "quoted", costs $HOME `id` \\ and has a ünïcode ✓ line')
    if not streamed:
        signed_in.find("Stream the answer as it comes", "input").click()
    signed_in.press("Send")
    signed_in.wait_for_text("Answered.")
    answer = signed_in.find("Answer", "section").find_element("css selector", ".answer").text
    commands = {
        "curl": ["bash", "code"],
        "Python": [sys.executable, "code"],
        "JavaScript": ["node", "code.js"],
        "Go": ["go", "run", "code.go"],
    }
    env = {**os.environ, "AIHUB_API_KEY": KEY}
    for language, command in commands.items():
        signed_in.choose("Language", language)
        code = signed_in.find("Code", "pre").get_property("textContent")
        assert KEY not in code
        (tmp_path / command[-1]).write_text(code)
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, (language, done.stderr)
        said = done.stdout
        if streamed and language in {"curl", "Go"}:
            chunks = [json.loads(line[6:]) for line in said.splitlines() if line[:7] == "data: {"]
            said = "".join(
                one["choices"][0]["delta"].get("content") or "" for one in chunks if one["choices"]
            )
        assert answer.strip() in said.replace("\\n", "\n"), (language, said)


def test_a_chat_goes_on_as_a_session_that_the_dashboard_has(server, signed_in):
    """Read, renamed, forked and deleted there."""
    open_console(signed_in)
    write(signed_in, "My name is Ada")
    signed_in.press("Send")
    signed_in.wait_for_text("Answered.")
    signed_in.press("Continue as a session")
    signed_in.wait_for_text("In the dashboard")
    write(signed_in, "What did I say?")
    signed_in.press("Send")
    signed_in.wait_for_text("Answered.")
    signed_in.wait(lambda: len(signed_in.all(".thread > div")) == 4, "the thread is not whole")
    [kept] = ask(server, "/v1/sessions")["data"]
    messages = ask(server, f"/v1/sessions/{kept['id']}")["messages"]["data"]
    assert [one["role"] for one in messages] == ["user", "assistant"] * 2
    assert kept["system_prompt"] == "You are a helpful assistant."

    signed_in.press("In the dashboard")
    signed_in.wait_for_text("What did I say?")
    signed_in.press("Rename: My name is Ada")
    signed_in.type("Title", "About Ada")
    signed_in.press("Save")
    signed_in.wait(lambda: signed_in.named("Fork: About Ada"), "not renamed")
    signed_in.press("Fork: About Ada")
    signed_in.wait(lambda: signed_in.named("Fork: About Ada, forked"), "not forked")
    signed_in.press("Continue in the console")
    signed_in.wait(lambda: len(signed_in.all(".thread > div")) == 4, "the thread is not whole")
    signed_in.driver.back()
    signed_in.press("Delete: About Ada, forked")
    signed_in.press("Delete")
    signed_in.wait_for_text("Deleted.")
    assert [one["title"] for one in ask(server, "/v1/sessions")["data"]] == ["About Ada"]


def test_the_console_is_used_by_keys_alone(browser):
    """Signed in with Enter, sent with Ctrl+Enter."""
    from selenium.webdriver.common.keys import Keys

    browser.open("console")
    field = browser.find("API key", "input")
    assert field == browser.driver.switch_to.active_element
    field.send_keys(KEY + Keys.ENTER)
    browser.wait_for_text("The same as code")
    browser.all("textarea")[-1].send_keys(Keys.CONTROL + Keys.ENTER)
    browser.wait_for_text("Answered.")


# Status

BROKEN = """
[providers.broken]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"

[[models.gpt-4.deployments]]
provider = "broken"

[routing.retries]
most = 0

[routing.breaker]
cool = 600
longest = 600
"""


def test_a_provider_that_fails_is_seen_on_the_status_page(run_server, tmp_path):
    """From well, to out, with an incident; without signing in."""
    (tmp_path / "aihub.toml").write_text(BROKEN)
    options = ["--ephemeral", "--config", str(tmp_path / "aihub.toml")]
    with (
        run_server(*options, "--key", f"{KEY}=pro") as server,
        open_browser(server.url) as browser,
    ):
        browser.open("status")
        browser.wait_for_text("All is well")
        for _ in range(12):
            with pytest.raises(OSError, match="50"):
                chat(server)
        browser.driver.refresh()
        browser.wait_for_text("Outage")
        browser.wait_for_text("left alone since")
        assert "127.0.0.1:9" not in browser.driver.page_source
        assert browser.complaints() == []


# Whatever people write


def test_nothing_that_people_write_runs(server, signed_in):
    """Names, titles, users, messages, models: shown as they were written, and as nothing else."""
    secret = ask(server, "/v1/keys", {"name": attack("key")})["secret"]
    made = ask(
        server, "/v1/sessions", {"title": attack("title"), "system_prompt": attack("system")}
    )
    body = {"messages": [{"role": "user", "content": attack("message")}], "model": "gpt-4"}
    ask(server, CHAT, {**body, "user": attack("user"), "session_id": made["id"]}, key=secret)
    with pytest.raises(OSError, match="400"):
        chat(server, model=attack("model"))
    looks = {
        "dashboard#overview": "Recent requests",
        "dashboard#keys": attack("key"),
        "dashboard#usage": "Looked at every",
        "dashboard#requests": "Details",
        "dashboard#sessions": attack("title"),
        f"dashboard#sessions/{made['id']}": attack("message"),
        f"console#session={made['id']}": attack("message"),
        "status": "Deployments",
        f"dashboard#{attack('hash')}": "Recent requests",
    }
    for path, text in looks.items():
        signed_in.open("status")
        signed_in.open(path)
        signed_in.wait_for_text(text)
        assert signed_in.driver.execute_script("return window.hacked ?? null") is None, path
        assert signed_in.driver.find_elements("css selector", "img[src=x]") == [], path
    signed_in.open("dashboard#requests")
    signed_in.wait(signed_in.rows, "no requests")
    signed_in.all("tbody button")[0].click()
    signed_in.wait_for_text("Attempts")
    assert signed_in.driver.find_elements("css selector", "img[src=x]") == []
    assert signed_in.complaints() == []


# Every page


def show(browser, path):
    """Open a page and wait until it is there."""
    browser.open("status")
    browser.open(path)
    browser.wait_for_text(PAGES[path])
    browser.wait(lambda: "Loading …" not in browser.text(), "still loading")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_can_be_used_by_everybody(furnished, axe, size, dark):
    """axe-core finds nothing; nothing is wider than the screen; a picture is taken."""
    looks = f"{'wide' if size == WIDE else 'narrow'}-{'dark' if dark else 'light'}"
    with open_browser(furnished.url, size, dark=dark) as browser:
        browser.open("dashboard")
        browser.wait_for_text("Sign in")
        assert faults(browser, axe) == []
        browser.shoot(f"door-{looks}")
        browser.sign_in(KEY)
        for path in PAGES:
            show(browser, path)
            assert faults(browser, axe) == [], path
            wide = "return document.documentElement.scrollWidth - innerWidth"
            assert browser.driver.execute_script(wide) <= 0, path
            browser.shoot(f"{path.replace('#', '-')}-{looks}")
        show(browser, "dashboard#keys")
        browser.press("Generate a key")
        browser.wait_for_text("Scopes")
        assert faults(browser, axe) == []
        browser.shoot(f"generate-{looks}")
        assert browser.complaints() == []


def test_a_page_is_light_and_asks_nobody_else(furnished, signed_in):
    """Under 150 kB each, all of it from here."""
    for path in PAGES:
        # Nothing is remembered: this is what a first visit costs.
        signed_in.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        show(signed_in, path)
        entries = signed_in.driver.execute_script(
            """return performance.getEntries()
                .filter((one) => one.transferSize !== undefined)
                .map((one) => [one.name, one.transferSize])"""
        )
        assert all(name.startswith(furnished.url) for name, _ in entries)
        assert 0 < sum(size for _, size in entries) < MOST_BYTES, path
