"""A provider that costs little: constant answers over HTTP/1.1, whole or streamed as the body asks.

One thread, one epoll, no parser beyond what finds the end of a request. A stream's chunks are
written one by one, each when the others under way have had their turn, so that they come as
a provider's do. What is asked through a gateway comes from here, and what is asked directly too.

    python bench/upstream.py --port 0
"""

from __future__ import annotations

import argparse
import asyncio
from typing import cast

from ceiling import CHUNKS, COMPLETION

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n"
WHOLE = HEAD % b"application/json" + b"Content-Length: %d\r\n\r\n" % len(COMPLETION) + COMPLETION
STREAM = HEAD % b"text/event-stream" + b"Transfer-Encoding: chunked\r\n\r\n"
SHARED = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1750000000,'
    b'"model":"gpt-4","choices":[{"index":0,"delta":%b,"finish_reason":%b}]%b}\n\n'
)


def framed(data: bytes) -> bytes:
    """Give a piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


WORD = framed(SHARED % (b'{"content":" word"}', b"null", b""))
USAGE = b',"usage":{"prompt_tokens":20,"completion_tokens":%d,"total_tokens":120}' % CHUNKS
END = (
    framed(SHARED % (b"{}", b'"stop"', b""))
    + framed(SHARED.partition(b"[")[0] + b"[]" + USAGE + b"}\n\n")
    + framed(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)


class Connection(asyncio.Protocol):
    """One connection: requests come one after another."""

    def __init__(self) -> None:
        self._received = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._received += data
        while True:
            head, sign, rest = self._received.partition(b"\r\n\r\n")
            if not sign:
                return
            length = _length(head)
            if len(rest) < length:
                return
            body, self._received = rest[:length], rest[length:]
            if b'"stream":true' in body.replace(b" ", b""):
                self._transport.write(STREAM)
                self._loop.call_soon(self._chunk, CHUNKS)
            else:
                self._transport.write(WHOLE)

    def _chunk(self, left: int) -> None:
        if self._transport.is_closing():
            return
        if left:
            self._transport.write(WORD)
            self._loop.call_soon(self._chunk, left - 1)
        else:
            self._transport.write(END)


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])


async def serve(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(
        Connection, "127.0.0.1", port, backlog=4096
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))
