"""What becomes of a request when a provider has a bad day: seen, retried, billed, and freed.

Each fault is tried for every kind of provider over real sockets, alone and with a second provider
to fall over to. Whatever happens, the ledger has exactly one row, whose cost is the sum of its
attempts, and no connection stays open.
"""

from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import attrs
import pytest

from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.backends.transports.native import NativeTransport
from aihub.errors import (
    SettlementFailed,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
    UpstreamTimeout,
)
from aihub.model.catalogue import Deployment, Retries, Routes
from aihub.model.events import Finished, Text, UsageSeen
from aihub.server.problems import STATUS
from aihub.testing import ManualClock, ScriptedProvider, open_test_hub
from aihub.testing.providers import MODEL
from aihub.testing.upstreams import Deed, answer, chunked, open_upstream

from ...slow_store import SlowStore
from .http_answers import EVENTS, JSON, PATIENT, SERVERS, SOON, TEXT, WORDS, head, whole

pytestmark = pytest.mark.anyio

KINDS = pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
TRANSPORTS = pytest.mark.parametrize(
    "transport", [Httpx2Transport, NativeTransport], ids=["httpx2", "native"]
)
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@attrs.frozen
class Seen:
    """What came of one request."""

    text: str
    error: UpstreamError | None
    row: object
    asked: int
    spare: int


def places(*names):
    """Routes of the one model to providers that are asked once each."""
    made = tuple(
        Deployment(id=name, provider=f"p{n}", upstream_model="up-model", region="here")
        for n, name in enumerate(names)
    )
    return Routes(deployments={MODEL.id: made}, region="here", retries=Retries(most=0))


@asynccontextmanager
async def hub_of(server, transport, url, *, spare=None, **more):
    """A hub with a provider of a kind that asks *url*, and perhaps another one behind it."""
    provider = server.provider(transport(), url, **more)
    behind = [] if spare is None else [spare]
    routes = places("up", "spare") if behind else places("up")
    async with open_test_hub(provider, *behind, routes=routes) as hub:
        yield hub


async def ask(server, transport, *script, stream, fall_over=False, url=None, **more):
    """Send one request to a server that plays *script*, and look at all that came of it."""
    spare = ScriptedProvider() if fall_over else None
    piece = more.pop("piece", None)
    async with open_upstream(list(script), piece=piece) as upstream:
        where = url or upstream.url
        text, error = [], None
        async with hub_of(server, transport, where, spare=spare, **more) as hub:
            async with hub.stream("gpt-4", "Hi") if stream else _whole(hub) as events:
                try:
                    async for event in events:
                        if isinstance(event, Text):
                            text.append(event.text)
                except UpstreamError as failed:
                    error = failed
            [row] = await hub.requests()
        await upstream.wait_open(0)
    assert row.cost == sum(one.cost for one in row.attempts)
    assert row.state == ("ok" if error is None else "error")
    calls = 0 if spare is None else len(spare.calls)
    return Seen("".join(text), error, row, len(upstream.asked), calls)


@asynccontextmanager
async def _whole(hub):
    async def events():
        done = await hub.chat("gpt-4", "Hi")
        yield Text(done.text)

    yield events()


# What a server may say in place of an answer

DATED = [
    ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT"),
    ("date", "Wed, 21 Oct 2026 07:28:00 GMT"),
]
STATUSES = [
    ("400 Bad Request", [], UpstreamRefused, {"status": 400}),
    ("401 Unauthorized", [], UpstreamFailed, {"code": "upstream_credentials"}),
    ("403 Forbidden", [], UpstreamFailed, {"code": "upstream_credentials"}),
    ("404 Not Found", [], UpstreamFailed, {"code": "upstream_not_found"}),
    ("408 Request Timeout", [], UpstreamFailed, {"status": 408}),
    ("409 Conflict", [], UpstreamFailed, {"status": 409}),
    ("429 Too Many Requests", [("retry-after", "7")], UpstreamLimited, {"retry_after": 7}),
    ("429 Too Many Requests", DATED, UpstreamLimited, {"retry_after": 30}),
    ("429 Too Many Requests", [], UpstreamLimited, {"retry_after": None}),
    ("500 Internal Server Error", [], UpstreamFailed, {"code": "upstream_failed"}),
    ("502 Bad Gateway", [], UpstreamFailed, {"status": 502}),
    ("503 Service Unavailable", [], UpstreamFailed, {"code": "upstream_overloaded"}),
    ("529 Overloaded", [], UpstreamFailed, {"code": "upstream_overloaded"}),
]


@KINDS
@TRANSPORTS
@STREAM
@pytest.mark.parametrize(
    ("status", "headers", "kind", "fields"), STATUSES, ids=lambda one: str(one)[:3]
)
async def test_an_error_status_costs_nothing_and_another_is_asked(
    server, transport, stream, status, headers, kind, fields
):
    """By whose fault it is; nothing is billed; another provider gets its chance."""
    script = answer(server.error(), status=status, headers=[*JSON, *headers])
    seen = await ask(server, transport, *script, stream=stream)
    assert type(seen.error) is kind
    assert {name: getattr(seen.error, name) for name in fields} == fields
    assert (seen.row.cost, seen.row.usage, seen.asked) == (0, None, 1)
    assert STATUS[kind][0] in {400, 429, 502}

    seen = await ask(server, transport, *script, stream=stream, fall_over=True)
    assert (seen.error, seen.text, seen.spare) == (None, TEXT, 1)
    assert [one.outcome for one in seen.row.attempts][-1] == "ok"


@KINDS
@TRANSPORTS
@STREAM
@pytest.mark.parametrize(
    "script",
    [
        answer(b"<html>We will be back soon</html>", headers=[("content-type", "text/html")]),
        answer(b"", headers=JSON),
        answer(b"{", headers=JSON),
        answer(b"[1, 2]", headers=JSON),
        answer(b"null", headers=JSON),
    ],
    ids=["page", "empty", "broken", "list", "null"],
)
async def test_a_200_that_is_no_answer_is_a_failure(server, transport, stream, script):
    """A page, nothing, other JSON: never an empty answer, and nothing is billed."""
    seen = await ask(server, transport, *script, stream=stream)
    assert (type(seen.error), seen.error.code) == (UpstreamFailed, "bad_answer")
    assert (seen.row.cost, seen.text) == (0, "")

    seen = await ask(server, transport, *script, stream=stream, fall_over=True)
    assert (seen.error, seen.text) == (None, TEXT)


@KINDS
@TRANSPORTS
async def test_an_empty_stream_is_cut_and_another_is_asked(server, transport):
    """It had no content, so it may be tried elsewhere; a provider may bill what it began."""
    script = answer(b"", headers=EVENTS)
    seen = await ask(server, transport, *script, stream=True)
    assert type(seen.error) is UpstreamCut
    assert seen.row.usage.source == "estimated"
    seen = await ask(server, transport, *script, stream=True, fall_over=True)
    assert (seen.error, seen.text, seen.spare) == (None, TEXT, 1)


# Connections


@KINDS
@TRANSPORTS
@STREAM
async def test_a_refused_connection_costs_nothing_and_another_is_asked(server, transport, stream):
    """Nothing was asked, so nothing was billed."""
    async with open_upstream() as upstream:
        gone = upstream.url
    for fall_over in (False, True):
        seen = await ask(server, transport, stream=stream, url=gone, fall_over=fall_over)
        if not fall_over:
            assert (seen.error.code, seen.row.cost) == ("connect_failed", 0)
    assert (seen.error, seen.text) == (None, TEXT)


@KINDS
@TRANSPORTS
async def test_a_server_that_does_not_speak_tls_is_a_failure(server, transport):
    """It is told apart from one that cannot be reached."""
    async with open_upstream([b"HTTP/1.1 400 Bad\r\n\r\n"], whole_requests=False) as upstream:
        url = upstream.url.replace("http:", "https:")
        seen = await ask(server, transport, stream=False, url=url)
    assert (seen.error.code, seen.row.cost) == ("tls_failed", 0)


@KINDS
@TRANSPORTS
@STREAM
async def test_a_connection_that_breaks_before_the_answer_is_cut(server, transport, stream):
    """It was asked, so its prompt may be billed; another is asked."""
    seen = await ask(server, transport, Deed.CLOSE, stream=stream)
    assert (type(seen.error), seen.row.usage.source) == (UpstreamCut, "estimated")
    assert seen.row.usage.completion == 0
    seen = await ask(server, transport, Deed.CLOSE, stream=stream, fall_over=True)
    assert (seen.error, seen.text) == (None, TEXT)
    assert seen.row.cost > seen.row.attempts[-1].cost


@KINDS
@TRANSPORTS
@pytest.mark.parametrize("how", ["clean", "reset", "short"])
async def test_a_stream_that_is_cut_anywhere_never_ends_well(server, transport, how):
    """After every frame: before content another may be asked; after it the partial answer is billed
    and the error told; after the end that the dialect has, it is whole.
    """
    frames = server.frames
    first = len(server.before) + 1
    whole_at = len(server.before) + len(server.words) + server.end_at + 1
    end = Deed.RESET if how == "reset" else Deed.CLOSE
    length = len(b"".join(frames)) + 1 if how == "short" else None
    for k in range(len(frames)):
        script = [head(length=length), *frames[:k]]
        if how == "reset":
            # So that what was sent arrives before the connection breaks.
            script.append(0.01)
        seen = await ask(server, transport, *script, end, stream=True)
        words = max(0, min(k - len(server.before), len(WORDS)))
        assert seen.text == "".join(WORDS[:words])
        if server.is_whole_after(k):
            assert seen.error is None
            assert k >= whole_at
            continue
        assert type(seen.error) is UpstreamCut, (k, seen.error)
        [attempt] = seen.row.attempts
        assert attempt.outcome == ("cut" if k >= first else "failed")
        told = k > len(server.before) + len(server.words) + server.usage_at
        assert attempt.usage.source == ("provider" if told else "estimated")
        assert attempt.usage.completion >= words


@KINDS
@TRANSPORTS
async def test_after_content_no_other_is_asked(server, transport):
    """A caller who has read a word is told the error, and billed what came."""
    frames = server.frames[: len(server.before) + 2]
    seen = await ask(
        server, transport, head(length=10**6), *frames, Deed.CLOSE, stream=True, fall_over=True
    )
    assert (seen.text, seen.spare) == ("".join(WORDS[:2]), 0)
    assert type(seen.error) is UpstreamCut


# Time


@pytest.mark.slow
@KINDS
@TRANSPORTS
@STREAM
async def test_an_answer_that_does_not_begin_in_time_is_a_timeout(server, transport, stream):
    """Its prompt may be billed; another is asked."""
    timeouts = attrs.evolve(PATIENT, first_byte=SOON)
    seen = await ask(server, transport, Deed.HANG, stream=stream, timeouts=timeouts)
    assert (type(seen.error), seen.error.code) == (UpstreamTimeout, "first_byte_timeout")
    assert (seen.row.usage.source, seen.row.usage.completion) == ("estimated", 0)
    seen = await ask(server, transport, Deed.HANG, stream=stream, fall_over=True, timeouts=timeouts)
    assert (seen.error, seen.text) == (None, TEXT)


@pytest.mark.slow
@KINDS
@TRANSPORTS
async def test_a_stream_that_stalls_is_a_timeout(server, transport):
    """After content: told in the stream, and billed for what came."""
    frames = server.frames[: len(server.before) + 2]
    script = [head(length=10**6), *frames, Deed.HANG]
    timeouts = attrs.evolve(PATIENT, idle=SOON)
    seen = await ask(server, transport, *script, stream=True, fall_over=True, timeouts=timeouts)
    assert (type(seen.error), seen.error.code) == (UpstreamTimeout, "idle_timeout")
    assert (seen.text, seen.spare, seen.row.usage.source) == ("".join(WORDS[:2]), 0, "estimated")


@pytest.mark.slow
@KINDS
@TRANSPORTS
async def test_a_stream_that_trickles_on_ends_in_time(server, transport):
    """However often a byte comes, there is an end to it."""
    trickle = [step for _ in range(100) for step in (server.alive, 0.02)]
    script = [head(length=10**6), *trickle, Deed.HANG]
    timeouts = attrs.evolve(PATIENT, total=1.0)
    seen = await ask(server, transport, *script, stream=True, timeouts=timeouts)
    assert (type(seen.error), seen.error.code) == (UpstreamTimeout, "total_timeout")


@pytest.mark.slow
@KINDS
@TRANSPORTS
async def test_a_handshake_that_never_ends_is_a_failure(server, transport):
    """Nothing was asked, so nothing is billed."""
    async with open_upstream([Deed.HANG], whole_requests=False) as upstream:
        url = upstream.url.replace("http:", "https:")
        timeouts = attrs.evolve(PATIENT, connect=SOON)
        seen = await ask(server, transport, stream=False, url=url, timeouts=timeouts)
    assert (seen.error.code, seen.row.cost) == ("connect_timeout", 0)


# What is wrong inside a stream


@KINDS
@TRANSPORTS
@pytest.mark.parametrize("words", range(3))
async def test_an_error_inside_a_stream_is_told(server, transport, words):
    """Before content another is asked; after it the caller is told, and billed what came."""
    frames = [*server.frames[: len(server.before) + words], server.late]
    script = chunked(*frames, headers=EVENTS)
    seen = await ask(server, transport, *script, stream=True, fall_over=True)
    if words:
        assert (type(seen.error), seen.error.message) == (UpstreamFailed, "Oh.")
        assert (seen.text, seen.spare) == ("".join(WORDS[:words]), 0)
        assert seen.row.usage.source == "estimated"
    else:
        assert (seen.error, seen.text, seen.spare) == (None, TEXT, 1)


@KINDS
@TRANSPORTS
async def test_a_chunk_that_is_garbage_is_told(server, transport):
    """After content: the stream ends in an error, and what came is billed."""
    garbage = server.words[2].replace(b"{", b"[", 1)
    frames = [*server.frames[: len(server.before) + 2], garbage, *server.after]
    script = chunked(*frames, headers=EVENTS)
    seen = await ask(server, transport, *script, stream=True, fall_over=True)
    assert (type(seen.error), seen.error.code) == (UpstreamFailed, "bad_stream")
    assert (seen.text, seen.spare) == ("".join(WORDS[:2]), 0)


@KINDS
@TRANSPORTS
async def test_characters_that_are_cut_in_two_are_read_whole(server, transport):
    """Byte by byte, in a text of two, three and four bytes a character."""
    odd = "é€🙂"
    frames = [server.reworded(one, b"Once", odd.encode()) for one in server.frames]
    script = chunked(*frames, headers=EVENTS)
    seen = await ask(server, transport, *script, stream=True, piece=3)
    assert (seen.error, seen.text) == (None, odd + TEXT[4:])


@KINDS
@TRANSPORTS
async def test_usage_that_is_missing_is_estimated(server, transport):
    """The answer is good; the row says that nobody told."""
    after = list(server.after)
    after[server.usage_at] = server.without_usage
    frames = [*server.before_without_usage, *server.words, *after]
    seen = await ask(server, transport, *chunked(*frames, headers=EVENTS), stream=True)
    assert (seen.error, seen.text, seen.row.usage.source) == (None, TEXT, "estimated")


@KINDS
@TRANSPORTS
async def test_a_repeated_word_is_what_was_said(server, transport):
    """Nobody can tell it from one that was meant; what the provider counted is billed."""
    frames = [*server.before, server.words[0], *server.words, *server.after]
    if not server.repeats:
        return
    seen = await ask(server, transport, *chunked(*frames, headers=EVENTS), stream=True)
    assert (seen.error, seen.text, seen.row.usage.source) == (None, WORDS[0] + TEXT, "provider")


@KINDS
@TRANSPORTS
async def test_a_word_after_the_end_is_garbage(server, transport):
    """Out of order, an answer is not the answer: told as an error, never as a good end."""
    after = server.after
    at = server.shut_at + 1
    frames = [*server.before, *server.words[:3], *after[:at], server.words[3], *after[at:]]
    seen = await ask(server, transport, *chunked(*frames, headers=EVENTS), stream=True)
    assert (type(seen.error), seen.error.code) == (UpstreamFailed, "bad_stream")


@KINDS
@TRANSPORTS
@STREAM
async def test_another_model_is_noted(server, transport, stream):
    """The attempt says who answered; the price is that of what was asked for."""
    if stream:
        script = chunked(
            *[server.reworded(one, b"up-model", b"odd-one") for one in server.frames],
            headers=EVENTS,
        )
    else:
        script = whole(server, server.whole.replace(b"up-model", b"odd-one"))
    seen = await ask(server, transport, *script, stream=stream)
    [attempt] = seen.row.attempts
    assert attempt.upstream_model == ("odd-one" if server.names_model else "up-model")
    assert (seen.error, seen.row.cost) == (
        None,
        7 * MODEL.prices.prompt + 4 * MODEL.prices.completion,
    )


# Callers who leave


@pytest.mark.slow
@KINDS
@TRANSPORTS
async def test_an_answer_that_has_told_its_end_is_not_waited_for(server, transport):
    """Whether or not the connection ends with it: the end is the answer's own."""
    if server.kind == "gemini":
        return
    script = [head(length=10**6), *server.frames, Deed.HANG]
    seen = await ask(server, transport, *script, stream=True)
    assert (seen.error, seen.text) == (None, TEXT)


@KINDS
@TRANSPORTS
async def test_a_caller_who_leaves_frees_the_connection_at_once(server, transport):
    """In the middle of a stream; what came is billed as an estimate."""
    script = [head(length=10**6), *server.frames[: len(server.before) + 2], Deed.HANG]
    async with (
        open_upstream(script) as upstream,
        hub_of(server, transport, upstream.url) as hub,
    ):
        async with hub.stream("gpt-4", "Hi") as stream:
            async for event in stream:
                if isinstance(event, Text):
                    break
        await upstream.wait_open(0)
        [row] = await hub.requests()
    assert (row.state, row.usage.source) == ("aborted", "estimated")


@pytest.mark.slow
@TRANSPORTS
async def test_a_thousand_callers_who_leave_leave_nothing(transport):
    """Cancelled here and there: no connection, no open row, and the next call is answered."""
    server = SERVERS["openai"]
    script = [head(length=10**6), *server.frames[:3], Deed.HANG]
    async with (
        open_upstream(script) as upstream,
        hub_of(server, transport, upstream.url) as hub,
    ):
        for n in range(1000):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_read, hub)
                for _ in range(n % 40):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
        await upstream.wait_open(0)
        assert hub.in_flight == 0
        states, after = set(), None
        while rows := await hub.requests(after=after):
            states |= {row.state for row in rows}
            after = rows[-1].id
    assert states <= {"aborted"}


async def _read(hub):
    async with hub.stream("gpt-4", "Hi") as stream:
        async for _ in stream:
            pass


# A store that is down


@KINDS
@TRANSPORTS
@STREAM
async def test_an_answer_that_cannot_be_settled_is_not_delivered_as_good(
    server, transport, stream, monkeypatch
):
    """Its provider is free at once; what it counted is booked when the store is back."""
    monkeypatch.setattr("aihub.hub.settling.FIRST_RETRY", 0.001)
    store = SlowStore(clock := ManualClock())
    script = chunked(*server.frames, headers=EVENTS) if stream else whole(server)
    async with open_upstream(list(script)) as upstream:
        provider = server.provider(transport(), upstream.url)
        routes = places("up")
        async with open_test_hub(provider, routes=routes, store=store, clock=clock) as hub:
            store.down.add("settle")
            text = []
            with pytest.raises(SettlementFailed):
                async with hub.stream("gpt-4", "Hi") if stream else _whole(hub) as events:
                    async for event in events:
                        text.append(event)
            assert not any(isinstance(event, Finished | UsageSeen) for event in text)
            assert not hub.ready
            store.down.clear()
            with anyio.fail_after(20):
                while not hub.ready:
                    await anyio.sleep(0.001)
            [row] = await hub.requests()
        await upstream.wait_open(0)
    assert (row.state, row.usage.source) == ("ok", "provider")
    assert row.cost == sum(one.cost for one in row.attempts) > 0
    assert set(store.settlements.values()) == {1}
