"""Saying a chat in a dialect: what it has no words for is refused by name, or left out if asked.

Nothing is dropped silently. A request in OpenAI's words may carry a provider's own fields besides,
which travel on as they are; OpenAI's own names never do, for another dialect means another thing by
them, if anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
import orjson

from ..messages import Msg
from ..model.chat import Chat, Message, OtherPart, Tool, ToolCall
from ..model.units import Json
from .fields import SHOWN, Fault
from .objects import MAX_FAULTS, refusal

OPENAI = "openai_chat"

NEUTRAL: Mapping[str, tuple[Json, ...]] = {
    "audio": (),
    "metadata": ({},),
    "modalities": (["text"], ("text",)),
    "prediction": (),
    "prompt_cache_key": (),
    "prompt_cache_retention": ("in_memory",),
    "safety_identifier": (),
    "service_tier": ("auto",),
    "store": (False,),
    "verbosity": ("medium",),
    "web_search_options": (),
}
"""OpenAI's own names among `Chat.extra`, and the values that ask for nothing special."""

SAMPLING: Mapping[str, tuple[Json, ...]] = {
    "n": (1,),
    "seed": (None,),
    "logprobs": (False,),
    "top_logprobs": (None, 0),
    "logit_bias": (None, {}),
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
}
"""Parameters of `Chat` that not every dialect has, and the values that ask for nothing."""


class Saying:
    """One chat on its way into a dialect, and what is wrong with it.

    Args:
        name: the dialect's.
        vendor: whose it is, for error texts.
        chat: what is to be said.
        lenient: leave out what cannot be said instead of refusing it.
    """

    def __init__(self, name: str, vendor: str, chat: Chat, *, lenient: bool) -> None:
        self.name = name
        self.chat = self._heard(chat) if lenient else chat
        self._vendor = vendor
        self._lenient = lenient
        self._faults: list[Fault] = []
        self.travels = chat.dialect in (name, OPENAI)
        if chat.tool_choice is not None and chat.tool_choice.hosted is not None:
            self.unsupported("tool_choice", Msg("It names a tool of another vendor's own."))

    def _heard(self, chat: Chat) -> Chat:
        """Leave out the messages of which nothing can be said."""
        heard = tuple([one for one in chat.messages if not self._is_silent(one)])
        return chat if len(heard) == len(chat.messages) else attrs.evolve(chat, messages=heard)

    def _is_silent(self, one: Message) -> bool:
        known = (self.name, OPENAI)
        return (
            isinstance(one.content, tuple)
            and not one.tool_calls
            and all(
                isinstance(part, OtherPart) and part.dialect not in known and not part.is_compaction
                for part in one.content
            )
        )

    def knows(self, tool: Tool) -> bool:
        """Say whether a tool that is no function may be one of the dialect's own."""
        return self.travels and tool.dialect in (None, self.name)

    def unsupported(self, path: str, why: Msg | None = None) -> None:
        """Note a field that the dialect has no place for."""
        if not self._lenient:
            text = Msg(
                "Unsupported parameter: '{path}' is not supported by {vendor}.",
                path=path,
                vendor=self._vendor,
            )
            if why is not None:
                text = Msg("{what} {why}", what=text, why=why)
            self._faults.append(Fault(path, text, "unsupported_parameter"))

    def wrong(self, path: str, why: str) -> None:
        """Note a value without which the chat would be another: lenient or not."""
        text = Msg("Invalid '{path}' for {vendor}: {why}", path=path, vendor=self._vendor, why=why)
        self._faults.append(Fault(path, text, "unsupported_value"))

    def strange(self, part: OtherPart, path: str) -> None:
        """Note a part that the dialect has no place for."""
        if part.is_compaction:
            # Without it the chat would be another, lenient or not.
            self._faults.append(compaction_fault(path, self._vendor))
        else:
            self.unsupported(path, Msg("It is of type '{type}'.", type=part.type[:SHOWN]))

    def asked(self, name: str) -> bool:
        """Say whether a parameter of `SAMPLING` asks for anything."""
        return getattr(self.chat, name) not in SAMPLING[name]

    def refuse(self) -> None:
        """Raise what was noted.

        Raises:
            InvalidRequest: anything was.
        """
        if self._faults:
            raise refusal(self._faults[:MAX_FAULTS])

    def extras(
        self,
        extra: Mapping[str, Json] | None,
        path: str,
        *,
        own: Iterable[str] = (),
        only: frozenset[str] | None = None,
    ) -> dict[str, Json]:
        """Return what is said besides of a message, part or tool, where the dialect may know it.

        Null and an empty list say nothing. Names in *own* are the caller's to say. From OpenAI's
        words those in *only* travel on, or all.
        """
        said: dict[str, Json] = {}
        for name, value in (extra or {}).items():
            if name in own or value in (None, []):
                continue
            if self.chat.dialect == self.name or (self.travels and (only is None or name in only)):
                said[name] = value
            else:
                self.unsupported(f"{path}.{name[:SHOWN]}")
        return said

    def rest(self, *, own: Iterable[str] = ()) -> dict[str, Json]:
        """Return the chat's own extra fields that travel on; names in *own* the caller says."""
        extra = {name: one for name, one in (self.chat.extra or {}).items() if name not in own}
        if self.chat.dialect == self.name:
            return extra
        rest: dict[str, Json] = {}
        for name, value in extra.items():
            neutral = NEUTRAL.get(name)
            if neutral is None and self.travels:
                rest[name] = value
            elif value is not None and value not in (neutral or ()):
                self.unsupported(name[:SHOWN])
        return rest

    def sampling(self, names: Iterable[str] = SAMPLING) -> None:
        """Note those parameters of `SAMPLING` that ask for something."""
        for name in names:
            if self.asked(name):
                self.unsupported(name)

    def joined(
        self, fields: dict[str, Json], rest: Mapping[str, Json], path: str = ""
    ) -> dict[str, Json]:
        """Put fields that travel on beside those that are said; of two objects, their members."""
        for name, value in rest.items():
            mine = fields.get(name)
            if mine is None:
                fields[name] = value
            elif isinstance(mine, dict) and isinstance(value, dict):
                self.joined(mine, value, f"{path}{name}.")
            else:
                self.wrong(
                    f"{path}{name[:SHOWN]}", Msg("another parameter of the request says it too.")
                )
        return fields

    def arguments(self, call: ToolCall, path: str) -> orjson.Fragment:
        """Write a call's arguments as the object that they are, digit by digit."""
        if call.type != "function" or not is_object(call.arguments):
            self.wrong(f"{path}.function.arguments", Msg("must be a JSON object."))
        return fragment(call.arguments)


def compaction_fault(path: str, vendor: str) -> Fault:
    """Say that a vendor cannot read what stands for a conversation."""
    why = Msg("a 'compaction' can only be read by a provider that speaks OpenAI's Responses.")
    text = Msg("Invalid '{path}' for {vendor}: {why}", path=path, vendor=vendor, why=why)
    return Fault(path, text, "unsupported_value")


def is_object(arguments: str) -> bool:
    """Say whether a model's arguments are a JSON object; none at all are an empty one."""
    try:
        return not arguments or isinstance(orjson.loads(arguments), dict)
    except orjson.JSONDecodeError:
        return False


def fragment(arguments: str) -> orjson.Fragment:
    """Write arguments into JSON as they are."""
    return orjson.Fragment(arguments or "{}")
