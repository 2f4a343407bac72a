"""The JavaScript SDK's page in a browser: it streams, stops, and says what goes wrong."""

import functools
import http.server
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from .browser import open_page

pytestmark = [pytest.mark.slow, pytest.mark.needs("cmd:node", "cmd:npm", "cmd:chromium")]

SDK = Path(__file__).parents[2] / "sdks" / "js"
SECONDS = 300
"""What installing and compiling take on a busy machine."""

GREETING = "Hello! How can I assist you today?"

# What a visitor does: type, send, and wait until the page is ready again.
ASK = """
    const of = (id) => document.getElementById(id);
    of("server").value = {url!r};
    of("key").value = {key!r};
    of("question").value = {question!r};
    of("ask").requestSubmit();
    while (of("send").disabled) {{
        if ({stops} && document.querySelector(".assistant:last-child").textContent !== "") {{
            of("stop").click();
        }}
        await new Promise((done) => setTimeout(done, 10));
    }}
    return [...document.querySelectorAll("#talk p")].map((p) => [p.className, p.textContent]);
"""


class Site(http.server.SimpleHTTPRequestHandler):
    """Serve files, and below /moved/ a redirect."""

    def do_GET(self):
        """Answer one request."""
        if not self.path.startswith("/moved/"):
            super().do_GET()
            return
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The package's folder as the page's own instructions serve it."""
    folder = tmp_path_factory.mktemp("site")
    leave = shutil.ignore_patterns("node_modules", "dist")
    shutil.copytree(SDK, folder, dirs_exist_ok=True, ignore=leave)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    for command in (install, ["node", "build.mjs"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=SECONDS)
    handler = functools.partial(Site, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(site, run_server):
    """A server that lets pages of the site ask, and takes its time."""
    options = ("--ephemeral", "--latency", "20ms,50ms", "--key", "test=pro", "--cors", site)
    with run_server(*options) as server:
        yield server


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser."""
    with open_page(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser, site):
    """The page, just opened."""
    browser.visit(f"{site}/examples/browser/index.html")
    return browser


def asked(page, url, *, key="test", question="Hello!", stops="false"):
    """What the page shows once it has asked."""
    return page.run(ASK.format(url=url, key=key, question=question, stops=stops))


def test_it_streams_and_remembers(page, server):
    """The second question is asked with the first and its answer."""
    first = [["user", "Hello!"], ["assistant", GREETING]]
    assert asked(page, server.url) == first
    shown = asked(page, server.url, question="And now?")
    assert shown[:3] == [*first, ["user", "And now?"]]
    assert shown[3][0] == "assistant"
    assert shown[3][1]


def test_it_stops(page, server):
    """What came so far is shown, and the server is no longer at it."""
    shown = asked(page, server.url, question="Tell me a long story", stops="true")
    assert [kind for kind, _ in shown] == ["user", "assistant", "error"]
    assert 0 < len(shown[1][1]) < 200
    assert shown[2][1] == "(stopped)"


def test_it_says_what_went_wrong(page, server):
    """By the name of the error."""
    [*_, wrong] = asked(page, server.url, key="wrong")
    assert wrong[0] == "error"
    assert wrong[1].startswith("AuthenticationError: ")


def test_a_browser_does_not_say_why_there_is_no_answer(page, run_server):
    """Here a server that does not allow the page, which is as good as none."""
    with run_server("--ephemeral", "--key", "test=pro") as closed:
        code = """
            const { AIHubClient } = await import("@ai-hub/client");
            const dangerouslyAllowBrowser = true;
            const options = { apiKey: "test", baseURL: URL_OF_IT, dangerouslyAllowBrowser };
            try {
                await new AIHubClient({ ...options, maxRetries: 0 }).models.list();
            } catch (error) {
                return [error.name, error.code, error.message.includes("a page here")];
            }
        """
        told = page.run(code.replace("URL_OF_IT", repr(closed.url)))
    assert told == ["ConnectionError", "connection_lost", True]


def test_a_redirect_is_not_followed_there_either(page, site):
    """A browser does not even say which it is."""
    code = """
        const { AIHubClient } = await import("@ai-hub/client");
        const dangerouslyAllowBrowser = true;
        const options = { apiKey: "test", baseURL: URL_OF_IT, dangerouslyAllowBrowser };
        try {
            await new AIHubClient(options).models.list();
        } catch (error) {
            return [error.name, error.status];
        }
    """
    assert page.run(code.replace("URL_OF_IT", repr(f"{site}/moved"))) == ["StatusError", None]


def test_a_client_there_has_to_be_allowed(page):
    """Whoever opens the page could read its key."""
    code = """
        const { AIHubClient } = await import("@ai-hub/client");
        try { new AIHubClient({ apiKey: "test" }); } catch (error) { return error.message; }
    """
    assert page.run(code).startswith("dangerouslyAllowBrowser: ")


def test_a_client_there_sees_the_limit(page, server):
    """The server exposes those headers to pages; whole answers and lists do as well as streams."""
    code = """
        const { AIHubClient } = await import("@ai-hub/client");
        const dangerouslyAllowBrowser = true;
        const options = { apiKey: "test", baseURL: URL_OF_IT, dangerouslyAllowBrowser };
        const client = new AIHubClient(options);
        const messages = [{ role: "user", content: "Hello!" }];
        const whole = await client.chat.create({ model: "gpt-4", messages });
        const models = await client.models.list();
        return [
            whole.choices[0].message.content, models.data.length > 100, client.lastRateLimit.limit,
        ];
    """
    assert page.run(code.replace("URL_OF_IT", repr(server.url))) == [GREETING, True, 500]
