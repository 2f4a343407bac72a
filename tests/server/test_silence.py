"""Drivers that wait: the ASGI application and a client in process, with a clock that jumps."""

import json

import pytest

pytest.importorskip("trio")
pytest.importorskip("pytest_trio")
pytest.importorskip("httpx2")

import trio

from aihub.model.events import Finished, Text
from aihub.server import inprocess
from aihub.server.http import BODY_TIMEOUT, KEEP_ALIVE_AFTER, WRITE_TIMEOUT
from aihub.testing import open_test_hub
from aihub.testing.drivers import Stepwise, Talker, Words

from .test_asgi import PATH, STREAM, asked, scope_of

pytestmark = pytest.mark.trio
HEADERS = {"authorization": "Bearer aihub-dev-key"}


async def test_a_silent_stream_says_that_it_lives(autojump_clock):
    """The head and a comment after 15 s, then a comment every 15 s; then the answer."""
    provider = Stepwise()
    async with asked(provider) as (_, client, _):
        began = trio.current_time()
        async with client.stream("POST", PATH, json=STREAM) as response:
            waited = trio.current_time() - began
            assert KEEP_ALIVE_AFTER <= waited <= KEEP_ALIVE_AFTER + 2
            said = Words(response)
            for _ in range(3):
                assert await anext(said) == ": keep-alive"
            assert trio.current_time() - began > 3 * KEEP_ALIVE_AFTER
            provider.say(Text("one"), Finished("stop"))
            await said.wait_for("one")
            assert [word async for word in said][-1] == "[DONE]"


async def test_a_failure_after_a_keep_alive_is_told_in_band(autojump_clock):
    """The head has left: the error is an event, without [DONE]."""
    provider = Stepwise()
    async with asked(provider) as (_, client, _):
        async with client.stream("POST", PATH, json=STREAM) as response:
            said = Words(response)
            assert await anext(said) == ": keep-alive"
            provider._say.close()
            told = [word async for word in said]
        assert response.status_code == 200
        assert json.loads(told[-1])["error"]["type"] == "model_error"


async def test_a_peer_that_never_reads_is_given_up(autojump_clock):
    """A write that waits WRITE_TIMEOUT ends the request, a keep-alive's too; it is settled."""
    for provider in (Talker(), Stepwise()):
        async with asked(provider) as (_, client, states):
            began = trio.current_time()
            async with client.stream("POST", PATH, json=STREAM):
                await provider.left.wait()
                waited = trio.current_time() - began
                assert WRITE_TIMEOUT <= waited <= WRITE_TIMEOUT + KEEP_ALIVE_AFTER + 4
            await trio.testing.wait_all_tasks_blocked()
            assert await states() == ["aborted"]


async def test_a_keep_alive_that_finds_nobody_ends_the_request(autojump_clock):
    """A server may say so by an error of `send` alone: it is no bug, and the request is settled."""
    provider = Stepwise()
    async with asked(provider) as (asgi, client, states):
        body = [json.dumps(STREAM).encode()]

        async def receive():
            if not body:
                await trio.sleep_forever()
            return {"type": "http.request", "body": body.pop()}

        async def send(_):
            raise BrokenPipeError

        key = client.headers["authorization"].encode()
        scope = scope_of(PATH, [(b"authorization", key)], method="POST")
        await asgi(scope, receive, send)
        assert provider.left.is_set()
        assert await states() == ["aborted"]


async def test_a_body_that_does_not_come_is_given_up(autojump_clock):
    """408 when BODY_TIMEOUT passes between two pieces, or when the whole is too slow."""

    async def stops():
        yield b"{"
        await trio.sleep_forever()

    async def drips():
        while True:
            yield b" "
            await trio.sleep(BODY_TIMEOUT - 1)

    for body in (stops, drips):
        began = trio.current_time()
        async with asked() as (_, client, states):
            answer = await client.post(PATH, content=body())
            assert (answer.status_code, answer.json()["error"]["code"]) == (408, "request_timeout")
            assert trio.current_time() - began < 2 * BODY_TIMEOUT + 3
            assert await states() == []


async def test_a_peer_that_does_not_read_does_not_hold_a_stop(autojump_clock):
    """It is cut after the farewell, and settled."""
    provider = Talker()
    async with (
        asked(provider) as (asgi, client, states),
        client.stream("POST", PATH, json=STREAM),
    ):
        began = trio.current_time()
        await asgi.stop(0)
        assert trio.current_time() - began < 5
        assert await states() == ["aborted"]


async def test_a_silent_stream_in_process_says_so_too(autojump_clock):
    """So a client with a timeout for reading waits for a slow model as it does over HTTP."""
    provider = Stepwise()
    async with (
        open_test_hub(provider) as hub,
        inprocess.async_http_client(hub, timeout=20) as client,
        client.stream("POST", PATH, json=STREAM, headers=HEADERS) as response,
    ):
        said = Words(response)
        for _ in range(3):
            assert await anext(said) == ": keep-alive"
        provider.say(Text("one"), Finished("stop"))
        assert [word async for word in said][-1] == "[DONE]"
