"""Which tools the mock calls, by rule and not by chance.

- `none`, or no tools: none.
- One named tool: that one, always.
- A tool of the vendor's own, or only such tools: none.
- `required`: tools of the set that the prompt asks for and that were not called since the last user
  message; else the first not called since then; else the last of the set.
- `auto`: the tools that the prompt asks for. After a tool's result it answers in text, so that
  loops of agents end.

A prompt asks for a tool where it has the tool's name, the words of its name (`get_weather`: "the
weather in Paris"), or its description or two words of it that say something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import attrs

from ....model.chat import Chat, Tool
from .text import RESULTS

MAX_CALLS = 8
"""Calls in one answer, however many tools a prompt names: real models rarely make more."""

REMEMBERED = 512
"""Tools whose words are kept: a program has some, and sends them with each request."""

# What names and descriptions of tools say whatever the tool does.
_GENERIC = frozenset(
    """
    a about all an and any are at available be based by call can current currently data do does
    execute fetch find for from function get give given gives handle has have helps her his how
    if in information input into is it its item items know latest let list load look lookup make
    more my name new of on one or our out output perform please provide provided query read
    request result results retrieve return returns run search send set show some specific specified
    such tell that the their them then there these this to tool up use used user using value want
    was what when where which who will with you your
    """.split()  # noqa: SIM905 - a list of so many is read better so
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]+")
_PLURAL = re.compile(r"(?<=\w{3})s$")
_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")

KINDS = ("function", "custom")
"""Tools that the mock can call: of a vendor's own it knows no arguments."""

HEAD = 4000
"""Characters of a prompt, and of a description, that are looked at: what is asked for is said in
them."""

TELLING = 2
"""Words of a description that a prompt must have: one alone is chance."""


@attrs.frozen
class _Words:
    name: frozenset[str]
    description: frozenset[str]


def to_call(chat: Chat) -> tuple[Tool, ...]:
    """Return the tools that an answer to *chat* calls; none where it is text."""
    choice = chat.tool_choice
    if not chat.tools or (choice is not None and (choice.mode == "none" or choice.hosted)):
        return ()
    only = None if choice is None else choice.only
    tools = [
        tool for tool in chat.tools if tool.kind in KINDS and (only is None or tool.name in only)
    ]
    if not tools:
        return ()
    if choice is not None and choice.mode == "required":
        called = _called(chat)
        fresh = [tool for tool in tools if tool.name not in called]
        found = _asked_for(fresh, chat) or fresh[:1] or tools[-1:]
    elif chat.messages and chat.messages[-1].role in RESULTS:
        return ()
    else:
        found = _asked_for(tools, chat)
    return tuple(found[: 1 if chat.parallel_tool_calls is False else MAX_CALLS])


def _called(chat: Chat) -> set[str]:
    """Return the tools that were called since the user last spoke."""
    names: set[str] = set()
    for message in reversed(chat.messages):
        if message.role == "user":
            break
        names.update(call.name for call in message.tool_calls)
        old = (message.extra or {}).get("function_call")
        if isinstance(old, dict):
            names.add(str(old.get("name")))
    return names


def _asked_for(tools: Sequence[Tool], chat: Chat) -> list[Tool]:
    asked = next((one.text for one in reversed(chat.messages) if one.role == "user"), "")
    text = asked[:HEAD].lower()
    words = _words(text)
    return [tool for tool in tools if _is_asked_for(tool, text, words)]


def _is_asked_for(tool: Tool, text: str, words: frozenset[str]) -> bool:
    if not tool.name:
        return False
    name = tool.name.lower()
    if len(name) > 1 and name in text:
        return True
    description = (tool.description or "")[:HEAD]
    known = _known(tool.name, description)
    if known.name and known.name <= words:
        return True
    wanted = min(TELLING, len(known.description))
    return wanted > 0 and len(known.description & words) >= wanted


@lru_cache(REMEMBERED)
def _known(name: str, description: str) -> _Words:
    parts = _words(_CAMEL.sub(" ", name).replace("_", " ").lower())
    return _Words(parts - _GENERIC or parts, _words(description.lower()) - _GENERIC)


def _words(text: str) -> frozenset[str]:
    """Return the words of *text*, without a plural's ending; of what has no spaces, pairs."""
    return frozenset([*(_PLURAL.sub("", word) for word in _plain(text)), *_pairs(text)])


def _plain(text: str) -> Iterable[str]:
    return (word for word in _WORD.findall(text) if len(word) > 1)


def _pairs(text: str) -> Iterable[str]:
    for run in _HAN.findall(text):
        for n in range(len(run) - 1):
            yield run[n : n + 2]
