"""What the mock answers, before any of it is sent: one choice at a time.

A `Draft` is what a model would say if nothing cut it: a text, or calls of tools. Bounds are applied
to it (reasoning comes first, and is seen where that is asked for), and what is left becomes events,
in one piece or in a piece for each token.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from itertools import pairwise
from string import ascii_letters, digits

import attrs

from ....model.chat import FinishReason, Tool, ToolCall
from ....model.events import Event, Reasoning, Text, ToolDelta
from ....model.units import Json
from ....protocols import ProviderCall
from ...tokens import CuttingCounter, cut, pieces
from . import bias, prediction
from .choosing import Chooser
from .probabilities import logprobs
from .reasoning import hidden, reasoning_tokens, reasons, shown
from .text import Subject, asked_last, request_digest, thoughts_on, write
from .tools import to_call

LONGEST = 4096
"""Tokens that the mock ever writes for one choice, its thinking aside; its texts end long before,
but a token that is forced goes on without end."""

MAX_WRITTEN = 32_768
"""Tokens that the mock writes for one request, each of their probabilities as one more: all the
choices together are held in memory, and are some 40 ms of work. What is beyond ends as `length`."""

_ID = ascii_letters + digits
_ID_LENGTH = 24


@attrs.define
class Draft:
    """What one choice says if nothing cuts it."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    tokens: list[bytes] | None = None
    accepted: int = 0
    rejected: int = 0


@attrs.define
class Reply:
    """One choice as it is answered: its events, why it ends, and the tokens it took."""

    events: list[Event]
    reason: FinishReason
    tokens: int
    reasoning: int = 0
    accepted: int = 0
    rejected: int = 0
    stop: str | None = None


class Writer:
    """Write the choices of one call.

    Args:
        call: what is asked.
        tokens: who counts and cuts.
        seed: another seed, other answers.
    """

    def __init__(self, call: ProviderCall, tokens: CuttingCounter, seed: int) -> None:
        self._call = call
        self._chat = call.chat
        self._tokens = tokens
        self._seed = seed
        self._encoding = call.model.encoding
        self._tools = to_call(call.chat)
        told = 1 + (call.chat.top_logprobs or 0) if call.chat.logprobs else 0
        self._longest = min(LONGEST, MAX_WRITTEN // (call.chat.n * (1 + told)))

    def reply(self, index: int) -> Reply:
        """Return choice *index*.

        Raises:
            InvalidRequest: a schema cannot be kept to.
        """
        most = _most(self._call)
        thoughts, thinking = self._thinking(index, most)
        draft = self._draft(index)
        room = min(most - thinking, self._longest)
        if room <= 0:
            return Reply([*thoughts, Text("", index)], "length", most, most)
        if draft.calls:
            reply = self._called(draft.calls, index, room)
        elif draft.tokens is not None:
            reply = self._forced(draft.tokens, index, room)
        else:
            reply = self._cut(draft, index, room)
        if thoughts:
            reply.events = [*thoughts, *reply.events]
        reply.reasoning = thinking
        reply.tokens += thinking + reply.rejected
        return reply

    def _cut(self, draft: Draft, index: int, room: int) -> Reply:
        """Say a text up to what stops it."""
        text, stop = _stopped(draft.text, self._chat.stop)
        reply = self._said(text, index, room)
        reply.stop = stop if reply.reason == "stop" else None
        reply.accepted = min(draft.accepted, reply.tokens)
        reply.rejected = draft.rejected + draft.accepted - reply.accepted
        return reply

    # Drafts

    def _thinking(self, index: int, most: int) -> tuple[list[Event], int]:
        """Return what is told of the thinking, and its tokens."""
        model, chat = self._call.model, self._chat
        way = shown(chat)
        hard = hidden(model, chat) if way is None else ""
        if hard == "none" or not reasons(model):
            return [], 0
        chooser = self._chooser(index, "reasoning")
        if way is None:
            return [], reasoning_tokens(hard, chooser)
        text = cut(self._tokens, self._encoding, thoughts_on(Subject.of(chat), chooser), most)
        used = _count(self._tokens, self._call, text)
        signature = b64encode(sha256(b"thought" + text.encode()).digest()).decode()
        if way == "omitted":
            return [Reasoning("", index, signature=signature)], used
        said = pieces(self._tokens, self._encoding, text) if chat.stream else [text]
        told: list[Event] = [Reasoning(one, index) for one in said if one]
        return [*told, Reasoning("", index, signature=signature)], used

    def _draft(self, index: int) -> Draft:
        chat = self._chat
        if self._tools:
            return Draft(calls=self._calls(index))
        wanted = chat.response_format
        if wanted is not None and wanted.kind != "text":
            from .schemas import json_text

            chooser, subject = self._chooser(index, "json"), Subject.of(chat)
            return Draft(json_text(wanted, chooser, subject))
        if chat.extra and chat.extra.get("prediction"):
            return self._predicted(chat.extra["prediction"])
        text = write(self._seed, chat, index)
        return self._biased(text, index) if chat.logit_bias else Draft(text)

    def _calls(self, index: int) -> tuple[ToolCall, ...]:
        from .schemas import arguments

        chooser, subject = self._chooser(index, "tools"), Subject.of(self._chat)

        def call_of(tool: Tool) -> ToolCall:
            id = "call_" + "".join([chooser.pick(_ID) for _ in range(_ID_LENGTH)])
            return ToolCall(id, tool.name, arguments(tool, chooser, subject), tool.kind)

        return tuple(map(call_of, self._tools))

    def _predicted(self, given: Json) -> Draft:
        predicted = prediction.content(given)
        count = partial(_count, self._tokens, self._call)
        made = prediction.answer(predicted, asked_last(self._chat), count)
        return Draft(made.text, accepted=made.accepted, rejected=made.rejected)

    def _biased(self, text: str, index: int) -> Draft:
        vocabulary = bias.vocabulary_of(self._tokens)
        meant = bias.meaning(self._chat.logit_bias or {}, self._tokens, self._encoding)
        if not meant.forced:
            return Draft(bias.without(text, meant.banned, vocabulary, self._encoding))
        chooser = self._chooser(index, "bias")
        room = min(_most(self._call), self._longest)
        return Draft(tokens=bias.only(meant.forced, room, chooser, vocabulary, self._encoding))

    def _chooser(self, index: int, purpose: str) -> Chooser:
        digest = request_digest(self._seed, self._chat, index)
        return Chooser(sha256(digest + purpose.encode()).digest())

    # Events

    def _said(self, text: str, index: int, room: int) -> Reply:
        """Cut *text* to *room* tokens."""
        chat, tokens = self._chat, self._tokens
        if not (chat.stream or chat.logprobs):
            used = tokens.count_text(self._call.model, text).tokens
            if used <= room:
                return Reply([Text(text, index)], "stop", used)
        ends = tokens.ends(self._encoding, text)
        kept = [place for place in ends if place[1] <= room]
        used = kept[-1][1] if kept else 0
        reason: FinishReason = "stop" if len(kept) == len(ends) else "length"
        spelled = tokens.spelled(self._encoding, text)[:used] if chat.logprobs else None
        return Reply(self._texts(text, kept, spelled, index), reason, used)

    def _forced(self, tokens: list[bytes], index: int, room: int) -> Reply:
        """Say tokens that stand by themselves: together they may be other tokens' text."""
        chat = self._chat
        said = tokens[:room]
        places, text = _places(said)
        stopped, stop = _stopped(text, chat.stop)
        reason: FinishReason = "stop" if len(stopped) < len(text) or not tokens else "length"
        kept = [place for place in places if place[0] <= len(stopped)]
        used = kept[-1][1] if kept else 0
        spelled = said[:used] if chat.logprobs else None
        return Reply(self._texts(text, kept, spelled, index), reason, used, stop=stop)

    def _texts(
        self,
        text: str,
        places: Sequence[tuple[int, int]],
        spelled: list[bytes] | None,
        index: int,
    ) -> list[Event]:
        """Make events of *text* up to the last of *places*: one each, or one altogether."""
        if not self._chat.stream:
            places = places[-1:]
        told = None
        if spelled is not None:
            chooser = self._chooser(index, "logprobs")
            told = logprobs(spelled, chooser, self._chat.top_logprobs or 0)
        if not places:
            return [Text("", index)]
        if told is None:
            ends = [0, *[at for at, _ in places]]
            return [Text(text[start:end], index) for start, end in pairwise(ends)]
        return [
            Text(text[start:end], index, logprobs=told[before:used])
            for (start, before), (end, used) in pairwise([(0, 0), *places])
        ]

    def _called(self, calls: tuple[ToolCall, ...], index: int, room: int) -> Reply:
        """Tell *calls*; a name and its arguments count as text does."""
        events: list[Event] = []
        used = 0
        for position, call in enumerate(calls):
            names = _count(self._tokens, self._call, call.name)
            if used + names > room:
                break
            used += names
            ends = self._tokens.ends(self._encoding, call.arguments)
            kept = [place for place in ends if used + place[1] <= room]
            events += self._pieces(position, call, kept, index)
            used += kept[-1][1] if kept else 0
            if len(kept) < len(ends):
                break
        else:
            return Reply(events, "tool_calls", used)
        return Reply(events or [Text("", index)], "length", used)

    def _pieces(
        self, position: int, call: ToolCall, places: Sequence[tuple[int, int]], index: int
    ) -> list[Event]:
        """Make events of a call: first its name, then its arguments, as the real API cuts them."""
        told = call.arguments[: places[-1][0] if places else 0]
        if not self._chat.stream:
            return [ToolDelta(position, call.id, call.name, told, index, type=call.type)]
        ends = [0, *[at for at, _ in places]]
        return [
            ToolDelta(position, call.id, call.name, "", index, type=call.type),
            *[
                ToolDelta(position, arguments=told[start:end], index=index)
                for start, end in pairwise(ends)
            ],
        ]


def _count(tokens: CuttingCounter, call: ProviderCall, text: str) -> int:
    return tokens.count_text(call.model, text).tokens


def _most(call: ProviderCall) -> int:
    """Return how many tokens a choice may take, its thinking included."""
    model = call.model
    room = max(1, model.context_window - call.prompt.tokens)
    for bound in (call.chat.bound, model.max_output):
        if bound is not None and bound < room:
            room = bound
    return room


def _stopped(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    """Cut *text* before the first stop string that would have been produced, and return that."""
    found = [(at, stop) for at, stop in ((text.find(one), one) for one in stops if one) if at >= 0]
    if not found:
        return text, None
    at, stop = min(found, key=lambda one: one[0])
    return text[:at], stop


def _places(tokens: Sequence[bytes]) -> tuple[list[tuple[int, int]], str]:
    """Return where *tokens* end with a character, and their text."""
    places = []
    data = b""
    text = ""
    for used, token in enumerate(tokens, start=1):
        data += token
        try:
            text += data.decode()
        except UnicodeDecodeError:
            continue
        data = b""
        places.append((len(text), used))
    return places, text
