"""What models cannot do, said as their provider says it."""

import pytest

from aihub.backends.tokens import EstimateCounter
from aihub.errors import InvalidRequest
from aihub.model.chat import Chat, Message, OtherPart, ResponseFormat, TextPart, ToolChoice
from aihub.testing import open_test_hub

from .asking import CATALOGUE, WEATHER, answer, chat, make_call, model, provider_of

ESTIMATE = EstimateCounter()


def part(kind, **data):
    """A part that is not text."""
    return OtherPart(kind, {"type": kind, **data})


def said(role, *parts):
    """A chat with one message in parts."""
    return {"messages": (Message(role, (TextPart("What is this?"), *parts)),)}


def refused(name, **fields):
    """The error that a chat with a model is refused with."""
    asked = Chat(**{"model": name, "messages": (Message("user", "Hi"),), **fields})
    provider = provider_of(ESTIMATE)
    with pytest.raises(InvalidRequest) as beforehand:
        provider.check(model(name), asked)
    with pytest.raises(InvalidRequest) as opening:
        provider.open(make_call(asked, ESTIMATE, model(name)))
    assert str(opening.value) == str(beforehand.value)
    return beforehand.value


IMAGE = part("image_url", image_url={"url": "https://example.com/a.png"})
AUDIO = part("input_audio", input_audio={"data": "", "format": "wav"})
FILE = part("file", file={"file_id": "f"})
PREDICTION = {"prediction": {"type": "content", "content": "a"}}


@pytest.mark.parametrize(
    ("name", "fields", "param", "code", "text"),
    [
        ("gpt-4", said("user", IMAGE), "messages[0].content[1].type", "invalid_value", "image_url"),
        ("gpt-4o", said("user", AUDIO), "messages[0].content[1].type", "invalid_value", "certain"),
        ("o3-mini", said("user", FILE), "messages[0].content[1].type", "invalid_value", "file"),
        (
            "gpt-4o",
            said("system", IMAGE),
            "messages[0].content[1].type",
            "invalid_value",
            "Supported values are: 'text'",
        ),
        (
            "gpt-4o",
            said("user", part("hologram")),
            "messages[0].content[1].type",
            "invalid_value",
            "'hologram'",
        ),
        ("gpt-4o", {"max_tokens": 16385}, "max_tokens", "invalid_value", "at most 16384"),
        (
            "gpt-4o",
            {"max_completion_tokens": 16385},
            "max_completion_tokens",
            "invalid_value",
            "max_completion_tokens is too large: 16385",
        ),
        ("o3", {"max_tokens": 5}, "max_tokens", "unsupported_parameter", "max_completion_tokens"),
        ("gpt-5", {"max_tokens": 5}, "max_tokens", "unsupported_parameter", "Use"),
        ("o3", {"temperature": 0.2}, "temperature", "unsupported_value", "does not support 0.2"),
        ("o3", {"top_p": 0.2}, "top_p", "unsupported_value", "Only the default (1)"),
        ("gpt-5", {"presence_penalty": 1.0}, "presence_penalty", "unsupported_value", "(0)"),
        ("gpt-5", {"frequency_penalty": 1.0}, "frequency_penalty", "unsupported_value", "(0)"),
        ("gpt-5", {"logprobs": True}, "logprobs", "unsupported_parameter", "logprobs"),
        ("o3", {"logit_bias": {"1": 1}}, "logit_bias", "unsupported_parameter", "logit_bias"),
        ("o3", {"stop": ("a",)}, "stop", "unsupported_parameter", "stop"),
        (
            "gpt-4o",
            {"reasoning_effort": "low"},
            "reasoning_effort",
            "unsupported_parameter",
            "effort",
        ),
        ("o3", {"reasoning_effort": "none"}, "reasoning_effort", "unsupported_value", "'low'"),
        ("gpt-5.1", {"reasoning_effort": "minimal"}, "reasoning_effort", "unsupported_value", "no"),
        ("gpt-5-pro", {"reasoning_effort": "low"}, "reasoning_effort", "unsupported_value", "high"),
        (
            "gpt-5.2",
            {"reasoning_effort": "low", "temperature": 0.0},
            "temperature",
            "unsupported_value",
            "does not support 0 ",
        ),
        ("chatgpt-4o-latest", {"tools": (WEATHER,)}, "tools", "unsupported_parameter", "tools"),
        (
            "o1-mini",
            {"tools": (WEATHER,), "legacy": True},
            "functions",
            "unsupported_parameter",
            "functions",
        ),
        (
            "gpt-4o",
            {"response_format": ResponseFormat(kind="yaml")},
            "response_format.type",
            "invalid_value",
            "'yaml'",
        ),
        ("gpt-4o", {"top_logprobs": 2}, "top_logprobs", "invalid_value", "'logprobs' is enabled"),
        ("gpt-4", {"extra": PREDICTION}, "prediction", "unsupported_parameter", "prediction"),
        (
            "gpt-4o",
            {"extra": {"web_search_options": {}}},
            "web_search_options",
            "unsupported_parameter",
            "web_search_options",
        ),
        (
            "gpt-4o",
            {"extra": {"modalities": ["text", "audio"]}},
            "modalities",
            "unsupported_value",
            "audio",
        ),
        (
            "gpt-4o",
            {"extra": {"audio": {"voice": "ash", "format": "wav"}}},
            "audio",
            "unsupported_value",
            "audio",
        ),
    ],
)
def test_what_a_model_cannot_do_is_refused_by_name(name, fields, param, code, text):
    """Facts of the catalogue, texts and codes of the provider; beforehand and on opening alike."""
    error = refused(name, **fields)
    assert (error.param, error.code) == (param, code)
    assert text in str(error)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("gpt-4o", said("user", IMAGE, FILE)),
        ("gpt-4o", said("assistant", part("refusal", refusal="no"))),
        ("gemini-2.5-flash", said("user", AUDIO)),
        ("gpt-4o", {"max_tokens": 16384, "temperature": 2.0, "top_p": 0.0}),
        ("o3", {"max_completion_tokens": 100_000, "temperature": 1.0, "presence_penalty": 0.0}),
        ("o1", {"stop": ("a",)}),
        ("gpt-5.2", {"temperature": 0.2, "logprobs": True}),
        ("gpt-5.2", {"reasoning_effort": "none", "temperature": 0.2}),
        ("gpt-4o", {"extra": PREDICTION}),
        ("gpt-4.1-mini", {"extra": PREDICTION}),
        ("gpt-4", {"extra": {"modalities": ["text"], "store": True, "verbosity": "low"}}),
        ("sonar", {"extra": {"web_search_options": {}}}),
        ("gpt-4", {"tool_choice": ToolChoice("auto"), "parallel_tool_calls": True}),
        ("claude-sonnet-4-5", {"reasoning_effort": "high", "temperature": 0.3}),
        ("gpt-3.5-turbo", {"tools": (WEATHER,)}),
        ("gpt-4", {"response_format": ResponseFormat(kind="json_schema", name="a")}),
    ],
)
@pytest.mark.anyio
async def test_what_is_odd_but_allowed_passes(name, fields):
    """Nothing stricter than the document and the model's own facts."""
    asked = Chat(**{"model": name, "messages": (Message("user", "Hi"),), **fields})
    assert (await answer(asked, ESTIMATE, model=model(name)))[1].completion >= 0


@pytest.mark.anyio
async def test_prompt_and_answer_must_fit_together():
    """The text tells all four numbers; without a bound the answer takes what is left."""
    with pytest.raises(InvalidRequest, match=r"8192 tokens. However, you requested 8200") as error:
        await answer(chat("Hi", max_tokens=8192), ESTIMATE, model=model("gpt-4"))
    assert (error.value.param, error.value.code) == ("messages", "context_length_exceeded")


@pytest.mark.anyio
async def test_a_lenient_mock_lets_models_do_anything():
    """As other mocks do: no fact of a model is held against a request."""
    asked = Chat(
        model="o3",
        messages=(Message("user", (TextPart("Hi"), AUDIO)),),
        max_tokens=200_000,
        temperature=0.2,
        tools=(WEATHER,),
        extra={"modalities": ["audio"]},
    )
    (choice,), _ = await answer(asked, ESTIMATE, model=model("o3"), lenient=True)
    assert choice.finish_reason == "stop"


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.anyio
async def test_a_conversation_that_a_provider_made_short_is_refused(lenient):
    """Nobody but who made it can read it, and without it the chat would be another."""
    item = {"type": "compaction", "encrypted_content": "gAAAA"}
    said = (TextPart("Hi"), OtherPart("compaction", item, "openai_responses"))
    asked = Chat(model="o3", messages=(Message("user", "Hi"), Message("user", said)))
    with pytest.raises(InvalidRequest, match="compaction"):
        await answer(asked, ESTIMATE, model=model("o3"), lenient=lenient)


def test_what_was_let_pass_for_one_chat_or_model_is_not_for_another():
    """A hub asks `check` and opens; between the two others may have asked."""
    provider, seen = provider_of(ESTIMATE), Chat(**{"model": "gpt-4o", **said("user", IMAGE)})
    provider.check(model("gpt-4o"), seen)
    with pytest.raises(InvalidRequest):
        provider.open(make_call(seen, ESTIMATE, model("gpt-4")))
    provider.check(model("gpt-4o"), seen)
    with pytest.raises(InvalidRequest):
        provider.open(make_call(chat("Hi", n=1, reasoning_effort="high"), ESTIMATE, model("gpt-4")))


@pytest.mark.anyio
async def test_a_refusal_leaves_no_trace():
    """The hub asks beforehand: no row, no window entry."""
    provider = provider_of(ESTIMATE)
    async with open_test_hub(provider) as hub:
        with pytest.raises(InvalidRequest):
            await hub.chat("o3", "Hi", temperature=0.2)
        assert await hub.requests() == []


def test_every_model_answers_a_plain_question():
    """No rule refuses what nothing was said about."""
    provider = provider_of(ESTIMATE)
    for one in CATALOGUE.models():
        provider.check(one, chat("Hi", model=one.id))
