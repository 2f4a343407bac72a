"""The hub for programs without an event loop."""

import gc
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import anyio
import pytest

from aihub.backends.storage.memory import MemoryStore
from aihub.config import Settings, open_sync_hub
from aihub.errors import (
    HubClosed,
    InvalidRequest,
    ModelNotFound,
    NotFound,
    NotPermitted,
    OverLimit,
    UpstreamCut,
    UpstreamFailed,
    UsageMistake,
)
from aihub.hub import Options
from aihub.model.account import Plan
from aihub.model.events import Finished, Text, UsageSeen
from aihub.sync import AHEAD, SyncHub
from aihub.testing import ManualClock, ScriptedProvider, open_test_hub


@pytest.fixture
def hub():
    """A hub whose provider tells one good answer."""
    with SyncHub(open_test_hub) as hub:
        yield hub


def hub_of(*scripts, **settings):
    """A hub whose provider plays *scripts*."""
    return SyncHub(lambda: open_test_hub(ScriptedProvider(*scripts), **settings))


def test_a_chat_is_answered_settled_and_metered(hub):
    """The same completion, row and report as in an event loop."""
    done = hub.chat("gpt-4", "Tell me a story", options=Options(labels={"team": "a"}))

    row = hub.request("req_" + done.id.removeprefix("chatcmpl-"))
    assert done.text == "Once upon a time"
    assert (row.state, row.cost, row.labels) == ("ok", done.cost, {"team": "a"})
    assert (hub.usage().requests, hub.usage(group_by="key").cost) == (1, done.cost)
    assert "gpt-4" in [model.id for model in hub.models()]
    assert hub.model("gpt-4").id == "gpt-4"


def test_accounts_are_managed_for_somebody_else(hub):
    """As a caller: within what their key may do."""
    account = hub.accounts.create("tenant").id
    made = hub.accounts.create_key(account, scopes=["admin"])
    mine = hub.accounts.as_caller(hub.authenticate(made.secret, "admin"))

    assert [one.id for one in mine.list()] == [account]
    with pytest.raises(NotPermitted):
        mine.change(account, plan="enterprise")


def test_a_stream_comes_event_by_event(hub):
    """Its end comes after the settlement; then the answer is whole."""
    with hub.stream("gpt-4", "Hi") as stream:
        events = list(stream)
        state = hub.request(stream.id).state
        whole = stream.completion

    assert [type(event) for event in events] == [Text, Text, Text, Finished, UsageSeen]
    assert (state, whole.text) == ("ok", "Once upon a time")


def test_texts_are_the_first_choices():
    """Other choices and other events are left out."""
    script = [Text("a"), Text("x", 1), Text("b"), Finished("stop"), Finished("stop", 1)]
    with hub_of(script) as hub, hub.stream("gpt-4", "Hi", n=2) as stream:
        assert list(stream.texts()) == ["a", "b"]


def test_an_abandoned_iterator_settles_as_aborted():
    """Leaving the context ends the request, however far ahead its provider was."""
    script = [*[Text("word ")] * (3 * AHEAD), Finished("stop")]
    with hub_of(script) as hub:
        with hub.stream("gpt-4", "Hi") as stream:
            for event in stream:
                assert event == Text("word ")
                break

        row = hub.request(stream.id)
        assert (row.state, row.usage.source) == ("aborted", "estimated")
        assert 1 <= row.usage.completion < 3 * AHEAD
        assert hub._hub.in_flight == 0


def test_an_exception_in_the_body_comes_out_as_it_is(hub):
    """The request is settled first."""
    with pytest.raises(KeyError), hub.stream("gpt-4", "Hi") as stream:
        raise KeyError("mine")

    assert hub.request(stream.id).settled is not None
    assert hub.chat("gpt-4", "Hi").text


def test_a_slow_reader_holds_the_provider_back():
    """The provider is at most a buffer ahead of the program."""
    script = [*[Text(f"{n} ") for n in range(5 * AHEAD)], Finished("stop")]
    told = 0
    with hub_of(script) as hub, hub.stream("gpt-4", "Hi") as stream:
        with pytest.raises(UsageMistake, match="last event"):
            _ = stream.completion
        for _ in stream:
            told += 1
            assert stream._events.statistics().current_buffer_used <= AHEAD

    assert told == len(script)


def test_an_answer_that_breaks_off_raises_while_iterating():
    """What came is given, then the error: a broken answer never looks like a whole one."""
    for broken, error in (
        ([Text("Once"), UpstreamFailed("reset")], UpstreamFailed),
        ([Text("Once")], UpstreamCut),
    ):
        seen = []
        with hub_of(broken) as hub, pytest.raises(error), hub.stream("gpt-4", "Hi") as stream:
            for event in stream:
                seen += [event]
        assert seen == [Text("Once")]


def test_errors_come_as_they_are(hub):
    """The same classes with the same data, from a call and from a stream."""
    with pytest.raises(ModelNotFound) as unknown:
        hub.chat("gpt-9", "Hi")
    assert unknown.value.model == "gpt-9"
    with pytest.raises(InvalidRequest, match="'tempreture'"):
        hub.chat("gpt-4", "Hi", tempreture=1)
    with pytest.raises(NotFound):
        hub.request("req_9")
    with pytest.raises(NotFound):
        hub.accounts.get("acc_9")


def test_accounts_work_without_await(hub):
    """The same methods; limits hold as everywhere."""
    hub.accounts.put_plan(Plan(name="one", requests_per_minute=1))
    account = hub.accounts.create("a", plan="one")
    key = hub.accounts.create_key(account.id)
    hub.chat("gpt-4", "Hi", key=key.secret)

    with pytest.raises(OverLimit) as refused:
        hub.chat("gpt-4", "Hi", key=key.secret)

    assert refused.value.retry_after == 60
    assert hub.usage(account.id).requests == 1
    with pytest.raises(AttributeError):
        hub.accounts.creat("typo")


def test_several_threads_may_call_at_once(hub):
    """Every answer is whole and each is in the ledger once."""
    together = threading.Barrier(8)

    def ask(n):
        together.wait(5)
        if n % 2:
            with hub.stream("gpt-4", f"Hi {n}") as stream:
                return "".join(stream.texts())
        return hub.chat("gpt-4", f"Hi {n}").text

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(ask, range(8)))

    assert texts == ["Once upon a time"] * 8
    assert hub.usage().requests == 8


@pytest.mark.parametrize(
    "backend", ["asyncio", pytest.param("trio", marks=pytest.mark.needs("trio"))]
)
def test_inside_a_running_loop_it_names_hub(hub, backend):
    """A call that would block the loop says what to use instead, and so does entering."""

    async def main():
        with pytest.raises(UsageMistake, match=r"use aihub\.Hub"):
            hub.chat("gpt-4", "Hi")
        with pytest.raises(UsageMistake, match=r"use aihub\.Hub"), SyncHub(open_test_hub):
            pytest.fail("the body ran")

    anyio.run(main, backend=backend)
    assert hub.chat("gpt-4", "Hi").text


def test_use_outside_its_context_says_so():
    """Before and after, for a call and the accounts alike; nothing waits for ever."""
    hub = SyncHub(open_test_hub)
    with pytest.raises(HubClosed, match="enter the hub first"):
        hub.chat("gpt-4", "Hi")
    with hub:
        hub.chat("gpt-4", "Hi")
    for call in (
        lambda: hub.chat("gpt-4", "Hi"),
        hub.usage,
        hub.accounts.create,
    ):
        with pytest.raises(HubClosed, match="enter the hub first"):
            call()


@asynccontextmanager
async def broken_hub():
    """Open a hub that cannot be made."""
    raise UsageMistake("the routes name nobody")
    yield


def test_what_fails_while_opening_comes_out_and_leaves_no_thread():
    """A hub that could not be opened is not half open."""
    before = threading.active_count()
    with pytest.raises(UsageMistake, match="routes"), SyncHub(broken_hub):
        pytest.fail("the body ran")
    assert threading.active_count() == before


def test_no_thread_outlives_the_hub(hub):
    """The portal's thread ends with the context."""
    before = set(threading.enumerate())
    with SyncHub(open_test_hub) as other:
        other.chat("gpt-4", "Hi")
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="signals work otherwise there")
def test_an_interrupted_call_is_settled_as_aborted():
    """Ctrl-C while an answer is awaited ends the request, and the provider is let go."""
    main = threading.get_ident()
    store = MemoryStore(clock=ManualClock())

    def is_awaited():
        # run -> result -> wait: the call has been handed over, and its result is waited for.
        frame = sys._current_frames()[main]
        names = [frame.f_code.co_name, frame.f_back.f_back.f_code.co_name]
        return names == ["wait", "run"]

    class Waits(ScriptedProvider):
        @asynccontextmanager
        async def open(self, call):
            async with super().open(call):
                while not is_awaited():
                    await anyio.lowlevel.checkpoint()
                signal.pthread_kill(main, signal.SIGINT)
                await anyio.sleep_forever()
                yield

    provider = Waits()
    hub = SyncHub(lambda: open_test_hub(provider, store=store))
    # A shell starts what runs in its background with this signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with hub, pytest.raises(KeyboardInterrupt):
            hub.chat("gpt-4", "Hi")
    finally:
        signal.signal(signal.SIGINT, before)
    (row,) = anyio.run(store.rows, "acc_local")

    assert (row.state, provider.open_now) == ("aborted", 0)


def test_a_refused_stream_leaves_nothing_open():
    """No stream between threads is left for the garbage collector."""
    with SyncHub(open_test_hub) as hub:
        with pytest.raises(ModelNotFound), hub.stream("gpt-9", "Hi"):
            pass
        gc.collect()


def test_sessions_are_the_same_without_await():
    """Begun, gone on with, forked, read and deleted from a plain program."""
    with open_sync_hub(Settings(store="memory:")) as hub:
        session = hub.sessions.create(model="gpt-4")
        first = hub.chat(None, "I am Ann.", session=session.id, max_tokens=5)
        with hub.stream(None, "Who am I?", session=session.id, max_tokens=5) as stream:
            told = "".join(stream.texts())
        turns = hub.sessions.turns(session.id)
        assert [turn.messages[-1].text for turn in turns] == [first.text, told]
        fork = hub.sessions.fork(session.id, turn=1)
        hub.sessions.delete(session.id)
        assert [one.id for one in hub.sessions.list()] == [fork.id]
