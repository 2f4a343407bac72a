"""The clients on bad days that the vectors do not tell: cancelled, left, flooded, refused."""

import gc
import ssl
import threading
import warnings

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

import ai_hub
from aihub.backends.clocks import ManualClock
from aihub.client import talk
from aihub.testing.upstreams import Deed, answer, chunked, open_upstream

from .asking import CHAT, CHUNK, EVENTS, STREAM, WHOLE, at_upstream

pytestmark = pytest.mark.anyio

MAX_WALK = 400
"""Turns of the event loop that a call has at most."""


@pytest.mark.slow
async def test_a_certificate_that_is_not_trusted_is_told():
    """As such, by both clients, and it is not tried again."""
    trustme = pytest.importorskip("trustme")
    waits = []
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with open_upstream(answer(WHOLE), tls=tls) as upstream:

        def blocking():
            options = {"api_key": "k", "base_url": upstream.url, "sleep": waits.append}
            with ai_hub.AIHubClient(**options) as client:
                client.chat.create(**CHAT)

        with pytest.raises(ai_hub.APIConnectionError) as refused:
            await anyio.to_thread.run_sync(blocking)
        assert refused.value.code == "tls_failed"
        assert "certificate" in str(refused.value)

        async def sleep(seconds):
            waits.append(seconds)

        options = {"api_key": "k", "base_url": upstream.url, "sleep": sleep}
        async with ai_hub.AsyncAIHubClient(**options) as client:
            with pytest.raises(ai_hub.APIConnectionError) as refused:
                await client.chat.create(**CHAT)
        assert (refused.value.code, waits) == ("tls_failed", [])
        assert "certificate" in str(refused.value)


async def test_cancelling_at_any_point_leaves_a_client_whole():
    """After one turn of the event loop, after two, and so on to the call's end: none is leaked."""
    done = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with at_upstream(STREAM) as (client, upstream):

            async def call():
                async with client.chat.stream(**CHAT) as stream:
                    done.append(await stream.read())

            for turns in range(MAX_WALK):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(call)
                    for _ in range(turns):
                        await anyio.lowlevel.checkpoint()
                    tasks.cancel_scope.cancel()
                if done:
                    break
                await upstream.wait_open(0)
            assert done[0].text == "HiHi"
        gc.collect()


async def test_a_stream_that_was_read_to_its_end_keeps_its_connection():
    """The next call goes out on it."""
    async with at_upstream(STREAM) as (client, upstream):
        for _ in range(3):
            async with client.chat.stream(**CHAT) as stream:
                await stream.read()
        assert upstream.opened == 1


async def test_a_stream_that_is_left_frees_its_connection():
    """By leaving its context in the midst, by an exception, and by closing it."""
    script = [*chunked(CHUNK, headers=EVENTS)[:2], Deed.HANG]
    async with at_upstream(script) as (client, upstream):
        async with client.chat.stream(**CHAT) as stream:
            assert (await anext(stream)).text == "Hi"
        await upstream.wait_open(0)
        with pytest.raises(ZeroDivisionError):
            async with client.chat.stream(**CHAT) as stream:
                await anext(stream)
                raise ZeroDivisionError
        await upstream.wait_open(0)
        stream = await client.chat.create(**CHAT, stream=True)
        await stream.aclose()
        await upstream.wait_open(0)


async def test_an_answer_has_bounds(monkeypatch):
    """Whole and streamed; what is larger is no answer."""
    monkeypatch.setattr(talk, "MAX_ANSWER", 100)
    monkeypatch.setattr("aihub.client.streaming.MAX_ANSWER", 100)
    endless = chunked(b"data: " + b"x" * 50, headers=EVENTS)
    async with at_upstream(answer(b" " * 101), STREAM, endless, max_retries=0) as (client, _):
        with pytest.raises(ai_hub.MalformedResponseError, match="more than 100 bytes"):
            await client.chat.create(**CHAT)
        with pytest.raises(ai_hub.MalformedResponseError, match="more than 100 bytes"):
            async with client.chat.stream(**CHAT) as stream:
                await stream.read()
        monkeypatch.setattr("aihub.dialects.sse.MAX_SSE_EVENT", 10)
        with pytest.raises(ai_hub.MalformedResponseError, match="more than 10 bytes"):
            async with client.chat.stream(**CHAT) as stream:
                await stream.read()


async def test_a_fresh_wait_is_drawn_each_time():
    """Clients that failed together do not come back together."""
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    busy = answer(b"{}", status="500 No")
    async with at_upstream(busy, max_retries=6, sleep=sleep, clock=ManualClock()) as (client, _):
        with pytest.raises(ai_hub.InternalServerError):
            await client.chat.create(**CHAT)

    assert len(set(waits)) == 6


async def test_names_differ_from_call_to_call():
    """Each call is billed for itself."""
    async with at_upstream(answer(WHOLE)) as (client, upstream):
        for _ in range(3):
            await client.chat.create(**CHAT)

    assert len({dict(one.headers)["idempotency-key"] for one in upstream.asked}) == 3


async def test_a_client_without_an_event_loop_keeps_its_connection():
    """Calls that follow each other go out on one; threads at once have one each at most."""
    async with open_upstream(answer(WHOLE)) as upstream:

        def ask():
            with ai_hub.AIHubClient(api_key="k", base_url=upstream.url) as client:
                for _ in range(3):
                    client.chat.create(**CHAT)
                opened = upstream.opened
                threads = [
                    threading.Thread(target=client.chat.create, kwargs=CHAT) for _ in range(4)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                return opened

        assert await anyio.to_thread.run_sync(ask) == 1
        assert len(upstream.asked) == 7
        assert upstream.opened <= 4
