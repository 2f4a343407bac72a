"""Providers over HTTP keep the contract of a provider, whatever the kind and the transport."""

from contextlib import asynccontextmanager

import attrs
import orjson
import pytest

from aihub.backends.providers.http import KINDS, HttpProvider, make_provider
from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.backends.transports.native import NativeTransport
from aihub.errors import UpstreamFailed, UsageMistake
from aihub.model.chat import Chat, Message
from aihub.model.events import Text, UsageSeen
from aihub.model.usage import Count
from aihub.protocols import ProviderCall
from aihub.testing import ProviderSuite
from aihub.testing.providers import MODEL
from aihub.testing.upstreams import answer, chunked, open_upstream

from .http_answers import EVENTS, SERVERS, TEXT, whole

TRANSPORTS = {"httpx2": Httpx2Transport, "native": NativeTransport}


class Answering:
    """A provider whose server lives as long as one call: it refuses calls for an empty text."""

    def __init__(self, server, transport):
        self._server = server
        self._transport = transport

    @asynccontextmanager
    async def open(self, call):
        """Start a server, ask it, and see that nothing of it is left."""
        server, transport = self._server, self._transport()
        if not call.chat.messages[-1].text:
            script = answer(server.error("Say something."), status="400 Bad")
        elif call.chat.stream:
            script = chunked(*server.frames, headers=EVENTS)
        else:
            script = whole(server)
        async with open_upstream(script) as upstream:
            provider = server.provider(transport, upstream.url)
            try:
                async with provider.open(call) as events:
                    yield events
            finally:
                await provider.aclose()
                await upstream.wait_open(0)


def _suites():
    for kind, server in SERVERS.items():
        for name, transport in TRANSPORTS.items():

            class Suite(ProviderSuite):
                server_, transport_ = server, transport

                def provider(self):
                    return Answering(self.server_, self.transport_)

                def refused(self):
                    call = self.call()
                    empty = attrs.evolve(call.chat, messages=(Message("user", ""),))
                    return attrs.evolve(call, chat=empty)

            title = f"Test{kind.title().replace('-', '')}By{name.title()}"
            yield title, pytest.mark.anyio(type(title, (Suite,), {}))


globals().update(_suites())


def call(stream=False, **more):
    chat = Chat(model="gpt-4", messages=(Message("user", "Hi"),), stream=stream, **more)
    return ProviderCall("req_1", chat, MODEL, "up-model", Count(4, "counted"))


@asynccontextmanager
async def asking(kind, *scripts, transport=NativeTransport, path="", **more):
    """A provider of a kind and the server that it asks."""
    async with open_upstream(*scripts) as upstream:
        provider = SERVERS[kind].provider(transport(), upstream.url + path, **more)
        try:
            yield provider, upstream
        finally:
            await provider.aclose()


async def all_of(provider, asked=None):
    async with provider.open(asked or call()) as events:
        return [event async for event in events]


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_a_call_arrives_as_it_was_meant(transport):
    """The path below the address, the key in its header, JSON, and no word of ours besides."""
    async with asking(
        "openai",
        whole(SERVERS["openai"]),
        transport=transport,
        path="/v1/",
        headers=(("openai-organization", "org"),),
    ) as (provider, upstream):
        await all_of(provider)
        [asked] = upstream.asked
    headers = dict(asked.headers)
    assert (asked.method, asked.target) == ("POST", "/v1/chat/completions")
    assert headers["authorization"] == "Bearer sk-secret"
    assert headers["content-type"] == "application/json"
    assert headers["openai-organization"] == "org"
    assert orjson.loads(asked.body) == {
        "model": "up-model",
        "messages": [{"role": "user", "content": "Hi"}],
    }


async def test_azure_by_deployments_has_the_model_in_its_path():
    """And the version in the query, and the key in a header of its own."""
    async with open_upstream(whole(SERVERS["openai"])) as upstream:
        provider = make_provider(
            "azure",
            name="az",
            transport=NativeTransport(),
            base_url=upstream.url,
            key="secret",
            api_version="2024-10-21",
        )
        asked = attrs.evolve(call(), upstream_model="my/model")
        await all_of(provider, asked)
        await provider.aclose()
        [got] = upstream.asked
    assert got.target == ("/openai/deployments/my%2Fmodel/chat/completions?api-version=2024-10-21")
    assert dict(got.headers)["api-key"] == "secret"
    assert "authorization" not in dict(got.headers)


async def test_a_whole_answer_to_a_call_for_a_stream_is_understood():
    """Some servers do not stream everything."""
    async with asking("openai", whole(SERVERS["openai"])) as (provider, _):
        events = await all_of(provider, call(stream=True))
    assert Text(TEXT) in events
    assert isinstance(events[-1], UsageSeen)


async def test_a_redirect_is_no_answer():
    """A provider that has moved is configured wrongly: nobody is asked twice for it."""
    script = answer(status="307 Temporary Redirect", headers=[("location", "https://a.b/")])
    async with asking("openai", script) as (provider, upstream):
        with pytest.raises(UpstreamFailed) as failed:
            await all_of(provider)
        assert len(upstream.asked) == 1
    assert (failed.value.code, failed.value.provider, failed.value.lasting) == (
        "bad_status",
        "up",
        True,
    )


async def test_an_endless_error_is_cut_and_an_endless_answer_refused(monkeypatch):
    """Neither fills the memory."""
    from aihub.backends.providers.http import provider as module

    monkeypatch.setattr(module, "MAX_ANSWER", 1000)
    monkeypatch.setattr(module, "MAX_ERROR", 1000)
    long = b"x" * 5000
    scripts = answer(long, status="500 Oh"), answer(long)
    async with asking("openai", *scripts) as (provider, _):
        codes = []
        for _ in scripts:
            with pytest.raises(UpstreamFailed) as failed:
                await all_of(provider)
            codes.append(failed.value.code)
    assert codes == ["upstream_failed", "answer_too_large"]


async def test_the_key_is_in_no_repr_and_no_error():
    """Not in the provider's, the address's, the request's, nor in what a 401 says."""
    script = answer(b'{"error": {"message": "Incorrect key sk-secret"}}', status="401 No")
    async with asking("openai", script) as (provider, _):
        with pytest.raises(UpstreamFailed) as failed:
            await all_of(provider)
        told = [repr(one) for one in vars(provider).values()]
        told += [str(failed.value), repr(failed.value)]
    assert not any("sk-secret" in one for one in told)


# Kinds


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_made(kind):
    """With an address of its own, and without where it always has the same one."""
    made = make_provider(
        kind, name="p", transport=NativeTransport(), base_url="http://127.0.0.1:1/v1"
    )
    assert isinstance(made, HttpProvider)
    if KINDS[kind].base_url:
        make_provider(kind, name="p", transport=NativeTransport())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "nope"}, "no kind of provider 'nope'"),
        ({"kind": "azure"}, "needs a base_url"),
        ({"kind": "openai", "api_version": "1"}, "api_version"),
        *[
            ({"kind": "openai", "base_url": url}, "http:// or https://")
            for url in ("", "a.b", "ftp://a", "http://", "http://a?b", "http://u:p@a", "http://[")
        ],
    ],
)
def test_what_is_configured_wrongly_is_named(fields, says):
    """Before anything is asked."""
    given = {"name": "p", "transport": NativeTransport(), **fields}
    with pytest.raises(UsageMistake, match=says):
        make_provider(given.pop("kind"), **given)
