"""What a conversation is about: the words, names and numbers of its last user message."""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property

from ....model.chat import Chat
from .choosing import Chooser
from .languages import Language
from .reading import CJK, Reading, read

HEAD = 2000
"""Characters in which a prompt says its topic; to read all would cost more than the answer."""


def asked_last(chat: Chat) -> str:
    """Return the text of the last user message; empty where there is none."""
    for one in reversed(chat.messages):
        if one.role == "user":
            return one.text
    return ""


class Subject:
    """What a conversation is about, in its language: the `Wording` of what the mock writes."""

    def __init__(self, asked: str) -> None:
        self.reading: Reading = read(asked[:HEAD])
        self.language: Language = self.reading.language

    @classmethod
    def of(cls, chat: Chat) -> Subject:
        """Return what *chat* is about."""
        return cls(asked_last(chat))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words that the prompt is about, each once, in its order."""
        reading = self.reading
        full = [word.text for word in reading.words if not reading.is_empty(word)]
        others = (one.split()[-1] for one in self.language.others)
        return tuple(dict.fromkeys(full or others))

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """The numbers that the prompt names, in its order; whole ones are `int`."""
        # A date is no numbers.
        found = re.findall(_NUMBER, re.sub(_QUOTED["date"], "", self.reading.head))
        return tuple(float(one) if "." in one else int(one) for one in found)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the prompt writes as proper names, in its order."""
        if self.language.spaced:
            found = re.findall(_NAME, self.reading.head)
            empty = self.language.empty
            return tuple(dict.fromkeys(one for one in found if one.lower() not in empty))
        return tuple(word for word in self.words if re.match(_FOREIGN_NAME, word))

    def quoted(self, kind: str) -> tuple[str, ...]:
        """Return what of a *kind* the prompt has: an `email`, a `url`, a `date` (`2026-01-31`)."""
        found = re.findall(_QUOTED[kind], self.reading.head, re.ASCII) if kind in _QUOTED else []
        return tuple(dict.fromkeys(one for one in found if kind != "date" or _is_date(one)))

    def mentions(self, text: str) -> bool:
        """Say whether the prompt has *text* as a word or words, however it is capitalised.

        Chinese and Japanese words have no end that could be seen: there it may be a part of one.
        """
        if not text:
            return False
        before = "" if re.match(_HAN, text[0]) else f"(?<!{_LETTER})"
        after = "" if re.match(_HAN, text[-1]) else f"(?!{_LETTER})"
        pattern = f"{before}{re.escape(text)}{after}"
        return re.search(pattern, self.reading.head, re.IGNORECASE) is not None

    def word(self, chooser: Chooser) -> str:
        """Return one word."""
        return chooser.pick(self.words)

    def name(self, chooser: Chooser) -> str:
        """Return what the prompt writes as a proper name (`Paris`), else a word capitalised."""
        return chooser.pick(self.names) if self.names else capitalised(self.word(chooser))

    def phrase(self, chooser: Chooser) -> str:
        """Return a few words without a full stop, as a title has."""
        both = dict.fromkeys((self.word(chooser), self.word(chooser)))
        return capitalised(self.language.joint.join(both))

    def sentence(self, chooser: Chooser) -> str:
        """Return a whole sentence."""
        template, words = chooser.pick(self.language.body), self.words
        topic = chooser.below(len(words))
        # Nothing is compared with itself.
        other = topic + 1 + chooser.below(max(1, len(words) - 1))
        return template.format(topic=words[topic], other=words[other % len(words)])


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def capitalised(text: str) -> str:
    """Return *text* with a capital first and the rest as it is (`iOS app` is not `Ios app`)."""
    return text[:1].upper() + text[1:]


# Stricter than what is allowed: what is taken for an address must be one by any validator.
_LABELS = r"[A-Za-z0-9]{1,30}(?:[.-][A-Za-z0-9]{1,30}){0,5}\.[A-Za-z]{2,10}"
_QUOTED = {
    "email": rf"(?<![\w.+@-])\w{{1,30}}(?:[.+-]\w{{1,30}})?@{_LABELS}(?![\w@-])",
    "url": rf"(?<!\w)https?://{_LABELS}(?:/[A-Za-z0-9_~/-]{{0,100}})?(?![\w@:%])",
    "date": r"(?<![\w-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![\w-])",
}
# A letter or digit of a script whose words are told apart by spaces.
_LETTER = rf"[^\W{CJK}]"
_HAN = f"[{CJK}]"
# Not at the beginning of a sentence, where every word is written so.
_CAPITAL = "[A-ZÀ-ÖØ-Þ]"
_NAME = rf"(?<=[^\W_][ ,:])\s?({_CAPITAL}[^\W\d_]+(?: {_CAPITAL}[^\W\d_]+)*)"
_FOREIGN_NAME = r"[\u30a1-\u30ff]{2}|[A-Z]"
_NUMBER = rf"(?<!{_LETTER})(?<!\.)-?\d{{1,9}}(?:\.\d{{1,6}})?(?!{_LETTER}|\.\d)"
