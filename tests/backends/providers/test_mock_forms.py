"""Answers in a form: JSON of any kind, or by a schema, through the provider."""

import json

import pytest

from aihub.backends.tokens import EstimateCounter, TiktokenCounter
from aihub.errors import InvalidRequest
from aihub.model.chat import ResponseFormat
from aihub.testing.providers import MODEL

from .asking import STORY, answer, chat, provider_of

ESTIMATE = EstimateCounter()
COUNTERS = [
    pytest.param(ESTIMATE, id="estimate"),
    pytest.param(TiktokenCounter(), id="tiktoken", marks=pytest.mark.needs("tiktoken")),
]
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


def form(schema=None, **more):
    """A form by a schema."""
    return ResponseFormat(kind="json_schema", name="report", schema=schema, **more)


@pytest.mark.parametrize("tokens", COUNTERS)
@pytest.mark.anyio
async def test_an_answer_by_a_schema_is_its_json(tokens):
    """Compact, of the prompt's names and numbers, and another for each choice."""
    asked = chat("Plan 3 days in Paris", response_format=form(CITY, strict=True), n=2)
    choices, usage = await answer(asked, tokens)

    for choice in choices:
        assert json.loads(choice.text) == {"city": "Paris", "days": 3}
        assert (choice.finish_reason, choice.tool_calls) == ("stop", ())
    counted = [tokens.count_text(MODEL, choice.text).tokens for choice in choices]
    assert usage.completion == sum(counted)


@pytest.mark.anyio
async def test_without_a_schema_any_object_will_do():
    """`json_object`, and a schema that says nothing."""
    for wanted in (ResponseFormat(kind="json_object"), form(), form({})):
        (choice,), _ = await answer(chat(STORY, response_format=wanted), ESTIMATE)
        assert json.loads(choice.text)
        assert "rivers" in choice.text


@pytest.mark.anyio
async def test_text_is_text():
    """The form that is there without asking."""
    plain, _ = await answer(chat(STORY), ESTIMATE)
    asked, _ = await answer(chat(STORY, response_format=ResponseFormat(kind="text")), ESTIMATE)
    assert asked == plain


@pytest.mark.parametrize(
    ("wanted", "keyword", "path"),
    [
        (form({"type": "integer", "minimum": 5, "maximum": 3}), "minimum", "#/minimum"),
        (
            form({"properties": {"a": {"pattern": "("}}}),
            "pattern",
            "#/properties/a/pattern",
        ),
        (form({"$ref": "https://example.com/schema"}), "$ref", "#/$ref"),
        (form({"type": "object", "properties": {}}, strict=True), "additionalProperties", "()"),
    ],
)
def test_a_schema_without_an_answer_is_refused_by_keyword_and_path(wanted, keyword, path):
    """Before admission, with the name that the caller gave it."""
    with pytest.raises(InvalidRequest, match="response_format 'report'") as refused:
        provider_of(ESTIMATE).check(MODEL, chat("Hi", response_format=wanted))
    assert (refused.value.param, refused.value.code) == ("response_format", "invalid_json_schema")
    assert keyword in str(refused.value)
    assert path in str(refused.value)
