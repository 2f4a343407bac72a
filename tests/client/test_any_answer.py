"""Whatever a server answers: an answer, or one of our errors, and nothing else."""

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import ai_hub
from aihub.backends.clocks import ManualClock
from aihub.client.jobs import chat, get_session, list_models
from aihub.client.settings import ClientSettings
from aihub.client.streaming import ChatReader
from aihub.client.talk import Again, Head, Talk, rate_limit
from aihub.client.values import Answer, ChatCompletion

SETTINGS = ClientSettings(base_url="http://127.0.0.1:1/v1", api_key="hidden")
JOBS = [
    chat([], {}, model="m", stream=False, extra_body=None, idempotency_key=None),
    chat([], {}, model="m", stream=True, extra_body=None, idempotency_key=None),
    get_session("ses_1", {}),
    list_models({}),
]

WORDS = ["id", "choices", "delta", "message", "content", "index", "logprobs", "tool_calls", "usage"]
WORDS += ["function", "arguments", "error", "code", "data", "created", "name", "refusal", "x"]
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
JSON = st.recursive(
    LEAVES | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=12,
)
DELTAS = st.dictionaries(st.sampled_from(WORDS), JSON, max_size=4)
CHOICES = st.builds(
    lambda delta, rest: {**rest, "delta": delta},
    DELTAS,
    st.dictionaries(st.sampled_from(WORDS), JSON),
)
CHUNKS = st.builds(
    lambda choices, rest: {**rest, "choices": choices},
    st.lists(CHOICES, max_size=2),
    st.dictionaries(st.sampled_from(WORDS), JSON, max_size=2),
)


def talk(job):
    return Talk(job, SETTINGS, clock=ManualClock(), chance=lambda: 0.5, name="n")


@pytest.mark.parametrize("job", JOBS)
@given(
    status=st.sampled_from([200, 201, 302, 400, 409, 429, 500, 503, 599]),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "date", "x-should-retry", "x-request-id", "content-type"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    ),
    body=st.binary(max_size=30) | JSON.map(orjson.dumps),
)
@example(status=429, headers={"retry-after": "9" * 20}, body=b"{}")
@example(status=503, headers={"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, body=b"")
def test_any_answer_is_read_or_refused(job, status, headers, body):
    """A value of the right kind, another try, or an error with the status; the key is in none."""
    try:
        done = talk(job).answered(Head(status=status, headers=headers), body)
    except ai_hub.AIHubError as refused:
        done = refused
    assert isinstance(done, Again | Answer | ai_hub.AIHubError)
    assert not isinstance(done, ai_hub.AIHubError) or done.status == status
    assert "hidden" not in repr(done)


@given(st.lists(CHUNKS | JSON, max_size=4))
@example([{"choices": [{"delta": {"x": 1}}]}, {"choices": [{"delta": {"x": [1]}}]}])
@example([{"choices": [{"logprobs": []}]}])
@example(
    [{"choices": [{"logprobs": {"content": 1}}]}, {"choices": [{"logprobs": {"content": [1]}}]}]
)
@example([{"choices": [{"message": 7, "delta": {"content": "a"}}]}])
@example([{"choices": [{"finish_reason": "a"}]}, {"choices": [{"index": 0, "delta": None}]}])
def test_any_stream_is_folded_or_refused(values):
    """Chunks with any further fields in them fold to an answer."""
    reader = ChatReader(Head(status=200, headers={}), SETTINGS)
    events = b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in values)
    try:
        chunks = list(reader.read(events + b"data: [DONE]\n\n"))
    except (ai_hub.MalformedResponseError, ai_hub.FailedStreamError):
        return
    assert len(chunks) == len(values)
    assert isinstance(reader.completion(), ChatCompletion)


@given(st.text(max_size=20), st.integers(1, 7))
def test_how_text_is_cut_into_chunks_does_not_matter(text, size):
    """It folds to itself."""
    reader = ChatReader(Head(status=200, headers={}), SETTINGS)
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    for part in parts:
        value = {"choices": [{"index": 0, "delta": {"content": part}}]}
        list(reader.read(b"data: " + orjson.dumps(value) + b"\n\n"))

    folded = reader.completion()
    assert (folded.text if parts else "") == text


def test_headers_beyond_all_use_say_nothing():
    """A number of five thousand digits is none."""
    told = {"x-ratelimit-limit": "9" * 5000, "x-ratelimit-remaining": "1", "x-ratelimit-reset": "1"}
    assert rate_limit(told) is None
