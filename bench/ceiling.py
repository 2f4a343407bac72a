"""The ceiling: what a server on trio and h11 can do at best, because it does nothing else.

It parses and answers HTTP/1.1 correctly, keeps connections alive, and gives constant answers: a
completion for POST /v1/chat/completions, a stream of 100 chunks for POST /v1/chat/stream. It knows
no keys, limits, deadlines or logs. Whatever aihub costs more than this is what aihub does.

    python bench/ceiling.py --port 0
"""

from __future__ import annotations

import argparse
import json
from functools import partial

import h11
import trio

# As much as one read of a driver takes; a chat request fits with room to spare.
READ_BYTES = 64 * 1024
# Requests are small and made by our own load generator; this only bounds a mistake.
MAX_BODY = 1024 * 1024
# A usual answer's length in tokens, and the number that aihub is asked for.
CHUNKS = 100

COMPLETION = json.dumps(
    {
        "id": "chatcmpl-0197f6a0b1c27d3e8f4a5b6c7d8e9f00",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": "gpt-4",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "The answer is always the same here, since what is measured is the "
                    "way to it and back, and neither a model nor a ledger stands in between.",
                },
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 31, "total_tokens": 43},
    },
    separators=(",", ":"),
).encode()

WHOLE_HEAD = h11.Response(
    status_code=200,
    headers=[
        ("content-type", "application/json"),
        ("content-length", str(len(COMPLETION))),
        ("x-request-id", "req_0197f6a0b1c27d3e8f4a5b6c7d8e9f00"),
    ],
)
STREAM_HEAD = h11.Response(
    status_code=200,
    headers=[
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("transfer-encoding", "chunked"),
        ("x-request-id", "req_0197f6a0b1c27d3e8f4a5b6c7d8e9f00"),
    ],
)
NOTHING_HERE = h11.Response(status_code=404, headers=[("content-length", "0")])


def _chunk(number: int) -> h11.Data:
    delta = {
        "id": "chatcmpl-0197f6a0b1c27d3e8f4a5b6c7d8e9f00",
        "object": "chat.completion.chunk",
        "created": 1_750_000_000,
        "model": "gpt-4",
        "choices": [{"index": 0, "delta": {"content": f" word{number}"}, "finish_reason": None}],
    }
    return h11.Data(data=b"data: " + json.dumps(delta, separators=(",", ":")).encode() + b"\n\n")


STREAM = [_chunk(number) for number in range(CHUNKS)]
STREAM_END = h11.Data(data=b"data: [DONE]\n\n")


class _Gone(Exception):
    """The peer closed, or sent what is no HTTP; either way there is nothing left to say."""


class Connection:
    """One connection: reads a request, answers it, and again."""

    def __init__(self, stream: trio.SocketStream) -> None:
        # trio.SocketStream has set TCP_NODELAY: no chunk waits for the one before it.
        self._stream = stream
        self._h11 = h11.Connection(h11.SERVER)

    async def serve(self) -> None:
        """Answer requests until the peer leaves."""
        async with self._stream:
            try:
                while await self._one_exchange():
                    self._h11.start_next_cycle()
            except (_Gone, h11.RemoteProtocolError, trio.BrokenResourceError):
                pass  # There is nobody to tell.

    async def _next_event(self) -> h11.Event:
        while not isinstance(event := self._h11.next_event(), h11.Event):
            if event is h11.PAUSED:
                raise _Gone
            self._h11.receive_data(await self._stream.receive_some(READ_BYTES))
        return event

    async def _read_request(self) -> h11.Request:
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            raise _Gone
        size = 0
        while isinstance(event := await self._next_event(), h11.Data):
            size += len(event.data)
            if size > MAX_BODY:
                raise _Gone
        return head

    async def _one_exchange(self) -> bool:
        request = await self._read_request()
        if request.method == b"POST" and request.target == b"/v1/chat/completions":
            await self._answer(WHOLE_HEAD, h11.Data(data=COMPLETION))
        elif request.method == b"POST" and request.target == b"/v1/chat/stream":
            await self._answer_stream()
        else:
            await self._answer(NOTHING_HERE)
        return self._h11.our_state is h11.DONE

    async def _answer(self, *events: h11.Event) -> None:
        """Head, body and end in one write."""
        parts = [self._h11.send(event) or b"" for event in (*events, h11.EndOfMessage())]
        await self._stream.send_all(b"".join(parts))

    async def _answer_stream(self) -> None:
        """One write a chunk, since a real one comes when its token does; each is a checkpoint."""
        send, send_all = self._h11.send, self._stream.send_all
        await send_all(send(STREAM_HEAD) or b"")
        for chunk in STREAM:
            await send_all(send(chunk) or b"")
        await send_all((send(STREAM_END) or b"") + (send(h11.EndOfMessage()) or b""))


async def serve_connection(stream: trio.SocketStream) -> None:
    """Serve one accepted connection."""
    await Connection(stream).serve()


async def serve(port: int) -> None:
    """Listen on the loopback address and print the URL once connections are taken."""
    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await nursery.start(
            partial(trio.serve_tcp, serve_connection, port, host="127.0.0.1")
        )
        bound = listeners[0].socket.getsockname()[1]
        print(f"http://127.0.0.1:{bound}", flush=True)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0, help="0: any free one, printed")
    trio.run(serve, parser.parse_args().port)


if __name__ == "__main__":
    main()
