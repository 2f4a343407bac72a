"""Tokens and probabilities: what a request says of them is what it gets."""

import math

import anyio
import anyio.lowlevel
import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.backends.clocks import ManualClock
from aihub.backends.providers.mock import bias
from aihub.backends.providers.mock.caching import MAX_BEGINNINGS, PromptCache
from aihub.backends.providers.mock.choosing import Chooser
from aihub.backends.providers.mock.prediction import answer as predict
from aihub.backends.providers.mock.probabilities import ALTERNATIVES, logprobs
from aihub.backends.providers.mock.reply import MAX_WRITTEN
from aihub.backends.tokens import EstimateCounter, TiktokenCounter
from aihub.errors import InvalidRequest
from aihub.model.chat import Message, ResponseFormat
from aihub.model.events import Text
from aihub.model.units import SECOND
from aihub.testing.providers import MODEL

from .asking import STORY, answer, chat, events_of, model, provider_of

ESTIMATE = EstimateCounter()
COUNTERS = [
    pytest.param(ESTIMATE, id="estimate"),
    pytest.param(TiktokenCounter(), id="tiktoken", marks=pytest.mark.needs("tiktoken")),
]
both_counters = pytest.mark.parametrize("tokens", COUNTERS)
needs_tiktoken = pytest.mark.needs("tiktoken")
WIDE = "Erzähl mir von 東京 und 🎉🎉 und 👩‍👩‍👧"


# Probabilities


@both_counters
@pytest.mark.parametrize("said", [STORY, WIDE])
@pytest.mark.anyio
async def test_there_is_a_probability_for_each_token(tokens, said):
    """As many as tokens, their bytes join to the text, and none is above 0."""
    (choice,), usage = await answer(chat(said, logprobs=True), tokens)

    assert len(choice.logprobs) == usage.completion
    assert b"".join(bytes(one["bytes"]) for one in choice.logprobs).decode() == choice.text
    assert all(one["logprob"] <= 0 for one in choice.logprobs)
    assert all(one["top_logprobs"] == [] for one in choice.logprobs)


@both_counters
@pytest.mark.parametrize("top", [1, 2, 20])
@pytest.mark.anyio
async def test_the_chosen_token_is_among_the_top_ones(tokens, top):
    """Sorted, each another, no more than certain together."""
    (choice,), _ = await answer(chat(STORY, logprobs=True, top_logprobs=top), tokens)

    for one in choice.logprobs:
        ranked = one["top_logprobs"]
        told = [{name: part[name] for name in ("token", "logprob", "bytes")} for part in ranked]
        assert len(ranked) == top == len({tuple(part["bytes"]) for part in ranked})
        assert {name: one[name] for name in ("token", "logprob", "bytes")} in told
        shares = [part["logprob"] for part in ranked]
        assert shares == sorted(shares, reverse=True)
        assert sum(map(math.exp, shares)) <= 1 + 1e-6


@both_counters
@pytest.mark.anyio
async def test_streamed_probabilities_stand_beside_their_tokens(tokens):
    """Each piece brings those of its own tokens; also where a character has several."""
    asked = chat(WIDE, logprobs=True, top_logprobs=2, stream=True)
    for event in await events_of(asked, tokens):
        if isinstance(event, Text):
            joined = b"".join(bytes(one["bytes"]) for one in event.logprobs)
            assert joined.decode() == event.text


@pytest.mark.anyio
async def test_a_cut_answer_has_probabilities_for_what_is_left():
    """As many as the bound allows; of an empty answer none."""
    (choice,), _ = await answer(chat(STORY, logprobs=True, max_tokens=3), ESTIMATE)
    assert len(choice.logprobs) == 3
    (choice,), _ = await answer(chat("Hi", logprobs=True, stop=("H",)), ESTIMATE)
    assert (choice.text, choice.logprobs) == ("", None)


def test_a_part_of_a_character_is_told_by_its_bytes():
    """As the real API writes a token that is no text."""
    (one,) = logprobs([b"\xf0\x9f"], Chooser(b"x" * 32), 0)
    assert (one["token"], one["bytes"]) == ("bytes:\\xf0\\x9f", [0xF0, 0x9F])


@needs_tiktoken
@pytest.mark.parametrize("encoding", ["o200k_base", "cl100k_base"])
def test_alternatives_are_tokens(encoding):
    """Each word of the list is a single token, with a space before it and without."""
    counter = TiktokenCounter()
    for word in ALTERNATIVES:
        assert len(counter.encode(encoding, word)) == len(counter.encode(encoding, f" {word}")) == 1


# Bias


def ids_of(text):
    """The tokens of a text, by the model's vocabulary."""
    return TiktokenCounter().encode(MODEL.encoding, text)


@needs_tiktoken
@pytest.mark.anyio
async def test_a_banned_token_never_comes():
    """However often it would have; what is left says the rest."""
    counter = TiktokenCounter()
    (plain,), _ = await answer(chat(STORY), counter)
    often = {str(token): -100 for token in ids_of(" rivers the. to of")}
    (choice,), usage = await answer(chat(STORY, logit_bias=often), counter)

    assert not {str(token) for token in ids_of(choice.text)} & often.keys()
    assert choice.text
    assert choice.text != plain.text
    assert usage.completion == len(ids_of(choice.text))


@needs_tiktoken
@given(st.text(max_size=40), st.data())
def test_no_ban_can_be_got_round(text, data):
    """Also where leaving a token out makes another that is banned."""
    counter = TiktokenCounter()
    tokens = counter.encode("o200k_base", text)
    banned = data.draw(st.frozensets(st.sampled_from(tokens))) if tokens else frozenset()
    left = bias.without(text, banned, counter, "o200k_base")

    assert not banned & set(counter.encode("o200k_base", left))
    assert len(left) <= len(text)


@needs_tiktoken
@pytest.mark.anyio
async def test_a_forced_token_comes_alone():
    """Up to the bound, as the document says: exclusive selection."""
    counter = TiktokenCounter()
    (yes,), (no,) = ids_of(" yes"), ids_of(" no")
    asked = chat(STORY, logit_bias={str(yes): 100}, max_tokens=3, logprobs=True)
    (choice,), usage = await answer(asked, counter)
    assert (choice.text, choice.finish_reason, usage.completion) == (" yes yes yes", "length", 3)
    assert [one["token"] for one in choice.logprobs] == [" yes"] * 3

    either = chat(STORY, logit_bias={str(yes): 100, str(no): 100}, max_tokens=1, n=20)
    choices, _ = await answer(either, counter)
    assert {choice.text for choice in choices} == {" yes", " no"}

    stopped = chat(STORY, logit_bias={str(yes): 100}, stop=("yes yes",))
    (choice,), _ = await answer(stopped, counter)
    assert (choice.text, choice.finish_reason) == ("", "stop")


@needs_tiktoken
@pytest.mark.anyio
async def test_forcing_parts_of_characters_tells_whole_ones():
    """What is no character yet is not told, nor counted."""
    counter = TiktokenCounter()
    part = next(t for t in ids_of("👩‍👩‍👧") if not _is_text(counter, t))
    (choice,), usage = await answer(chat(STORY, logit_bias={str(part): 100}, max_tokens=3), counter)
    assert (choice.text, choice.finish_reason, usage.completion) == ("", "length", 0)


def _is_text(counter, token):
    try:
        counter.spell(MODEL.encoding, [token])[0].decode()
    except UnicodeDecodeError:
        return False
    return True


@needs_tiktoken
@pytest.mark.anyio
async def test_a_special_token_ends_the_answer():
    """Banned it changes nothing, forced there is nothing else."""
    counter = TiktokenCounter()
    end = "100257"
    assert await answer(chat(STORY, logit_bias={end: -100}), counter) == await answer(
        chat(STORY), counter
    )
    (choice,), usage = await answer(chat(STORY, logit_bias={end: 100}), counter)
    assert (choice.text, choice.finish_reason, usage.completion) == ("", "stop", 0)


@needs_tiktoken
@pytest.mark.anyio
async def test_a_mild_bias_changes_nothing():
    """The mock draws no lots."""
    counter = TiktokenCounter()
    mild = {
        str(token): weight for token, weight in zip(ids_of(" the a of"), (-99, 99, 0), strict=True)
    }
    assert await answer(chat(STORY, logit_bias=mild), counter) == await answer(chat(STORY), counter)


@needs_tiktoken
@pytest.mark.parametrize("key", ["-1", "a", "", "1.5", "100277", "9" * 400, "٣"])
def test_a_key_that_is_no_token_is_refused(key):
    """By its name, with the range there is."""
    with pytest.raises(InvalidRequest, match="from 0 to 100276") as refused:
        provider_of(TiktokenCounter()).check(MODEL, chat("Hi", logit_bias={key: 1}))
    assert (refused.value.param, refused.value.code) == ("logit_bias", "invalid_value")


def test_without_a_tokenizer_there_is_no_bias():
    """A rule of thumb has no token ids; the error says what to install."""
    with pytest.raises(InvalidRequest, match=r"ai-hub\[tokens\]") as refused:
        provider_of(ESTIMATE).check(MODEL, chat("Hi", logit_bias={"1": 1}))
    assert refused.value.code == "unsupported_parameter"


# Thinking


@pytest.mark.parametrize(
    ("name", "asked", "low", "high"),
    [
        ("o3", None, 128, 640),
        ("o3", "low", 64, 256),
        ("o3", "high", 512, 1536),
        ("gpt-5", "minimal", 0, 128),
        ("gpt-5.1", None, 0, 0),
        ("gpt-5.1", "medium", 128, 640),
        ("gpt-5.4", "xhigh", 1024, 2560),
        ("gpt-5-pro", None, 512, 1536),
        ("gpt-4o", None, 0, 0),
        ("claude-sonnet-4-5", None, 0, 0),
        ("claude-sonnet-4-5", "low", 64, 256),
    ],
)
@pytest.mark.anyio
async def test_models_that_reason_count_what_they_think(name, asked, low, high):
    """By effort, in steps of 64, inside the completion; by default as the document says."""
    question = chat(STORY, model=name, reasoning_effort=asked, n=3)
    choices, usage = await answer(question, ESTIMATE, model=model(name))

    assert 3 * low <= usage.reasoning <= 3 * high
    assert usage.reasoning % 64 == 0
    seen = sum(ESTIMATE.count_text(MODEL, choice.text).tokens for choice in choices)
    assert usage.completion == usage.reasoning + seen


@pytest.mark.anyio
async def test_thinking_may_take_all_the_room_there_is():
    """Then nothing is said, as with the real ones: `length`, and every token was thought."""
    asked = chat(STORY, model="o3", reasoning_effort="high", max_completion_tokens=100)
    (choice,), usage = await answer(asked, ESTIMATE, model=model("o3"))

    assert (choice.text, choice.finish_reason) == ("", "length")
    assert (usage.completion, usage.reasoning) == (100, 100)


# Repeated prefixes


LONG = "All about rivers, and about the people who live beside them. " * 200
SYSTEM = Message("system", LONG)


@pytest.mark.anyio
async def test_a_prompt_that_begins_as_one_before_is_cached():
    """From the second time on, in steps of 128; the end is always read anew."""
    provider, gpt = provider_of(ESTIMATE), model("gpt-4o")
    told = []
    for last in ("What is a delta?", "What is a spring?", "What is a spring?"):
        asked = chat(SYSTEM, last, model="gpt-4o")
        _, usage = await answer(asked, ESTIMATE, model=gpt, provider=provider)
        told.append(usage)

    first, second, third = told
    assert first.cached == 0
    assert 1024 <= second.cached <= third.cached < third.prompt
    assert second.cached % 128 == third.cached % 128 == 0
    assert second.is_sound


@pytest.mark.anyio
async def test_what_is_short_old_or_anothers_is_not_cached():
    """Below 1,024 tokens, after five minutes, of another account or model, without such a price."""
    clock = ManualClock()
    provider, gpt = provider_of(ESTIMATE, clock=clock), model("gpt-4o")

    async def cached(*said, model=gpt, account="acc_1"):
        asked = chat(*said, model=model.id)
        more = {"model": model, "provider": provider, "account": account}
        return (await answer(asked, ESTIMATE, **more))[1].cached

    assert [await cached("Hi"), await cached("Hi")] == [0, 0]
    assert await cached(SYSTEM, "Hi") == 0
    assert await cached(SYSTEM, "Hi", account="acc_2") == 0
    assert await cached(SYSTEM, "Hi", model=model("gpt-4.1")) == 0
    assert await cached(SYSTEM, "Hi") > 0
    clock.advance(300)
    assert await cached(SYSTEM, "Hi") > 0
    clock.advance(301)
    assert await cached(SYSTEM, "Hi") == 0
    old = model("gpt-4")
    assert [await cached(SYSTEM, "Hi", model=old), await cached(SYSTEM, "Hi", model=old)] == [0, 0]


def test_what_is_remembered_is_bounded():
    """What was used longest ago makes room."""
    cache = PromptCache()
    for n in range(MAX_BEGINNINGS + 1):
        cache.read("", chat(str(n)), 2000, n * SECOND)
    assert cache.read("", chat("0"), 2000, 0) == 0
    assert cache.read("", chat(str(MAX_BEGINNINGS)), 2000, MAX_BEGINNINGS * SECOND) > 0


# Predictions


CODE = "class User:\n    username = ''\n    age = 0\n\n    def name(self):\n        return 'x'\n"


@both_counters
@pytest.mark.anyio
async def test_a_prediction_is_answered_with_its_change(tokens):
    """What was predicted right is accepted, what was not is rejected; both are billed."""
    predicted = {"type": "content", "content": CODE}
    asked = chat("Replace the username property with an email property.")
    asked.extra = {"prediction": predicted}
    (choice,), usage = await answer(asked, tokens, model=model("gpt-4o"))

    assert choice.text == CODE.replace("username", "email")
    lines = CODE.splitlines(keepends=True)
    assert usage.rejected == tokens.count_text(model("gpt-4o"), lines[1]).tokens
    assert usage.accepted > usage.rejected > 0
    said = tokens.count_text(model("gpt-4o"), choice.text).tokens
    assert usage.completion == said + usage.rejected
    assert usage.is_sound


@pytest.mark.anyio
async def test_a_prediction_without_a_change_is_right():
    """In parts too; what a bound cuts off was predicted in vain."""
    parts = [{"type": "text", "text": "one two "}, {"type": "text", "text": "three four"}]
    asked = chat("Again, please", extra={"prediction": {"type": "content", "content": parts}})
    (choice,), usage = await answer(asked, ESTIMATE, model=model("gpt-4o"))
    assert (choice.text, usage.accepted, usage.rejected) == ("one two three four", 4, 0)

    cut = attrs.evolve(asked, max_tokens=3)
    _, usage = await answer(cut, ESTIMATE, model=model("gpt-4o"))
    assert (usage.accepted, usage.rejected, usage.completion) == (3, 1, 4)


@pytest.mark.parametrize("given", [None, 5, {}, {"content": 5}, {"content": [5, {"text": "a"}]}])
@pytest.mark.anyio
async def test_a_prediction_that_is_none_is_no_trouble(given):
    """In process anything may be given."""
    asked = chat("Hi", extra={"prediction": given})
    assert (await answer(asked, ESTIMATE, model=model("gpt-4o")))[0][0].finish_reason == "stop"


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_change_of_any_text_is_counted_once(predicted, asked):
    """Each line is either kept or not."""
    made = predict(predicted, asked, len)
    assert made.accepted + made.rejected == len(predicted)


# Bounds of all of it


@needs_tiktoken
@pytest.mark.parametrize(
    ("more", "each"),
    [
        ({"n": 1}, 4096),
        ({"n": 64}, MAX_WRITTEN // 64),
        ({"n": 64, "logprobs": True}, MAX_WRITTEN // 128),
        ({"n": 64, "logprobs": True, "top_logprobs": 20}, MAX_WRITTEN // (64 * 22)),
    ],
)
@pytest.mark.anyio
async def test_what_one_request_may_have_written_is_bounded(more, each):
    """A token that is forced goes on without end; what is cut ends as `length`."""
    counter = TiktokenCounter()
    (yes,) = ids_of(" yes")
    choices, usage = await answer(chat("Hi", logit_bias={str(yes): 100}, **more), counter)
    assert {choice.finish_reason for choice in choices} == {"length"}
    assert usage.completion == more["n"] * each


@pytest.mark.anyio
async def test_others_have_a_turn_between_choices():
    """Many choices are much work, and a server answers others meanwhile."""
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        await answer(chat(STORY, n=32), ESTIMATE)
        tasks.cancel_scope.cancel()
    assert turns > 30


@pytest.mark.anyio
async def test_who_leaves_between_choices_is_not_kept():
    """Cancelled while it is written, and the next is answered."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await answer(chat(STORY, n=32), ESTIMATE)
        pytest.fail("who had left was answered")
    assert len((await answer(chat(STORY, n=2), ESTIMATE))[0]) == 2


# Bounds of JSON


@both_counters
@pytest.mark.anyio
async def test_json_is_cut_as_text_is(tokens):
    """`length` at exactly as many tokens, whatever the form asked for."""
    asked = chat(STORY, response_format=ResponseFormat(kind="json_object"), max_tokens=4)
    (choice,), usage = await answer(asked, tokens)
    assert (choice.finish_reason, usage.completion) == ("length", 4)
    assert choice.text.startswith("{")


@pytest.mark.anyio
async def test_the_fingerprint_is_of_the_seed():
    """The same system says the same."""
    for seed in (0, 7):
        events = await events_of(chat("Hi"), ESTIMATE, seed=seed)
        assert events[0].fingerprint == f"fp_mock_{seed}"
