"""Errors in the reader's language: which one that is, what is said in it, and what stays."""

import ast
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aihub
from aihub import errors
from aihub.errors import BudgetExceeded, NotFound, OverLimit, UpstreamCut, UpstreamRefused
from aihub.messages import Msg
from aihub.model.events import Text
from aihub.server import languages
from aihub.server.errors import error_response, framing_error
from aihub.server.languages import LANGUAGES, MAX_RANGES, language_of, translate
from aihub.testing import ScriptedProvider

from .test_app import open_client
from .test_messages import open_mock

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
CHAT = "/v1/chat/completions"
HELLO = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]}
LATE = UpstreamCut(Msg("The connection to the provider was lost."))
OTHERS = [one for one in LANGUAGES if one != "en"]


# Which language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("DE-ch", "de"),
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt"),
        ("zh-Hant-TW", "zh"),
        ("en-GB, fr;q=0.9", "en"),
        ("fr;q=0.3, ja;q=0.7", "ja"),
        ("ko;q=0.5, ar;q=0.5", "ko"),
        (" \t es ; q=0.5 ", "es"),
        ("it, nl;q=0.9, fr;q=0.1", "fr"),
        ("it, *;q=0.5, fr;q=0.1", "en"),
        ("fr;q=0", "en"),
        ("fr;q=0.000, de;q=0.001", "de"),
        ("fr;q=2, de;q=0.5", "de"),
        ("fr;q=0.1234", "en"),
        ("fr;q=", "en"),
        ("\xe9\xff, ;;, de", "de"),
        ("de-" + "x" * 9, "en"),
        (", " * 10_000 + "de", "en"),
        ("it, " * (MAX_RANGES - 1) + "de", "de"),
    ],
)
def test_the_language_is_the_one_that_is_wanted_most(header, language):
    """By weight, then by place; what is no tag counts for nothing; in doubt it is English."""
    given = None if header is None else header.encode("latin-1")
    assert language_of(given) == language


@given(st.binary(max_size=200))
def test_whatever_is_sent_wants_a_language_that_there_is(header):
    """No header is a fault."""
    assert language_of(header) in LANGUAGES


# What is said


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_error_is_told_in_the_readers_language(language):
    """Its text, and which language that is; what programs read stays."""
    asked = {"model": "gpt-4", "messages": []}
    async with open_client() as client:
        status, headers, english = await client.ask("POST", CHAT, asked)
        same, told, said = await client.ask("POST", CHAT, asked, accept_language=language)
    assert status == same == 400
    assert (headers["content-language"], told["content-language"]) == ("en", language)
    assert "accept-language" in told["vary"]
    before, after = english["error"], said["error"]
    assert (before.pop("message") == after.pop("message")) == (language == "en")
    assert before == after


@pytest.mark.parametrize("language", OTHERS)
def test_every_class_of_error_is_said(language):
    """With its values in their places, and the texts among them in the same language."""
    for error, values in [
        (BudgetExceeded("gold", "2026-12-01"), ["'gold'", "2026-12-01"]),
        (NotFound("session", "sess_1"), ["'sess_1'"]),
        (OverLimit("requests_per_minute", 59), ["59"]),
        (errors.AuthenticationFailed("expired_api_key"), ["API"]),
        (errors.RegionUnavailable("eu", "gpt-4"), ["`gpt-4`", "'eu'"]),
        (errors.RequestExceedsPlan(77, 66), ["77", "66"]),
    ]:
        said = translate(error.message, language)
        assert said != error.message
        assert all(value in said for value in values), said
        assert "{" not in said
    assert translate(BudgetExceeded("a", None).message, language).count(".") <= 2
    assert "It " not in translate(BudgetExceeded("a", None).message, language)


@pytest.mark.parametrize("language", OTHERS)
def test_what_was_expected_is_said_too(language):
    """A text inside a text is not left in English."""
    text = Msg("Nobody knows: expected {expected}.", expected=Msg("an array"))
    inner = translate(Msg("an array"), language)
    outer = Msg(
        "Invalid type for '{path}': expected {expected}, but got {found} instead.",
        path="n",
        expected=Msg("an array"),
        found=Msg("null"),
    )
    assert inner != "an array"
    assert inner in translate(outer, language)
    # What no catalogue knows is told in English, rather than not at all.
    assert translate(text, language) == f"Nobody knows: expected {inner}."


async def test_a_dialect_names_the_field_in_any_language():
    """Where a field has another name there, the text names that."""
    messages = [{"role": "user", "content": "Hi"}]
    async with open_mock() as client:
        asked = {"model": "gpt-4", "max_tokens": 10**6, "messages": messages}
        status, _, told = await client.ask("POST", "/v1/messages", asked, accept_language="de")
    assert status == 400
    assert told["error"]["message"].startswith("max_tokens")
    assert "ist zu groß" in told["error"]["message"]


async def test_an_error_inside_a_stream_is_told_so_too():
    """The head has gone by then: the text alone says it."""
    asked = {**HELLO, "stream": True}
    async with open_client(ScriptedProvider([Text("Once"), LATE])) as client:
        status, headers, body = await client.ask("POST", CHAT, asked, accept_language="fr")
    assert status == 200
    assert "content-language" not in headers
    last = json.loads(body.split("data: ")[-1])
    assert last["error"]["message"] == translate(LATE.message, "fr") != LATE.message


async def test_somebody_elses_words_are_repeated():
    """A provider's text is in whatever language it is: none is named."""
    error = UpstreamRefused("Nope: {braces} and all.", status=400)
    told = error_response(error, "req_1", language="ja")
    assert json.loads(told.body)["error"]["message"] == "Nope: {braces} and all."
    assert b"content-language" not in dict(told.headers)


def test_what_is_no_request_is_answered_in_the_language_of_what_could_be_read():
    """Bytes that are no HTTP have no header; a head that could be read may ask for a language."""
    told = framing_error(413, "req_1", path="/v1/models", headers={b"accept-language": b"es"})
    assert dict(told.headers)[b"content-language"] == b"es"
    assert "servidor" in json.loads(told.body)["error"]["message"]
    told = framing_error(400, "req_1")
    assert json.loads(told.body)["error"]["message"] == "The request is not valid HTTP."


# Nothing is missing


def test_the_catalogues_are_whole():
    """Every text of the sources, with its places and quotes, in each language, compiled."""
    pytest.importorskip("babel")
    path = ROOT / "tools" / "languages.py"
    spec = importlib.util.spec_from_file_location("languages", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert set(tool.LANGUAGES) == set(OTHERS)
    assert list(tool.faults()) == []
    assert len(tool.texts("errors")) > 200
    assert len(tool.texts("pages")) > 200


# What makes an error, and at which place its text stands.
MAKERS = {
    **dict.fromkeys(
        [
            name
            for name, kind in vars(errors).items()
            if isinstance(kind, type) and issubclass(kind, errors.HubError)
        ],
        0,
    ),
    **dict.fromkeys(("_refuse", "wrong_model"), 0),
    **dict.fromkeys(
        ("Fault", "Refused", "wrong_type", "wrong", "unsupported", "refuse", "plain_error"), 1
    ),
}
# Told to programs that hold it wrong, by an id, or made of what is given.
ELSEWHERE = {
    *("UsageMistake", "NotFound", "ModelNotFound", "AuthenticationFailed", "BudgetExceeded"),
    *("OverLimit", "PermissionDenied", "NoDeployment", "RegionUnavailable"),
}
OWN_WORDS = ("cli", "config", "testing", "client", "sync.py", "messages.py")


def test_every_error_is_raised_with_a_text_that_can_be_said():
    """In the sources: never with a bare text, which no translator would ever see."""
    bare = []
    seen = Counter()
    for path in sorted((ROOT / "aihub").rglob("*.py")):
        where = path.relative_to(ROOT / "aihub")
        if where.parts[0] in OWN_WORDS or "schema" in where.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            place = MAKERS.get(name)
            if place is None or name in ELSEWHERE or len(node.args) <= place:
                continue
            seen[name] += 1
            text = node.args[place]
            if isinstance(text, ast.JoinedStr) or (
                isinstance(text, ast.Constant) and isinstance(text.value, str)
            ):
                bare.append(f"{where}:{node.lineno} {ast.unparse(text)}")
    assert bare == []
    assert seen["InvalidRequest"] > 30
    assert seen["Fault"] > 30


def test_english_loads_no_catalogue():
    """Until somebody asks for another language, not even what reads them."""
    code = (
        "import sys; from aihub.errors import BudgetExceeded\n"
        "from aihub.server.errors import error_response\n"
        "for language in ('en', 'de'):\n"
        "    error_response(BudgetExceeded('a', None), language=language)\n"
        "    print('gettext' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("damage", [None, b"", b"no catalogue at all", b"\xde\x12\x04\x95 short"])
def test_a_catalogue_that_cannot_be_read_leaves_its_readers_english(
    damage, tmp_path, monkeypatch, caplog
):
    """Once it is reported; an error stays the error that it is."""
    monkeypatch.setattr(languages, "_CATALOGUES", tmp_path)
    languages._catalogue.cache_clear()
    if damage is not None:
        place = tmp_path / "de" / "LC_MESSAGES" / "errors.mo"
        place.parent.mkdir(parents=True)
        place.write_bytes(damage)
    try:
        for _ in range(2):
            response = error_response(BudgetExceeded("a", None), language="de")
            assert response.status == 429
            assert (b"content-language", b"en") in response.headers
            assert b"budget" in response.body
        assert [one.levelname for one in caplog.records] == ["WARNING"]
    finally:
        languages._catalogue.cache_clear()


def test_a_text_is_a_text():
    """It can be joined, compared and shown as any other; copies remember what it was made of."""
    import copy
    import pickle

    text = Msg("{a} of {b}", a=1, b=Msg("two"))
    assert text == "1 of two"
    assert f"{text}!" == "1 of two!"
    for made in (copy.copy(text), pickle.loads(pickle.dumps(text))):
        assert (made, made.template, made.values) == (text, text.template, text.values)
    assert Msg("{not} filled").template == "{not} filled"
    assert isinstance(aihub.errors.BudgetExceeded("a", None).message, Msg)
