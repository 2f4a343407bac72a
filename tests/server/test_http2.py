"""HTTP/2, by TLS on hypercorn and without on granian: many requests share a connection.

httpx2 tells nobody that it has left a stream (it sends no RST_STREAM), so those who leave are
played by `h2` itself.
"""

import ssl
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import orjson
import pytest
from anyio.streams.tls import TLSStream

httpx2 = pytest.importorskip("httpx2")
trustme = pytest.importorskip("trustme")
pytest.importorskip("h2")

from h2.config import H2Configuration  # noqa: E402 - after what may be missing
from h2.connection import H2Connection  # noqa: E402
from h2.events import DataReceived, StreamEnded  # noqa: E402

from aihub.model.events import Text  # noqa: E402
from aihub.testing.drivers import CHAT, PATIENCE, Stepwise, Talker  # noqa: E402

from . import test_drivers  # noqa: E402

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class Peer:
    """A client that may leave one stream and keep the others.

    Args:
        stream: the bytes.
        url: whom it asks.
        key: its API key.
    """

    def __init__(self, stream, url, key):
        self._stream = stream
        self._url = url
        self._key = key
        self._h2 = H2Connection(H2Configuration(client_side=True))
        self.data = {}
        self.ended = set()

    async def begin(self):
        """Say that it speaks HTTP/2."""
        self._h2.initiate_connection()
        await self._send()

    async def ask(self, body):
        """Send a chat, and give the number of its stream."""
        number = self._h2.get_next_available_stream_id()
        head = {
            ":method": "POST",
            ":path": "/v1/chat/completions",
            ":scheme": "https",
            ":authority": self._url.netloc.decode(),
            "authorization": self._key,
            "content-type": "application/json",
        }
        self._h2.send_headers(number, list(head.items()))
        self._h2.send_data(number, orjson.dumps(body), end_stream=True)
        self.data[number] = b""
        await self._send()
        return number

    async def read(self, *, and_more=True):
        """Take what has come in; without *and_more* the server may not send beyond the window."""
        for event in self._h2.receive_data(await self._stream.receive()):
            if isinstance(event, DataReceived):
                self.data[event.stream_id] += event.data
                if and_more:
                    size = event.flow_controlled_length
                    self._h2.acknowledge_received_data(size, event.stream_id)
            elif isinstance(event, StreamEnded):
                self.ended.add(event.stream_id)
        await self._send()

    async def leave(self, number):
        """Leave a stream."""
        self._h2.reset_stream(number, 8)  # CANCEL
        await self._send()

    async def _send(self):
        await self._stream.send(self._h2.data_to_send())


@pytest.mark.needs("hypercorn")
class TestHypercornHttp2(test_drivers.TestHypercorn):
    """The whole suite of a driver."""

    @asynccontextmanager
    async def open_told(self, config, sock):
        """With a certificate that the client alone trusts; what is not HTTP/2 is an error."""
        authority, self.trusted = trustme.CA(), ssl.create_default_context()
        issued = authority.issue_cert("127.0.0.1")
        authority.configure_trust(self.trusted)
        config.alpn_protocols = ["h2"]

        async def hold(response):
            assert response.http_version == "HTTP/2"

        with TemporaryDirectory() as name:
            files = Path(name, "cert.pem"), Path(name, "key.pem")
            issued.cert_chain_pems[0].write_to_path(files[0])
            issued.private_key_pem.write_to_path(files[1])
            config.certfile, config.keyfile = map(str, files)
            async with httpx2.AsyncClient(
                base_url=f"https://127.0.0.1:{sock.getsockname()[1]}",
                timeout=test_drivers.PATIENT,
                verify=self.trusted,
                http1=False,
                http2=True,
                event_hooks={"response": [hold]},
            ) as client:
                yield client

    @asynccontextmanager
    async def peer(self, served):
        """A connection of HTTP/2 to the server."""
        url, key = served.client.base_url, served.client.headers["authorization"]
        stream = await anyio.connect_tcp(url.host, url.port)
        tls = await TLSStream.wrap(
            stream, hostname=url.host, ssl_context=h2_only(self.trusted), standard_compatible=False
        )
        async with tls:
            peer = Peer(tls, url, key)
            await peer.begin()
            yield peer

    async def test_who_leaves_amid_a_stream_frees_the_provider(self):
        """At once, and its neighbour on the same connection is answered to the end."""
        leaves = Stepwise()
        async with self._serve(leaves) as served, self.peer(served) as peer:
            leaves.say(Text("one"))
            with anyio.fail_after(PATIENCE):
                left = await peer.ask({**CHAT, "stream": True})
                while b"one" not in peer.data[left]:
                    await peer.read()
                await peer.leave(left)
                await leaves.left.wait()
                await served.wait_ended("aborted")
                stays = await peer.ask({**CHAT, "model": "no-such-model"})
                while stays not in peer.ended:
                    await peer.read()
            assert b"model_not_found" in peer.data[stays]

    async def test_who_leaves_before_the_answer_frees_the_provider(self):
        """Whether it was to be whole or a stream: there is nobody to answer."""
        for body in (CHAT, {**CHAT, "stream": True}):
            provider = Stepwise()
            async with self._serve(provider) as served, self.peer(served) as peer:
                with anyio.fail_after(PATIENCE):
                    left = await peer.ask(body)
                    await provider.opened.wait()
                    await peer.leave(left)
                    await provider.left.wait()
                await served.wait_ended("aborted")

    async def test_who_does_not_read_stops_the_provider_and_frees_it_on_leaving(self):
        """Here it is freed on leaving, and not stopped.

        hypercorn 0.18 takes in whatever is sent to a stream whose window is full:
        `StreamBuffer.pop` compares with its low mark what it gives, not what it keeps.
        """
        provider = Talker()
        async with self._serve(provider) as served, self.peer(served) as peer:
            with anyio.fail_after(PATIENCE):
                left = await peer.ask({**CHAT, "stream": True})
                while not peer.data[left]:
                    await peer.read(and_more=False)
                await peer.leave(left)
                await provider.left.wait()
            await served.wait_ended("aborted")


def h2_only(trusted):
    """Speak nothing else."""
    trusted.set_alpn_protocols(["h2"])
    return trusted


@pytest.mark.needs("click", "trio", "openai", "granian")
async def test_who_leaves_a_stream_on_granian_is_settled(tmp_path):
    """By HTTP/2 without TLS: its neighbour on the same connection is answered."""
    from .test_engines import KEY, started

    with started("granian", tmp_path) as (_, at), anyio.fail_after(60):
        url, key = httpx2.URL(at), {"authorization": f"Bearer {KEY}"}
        async with (
            await anyio.connect_tcp(url.host, url.port) as stream,
            httpx2.AsyncClient(base_url=url, headers=key, timeout=60) as http,
        ):
            peer = Peer(stream, url, key["authorization"])
            await peer.begin()
            left = await peer.ask({**CHAT, "stream": True})
            while b'"content":"' not in peer.data[left]:
                await peer.read()
            await peer.leave(left)
            stays = await peer.ask({**CHAT, "max_tokens": 1})
            while stays not in peer.ended:
                await peer.read()
            assert b"chat.completion" in peer.data[stays]
            states = []
            while sorted(states) != ["aborted", "ok"]:
                rows = (await http.get("/v1/requests")).json()["data"]
                states = [row["state"] for row in rows if row["state"] != "open"]
                await anyio.sleep(0.05)
