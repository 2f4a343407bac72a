"""The mock's tokens, their probabilities and their counts: through OpenAI's SDK, both ways."""

import base64
import math
import struct
import zlib

import pytest

pytest.importorskip("openai")
pytest.importorskip("tiktoken")
pytest.importorskip("trio")

from aihub.backends.tokens import TiktokenCounter

from ..openai_sdk import ask, asked, chunks, only, plain, refusal, user

pytestmark = pytest.mark.slow

VOCABULARY = TiktokenCounter()
O200K = "o200k_base"
TEA = user("Tell me about tea")
STORY = user("Tell me a long story about rivers and the people who live beside them")
WIDE = user("猫についての物語を書いてください 🎉")


def tokens_of(text):
    """A text's tokens, by tiktoken with gpt-4o's vocabulary."""
    return VOCABULARY.encode(O200K, text)


def text(done):
    """The text of the only choice."""
    return only(done).message.content


# Bounds


@pytest.mark.parametrize("bound", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("most", [1, 7, 50])
@pytest.mark.parametrize("messages", [STORY, WIDE], ids=["english", "japanese"])
def test_a_bound_cuts_at_tiktokens_count(sdk, messages, most, bound):
    """Exactly as many tokens as were allowed, and `length`."""
    done = ask(sdk, messages=messages, **{bound: most})

    assert only(done).finish_reason == "length"
    assert done.usage.completion_tokens == most
    # A bound in the middle of a character tells the characters before it.
    assert most - 3 <= len(tokens_of(text(done))) <= most


def test_usage_is_tiktokens_count(sdk):
    """Of an answer that ends by itself; a chunk is a token."""
    done = ask(sdk, messages=STORY)
    told = [chunk.choices[0].delta.content for chunk in chunks(sdk, messages=STORY)]

    assert only(done).finish_reason == "stop"
    assert done.usage.completion_tokens == len(tokens_of(text(done)))
    pieces = [piece for piece in told if piece]
    assert len(pieces) == done.usage.completion_tokens
    assert "".join(pieces) == text(done)


@pytest.mark.parametrize("stop", [".", [".", "river"], ["never said at all", " the "]])
def test_a_stop_ends_the_text_that_would_have_been(sdk, stop):
    """Before the first of the strings, which is not told."""
    whole = text(ask(sdk, messages=STORY))

    done = ask(sdk, messages=STORY, stop=stop)

    stops = [stop] if isinstance(stop, str) else stop
    assert text(done) == whole[: min(whole.find(one) for one in stops if one in whole)]
    assert only(done).finish_reason == "stop"


def test_seeds_and_temperatures(sdk):
    """The same seed is the same answer; another is another; all tell one fingerprint."""
    one, same, other, warm = [
        ask(sdk, messages=STORY, **more)
        for more in ({"seed": 1}, {"seed": 1}, {"seed": 2}, {"seed": 1, "temperature": 0.5})
    ]

    assert plain(one) == plain(same)
    assert len({text(one), text(other), text(warm)}) == 3
    assert one.system_fingerprint == other.system_fingerprint == "fp_mock_0"


def test_choices_differ(sdk):
    """With `n`, each is another, and all count."""
    done = ask(sdk, messages=STORY, n=3, max_tokens=20)

    assert [choice.index for choice in done.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in done.choices}) == 3
    assert done.usage.completion_tokens == 60


def test_usage_comes_last_where_it_is_asked_for(sdk):
    """In a chunk without choices; every other says null, and without the option none says any."""
    *others, last = chunks(sdk, messages=TEA, stream_options={"include_usage": True})

    assert last.choices == []
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens
    assert all("usage" in chunk.model_fields_set and chunk.usage is None for chunk in others)
    plainly = chunks(sdk, messages=TEA)
    assert all("usage" not in chunk.model_fields_set for chunk in plainly)


# Probabilities


@pytest.mark.parametrize("messages", [STORY, WIDE], ids=["english", "japanese"])
@pytest.mark.parametrize("top", [None, 0, 1, 5, 20])
def test_each_token_has_a_probability(sdk, messages, top):
    """None above 0, alternatives sorted and no more than certain, the chosen one among them."""
    more = {} if top is None else {"top_logprobs": top}

    done = ask(sdk, messages=messages, logprobs=True, max_tokens=40, **more)

    entries = only(done).logprobs.content
    assert len(entries) == done.usage.completion_tokens == 40
    said = b"".join(bytes(entry.bytes) for entry in entries)
    assert said.decode(errors="ignore") == text(done)
    for entry in entries:
        ranked = [one.logprob for one in entry.top_logprobs]
        assert len({one.token for one in entry.top_logprobs}) == len(ranked) == (top or 0)
        assert entry.logprob <= 0
        assert ranked == sorted(ranked, reverse=True)
        assert sum(map(math.exp, ranked)) <= 1 + 1e-6
        assert not top or entry.token in [one.token for one in entry.top_logprobs]


def test_without_logprobs_there_are_none(sdk):
    """Nor are they told where calls of tools are."""
    assert only(ask(sdk, messages=TEA)).logprobs is None


# Bias


def numbers(*words):
    """The tokens that make *words*, alone and behind a space."""
    return {
        str(token) for word in words for each in (word, f" {word}") for token in tokens_of(each)
    }


def test_a_banned_token_is_not_said(sdk):
    """-100 for a word's tokens: the word is gone, and the rest of the text is there."""
    before = text(ask(sdk, messages=TEA))
    assert " tea" in before

    done = ask(sdk, messages=TEA, logit_bias=dict.fromkeys(numbers("tea", "Tea"), -100))

    assert not numbers("tea", "Tea") & set(map(str, tokens_of(text(done))))
    assert len(text(done)) > len(before) / 2


def test_a_forced_token_is_all_that_is_said(sdk):
    """100 for one token: it comes until a bound ends it."""
    (yes,) = tokens_of("yes")

    done = ask(sdk, messages=TEA, logit_bias={str(yes): 100}, max_tokens=5, logprobs=True)

    assert text(done) == "yes" * 5
    assert only(done).finish_reason == "length"
    assert [entry.token for entry in only(done).logprobs.content] == ["yes"] * 5


def test_one_of_two_forced_tokens_is_a_classifier(sdk):
    """As programs ask for a yes or a no."""
    (yes,), (no,) = tokens_of("yes"), tokens_of("no")

    done = ask(sdk, messages=TEA, logit_bias={str(yes): 100, str(no): 100}, max_tokens=1)

    assert text(done) in {"yes", "no"}
    assert done.usage.completion_tokens == 1


# Cached, reasoning, images, predictions


def test_a_repeated_beginning_is_cached(sdk):
    """From the second time on, a multiple of 128, within the prompt; it costs less."""
    system = {"role": "system", "content": "Boats lie at the bank, and nobody hurries. " * 200}
    told = [
        sdk.chat.completions.create(**asked({"messages": [system, *user(ask)], "max_tokens": 5}))
        for ask in ("What is a delta?", "What is a delta?", "What is a spring?")
    ]
    *_, last = chunks(sdk, messages=[system, *user("Why?")], stream_options={"include_usage": True})

    first, *later = [*[done.usage for done in told], last.usage]
    assert first.prompt_tokens_details.cached_tokens == 0
    for usage in later:
        cached = usage.prompt_tokens_details.cached_tokens
        assert 1024 <= cached <= usage.prompt_tokens
        assert cached % 128 == 0
    assert told[1].usage.cost < told[0].usage.cost


@pytest.mark.parametrize(
    ("effort", "low", "high"), [("low", 64, 256), (None, 128, 640), ("high", 512, 1536)]
)
def test_models_that_reason_count_it(sdk, effort, low, high):
    """More for more effort, in steps of 64, inside the completion's tokens."""
    more = {} if effort is None else {"reasoning_effort": effort}

    done = ask(sdk, model="o3", messages=TEA, **more)

    thought = done.usage.completion_tokens_details.reasoning_tokens
    assert low <= thought <= high
    assert thought % 64 == 0
    assert done.usage.completion_tokens == thought + len(tokens_of(text(done)))


def test_a_model_may_think_all_that_it_is_allowed(sdk):
    """And say nothing: the error that programs meet in production."""
    done = ask(sdk, model="o3", messages=TEA, reasoning_effort="high", max_completion_tokens=100)

    assert (text(done), only(done).finish_reason) == ("", "length")
    assert done.usage.completion_tokens_details.reasoning_tokens == 100


def png(width, height):
    """An image of one colour, as a URL."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress((b"\0" * (1 + (width + 7) // 8)) * height))
    whole = b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(whole).decode()}"


def seen(*images):
    """A conversation about images."""
    parts = [{"type": "image_url", "image_url": image} for image in images]
    return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *parts]}]


# What OpenAI's guide says for gpt-4o: 85, and 170 for each tile of 512 pixels.
IMAGES = {
    "one tile": ({"url": png(512, 512)}, 85 + 170),
    "four tiles": ({"url": png(1024, 1024), "detail": "high"}, 85 + 4 * 170),
    "scaled to six": ({"url": png(2048, 4096), "detail": "high"}, 85 + 6 * 170),
    "low": ({"url": png(2048, 4096), "detail": "low"}, 85),
    "elsewhere": ({"url": "https://example.com/a.png"}, 85 + 4 * 170),
}


@pytest.mark.parametrize(("image", "tokens"), IMAGES.values(), ids=IMAGES)
def test_images_count_as_openai_counts_them(sdk, image, tokens):
    """In tiles, after scaling; one that did not come along is taken for 1,024 by 1,024."""
    without = ask(sdk, messages=seen()).usage.prompt_tokens

    one = ask(sdk, messages=seen(image))
    two = ask(sdk, messages=seen(image, image))

    assert one.usage.prompt_tokens - without == tokens
    assert two.usage.prompt_tokens - without == 2 * tokens


CODE = "class User:\n    username = ''\n    age = 0\n\n    def name(self):\n        return 'x'\n"


@pytest.mark.parametrize("content", [CODE, [{"type": "text", "text": CODE}]], ids=["text", "parts"])
def test_a_prediction_is_answered_with(sdk, content):
    """With the change that was asked for; what was right and what was not is told, and billed."""
    done = ask(
        sdk,
        messages=user("Replace the username property with an email property."),
        prediction={"type": "content", "content": content},
    )

    details = done.usage.completion_tokens_details
    assert text(done) == CODE.replace("username", "email")
    assert details.accepted_prediction_tokens > details.rejected_prediction_tokens > 0
    assert done.usage.completion_tokens == (
        len(tokens_of(text(done))) + details.rejected_prediction_tokens
    )


REFUSED = {
    "top_logprobs alone": ({"top_logprobs": 3}, "top_logprobs", "invalid_value"),
    "too many of them": (
        {"logprobs": True, "top_logprobs": 21},
        "top_logprobs",
        "integer_above_max_value",
    ),
    "no token": ({"logit_bias": {"999999": 1}}, "logit_bias", "invalid_value"),
    "a word for a token": ({"logit_bias": {"yes": 1}}, "logit_bias", "invalid_value"),
    "a prediction of gpt-4's": (
        {"model": "gpt-4", "prediction": {"type": "content", "content": "a"}},
        "prediction",
        "unsupported_parameter",
    ),
    "speech": (
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        "modalities",
        "unsupported_value",
    ),
    "reasoners tell no probabilities": (
        {"model": "o3", "logprobs": True},
        "logprobs",
        "unsupported_parameter",
    ),
    "images for a model that is blind": (
        {"model": "gpt-4", "messages": seen({"url": png(1, 1)})},
        "messages[0].content[1].type",
        "invalid_value",
    ),
}


@pytest.mark.parametrize(("more", "param", "code"), REFUSED.values(), ids=REFUSED)
def test_what_no_model_could_do_is_refused(sdk, more, param, code):
    """Rather than ignored."""
    assert refusal(sdk, **{"messages": TEA, **more})[:2] == (param, code)


def test_pieces_of_characters_are_never_told(sdk):
    """Each chunk is valid text by itself, however its tokens cut characters."""
    told = [chunk.choices[0] for chunk in chunks(sdk, messages=WIDE, logprobs=True, max_tokens=30)]

    pieces = [choice for choice in told if choice.delta.content]
    assert all("\ufffd" not in choice.delta.content for choice in pieces)
    spelled = [b"".join(bytes(one.bytes) for one in choice.logprobs.content) for choice in pieces]
    assert [said.decode() for said in spelled] == [choice.delta.content for choice in pieces]


JSON = {"response_format": {"type": "json_object"}}
GUESS = {"prediction": {"type": "content", "content": "one two three four five"}}
TOGETHER = {
    "json, stop": {**JSON, "stop": ["}"]},
    "json, logprobs": {**JSON, "logprobs": True, "top_logprobs": 3, "n": 2},
    "json, bound": {**JSON, "max_tokens": 9, "logprobs": True},
    "ban, logprobs": {
        "logit_bias": dict.fromkeys(map(str, range(0, 2000, 2)), -100),
        "logprobs": True,
    },
    "forced end": {"logit_bias": {"199999": 100}},
    "prediction, n": {**GUESS, "n": 2},
    "prediction, stop": {**GUESS, "stop": "three"},
    "prediction, bound": {**GUESS, "max_tokens": 2},
    "reasoning, n, bound": {"model": "o3", "n": 3, "max_completion_tokens": 300},
    "no text": {"messages": user("")},
    "nobody asks": {"messages": [{"role": "system", "content": "Be kind"}]},
    "another vendor's": {"model": "claude-3-opus", "n": 2, "stop": [" the "], "max_tokens": 30},
}


@pytest.mark.parametrize("more", TOGETHER.values(), ids=TOGETHER)
def test_parameters_go_together(sdk, more):
    """Whole and streamed say and count the same, whatever is asked for at once."""
    fields = {"messages": TEA, **more}
    done = ask(sdk, **fields)

    assert len(done.choices) == fields.get("n", 1)
    assert plain(done) == plain(ask(sdk, **fields))
