"""Chunks put together again, as JSON.

What the SDK knows has been read, so it has its shape. What it does not know is kept: texts and
lists that come in pieces are joined, of anything else the last counts. Pieces of text are kept as
such until the answer is asked for: to join each with all before it would take quadratic time.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model.units import Json

_CALLED = ("function", "custom")
_WHOLE = ("id", "type", "name", "role", "index")


class _Text(list[str]):
    """Pieces of a text."""


class _Items(list[Json]):
    """A list that is ours to add to."""


class Fold:
    """An answer that grows."""

    def __init__(self) -> None:
        self._top: dict[str, Json] = {}
        self._choices: dict[int, dict[str, Json]] = {}

    def add(self, chunk: Mapping[str, Json]) -> None:
        """Take the next chunk, one that was read as such."""
        for name, value in chunk.items():
            if name != "choices" and value is not None:
                self._top[name] = value
        for one in chunk["choices"]:
            self._add_choice(one)

    def whole(self) -> dict[str, Json]:
        """Return the answer."""
        choices = [_whole_choice(self._choices[index]) for index in sorted(self._choices)]
        return {**self._top, "object": "chat.completion", "choices": choices}

    def _add_choice(self, one: Mapping[str, Json]) -> None:
        index = one.get("index") or 0
        choice = self._choices.get(index)
        if choice is None:
            empty = {"role": "assistant", "content": None}
            choice = {"index": index, "message": empty, "finish_reason": None}
            self._choices[index] = choice
        for name, value in one.items():
            if name == "logprobs" and isinstance(value, dict):
                choice[name] = _with(choice.get(name), value)
            elif name not in {"delta", "index", "message"} and value is not None:
                choice[name] = value
        for name, value in (one.get("delta") or {}).items():
            if value is not None:
                _add_field(choice["message"], name, value)


def _add_field(message: dict[str, Json], name: str, value: Json) -> None:
    if name == "tool_calls":
        for call in value:
            _add_call(message.setdefault(name, []), call)
    elif name == "function_call":
        message[name] = _with(message.get(name), value)
    else:
        message[name] = value if name in _WHOLE else _joined(message.get(name), value)


def _add_call(calls: list[Json], piece: Mapping[str, Json]) -> None:
    """Add a piece to the call that it is of: the one with its index."""
    index = piece.get("index") or 0
    call = next((one for one in calls if one["index"] == index), None)
    if call is None:
        call = {"index": index}
        calls.append(call)
    for name, value in piece.items():
        if name in _CALLED and value is not None:
            call[name] = _with(call.get(name), value)
        elif name != "index" and value is not None:
            call[name] = value


def _with(old: Json, piece: Mapping[str, Json]) -> dict[str, Json]:
    """Return an object with a piece of it added."""
    whole = dict(old) if isinstance(old, dict) else {}
    for name, value in piece.items():
        if value is not None:
            whole[name] = value if name in _WHOLE else _joined(whole.get(name), value)
        else:
            whole.setdefault(name, None)
    return whole


def _joined(old: Json, new: Json) -> Json:
    if isinstance(new, str):
        text = old if type(old) is _Text else _Text()
        text.append(new)
        return text
    if isinstance(new, list):
        items = old if type(old) is _Items else _Items()
        items.extend(new)
        return items
    return new


def _whole_choice(choice: Mapping[str, Json]) -> dict[str, Json]:
    message = _settled(choice["message"])
    if "function_call" in message:
        message["function_call"] = _settled(message["function_call"])
    if "tool_calls" in message:
        message["tool_calls"] = [_whole_call(call) for call in message["tool_calls"]]
    logprobs = choice.get("logprobs")
    more = {"logprobs": _settled(logprobs)} if isinstance(logprobs, dict) else {}
    return {**choice, "message": message, **more}


def _whole_call(call: Mapping[str, Json]) -> dict[str, Json]:
    return {name: _settled(one) if name in _CALLED else one for name, one in call.items()}


def _settled(value: Mapping[str, Json]) -> dict[str, Json]:
    """Join the texts of an object."""
    return {name: "".join(one) if type(one) is _Text else one for name, one in value.items()}
