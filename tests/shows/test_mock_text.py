"""What the mock says is in the prompt's language and about it: through OpenAI's SDK, both ways."""

import re

import pytest

pytest.importorskip("openai")
pytest.importorskip("trio")

from ..openai_sdk import ask, asked, only, user

pytestmark = pytest.mark.slow

KANA, HAN = "[\u3040-\u30ff]", "[\u4e00-\u9fff]"
# A question, and what a text in its language has several of, and what it has none of.
LANGUAGES = {
    "english": (
        "Why is the sky blue?",
        r"\b(the|and|of|is|to)\b",
        "[^\x00-\x7f\u2013\u2014\u2019]",
    ),
    "spanish": ("¿Por qué el cielo es azul?", r"\b(el|los|las|que|una|con)\b", r"\b(the|und)\b"),
    "french": ("Pourquoi le ciel est-il bleu ?", r"\b(le|les|des|est|une|et)\b", r"\b(the|und)\b"),
    "german": ("Warum ist der Himmel blau?", r"\b(der|die|das|und|ist|ein)\b", r"\b(the|les)\b"),
    "portuguese": ("Por que o céu é azul?", r"\b(o|os|que|uma|com|não|é|se)\b", r"\b(the|und)\b"),
    "japanese": ("空はなぜ青いのですか？", KANA, r"\b(the|und|les)\b"),
    "chinese": ("天空为什么是蓝色的？", HAN, rf"\b(the|und|les)\b|{KANA}"),
}
GREETINGS = {
    "Hello, AI Hub!": "Hello! I'm here to help you with AI Hub. How can I assist you today?",
    "Hola": "¡Hola! ¿En qué puedo ayudarte hoy?",
    "你好！": "你好！今天有什么可以帮您？",
}


@pytest.mark.parametrize(("prompt", "has", "lacks"), LANGUAGES.values(), ids=LANGUAGES)
def test_the_answer_is_in_the_prompts_language(sdk, prompt, has, lacks):
    """By a cheap check: words or signs that only this language has so many of."""
    said = only(ask(sdk, messages=user(prompt))).message.content.lower()

    assert len(re.findall(has, said)) >= 3
    assert not re.search(lacks, said)


@pytest.mark.parametrize(("prompt", "said"), GREETINGS.items())
def test_who_greets_is_greeted(sdk, prompt, said):
    """The API document's own sample, word for word."""
    assert only(ask(sdk, messages=user(prompt))).message.content == said


FORMS = {
    "story": ("Tell me a story about a dragon", lambda said: said.count(".") > 6),
    "poem": ("Write a poem about autumn", lambda said: said.count("\n") >= 3),
    "list": ("Give me 7 ideas for a party", lambda said: "\n7. " in said and "8. " not in said),
    "code": ("Write a Python function that sorts a list", lambda said: "```python\n" in said),
}


@pytest.mark.parametrize(("prompt", "has"), FORMS.values(), ids=FORMS)
def test_the_answer_has_the_form_that_was_asked_for(sdk, prompt, has):
    """A story, lines, numbered items, a listing."""
    assert has(only(ask(sdk, messages=user(prompt))).message.content)


def test_the_answer_is_about_the_last_message(sdk):
    """In a conversation, by each model its own."""
    messages = [*user("Why is the sky blue?"), {"role": "assistant", "content": "It is."}]
    messages += user("What is photosynthesis?")

    said = [
        only(ask(sdk, model=model, messages=messages)).message.content
        for model in ("gpt-4o", "claude-3-opus", "gemini-2.5-flash")
    ]

    assert all("photosynthesis" in one.lower() for one in said)
    assert len(set(said)) == 3


def test_the_same_question_has_the_same_answer(sdk):
    """Today and tomorrow; the ids alone differ."""
    one, other = [
        sdk.chat.completions.create(**asked({"messages": user("Why is tea hot?")}))
        for _ in range(2)
    ]

    assert one.choices == other.choices
    assert one.id != other.id
