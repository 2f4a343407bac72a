"""Clients without a socket: SDKs and plain clients on a hub in the same process."""

import threading
from contextlib import asynccontextmanager, contextmanager

import anyio
import pytest

pytest.importorskip("httpx2")

import httpx2

from aihub.config import open_hub, open_sync_hub
from aihub.errors import UsageMistake
from aihub.model.account import LOCAL_ACCOUNT
from aihub.model.events import Finished, Text
from aihub.server import inprocess
from aihub.server.app import App
from aihub.server.http import MAX_BODY
from aihub.sync import SyncHub
from aihub.testing import ScriptedProvider, open_test_hub
from aihub.testing.drivers import CHAT, Stepwise, Words

KEY = "aihub-dev-key"
HEADERS = {"authorization": f"Bearer {KEY}"}
PATH = "/v1/chat/completions"
STREAM = {**CHAT, "stream": True}
STORY = [{"role": "user", "content": "Tell me a story"}]
SECONDS = 10


@pytest.fixture(params=["httpx2", "httpx"])
def library(request):
    """Give both libraries."""
    return pytest.importorskip(request.param)


@contextmanager
def sync_hub(*providers):
    """A hub of its own thread, and no thread left at the end."""
    before = set(threading.enumerate())
    with SyncHub(lambda: open_test_hub(*providers)) as hub:
        yield hub
    assert set(threading.enumerate()) <= before


def states(hub):
    """How the program's own requests ended."""
    inner = hub.hub
    return hub.run(lambda: _states(inner))


async def _states(hub):
    return [row.state for row in await hub.requests(LOCAL_ACCOUNT)]


# SDKs


def test_the_sdk_asks_without_a_socket(library):
    """Whole, as a stream, and its errors are the SDK's own."""
    openai = pytest.importorskip("openai")
    with sync_hub() as hub, inprocess.http_client(hub, library) as http:
        client = openai.OpenAI(api_key=KEY, http_client=http, max_retries=0)
        whole = client.chat.completions.create(model="gpt-4", messages=STORY)
        assert whole.choices[0].message.content == "Once upon a time"
        with client.chat.completions.create(model="gpt-4", messages=STORY, stream=True) as stream:
            texts = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
        assert "".join(filter(None, texts)) == "Once upon a time"
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="nought", messages=STORY)
        assert refused.value.code == "model_not_found"
        stranger = client.with_options(api_key="nobody")
        with pytest.raises(openai.AuthenticationError):
            stranger.models.list()
        assert states(hub) == ["ok", "ok"]


def test_anthropics_sdk_asks_without_a_socket():
    """By its own door: whole, as a stream, counted, and refused."""
    anthropic = pytest.importorskip("anthropic")
    with sync_hub() as hub, inprocess.http_client(hub) as http:
        client = anthropic.Anthropic(api_key=KEY, http_client=http, max_retries=0)
        asked = {"model": "gpt-4", "messages": STORY, "max_tokens": 100}
        assert client.messages.create(**asked).content[0].text == "Once upon a time"
        with client.messages.stream(**asked) as stream:
            assert "".join(stream.text_stream) == "Once upon a time"
        with pytest.raises(anthropic.NotFoundError):
            client.messages.create(**{**asked, "model": "nought"})
        assert states(hub) == ["ok", "ok"]


# At [DONE] the SDK leaves its generators, and httpx2's, as they are; trio says so.
@pytest.mark.filterwarnings("ignore:Async generator '(openai|httpx2):ResourceWarning")
@pytest.mark.anyio
async def test_the_asynchronous_sdk_does_so_on_both_loops():
    """Frame by frame: what was said is there before more is said."""
    openai = pytest.importorskip("openai")
    provider = Stepwise()
    async with (
        open_test_hub(provider) as hub,
        inprocess.async_http_client(hub) as http,
    ):
        client = openai.AsyncOpenAI(api_key=KEY, http_client=http, max_retries=0)
        provider.say(Text("one"))
        async with await client.chat.completions.create(
            model="gpt-4", messages=STORY, stream=True
        ) as stream:
            said = []
            async for chunk in stream:
                said.append(chunk.choices[0].delta.content)
                if said[-1] == "one":
                    provider.say(Text("two"), Finished("stop"))
        assert "two" in said
        assert await _states(hub) == ["ok"]


# Synchronous clients


def test_a_stream_is_read_as_it_is_made(library):
    """Each piece is taken before the provider says the next; closing early frees it, settled."""
    made = []

    @asynccontextmanager
    async def opened():
        provider = Stepwise()
        made.append(provider)
        async with open_test_hub(provider) as hub:
            yield hub

    with SyncHub(opened) as hub, inprocess.http_client(hub, library) as client:

        def say(*events):
            async def act():
                made[0].say(*events)

            hub.run(act)

        say(Text("one"))
        with client.stream("POST", PATH, json=STREAM, headers=HEADERS) as response:
            read = b""
            pieces = response.iter_raw()
            for word in ("one", "two", "three"):
                while f'"{word}"'.encode() not in read:
                    read += next(pieces)
                assert word != "three"
                if word == "two":
                    break
                say(Text("two"))
        assert made[0].left.is_set()
        assert states(hub) == ["aborted"]


def test_many_threads_share_a_client():
    """Each has its own answer."""
    with sync_hub() as hub, inprocess.http_client(hub) as client:
        answers = []

        def ask():
            answers.append(client.post(PATH, json=CHAT, headers=HEADERS).status_code)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert answers == [200] * 8
        assert states(hub) == ["ok"] * 8


def test_a_client_that_closes_leaves_nothing_open():
    """Its streams are settled as aborted, though their responses were never closed."""
    provider = ScriptedProvider([Text("a")] * 1000)
    with sync_hub(provider) as hub:
        client = inprocess.http_client(hub)
        request = client.build_request("POST", PATH, json=STREAM, headers=HEADERS)
        response = client.send(request, stream=True)
        client.close()
        assert provider.open_now == 0
        assert states(hub) == ["aborted"]
        with pytest.raises(httpx2.RemoteProtocolError):
            response.read()


def test_a_client_outlives_its_hub_and_is_told(library):
    """As where nobody listens; closing it then is no mistake."""
    with sync_hub() as hub:
        client = inprocess.http_client(hub, library)
        assert client.get("/healthz").status_code == 200
    with pytest.raises(library.ConnectError):
        client.get("/healthz")
    client.close()


def test_a_hub_that_closes_ends_the_streams_that_are_open():
    """They end with the error event; afterwards nobody waits."""
    provider = ScriptedProvider([Text("a")] * 1000)
    with SyncHub(lambda: open_test_hub(provider, grace=0)) as hub:
        client = inprocess.http_client(hub)
        request = client.build_request("POST", PATH, json=STREAM, headers=HEADERS)
        response = client.send(request, stream=True)
    assert provider.open_now == 0
    with pytest.raises(httpx2.TransportError):
        response.read()
    client.close()


# Waiting


def test_a_read_that_waits_too_long_is_the_librarys_own_error(library):
    """Before the head and within a stream; the request is settled as aborted."""
    with sync_hub(Slow()) as hub, inprocess.http_client(hub, library, timeout=0.05) as client:
        for body in (CHAT, STREAM):
            with pytest.raises(library.ReadTimeout) as late:
                client.post(PATH, json=body, headers=HEADERS)
            assert late.value.request.url.path == PATH
        assert states(hub) == ["aborted", "aborted"]


class Slow(ScriptedProvider):
    """A provider that never says anything."""

    @asynccontextmanager
    async def open(self, call):
        async with super().open(call):
            yield Never()


class Never:
    """Events that never come."""

    def __aiter__(self):
        return self

    async def __anext__(self):
        await anyio.sleep_forever()

    async def aclose(self):
        """Nothing to do."""


@pytest.mark.anyio
async def test_a_call_may_be_cancelled_wherever_it_waits():
    """However many turns of the event loop it had: nothing is open, and every row is settled."""
    for turns in range(60):
        provider = ScriptedProvider()
        async with open_test_hub(provider) as hub:
            async with inprocess.async_http_client(hub) as client, anyio.create_task_group() as tg:

                async def ask(client=client):
                    async with client.stream("POST", PATH, json=STREAM, headers=HEADERS) as answer:
                        said = Words(answer)
                        async with left(said):
                            async for _ in said:
                                pass

                tg.start_soon(ask)
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                tg.cancel_scope.cancel()
            assert provider.open_now == 0
            assert hub.in_flight == 0
            assert set(await _states(hub)) <= {"aborted", "ok"}


@asynccontextmanager
async def left(said):
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await said.leave()


# Who asks


@pytest.mark.anyio
async def test_the_development_key_is_the_program_itself():
    """Unless that is switched off; keys of the hub's are theirs as over HTTP."""
    async with open_hub() as hub:
        account = await hub.accounts.create("a", plan="free")
        key = (await hub.accounts.create_key(account.id)).secret
        async with inprocess.async_http_client(hub) as client:
            for secret, status in ((KEY, 200), (key, 200), ("nobody", 401), ("é", 401)):
                headers = {"authorization": f"Bearer {secret}".encode()}
                answer = await client.get("/v1/models", headers=headers)
                assert answer.status_code == status
            assert (await client.get("/v1/models")).status_code == 401
            await client.post(PATH, json=CHAT, headers=HEADERS)
        async with inprocess.async_http_client(hub, dev_key=False) as client:
            assert (await client.get("/v1/models", headers=HEADERS)).status_code == 401
        async with inprocess.async_http_client(App(hub)) as client:
            assert (await client.get("/v1/models", headers=HEADERS)).status_code == 401
        assert await _states(hub) == ["ok"]
        with pytest.raises(Exception, match="acc_dev"):
            await hub.accounts.get("acc_dev")


def test_the_wrong_kind_of_hub_is_named():
    """Each error says what to use."""
    with sync_hub() as hub:
        with pytest.raises(UsageMistake, match="SyncHub"):
            inprocess.http_client(hub.hub)
        with pytest.raises(UsageMistake, match="Hub"):
            inprocess.async_http_client(hub)


@pytest.mark.anyio
async def test_a_body_without_end_is_not_taken_whole():
    """It is read until it is too large, and then it is a 413."""
    taken = []

    async def pieces():
        while True:
            taken.append(1)
            yield b"x" * 65536

    async with open_test_hub() as hub, inprocess.async_http_client(hub) as client:
        answer = await client.post(PATH, content=pieces())
        assert answer.status_code == 413
    assert len(taken) == MAX_BODY // 65536 + 1


def test_the_default_hub_answers_an_sdk_in_six_lines():
    """As the documentation has it."""
    openai = pytest.importorskip("openai")
    with open_sync_hub() as hub, inprocess.http_client(hub) as http:
        client = openai.OpenAI(api_key="aihub-dev-key", http_client=http)
        answer = client.chat.completions.create(
            model="gpt-4", messages=[{"role": "user", "content": "Hello, AI Hub!"}]
        )
        assert answer.choices[0].message.content.startswith("Hello!")
