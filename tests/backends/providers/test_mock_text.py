"""What the mock says: in the prompt's language, in the form asked for, on its topic."""

import json
import os
import re
import subprocess
import sys
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.backends.providers.mock.choosing import Chooser
from aihub.backends.providers.mock.forms import FORMS, LONG, MOST_ITEMS
from aihub.backends.providers.mock.languages import LANGUAGES
from aihub.backends.providers.mock.reading import kind_of, read
from aihub.backends.providers.mock.text import Subject, write
from aihub.model.chat import Chat, Message

SECONDS = 60
"""What a process takes at most on a busy machine."""


def says(prompt, *, seed=0, index=0, **more):
    """What the mock answers to one message."""
    chat = Chat(model="gpt-4", messages=(Message("user", prompt),), **more)
    return write(seed, chat, index)


# Languages

SENTENCES = {
    "en": """
        Hello
        Thanks a lot!
        What is photosynthesis?
        Why is the sky blue?
        Write a story about a dragon
        The Hitchhiker's Guide to the Galaxy
        What does 東京 mean?
        Explain the word „Weltschmerz“ to me
        Python list comprehension
        Is it safe to eat jalapeños?
        Berlin
        42
    """,
    "es": """
        Hola
        Gracias
        ¿Qué es la fotosíntesis?
        ¿Por qué el cielo es azul?
        Cuéntame un cuento sobre un dragón
        Buenos días, ¿cómo estás?
        que es la fotosintesis
        Escribe un poema sobre el mar
        Dame una lista de 3 frutas
        Necesito ayuda con mi proyecto
        La traducción automática
    """,
    "fr": """
        Bonjour
        Salut, ça va ?
        Merci beaucoup
        Qu'est-ce que la photosynthèse ?
        Pourquoi le ciel est-il bleu ?
        Raconte-moi une histoire
        L'eau bout à quelle température ?
        Je voudrais une recette simple
        Donne-moi trois idées de cadeaux
        Où se trouve la gare ?
    """,
    "de": """
        Hallo
        Danke schön
        Guten Morgen!
        Was ist Photosynthese?
        Warum ist der Himmel blau?
        Erzähl mir eine Geschichte
        Nenne drei deutsche Städte
        Wie funktioniert ein Verbrennungsmotor?
        Ich brauche Hilfe mit meinem Projekt
        Größe der Erde
        Extrahiere Name und Stadt: Anna Müller wohnt in Köln
    """,
    "pt": """
        Como funciona a fotossíntese?
        Como funciona o motor?
        Olá, tudo bem?
        Oi
        Obrigado
        O que é fotossíntese?
        Por que o céu é azul?
        Conte uma história sobre o mar
        Liste 3 cidades do Brasil
        Não sei o que fazer
        Você pode me ajudar?
        A poluição dos rios
    """,
    "ja": """
        こんにちは
        ありがとう
        光合成とは何ですか？
        空はなぜ青いの？
        猫の物語を書いて
        JavaScriptとTypeScriptの違いは？
        「How are you」を日本語に訳してください
        カタカナ
        日本の首都はどこですか
        Pythonで関数を書いて
    """,
    "zh": """
        你好
        谢谢
        什么是光合作用？
        为什么天空是蓝色的？
        請寫一個故事
        用Python写一个排序函数
        列出5个关于太空的想法
        北京
        你会说英语吗？
        请把这句话翻译成英文：我喜欢喝茶。
    """,
}
PROMPTS = [
    (code, line.strip())
    for code, text in SENTENCES.items()
    for line in text.splitlines()
    if line.strip()
]


@pytest.mark.parametrize(("code", "prompt"), PROMPTS, ids=lambda value: value[:30])
def test_a_prompt_is_read_in_its_language(code, prompt):
    """By script, by words and signs of its own; English when in doubt."""
    assert Subject(prompt).language.code == code


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda one: one.code)
def test_what_is_said_is_in_the_language_that_was_read(language):
    """Every template reads back as its own language, so no sentence has strayed into another."""
    templates = [language.body, language.plots, language.openers, language.welcomes, language.named]
    for group in templates:
        text = language.gap.join(group).format(topic="AI Hub", other="AI Hub", name="AI Hub")
        assert read(text).language is language


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda one: one.code)
def test_no_template_is_said_twice_or_lacks_its_end(language):
    """Sentences end as sentences do, and none is in its list twice."""
    for group in (language.body, language.plots, language.items, language.openers, language.ends):
        assert len(set(group)) == len(group)
        assert all(re.search(r"[.!?。！？”»“」\"]$", one) for one in group)


# Greetings and thanks


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("Hello, AI Hub!", "Hello! I'm here to help you with AI Hub. How can I assist you today?"),
        ("Hello", "Hello! How can I assist you today?"),
        ("hi there", "Hello! How can I assist you today?"),
        ("Hey, how are you?", "Hello! How can I assist you today?"),
        ("Good morning!", "Hello! How can I assist you today?"),
        ("Hola", "¡Hola! ¿En qué puedo ayudarte hoy?"),
        ("Buenos días, ¿cómo estás?", "¡Hola! ¿En qué puedo ayudarte hoy?"),
        ("Bonjour, ça va ?", "Bonjour ! Comment puis-je vous aider aujourd'hui ?"),
        ("Hallo, wie geht's?", "Hallo! Wie kann ich Ihnen heute helfen?"),
        ("Olá, tudo bem?", "Olá! Como posso ajudar você hoje?"),
        ("こんにちは", "こんにちは！本日はどのようなご用件でしょうか。"),
        ("你好！", "你好！今天有什么可以帮您？"),
        ("你好，AI Hub！", "你好！我可以帮您了解AI Hub。今天有什么可以帮您？"),
    ],
)
def test_a_greeting_is_answered_by_a_greeting(prompt, said):
    """In its language; the API document's sample word for word."""
    assert says(prompt) == said


def test_a_greeting_before_a_question_is_only_polite():
    """What is asked for is answered."""
    for prompt in ("Hi, can you explain photosynthesis?", "Hello, write a poem about autumn"):
        assert prompt.split()[-1].rstrip("?") in says(prompt)
    assert "光合作用" in says("你好，请问什么是光合作用？")


def test_each_choice_greets_in_its_own_words():
    """The first as the document has it."""
    assert len({says("Hello, AI Hub!", index=n) for n in range(3)}) == 3


@pytest.mark.parametrize(
    "prompt",
    ["Why is the sky blue?", "Write a poem", "Tell me a story", "List 9 ideas", "写一首诗"],
)
def test_the_first_choices_begin_each_in_its_own_way(prompt):
    """No two of three are alike, nor are those of two seeds."""
    first = [says(prompt, index=n) for n in range(3)]

    assert not any(one == other for n, one in enumerate(first) for other in first[:n])
    assert len({says(prompt, seed=seed) for seed in range(9)}) > 1


@pytest.mark.parametrize(
    "prompt",
    [
        "Thanks!",
        "Thank you for your help",
        "Muchas gracias",
        "Merci",
        "Danke schön",
        "Obrigada",
        "ありがとうございます",
        "谢谢",
    ],
)
def test_thanks_are_answered_as_thanks(prompt):
    """By one of the language's phrases for it."""
    assert says(prompt) in Subject(prompt).language.welcomes


# What is asked for


@pytest.mark.parametrize(
    ("kind", "prompts"),
    {
        "answer": """
            What is a poem?
            How do lists work?
            Tell me about Rome
            Can you tell me why stories matter?
            ¿Cómo se escribe un cuento?
            Was ist ein Gedicht?
            什么是列表？
        """,
        "story": """
            Tell me a long story about rivers
            Write a short story
            Can you write a fairytale about cats?
            Cuéntame un cuento
            Raconte-moi une histoire
            Erzähl mir ein Märchen
            Conte uma história
            昔話を聞かせて
            讲一个故事
        """,
        "poem": """
            Write a haiku about code
            Escribe un poema
            Écris un poème
            Schreibe ein Gedicht
            Escreva um poema
            秋の俳句を書いて
            写一首诗
        """,
        "list": """
            Give me 3 examples
            Name five planets
            List the largest rivers
            Dame 4 consejos
            Donne-moi 3 idées
            Nenne drei Städte
            Liste 3 cidades
            都市を3つ挙げて
            列出三个城市
        """,
        "summary": """
            Summarize: Cats sleep. Dogs bark.
            Resume este texto: Los gatos duermen.
            Résume ce texte : Les chats dorment.
            Fasse zusammen: Katzen schlafen.
            Resuma: Os gatos dormem.
            要約してください：猫は眠る。
            总结：猫在睡觉。
        """,
        "rewriting": """
            Translate to Japanese: こんにちは
            Traduce: Good morning
            Übersetze: Good morning
            翻译：Good morning
        """,
        "code": "Write a Python function that sorts\nÉcris une fonction\n関数を書いて\n写一段代码",
        "essay": "Write an essay on climate change\nEscribe un ensayo\n写一篇文章",
    }.items(),
)
def test_what_is_asked_for_is_told_by_its_words(kind, prompts):
    """A question asks for an answer whatever it names; else the first word that names a form."""
    for prompt in prompts.strip().splitlines():
        assert kind_of(read(prompt.strip())) == kind, prompt


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda one: one.code)
@pytest.mark.parametrize("topic", ["", "AI Hub", "AI Hub, Rome, Paris and Berlin"])
def test_every_form_can_be_asked_for_in_every_language(language, topic):
    """With a topic or without; no template is left with a place unfilled."""
    for word, kind in language.kinds.items():
        mine = read(f"{word}: {topic}").language is language
        for index in range(3):
            text = says(f"{word}: {topic}", index=index)
            assert text.strip() == text != ""
            assert not re.search(r"\{(topic|other|name|text)\}", text)
            assert ("```" in text) == (kind == "code") or not mine
    assert set(language.kinds.values()) | {"answer"} == FORMS.keys()


def test_a_list_has_as_many_lines_as_were_asked_for():
    """In digits or in a word, within bounds; some where nothing is said."""
    for prompt, lines in (
        ("Give me 3 ideas for a party", 3),
        ("Name seven wonders", 7),
        ("List 1000 facts", MOST_ITEMS),
        ("List some facts", 5),
        ("Dame 4 consejos", 4),
        ("Nenne drei Städte", 3),
        ("都市を3つ挙げて", 3),
        ("列出5个关于太空的想法", 5),
    ):
        _, *items = says(prompt).splitlines()
        assert [item.partition(". ")[0] for item in items] == [
            str(n) for n in range(1, lines + 1)
        ], prompt


def test_a_summary_is_of_the_texts_own_words():
    """One or two of its sentences, however long the text."""
    text = "The cat sat on the mat. It was a sunny day. Then the dog came."

    said = says(f"Summarize: {text}").partition(": ")[2]

    assert said.startswith("The cat sat on the mat. ")
    assert said.removeprefix("The cat sat on the mat. ") in text
    assert "Good morning." in says("Translate 'Good morning' to Spanish")
    assert len(says("Summarize: " + "word " * 5000)) < 200


def test_code_is_a_listing_that_is_named_after_its_topic():
    """Fenced, in the language that was asked for, and Python's compiles."""
    said = says("Write a Python function that sorts a list of numbers")
    listing = re.search(r"```python\n(.*?)\n```", said, re.DOTALL)[1]

    compile(listing, "answer", "exec")
    assert "def sorts_numbers(" in listing
    assert "```sql\n" in says("Write a SQL query for the best customers")
    assert "```javascript\n" in says("Write a JS function to parse dates")


def test_answers_are_short_unless_length_is_asked_for():
    """Two to five sentences; many more for an essay or a long answer."""
    short = says("Why is the sky blue?")
    sentences = re.findall(r"[.!?](?= |$)", short)
    assert 2 <= len(sentences) <= 5
    for prompt in ("Write an essay on rivers", "I want a long text on rivers"):
        assert len(re.findall(r"[.!?](?= |$)", says(prompt))) >= LONG[0]


@pytest.mark.parametrize("prompt", ["Why is the sky blue?", "Tell me a story about a dragon"])
def test_verbosity_makes_an_answer_terse_or_long(prompt):
    """Where the prompt leaves it open: two or a few sentences, or many."""
    sizes = [len(says(prompt, extra={"verbosity": one})) for one in ("low", "medium", "high")]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3
    assert says(prompt, extra={"verbosity": "medium"}) == says(prompt)
    assert says(prompt, extra={"verbosity": ["low"]}) == says(prompt)


def test_what_was_said_before_is_said_again_and_nothing_else():
    """Whatever was asked between: the seed, the choice and the verbosity each tell a text apart."""
    prompt = "Explain tides"
    asked = [{}, {"seed": 1}, {"index": 1}, {"extra": {"verbosity": "high"}}]
    first = [says(prompt, **more) for more in asked]
    assert len(set(first)) == len(asked)
    assert [says(prompt, **more) for more in asked] == first


def test_the_topic_is_written_as_the_prompt_writes_it():
    """With what links its words, and no more of it than reads well."""
    for prompt, topic in (
        ("Explain the history of the Roman Empire.", "the history of the Roman Empire"),
        ("Tell me about iPhone repair", "iPhone repair"),
        ("¿Qué es la inteligencia artificial?", "«la inteligencia artificial»"),
        ("Was ist eine Wärmepumpe?", "eine Wärmepumpe"),
        ("日本の歴史について教えて", "日本の歴史"),
        ("请介绍一下中国的历史", "中国的历史"),
    ):
        assert any(topic in says(prompt, seed=seed) for seed in range(5)), prompt


# A function of (seed, request)

PINNED = {
    "en": "2f511bd58a0bbe65",
    "es": "c366c39884ad4770",
    "fr": "30e602bac1bd9d10",
    "de": "99275000699d8932",
    "pt": "ed9491eb3309868e",
    "ja": "66c07c9bd1311515",
    "zh": "0b530bd4a514e195",
}


def digest_of(code):
    """A digest of the answers to all sentences of a language."""
    texts = [says(prompt, seed=5) for of, prompt in PROMPTS if of == code]
    return sha256("\0".join(texts).encode()).hexdigest()[:16]


def test_texts_are_the_same_on_every_machine_and_python():
    """A digest for each language is fixed: whoever changes texts changes it knowingly."""
    assert {code: digest_of(code) for code in PINNED} == PINNED


WRITE_ALL = """
import json, sys
from aihub.backends.providers.mock.text import write
from aihub.model.chat import Chat, Message
chats = [Chat(model="gpt-4", messages=(Message("user", one),)) for one in json.load(sys.stdin)]
print(json.dumps([write(7, chat, 0) for chat in chats]))
"""


@pytest.mark.slow
def test_texts_do_not_depend_on_how_a_process_hashes():
    """Two processes with different hash seeds, and this one, write the same."""
    prompts = [prompt for _, prompt in PROMPTS]
    written = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", WRITE_ALL],
                input=json.dumps(prompts),
                env=os.environ | {"PYTHONHASHSEED": seed},
                capture_output=True,
                text=True,
                check=True,
                timeout=SECONDS,
            ).stdout
        )
        for seed in ("1", "2")
    ]

    assert written[0] == written[1] == [says(prompt, seed=7) for prompt in prompts]


# Whatever is asked

FRAGMENTS = [
    "'",
    '"',
    "“",
    " ",
    "\n",
    "hi",
    "Summarize:",
    "list",
    "、",
    "の",
    "{topic}",
    "-1.5",
    "é",
]


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(FRAGMENTS)).map("".join)))
def test_every_prompt_is_answered(prompt):
    """Something, never nothing, and nobody's braces are filled in."""
    assert says(prompt).strip()
    subject, chooser = Subject(prompt), Chooser(b"x" * 32)
    for say in (subject.word, subject.name, subject.phrase, subject.sentence):
        assert say(chooser).strip()


@pytest.mark.parametrize(
    "piece",
    [
        "hi ",
        "'",
        "a'",
        "«",
        "„ ",
        "-",
        "a-",
        "“",
        "“a",
        " ",
        "\n",
        ". ",
        "。",
        "1.",
        "あ",
        "漢",
        "A b ",
        "ア A",
    ],
)
def test_no_prompt_makes_it_stall(piece):
    """Every pattern is linear, and only a prompt's beginning is read."""
    for prompt in (piece * 1_000_000, "Summarize: " + piece * 1000, "hi" + piece * 900 + "a\nb"):
        subject = Subject(prompt)
        subject.mentions(piece * 3)
        assert len(subject.numbers) < 2000
        assert says(prompt)


# Its words, for others


def test_wording_is_of_the_prompts_words_in_its_language():
    """Words, names, titles and sentences; nothing is said to be about nothing."""
    chooser = Chooser(b"1" * 32)
    rome = Subject("Tell me about Rome, and about the Tiber.")
    tokyo = Subject("東京の天気とレストランについて教えてください")
    beijing = Subject("请介绍一下北京的历史")

    assert Subject("Estos son: Juan Pérez y Ana, de Madrid").names == (
        "Juan Pérez",
        "Ana",
        "Madrid",
    )
    assert Subject("Look at this: The cat and Tom Sawyer").names == ("Tom Sawyer",)
    assert {rome.word(chooser) for _ in range(20)} == {"Rome", "Tiber"}
    assert rome.name(chooser) in {"Rome", "Tiber"}
    assert {tokyo.word(chooser) for _ in range(20)} == {"東京", "天気", "レストラン"}
    assert tokyo.name(chooser) == "レストラン"
    assert " " not in tokyo.phrase(chooser)
    assert tokyo.sentence(chooser).endswith("。")
    assert {beijing.word(chooser) for _ in range(20)} == {"北京", "历史"}
    assert read(beijing.sentence(chooser)).language.code == "zh"
    assert Subject("").word(chooser) in {"details", "context", "example"}


def test_mentions_are_whole_words_where_words_have_ends():
    """Chinese and Japanese have none that can be seen."""
    english, japanese = Subject("A Category of cats"), Subject("東京タワーとAPIの値段")

    assert english.mentions("CATS")
    assert not english.mentions("cat")
    assert not english.mentions("")
    assert japanese.mentions("東京")
    assert japanese.mentions("api")
    assert not japanese.mentions("ap")
    assert not japanese.mentions("大阪")


def test_numbers_are_those_that_the_prompt_names():
    """Whole ones are whole; what is a part of a word or a version is none."""
    assert Subject("3 apples at 1.5 each, -2 pears, gpt4, v1.2.3").numbers == (3, 1.5, -2)
    assert Subject("りんごを3つと梨を10個").numbers == (3, 10)
    assert Subject("5个苹果").numbers == (5,)
