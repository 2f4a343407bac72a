"""The pages in other languages, as readers of those see them."""

import json
import re
from pathlib import Path

import pytest

from aihub.server import pages
from aihub.server.languages import LANGUAGES, RIGHT_TO_LEFT

from .asking import KEY
from .driving import NARROW, WIDE, open_browser
from .looking import PAGES, faults

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("cmd:chromium", "cmd:chromedriver", "cmd:node", "cmd:npm"),
]

WORDS = Path(pages.__file__).parent / "static" / "words"
REGIONS = {"de": "de-AT", "pt": "pt-BR", "ar": "ar-EG", "es": "es-MX", "zh": "zh-CN"}


def words_of(language):
    """What stands for each English text."""
    return json.loads((WORDS / f"{language}.json").read_text())


def show(browser, path, words):
    """Open a page and wait until it is there."""
    browser.open("status")
    browser.open(path)
    english = next((text for text in words if PAGES[path] in text), PAGES[path])
    # What has values in it is known by its end.
    told = re.split(r"\{\w+\}", words.get(english, english))[-1].strip()
    browser.wait_for_text(told)
    browser.wait(lambda: words["Loading …"] not in browser.text(), "still loading")


def left_in_english(browser, words):
    """Sentences of the catalogue that can still be read in English."""
    text = browser.text()
    sentences = [one for one in words if len(one.split()) > 1 and "{" not in one]
    return [one for one in sentences if one in text and words[one] != one]


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_reader_of_another_language_finds_nothing_in_english(furnished, axe, language, size):
    """Every page: its words, direction, numbers and what goes wrong on it."""
    words = words_of(language)
    wanted = REGIONS.get(language, language)
    with open_browser(furnished.url, size, languages=f"{wanted},{language},en") as browser:
        run = browser.driver.execute_script
        browser.open("dashboard")
        browser.wait_for_text(words["Sign in"])
        direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
        root = "return [document.documentElement.lang, getComputedStyle(document.body).direction]"
        assert run(root) == [language, direction]
        locale = (
            "return import(new URL('assets/words.js', document.baseURI)).then((it) => it.LOCALE)"
        )
        assert run(locale) == wanted
        browser.type(words["API key"], "nonsense")
        browser.press(words["Sign in"])
        # What the server says of the key is in the same language.
        alert = browser.wait(lambda: browser.all("[role=alert]"), "no refusal")[0].text
        assert alert
        assert "API key" not in alert or language in {"ja", "zh", "ko", "ar"}
        assert "Incorrect" not in alert
        browser.type(words["API key"], KEY)
        browser.press(words["Sign in"])
        browser.wait_for_text(words["Sign out"])
        for path in PAGES:
            show(browser, path, words)
            assert left_in_english(browser, words) == [], path
            assert faults(browser, axe) == [], path
            wide = "return document.documentElement.scrollWidth - innerWidth"
            assert run(wide) <= 0, path
            name = path.replace("#", "-")
            browser.shoot(f"{name}-{language}-{'wide' if size == WIDE else 'narrow'}")
        assert [one for one in browser.complaints() if "401" not in one] == []


def test_numbers_are_written_as_in_the_readers_region(server):
    """A decimal comma where there is one."""
    with open_browser(server.url, languages="de-AT,de") as browser:
        words = words_of("de")
        browser.open("console")
        browser.type(words["API key"], KEY)
        browser.press(words["Sign in"])
        browser.wait_for_text(words["The same as code"])
        browser.press(words["Send"])
        browser.wait_for_text(words["Answered."])
        cost = browser.find(words["Answer"], "section").text
        assert re.search(r"\$\s?0,0\d+", cost), cost


def test_a_language_that_there_is_not_gets_english(server):
    """And numbers as in English, for the words beside them are."""
    with open_browser(server.url, languages="fi,sv") as browser:
        browser.open("status")
        browser.wait_for_text("All is well")
        assert browser.driver.execute_script("return document.documentElement.lang") == "en"


def test_a_page_whose_words_do_not_come_is_there_in_english(server):
    """The connection broke between the page and its words."""
    with open_browser(server.url, languages="de") as browser:
        browser.driver.execute_cdp_cmd("Network.enable", {})
        browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/words/*"]})
        browser.open("status")
        browser.wait_for_text("All is well")


def test_the_weight_of_a_page_in_another_language():
    """The table of words is small beside the rest."""
    for language in LANGUAGES:
        if language != "en":
            assert len(pages.load(f"words/{language}.json").packed) < 8_000
