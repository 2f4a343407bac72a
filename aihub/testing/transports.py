"""What every transport must do, on every event loop.

Subclass and say how to open one::

    @pytest.mark.anyio
    class TestMyTransport(TransportSuite):
        def open_transport(self, *, connections=10):
            return MyTransport(connections=connections)

One class says all that one protocol promises, so this is longer than other files.
The suite listens on 127.0.0.1 with a `ScriptedUpstream`. Sockets are real, so it waits in real time
where time is to run out; how long is in `SHORT`.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import attrs

from ..errors import UpstreamCut, UpstreamError, UpstreamFailed, UpstreamTimeout, UsageMistake
from ..model.upstream import Timeouts, UpstreamRequest, UpstreamResponse
from ..protocols import Transport
from .upstreams import Deed, Script, ScriptedUpstream, answer, chunked, open_upstream

SHORT = 0.05
"""Seconds that a phase may take where its running out is awaited."""

BRISK = Timeouts(pool=5, connect=5, first_byte=5, idle=5, total=10)
"""Everything else is done at once: what takes longer hangs, and the test says where."""

CONNECTIONS = 10
CANCELLED = 1000
MAX_WALK = 400
"""Turns of the event loop within which an exchange with 127.0.0.1 is over."""

OK = answer(b"ok")
PIECES = (b"data: one\n\n", b"data: two\n\n", b"x" * 1000, b"data: [DONE]\n\n")


class TransportSuite:
    """The contract of `Transport`, test by test."""

    def open_transport(self, *, connections: int = CONNECTIONS) -> Transport:
        """Return a new transport; the suite closes it."""
        raise NotImplementedError

    def tls(self) -> ssl.SSLContext | None:
        """Return the context of a server that the transport trusts, to be asked over https."""
        return None

    # What is asked

    async def test_a_request_arrives_as_it_was_given(self) -> None:
        """Method, path with query, headers and body are the caller's; the length is right."""
        body = bytes(range(256)) * 100
        async with self._open(OK) as (transport, upstream):
            request = ask(
                upstream,
                "/v1/a%20b/c[0]?q=x%2Fy&z",
                headers=(("authorization", "Bearer k"), ("x-two", "a"), ("x-two", "é")),
                body=body,
            )
            await read(transport, request)

        (asked,) = upstream.asked
        assert (asked.method, asked.target, asked.body) == (
            "POST",
            "/v1/a%20b/c[0]?q=x%2Fy&z",
            body,
        )
        values = [value for name, value in asked.headers if name in {"authorization", "x-two"}]
        assert values == ["Bearer k", "a", "é"]
        headers = dict(asked.headers)
        assert headers["host"] == f"127.0.0.1:{upstream.port}"
        assert headers["content-length"] == str(len(body))
        assert headers["accept-encoding"] == "identity"
        assert headers.keys() <= {
            *("host", "content-length", "accept-encoding", "authorization", "x-two", "connection")
        }

    async def test_a_large_request_arrives_whole(self) -> None:
        """More than a socket takes at once."""
        body = bytes(range(256)) * (32 * 1024)
        async with self._open(OK) as (transport, upstream):
            for _ in range(2):
                assert await read(transport, ask(upstream, body=body)) == b"ok"
        assert all(one.body == body for one in upstream.asked)

    async def test_an_upstream_that_does_not_read_is_one_that_does_not_answer(self) -> None:
        """Nobody waits for ever to be let write; who is cut off meanwhile was asked."""
        body = bytes(8 * 1024 * 1024)
        cases: list[tuple[Deed, type[UpstreamError], str]] = [
            (Deed.REST, UpstreamTimeout, "first_byte_timeout"),
            (Deed.RESET, UpstreamCut, "connection_lost"),
        ]
        for deed, kind, code in cases:
            async with (
                open_upstream([deed], whole_requests=False, tls=self.tls()) as upstream,
                closing(self.open_transport()) as transport,
            ):
                limits = attrs.evolve(BRISK, first_byte=SHORT if deed is Deed.REST else 5)
                await expect(transport, ask(upstream, body=body, timeouts=limits), kind, code)
                await transport.aclose()

    async def test_a_request_without_a_body_has_a_length_where_one_is_expected(self) -> None:
        """`POST` says that it has none, `GET` says nothing."""
        async with self._open(OK) as (transport, upstream):
            for method in ("POST", "GET"):
                await read(transport, attrs.evolve(ask(upstream), method=method))

        lengths = [dict(asked.headers).get("content-length") for asked in upstream.asked]
        assert lengths == ["0", None]

    async def test_what_cannot_be_asked_is_the_programs_mistake(self) -> None:
        """A URL or a header that cannot be sent is refused by its field, its value not shown."""
        bad: list[tuple[str, UpstreamRequest]] = [
            ("url", UpstreamRequest(method="GET", url="/v1/secret")),
            ("url", UpstreamRequest(method="GET", url="ftp://127.0.0.1/secret")),
            ("url", UpstreamRequest(method="GET", url="http://me:secret@127.0.0.1/")),
            ("url", UpstreamRequest(method="GET", url="http://127.0.0.1/secret path")),
            ("url", UpstreamRequest(method="GET", url="http://127.0.0.1:99999/secret")),
            ("url", UpstreamRequest(method="GET", url="http://secret..example/")),
            ("url", UpstreamRequest(method="GET", url="http://[secret]/")),
            ("url", UpstreamRequest(method="GET", url="http://[::secret]/")),
            ("url", UpstreamRequest(method="GET", url="http://[v1.secret]/")),
            ("url", UpstreamRequest(method="GET", url="http://999.1.1.1/secret")),
            ("url", UpstreamRequest(method="GET", url="http://127.0.0.1/" + "secret" * 100_000)),
            ("method", UpstreamRequest(method="GET /secret", url="http://127.0.0.1/")),
        ]
        for name, value in (
            *(("x-a", "secret\r\nx-b: 1"), ("x-a", "secret\u20ac"), ("x-a", "secret ")),
            *(("X-A", "secret"), ("x a", "secret"), ("host", "secret"), ("connection", "close")),
        ):
            given = UpstreamRequest(method="GET", url="http://127.0.0.1/", headers=((name, value),))
            bad.append(("headers", given))
        async with closing(self.open_transport()) as transport:
            for field, request in bad:
                error = await fault(transport, request)
                assert isinstance(error, UsageMistake), request
                assert error.message.startswith(f"{field}: "), error
                assert "secret" not in str(error)

    # What is answered

    async def test_status_and_headers_are_told(self) -> None:
        """Names are small, one that came twice is joined; any status is an answer."""
        given = (("X-Request-Id", "r1"), ("X-Many", "a"), ("X-MANY", "b, c"))
        for status in ("200 OK", "307 Elsewhere", "404 No", "429 Wait", "500 Oh"):
            script = answer(b"{}", status=status, headers=given)
            async with (
                self._open(script) as (transport, upstream),
                transport.open(ask(upstream)) as response,
            ):
                assert response.status == int(status[:3])
                assert response.headers["x-request-id"] == "r1"
                assert response.headers["x-many"] == "a, b, c"
                assert await join(response) == b"{}"

    async def test_whole_and_byte_by_byte_are_the_same(self) -> None:
        """However an answer is cut into packets, it reads the same, and no piece is empty."""
        for script in (answer(b"hello"), chunked(*PIECES[:2]), [b"HTTP/1.0 200 OK\r\n\r\nend"]):
            wire = b"".join(step for step in script if isinstance(step, bytes))
            read_so = [await self._read(wire, piece=piece) for piece in (None, 1, 7)]
            assert read_so[0] == read_so[1] == read_so[2]

    async def test_answers_without_a_body(self) -> None:
        """Empty, 204 and 304 end at once, and their connection carries the next request."""
        nothing = [b"HTTP/1.1 204 No Content\r\n\r\n"], [b"HTTP/1.1 304 Not Modified\r\n\r\n"]
        async with self._open(answer(), *nothing, chunked(), OK) as (transport, upstream):
            bodies = [await read(transport, ask(upstream)) for _ in range(5)]
        assert bodies == [b"", b"", b"", b"", b"ok"]
        assert upstream.opened == 1

    async def test_what_comes_before_an_answer_is_passed_over(self) -> None:
        """1xx is no answer."""
        early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
        async with self._open([early, *OK]) as (transport, upstream):
            assert await read(transport, ask(upstream)) == b"ok"

    async def test_an_answer_may_last_until_the_connection_ends(self) -> None:
        """HTTP/1.0, and 1.1 without a length: the end of the connection is that of the body."""
        for version in (b"1.0", b"1.1"):
            script: Script = [b"HTTP/%b 200 OK\r\n\r\nall of it" % version, Deed.CLOSE]
            async with self._open(script, OK) as (transport, upstream):
                assert await read(transport, ask(upstream)) == b"all of it"
                assert await read(transport, ask(upstream)) == b"ok"
                assert upstream.opened == 2

    async def test_compressed_answers_are_undone(self) -> None:
        """Gzip and deflate come out as they went in, in pieces of a bounded size."""
        plain = b"0" * 1_000_000 + bytes(range(256))
        for coding, packed in (("gzip", gzip.compress(plain)), ("deflate", zlib.compress(plain))):
            script = answer(packed, headers=[("Content-Encoding", coding)])
            async with self._open(script, OK) as (transport, upstream):
                async with transport.open(ask(upstream)) as response:
                    pieces = [piece async for piece in response.body]
                assert b"".join(pieces) == plain
                assert max(map(len, pieces)) <= 1024 * 1024
                await read(transport, ask(upstream))
                assert upstream.opened == 1

    async def test_codings_that_are_wrong_are_told(self) -> None:
        """A coding nobody asked for fails; one that is broken or breaks off is a broken body."""
        packed = gzip.compress(b"hello")
        gzipped = [("Content-Encoding", "gzip")]
        cases = {
            "unknown_coding": answer(b"hello", headers=[("Content-Encoding", "br")]),
            "broken_body": answer(b"no gzip at all", headers=gzipped),
        }
        for code, script in (*cases.items(), ("broken_body", answer(packed[:-9], headers=gzipped))):
            async with self._open(script) as (transport, upstream):
                await expect(transport, ask(upstream), UpstreamError, code)

    # Connections

    async def test_a_connection_is_used_again(self) -> None:
        """Answers read to their end leave one connection for all requests one after another."""
        async with self._open(OK, chunked(*PIECES), OK) as (transport, upstream):
            for _ in range(5):
                await read(transport, ask(upstream))
            assert (upstream.opened, upstream.open_now) == (1, 1)
        await upstream.wait_open(0)

    async def test_an_upstream_that_closes_is_believed(self) -> None:
        """After `Connection: close` and after HTTP/1.0 the next request has its own connection."""
        closing_ones = [
            answer(b"a", headers=[("Connection", "close")]),
            [b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nb"],
        ]
        async with self._open(*closing_ones, OK) as (transport, upstream):
            assert [await read(transport, ask(upstream)) for _ in range(3)] == [b"a", b"b", b"ok"]
            assert [asked.connection for asked in upstream.asked] == [0, 1, 2]
            await upstream.wait_open(1)

    async def test_an_abandoned_answer_closes_its_connection(self) -> None:
        """Who leaves early, or by an exception, frees the slot, and nobody reads their rest."""
        slow = [*chunked(*PIECES)[:3], Deed.HANG]
        async with self._open(slow, slow, OK, connections=1) as (transport, upstream):
            async with transport.open(ask(upstream)) as response:
                async for _ in response.body:
                    break
            await upstream.wait_open(0)
            try:
                async with transport.open(ask(upstream)):
                    raise KeyError
            except KeyError:
                pass
            await upstream.wait_open(0)
            assert await read(transport, ask(upstream)) == b"ok"

    async def test_leaving_is_quiet_whatever_was_still_to_come(self) -> None:
        """Who does not read a broken body is not told of it, and loses no slot."""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        broken: list[Script] = [[head + b"zz\r\n", Deed.HANG], [head + b"5\r\nhel", Deed.CLOSE]]
        for script in broken:
            async with self._open(script, OK, connections=1) as (transport, upstream):
                async with transport.open(ask(upstream)) as response:
                    assert response.status == 200
                await upstream.wait_open(0)
                assert await read(transport, ask(upstream)) == b"ok"

    async def test_an_answer_is_not_read_after_it_was_left(self) -> None:
        """A later read says so; it does not look like the end."""
        async with self._open(answer(b"x" * 100)) as (transport, upstream):
            async with transport.open(ask(upstream)) as response:
                pass
            try:
                await join(response)
            except UsageMistake:
                return
        raise AssertionError("an answer that was left could be read")

    async def test_what_comes_unasked_is_nobodys(self) -> None:
        """An answer that comes while a connection is idle is not the next request's."""
        forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
        async with self._open([*OK, SHORT / 5, forged], OK) as (transport, upstream):
            assert await read(transport, ask(upstream)) == b"ok"
            await anyio.sleep(SHORT)
            assert await read(transport, ask(upstream)) == b"ok"
            assert upstream.opened == 2

    async def test_a_connection_that_was_closed_meanwhile_is_noticed(self) -> None:
        """The upstream may close what is idle; the next request does not see it."""
        for end in (Deed.CLOSE, Deed.RESET):
            async with self._open([*OK, end], OK) as (transport, upstream):
                await read(transport, ask(upstream))
                await upstream.wait_open(0)
                assert await read(transport, ask(upstream)) == b"ok"
                assert len(upstream.asked) == 2

    async def test_a_request_that_crosses_the_closing_is_sent_once_more(self) -> None:
        """A kept connection that ends instead of answering: again, on a fresh one, only once."""
        for end in (Deed.CLOSE, Deed.RESET):
            async with self._open(OK, [end], OK) as (transport, upstream):
                await read(transport, ask(upstream))
                assert await read(transport, ask(upstream, body=b"again")) == b"ok"
                assert [one.body for one in upstream.asked] == [b"", b"again", b"again"]
            async with self._open(OK, [end], [end], OK) as (transport, upstream):
                await read(transport, ask(upstream))
                await expect(transport, ask(upstream), UpstreamCut, "connection_lost")
                assert len(upstream.asked) == 3

    async def test_one_that_was_kept_among_others_is_followed_by_a_fresh_one(self) -> None:
        """Where one kept connection was closed the others were too: they are not tried in turn."""
        async with self._open(*[OK] * 3, [Deed.CLOSE]) as (transport, upstream):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(read, transport, ask(upstream))
            opened = upstream.opened
            await expect(transport, ask(upstream), UpstreamCut, "connection_lost")
            assert (len(upstream.asked), upstream.opened) == (5, opened + 1)

    async def test_a_fresh_connection_is_not_asked_twice(self) -> None:
        """Who read the request and closed may have done what it asks for, and bill it."""
        for end in (Deed.CLOSE, Deed.RESET):
            async with self._open([end], OK) as (transport, upstream):
                error = await expect(transport, ask(upstream), UpstreamCut, "connection_lost")
                assert error.billed
                assert len(upstream.asked) == 1

    async def test_closing_lets_nobody_begin(self) -> None:
        """Idle connections close with the transport, one in use when it is left."""
        async with self._open(OK, [*chunked(*PIECES)[:2], 0.02, *chunked(*PIECES)[2:]]) as (
            transport,
            upstream,
        ):
            await read(transport, ask(upstream))
            async with transport.open(ask(upstream)) as response:
                await transport.aclose()
                assert await join(response) == b"".join(PIECES)
            await upstream.wait_open(0)
            assert isinstance(await fault(transport, ask(upstream)), UsageMistake)
            await transport.aclose()

    # What breaks

    async def test_nobody_there(self) -> None:
        """A refused connection and a name that is nobody's fail before anything was asked."""
        with socket.socket() as bound:  # bound, and not listening
            bound.bind(("127.0.0.1", 0))
            refused = f"http://127.0.0.1:{bound.getsockname()[1]}/"
            async with closing(self.open_transport()) as transport:
                for url in (refused, "http://nobody.invalid/"):
                    request = UpstreamRequest(method="GET", url=url, timeouts=BRISK)
                    error = await expect(transport, request, UpstreamFailed, "connect_failed")
                    assert not error.billed

    async def test_no_tls(self) -> None:
        """An upstream that answers TLS with something else, or by leaving, is told as that."""
        scripts: list[Script] = [[b"HTTP/1.1 400 No\r\n\r\n", Deed.CLOSE], [Deed.CLOSE]]
        for script in scripts:
            async with open_upstream(script, whole_requests=False) as upstream:
                url = f"https://127.0.0.1:{upstream.port}/"
                async with closing(self.open_transport()) as transport:
                    request = UpstreamRequest(method="GET", url=url, timeouts=BRISK)
                    await expect(transport, request, UpstreamFailed, "tls_failed")
                await upstream.wait_open(0)

    async def test_what_is_no_answer(self) -> None:
        """Garbage, a head without end and a broken head say what they are."""
        cases: list[tuple[str, bytes]] = [
            ("not_http", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
            ("not_http", b"HTTP/1.1 2000 What\r\n\r\n"),
            ("not_http", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"),
            ("not_http", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"),
            ("not_http", b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"),
            ("head_too_large", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000),
        ]
        for code, wire in cases:
            async with self._open([wire, Deed.HANG]) as (transport, upstream):
                await expect(transport, ask(upstream), UpstreamFailed, code)
                await upstream.wait_open(0)

    async def test_an_answer_may_break_off_anywhere(self) -> None:
        """Cut after each byte: the connection was lost; what came before is right, not whole."""
        wire = b"".join(step for step in chunked(b"hello", b"world!") if isinstance(step, bytes))
        cuts = [[wire[:at], end] for end in (Deed.CLOSE, Deed.RESET) for at in range(len(wire))]
        async with self._open(*cuts) as (transport, upstream):
            for _ in cuts:
                got = bytearray()
                error = await fault(transport, ask(upstream), into=got)
                assert (type(error), error.code) == (UpstreamCut, "connection_lost"), error
                assert b"helloworld!".startswith(got)
            assert len(upstream.asked) == len(cuts)
            await upstream.wait_open(0)

    async def test_a_length_that_is_not_reached_is_a_cut(self) -> None:
        """Fewer bytes than announced are no answer."""
        for at in range(4):
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
            async with self._open([head, b"four"[:at], Deed.CLOSE]) as (transport, upstream):
                await expect(transport, ask(upstream), UpstreamCut, "connection_lost")

    async def test_framing_that_makes_no_sense_breaks_the_body(self) -> None:
        """What is no chunk is neither content nor an end; it may have been billed."""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for chunk in (b"zz\r\n", b"-1\r\n", b"5\r\nhelloXX", b"f" * 30 + b"\r\n"):
            async with self._open([head, chunk, Deed.HANG]) as (transport, upstream):
                error = await expect(transport, ask(upstream), UpstreamCut, "broken_body")
                assert error.billed
                await upstream.wait_open(0)

    # Time

    async def test_reaching_an_upstream_takes_no_longer_than_it_may(self) -> None:
        """A TLS handshake that is never finished counts as connecting."""
        async with open_upstream([Deed.HANG], whole_requests=False) as upstream:
            url = f"https://127.0.0.1:{upstream.port}/"
            async with closing(self.open_transport()) as transport:
                for limits in (
                    attrs.evolve(BRISK, connect=SHORT),
                    attrs.evolve(BRISK, total=SHORT),
                ):
                    request = UpstreamRequest(method="GET", url=url, timeouts=limits)
                    await expect(transport, request, UpstreamFailed, "connect_timeout")
            await upstream.wait_open(0)

    async def test_an_answer_begins_as_soon_as_it_must(self) -> None:
        """An upstream that says nothing, on a fresh connection or a kept one, or half a head."""
        silent: list[Script] = [[Deed.HANG], [b"HTTP/1.1 200 OK\r\n", Deed.HANG]]
        for before in silent:
            async with self._open(before, OK, before, OK) as (transport, upstream):
                limits = attrs.evolve(BRISK, first_byte=SHORT)
                for _ in range(2):
                    request = ask(upstream, timeouts=limits)
                    error = await expect(transport, request, UpstreamTimeout, "first_byte_timeout")
                    assert error.billed
                    assert await read(transport, ask(upstream)) == b"ok"
                assert len(upstream.asked) == 4

    async def test_an_answer_goes_on_as_soon_as_it_must(self) -> None:
        """A pause longer than `idle` ends it; pieces that came are the reader's."""
        async with self._open([*chunked(*PIECES)[:3], Deed.HANG]) as (transport, upstream):
            got = bytearray()
            request = ask(upstream, timeouts=attrs.evolve(BRISK, idle=SHORT))
            await expect(transport, request, UpstreamTimeout, "idle_timeout", into=got)
            assert got == PIECES[0] + PIECES[1]
            await upstream.wait_open(0)

    async def test_a_whole_answer_takes_no_longer_than_it_may(self) -> None:
        """However steadily it drips, and whatever it waits for first."""
        drop: Script = [SHORT / 5, b"1\r\nx\r\n"]
        drip: Script = [chunked()[0], *[step for _ in range(100) for step in drop]]
        for script in (drip, [Deed.HANG]):
            async with self._open(script) as (transport, upstream):
                request = ask(upstream, timeouts=attrs.evolve(BRISK, total=SHORT))
                await expect(transport, request, UpstreamTimeout, "total_timeout")
                await upstream.wait_open(0)

    async def test_waiting_for_a_connection_takes_no_longer_than_it_may(self) -> None:
        """Nothing was asked, and whoever gave up is not in the way of the next."""
        async with self._open([*chunked(*PIECES)[:2], Deed.HANG], OK, connections=1) as (
            transport,
            upstream,
        ):
            async with transport.open(ask(upstream)):
                for limits in (attrs.evolve(BRISK, pool=SHORT), attrs.evolve(BRISK, total=SHORT)):
                    request = ask(upstream, timeouts=limits)
                    error = await expect(transport, request, UpstreamFailed, "pool_timeout")
                    assert not error.billed
            assert await read(transport, ask(upstream)) == b"ok"
            assert len(upstream.asked) == 2

    async def test_the_readers_own_time_is_not_the_upstreams(self) -> None:
        """What a reader does between two pieces is not cut short, however long it takes."""
        async with self._open(chunked(*PIECES)) as (transport, upstream):
            request = ask(upstream, timeouts=attrs.evolve(BRISK, idle=SHORT))
            async with transport.open(request) as response:
                await anyio.sleep(2 * SHORT)
                assert await join(response) == b"".join(PIECES)

    # Many at once

    async def test_more_calls_than_connections_wait_their_turn(self) -> None:
        """All are answered, first come, first served, never more at once than there may be."""
        calls = 5 * CONNECTIONS
        async with self._open([0.02, *OK]) as (transport, upstream):
            async with anyio.create_task_group() as tasks:
                for n in range(calls):
                    tasks.start_soon(read, transport, ask(upstream, f"/{n}"))
                    await anyio.lowlevel.checkpoint()
            asked = [int(one.target.removeprefix("/")) for one in upstream.asked]
            assert sorted(asked) == list(range(calls))
            # Those who have a connection may overtake each other, and who is slow to make his many
            # times; but nobody comes before more than those.
            assert all(n - place < CONNECTIONS for place, n in enumerate(asked))
            assert upstream.opened <= CONNECTIONS

    async def test_connections_to_several_upstreams_share_the_bound(self) -> None:
        """An idle connection to one makes room for another."""
        async with (
            self._open(OK, connections=2) as (transport, first),
            open_upstream(OK, tls=self.tls()) as second,
            open_upstream(OK, tls=self.tls()) as third,
        ):
            for _ in range(2):
                for upstream in (first, second, third):
                    assert await read(transport, ask(upstream)) == b"ok"
            await first.wait_open(0)
            assert (second.open_now, third.open_now) == (1, 1)
            await transport.aclose()

    async def test_a_slow_upstream_holds_up_no_other(self) -> None:
        """Who waits for one, with every connection taken, does not keep another's calls waiting."""
        async with (
            self._open([Deed.HANG], connections=1) as (slow, hanging),
            self._open(OK) as (quick, upstream),
            anyio.create_task_group() as tasks,
        ):
            for _ in range(5):
                tasks.start_soon(fault, slow, ask(hanging))
            await hanging.wait_open(1)
            with anyio.fail_after(BRISK.first_byte):
                for _ in range(20):
                    assert await read(quick, ask(upstream)) == b"ok"
            tasks.cancel_scope.cancel()

    async def test_cancelling_at_any_point_leaves_the_transport_whole(self) -> None:
        """A call is cancelled after one turn of the event loop, after two, and so on to its end."""
        for end in ((), (("Connection", "close"),)):
            script = chunked(*PIECES, headers=end)
            async with self._open(script, connections=1) as (transport, upstream):
                await self._walk(transport, upstream, kept=0 if end else 1)

    async def _walk(self, transport: Transport, upstream: ScriptedUpstream, *, kept: int) -> None:
        """Cancel a call at each turn; *kept* connections stay open between two calls."""
        done: list[bytes] = []

        async def call() -> None:
            done.append(await read(transport, ask(upstream)))

        for turns in range(MAX_WALK):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            if done:
                return
            with anyio.fail_after(BRISK.pool):
                assert await read(transport, ask(upstream)) == b"".join(PIECES)
            await upstream.wait_open(kept)
        raise AssertionError("the call never came to its end")

    async def test_cancelling_who_waits_for_a_connection_leaves_the_transport_whole(self) -> None:
        """Whoever is cancelled in the queue, or as their turn comes, gives it on."""
        async with self._open(OK, connections=1) as (transport, upstream):
            for turns in range(12):
                async with anyio.create_task_group() as tasks, transport.open(ask(upstream)):
                    for _ in range(3):
                        tasks.start_soon(read, transport, ask(upstream))
                    await anyio.lowlevel.checkpoint()
                    tasks.start_soon(self._cancel_after, turns, tasks.cancel_scope)
                with anyio.fail_after(BRISK.pool):
                    assert await read(transport, ask(upstream)) == b"ok"

    async def _cancel_after(self, turns: int, scope: anyio.CancelScope) -> None:
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()
        scope.cancel()

    async def test_a_thousand_cancelled_calls_leak_nothing(self) -> None:
        """Afterwards no connection is open, and all of them can be had at once."""
        scripts: list[Script] = [[Deed.HANG], [*chunked(*PIECES)[:3], Deed.HANG]]
        async with self._open(*scripts * (CANCELLED // 2), OK) as (transport, upstream):
            for round_ in range(CANCELLED // 50):
                async with anyio.create_task_group() as tasks:
                    for _ in range(50):
                        tasks.start_soon(read, transport, ask(upstream))
                    for _ in range(round_):
                        await anyio.lowlevel.checkpoint()
                    if round_ % 4 == 0:
                        await upstream.wait_open(CONNECTIONS)
                    tasks.cancel_scope.cancel()
            await upstream.wait_open(0)
            assert upstream.opened > CONNECTIONS
            await self._check_room(transport)

    async def _check_room(self, transport: Transport) -> None:
        """Have every connection at once."""
        async with (
            open_upstream([Deed.HANG], tls=self.tls()) as upstream,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(CONNECTIONS):
                tasks.start_soon(fault, transport, ask(upstream))
            await upstream.wait_open(CONNECTIONS)
            tasks.cancel_scope.cancel()

    @asynccontextmanager
    async def _open(
        self, *scripts: Script, connections: int = CONNECTIONS
    ) -> AsyncIterator[tuple[Transport, ScriptedUpstream]]:
        async with open_upstream(*scripts, tls=self.tls()) as upstream:
            async with closing(self.open_transport(connections=connections)) as transport:
                yield transport, upstream
            await upstream.wait_open(0)

    async def _read(self, wire: bytes, *, piece: int | None) -> tuple[int, dict[str, str], bytes]:
        async with (
            open_upstream([wire, Deed.CLOSE], piece=piece, tls=self.tls()) as upstream,
            closing(self.open_transport()) as transport,
            transport.open(ask(upstream)) as response,
        ):
            pieces = [one async for one in response.body]
        assert all(pieces), "an empty piece"
        return response.status, dict(response.headers), b"".join(pieces)


@asynccontextmanager
async def closing(transport: Transport) -> AsyncIterator[Transport]:
    """Close *transport* when the context ends."""
    try:
        yield transport
    finally:
        await transport.aclose()


def ask(
    upstream: ScriptedUpstream,
    path: str = "/v1/chat/completions",
    *,
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    timeouts: Timeouts = BRISK,
) -> UpstreamRequest:
    """Return a request to *upstream*."""
    return UpstreamRequest(
        method="POST", url=upstream.url + path, headers=headers, body=body, timeouts=timeouts
    )


async def join(response: UpstreamResponse) -> bytes:
    """Read a body to its end."""
    return b"".join([piece async for piece in response.body])


async def read(transport: Transport, request: UpstreamRequest) -> bytes:
    """Ask, and read the body of the answer to its end."""
    async with transport.open(request) as response:
        return await join(response)


async def fault(
    transport: Transport, request: UpstreamRequest, *, into: bytearray | None = None
) -> UpstreamError | UsageMistake:
    """Ask, put what comes *into* it, and return the error in which it ends."""
    try:
        async with transport.open(request) as response:
            async for piece in response.body:
                if into is not None:
                    into += piece
    except (UpstreamError, UsageMistake) as error:
        return error
    raise AssertionError("there was an answer")


async def expect(
    transport: Transport,
    request: UpstreamRequest,
    kind: type[UpstreamError],
    code: str,
    *,
    into: bytearray | None = None,
) -> UpstreamError:
    """Ask, and make sure that it ends in that error."""
    error = await fault(transport, request, into=into)
    assert isinstance(error, kind), repr(error)
    assert error.code == code, repr(error)
    return error
