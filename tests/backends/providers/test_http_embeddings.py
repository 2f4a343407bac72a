"""Providers over HTTP embed and judge, whatever the transport; their SDK judges what is sent."""

from contextlib import asynccontextmanager

import orjson
import pytest

from aihub.backends.providers.http import (
    KINDS,
    EmbeddingHttpProvider,
    HttpProvider,
    OpenAIProvider,
    make_provider,
)
from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.backends.transports.native import NativeTransport
from aihub.errors import UpstreamFailed, UpstreamLimited, UpstreamRefused
from aihub.model.catalogue import Deployment, Retries, Routes
from aihub.model.chat import TextPart
from aihub.model.embedding import EmbeddingRequest
from aihub.model.moderation import CATEGORIES, ModerationRequest
from aihub.model.usage import Count, Usage
from aihub.protocols import Compactor, Embedder, EmbeddingCall, ModerationCall, Moderator
from aihub.testing import CompactorSuite, EmbedderSuite, ModeratorSuite, open_test_hub
from aihub.testing.embedders import EMBEDDING_MODEL, MODERATION_MODEL
from aihub.testing.providers import MODEL
from aihub.testing.upstreams import answer, open_upstream

from .http_answers import JSON, PATIENT

TRANSPORTS = {"httpx2": Httpx2Transport, "native": NativeTransport}
MODELS = (MODEL, EMBEDDING_MODEL)
LENGTHS = {"One": 3.0, "Two words": 9.0}


def vectors(*numbers):
    data = [
        {"object": "embedding", "index": n, "embedding": [one, 1.0]}
        for n, one in enumerate(numbers)
    ]
    usage = {"prompt_tokens": 6, "total_tokens": 6}
    return orjson.dumps({"object": "list", "model": "up", "data": data, "usage": usage})


def judgements(count):
    one = {
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": dict.fromkeys(CATEGORIES, 0.25),
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }
    return orjson.dumps({"id": "modr-up", "model": "up", "results": [one] * count})


@asynccontextmanager
async def asked(transport, body, *, status="200 OK", kind="openai", path="/v1", **more):
    """A provider of a kind whose server gives one answer, and that server."""
    script = answer(body, status=status, headers=JSON)
    async with open_upstream(script) as upstream:
        provider = make_provider(
            kind,
            name="up",
            transport=transport(),
            base_url=upstream.url + path,
            key="sk-secret",
            timeouts=PATIENT,
            **more,
        )
        try:
            yield provider, upstream
        finally:
            await provider.aclose()
        await upstream.wait_open(0)


class Answering:
    """Embeds and judges by a server that lives as long as one call."""

    def __init__(self, transport):
        self._transport = transport

    async def embed(self, call):
        if call.request.inputs == ("no",):
            body, status = b'{"error": {"message": "No."}}', "400 Bad"
        else:
            body, status = vectors(*[LENGTHS[one] for one in call.request.inputs]), "200 OK"
        async with asked(self._transport, body, status=status) as (provider, _):
            return await provider.embed(call)

    async def compact(self, call):
        item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA"}
        body = orjson.dumps({"object": "response.compaction", "output": [item]})
        async with asked(self._transport, body, kind="openai-responses") as (provider, _):
            return await provider.compact(call)

    async def moderate(self, call):
        async with asked(self._transport, judgements(len(call.request.inputs))) as (provider, _):
            return await provider.moderate(call)


@pytest.mark.anyio
class TestEmbedderByHttpx2(EmbedderSuite):
    """By httpx2."""

    transport = Httpx2Transport

    def embedder(self):
        return Answering(self.transport)

    def refused(self):
        return self.call("no")


class TestEmbedderByH11(TestEmbedderByHttpx2):
    """By h11."""

    transport = NativeTransport


@pytest.mark.anyio
class TestCompactorByHttpx2(CompactorSuite):
    """By httpx2."""

    transport = Httpx2Transport

    def compactor(self):
        return Answering(self.transport)


class TestCompactorByH11(TestCompactorByHttpx2):
    """By h11."""

    transport = NativeTransport


@pytest.mark.anyio
class TestModeratorByHttpx2(ModeratorSuite):
    """By httpx2."""

    transport = Httpx2Transport

    def moderator(self):
        return Answering(self.transport)


class TestModeratorByH11(TestModeratorByHttpx2):
    """By h11."""

    transport = NativeTransport


def embedding_call(*inputs):
    request = EmbeddingRequest(model=EMBEDDING_MODEL.id, inputs=inputs)
    return EmbeddingCall("req_1", request, EMBEDDING_MODEL, "up-model", Count(1, "counted"))


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_it_is_asked_where_and_as_a_client_of_its_own_would(transport):
    """The path, the key and the upstream model's name."""
    async with asked(transport, vectors(1.0)) as (provider, upstream):
        told = await provider.embed(embedding_call("Hi"))
        [one] = upstream.asked
    assert (one.method, one.target) == ("POST", "/v1/embeddings")
    assert dict(one.headers)["authorization"] == "Bearer sk-secret"
    assert orjson.loads(one.body) == {
        "model": "up-model",
        "input": ["Hi"],
        "encoding_format": "float",
    }
    assert (told.usage, told.model) == (Usage(6, 0), "up")


async def test_judgements_are_asked_for_beside():
    """Under the same address."""
    request = ModerationRequest(model="m", inputs=((TextPart("Hi"),),))
    call = ModerationCall("req_1", request, MODERATION_MODEL, "up-model", Count(1, "counted"))
    async with asked(NativeTransport, judgements(1)) as (provider, upstream):
        told = await provider.moderate(call)
        [one] = upstream.asked
    assert (one.method, one.target) == ("POST", "/v1/moderations")
    assert told.results[0].scores["hate"] == 0.25


async def test_azure_has_the_deployment_in_its_path():
    """And the version in its query."""
    more = {"kind": "azure", "path": "", "api_version": "2024-10-21"}
    async with asked(NativeTransport, vectors(1.0), **more) as (provider, upstream):
        await provider.embed(embedding_call("Hi"))
        [one] = upstream.asked
    expected = "/openai/deployments/up-model/embeddings?api-version=2024-10-21"
    assert one.target == expected


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        ("400 Bad", b'{"error": {"message": "No."}}', UpstreamRefused),
        ("401 No", b'{"error": {"message": "sk-secret"}}', UpstreamFailed),
        ("429 Later", b"{}", UpstreamLimited),
        ("500 Oh", b"<html>", UpstreamFailed),
        ("200 OK", b"<html>", UpstreamFailed),
        ("200 OK", b"", UpstreamFailed),
        ("302 Elsewhere", b"", UpstreamFailed),
    ],
)
async def test_what_goes_wrong_is_an_error_that_names_the_provider(status, body, error):
    """And never a vector; the key is not repeated."""
    async with asked(NativeTransport, body, status=status) as (provider, _):
        with pytest.raises(error) as failed:
            await provider.embed(embedding_call("Hi"))
    assert failed.value.provider == "up"
    assert "sk-secret" not in str(failed.value)


def test_each_kind_does_what_it_can():
    """Capabilities are protocols; who has none of them is not asked."""
    judges = {"openai", "openai-responses"}
    compact = {"openai-responses"}
    chats_alone = {"anthropic", "gemini", "bedrock", "groq", "deepseek"}
    for name, kind in KINDS.items():
        assert issubclass(kind.serves, HttpProvider)
        assert issubclass(kind.serves, OpenAIProvider) == (name in judges)
        assert issubclass(kind.serves, Compactor) == (name in compact)
        assert issubclass(kind.serves, EmbeddingHttpProvider) == (name not in chats_alone)
    assert issubclass(OpenAIProvider, Embedder)
    assert issubclass(OpenAIProvider, Moderator)
    assert not issubclass(HttpProvider, Embedder)


async def test_a_hub_embeds_over_http():
    """Billed by what the provider counts."""
    async with asked(NativeTransport, vectors(1.0, 2.0)) as (provider, _):
        place = Deployment(id="d", provider="p0", upstream_model="up", region="r")
        routes = Routes(
            deployments={EMBEDDING_MODEL.id: (place,)}, region="r", retries=Retries(most=0)
        )
        async with open_test_hub(provider, routes=routes, models=MODELS) as hub:
            done = await hub.embed(EMBEDDING_MODEL.id, ["a", "b"])
            [row] = await hub.requests()
    assert [list(one) for one in done.vectors] == [[1, 1], [2, 1]]
    assert row.cost == 6 * EMBEDDING_MODEL.prices.prompt
    assert row.attempts[0].upstream_model == "up"
