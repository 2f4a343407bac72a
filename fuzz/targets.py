"""What is fuzzed: a function of bytes that raises only where aihub is wrong.

`decoders`: whatever the bytes of a body, a decoder gives a value or raises `InvalidRequest`, and
what it took encodes. `vendors`: whatever a provider answers (see there). `framing`: whatever the
bytes of a connection, the driver answers in HTTP, an error in JSON with its four fields, and ends;
nothing stays open. Time is virtual.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import attrs
import h11
import orjson
import trio
import trio.testing

from aihub.core.sessions import check_messages
from aihub.dialects import (
    administration,
    anthropic,
    bedrock,
    gemini,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_moderations,
    queries,
    sessions,
)
from aihub.errors import InvalidRequest
from aihub.model.account import SCOPES
from aihub.model.chat import Chat
from aihub.model.events import Choice, Completion
from aihub.model.usage import Usage
from aihub.server import trio_h11
from aihub.server.app import App
from aihub.testing import ScriptedProvider, open_test_hub
from fuzz.vendors import CALL, VENDORS, vendors

Stream: TypeAlias = trio.StapledStream[
    trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream
]

FIELDS = {"message", "type", "param", "code"}
GOOGLES = {"code", "message", "status", "details"}
LONGEST_ERROR = 2000
"""Bytes of an error: it repeats little of what was sent."""

PATIENCE = 200.0
"""Virtual seconds for a connection: all of the driver's timeouts, one after another."""


# Decoders


def _chat(body: bytes) -> None:
    chat = openai_chat.decode_request(body)
    orjson.dumps([openai_chat.message_object(message) for message in chat.messages])
    done = Completion(
        id="chatcmpl-1",
        created=0,
        model=chat.model,
        served_model=chat.model,
        choices=(Choice(index=0, text=chat.messages[0].text, finish_reason="stop"),),
        usage=Usage(1, chat.characters),
        cost=1,
    )
    orjson.loads(openai_chat.encode_completion(done))
    check_messages(chat.messages)


def _other(read: Callable[[bytes], Chat]) -> Callable[[bytes], None]:
    """Read a chat in a vendor's words, and say it in every vendor's."""

    def decode(body: bytes) -> None:
        chat = read(body)
        for vendor in VENDORS:
            try:
                orjson.loads(vendor.encode_call(attrs.evolve(CALL, chat=chat)).body)
            except InvalidRequest as error:
                _check(error)

    return decode


def _query(body: bytes) -> None:
    query = body.decode("ascii", "replace")
    for read in (queries.read_page, queries.read_usage, sessions.read_messages_page):
        try:
            read(query)
        except InvalidRequest as error:
            _check(error)


def _message(body: bytes) -> None:
    check_messages(anthropic.decode_request(body).messages)


def _content(body: bytes) -> None:
    check_messages(gemini.decode_request(body, model="m").messages)


DECODERS: tuple[Callable[[bytes], object], ...] = (
    _chat,
    sessions.read_new_session,
    sessions.read_session_change,
    sessions.read_fork,
    administration.read_new_account,
    administration.read_account_change,
    administration.read_new_key,
    administration.read_key_change,
    administration.read_rotation,
    administration.read_plan_change,
    administration.read_new_budget,
    administration.read_budget_change,
    _query,
    _other(openai_chat.decode_request),
    _other(anthropic.decode_request),
    _other(lambda body: gemini.decode_request(body, model="m")),
    _other(lambda body: bedrock.decode_request(body, model="m")),
    openai_completions.decode_request,
    openai_embeddings.decode_request,
    openai_moderations.decode_request,
    _message,
    anthropic.decode_count,
    _content,
    lambda body: gemini.decode_count(body, model="m"),
)


def _check(error: InvalidRequest) -> None:
    told = orjson.dumps([error.message, error.param, error.code])
    assert len(told) < LONGEST_ERROR, told


def decoders(data: bytes) -> None:
    """Give a body to the decoder that its first byte chooses."""
    if not data:
        return
    try:
        DECODERS[data[0] % len(DECODERS)](data[1:])
    except InvalidRequest as error:
        _check(error)


# Framing


class _Bugs(logging.Handler):
    """Keeps what the driver and the app log of faults of ours."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a line with its traceback."""
        self.found.append(self.format(record))


_bugs = _Bugs()
logging.getLogger("aihub").addHandler(_bugs)
logging.getLogger("aihub").propagate = False


def framing(data: bytes) -> None:
    """Send bytes to a connection.

    The first byte says how: half of it is the length of a piece, and where it is odd the peer
    leaves once it has sent all.
    """
    if not data:
        return
    _bugs.found.clear()
    size, leaves = data[0] // 2 or len(data), bool(data[0] % 2)
    clock = trio.testing.MockClock(autojump_threshold=0)
    told = trio.run(_connect, size, data[1:], leaves, clock=clock)
    assert not _bugs.found, _bugs.found[0]
    # An answer to HEAD has no body, which a reader must know beforehand.
    if b"HEAD " not in data:
        for status, headers, body in _answers(told, may_be_cut=leaves):
            _check_answer(status, headers, body)


async def _connect(size: int, data: bytes, leaves: bool) -> bytes:
    provider = ScriptedProvider()
    async with open_test_hub(provider) as hub:
        await hub.accounts.create("a", plan="enterprise", id="a", operator=True)
        key = (await hub.accounts.create_key("a", scopes=SCOPES)).secret
        ours, theirs = trio.testing.memory_stream_pair()
        connection = trio_h11.Connection(App(hub), theirs, trio_h11.ServerOptions(grace=0))
        told = bytearray()
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as life:
                life.start_soon(_keep_time, connection)
                life.start_soon(_send, ours, data.replace(b"KEY", key.encode()), size, leaves)
                life.start_soon(_receive, ours, told)
                await connection.serve()
                await trio.testing.wait_all_tasks_blocked()
                life.cancel_scope.cancel()
        assert hub.in_flight == 0
        assert provider.open_now == 0
    return bytes(told)


async def _keep_time(connection: trio_h11.Connection) -> None:
    while True:
        await trio.sleep(trio_h11.TICK)
        connection.look(trio.current_time())


async def _send(stream: Stream, data: bytes, size: int, leaves: bool) -> None:
    try:
        for at in range(0, len(data), size):
            await stream.send_all(data[at : at + size])
        if leaves:
            await stream.send_eof()
    except trio.BrokenResourceError:
        return  # Refused already.


async def _receive(stream: Stream, told: bytearray) -> None:
    while data := await stream.receive_some():
        told += data


def _answers(
    data: bytes, *, may_be_cut: bool
) -> Iterator[tuple[int, Mapping[bytes, bytes], bytes]]:
    """Read all answers; the last may break off where the peer left."""
    client = h11.Connection(h11.CLIENT)
    client.receive_data(data)
    client.receive_data(b"")
    while client.trailing_data[0]:
        client.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
        client.send(h11.EndOfMessage())
        try:
            answer = _answer(client)
        except h11.RemoteProtocolError:
            if may_be_cut:
                return
            raise
        yield answer
        if client.their_state is not h11.DONE:
            break
        client.start_next_cycle()


def _answer(client: h11.Connection) -> tuple[int, Mapping[bytes, bytes], bytes]:
    status, headers, body = 0, {}, b""
    while type(event := client.next_event()) is not h11.EndOfMessage:
        if type(event) is h11.Response:
            status, headers = event.status_code, dict(event.headers)
        elif type(event) is h11.Data:
            body += bytes(event.data)
    return status, headers, body


def _check_answer(status: int, headers: Mapping[bytes, bytes], body: bytes) -> None:
    assert status not in {500, 502, 504}, body
    assert headers[b"x-request-id"].startswith(b"req_")
    if status >= 400:  # noqa: PLR2004 - HTTP's own
        error = json.loads(body)["error"]
        assert error.keys() - {"retry_after"} in (FIELDS, GOOGLES), body
        assert len(body) < LONGEST_ERROR, body


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "decoders": decoders,
    "vendors": vendors,
    "framing": framing,
}
