"""Going on with a session: what a request remembers of it, and what it adds to it."""

from __future__ import annotations

import attrs
from anyio import to_thread

from ..core import sessions
from ..core.attempts import Running
from ..core.reservations import completion_reserve
from ..errors import InvalidRequest, NotFound
from ..messages import Msg
from ..model.account import Identity
from ..model.catalogue import Model
from ..model.chat import Chat, Message
from ..model.session import Conversation, NewTurn, Session, Turn
from ..model.usage import Count
from ..protocols import TokenCounter
from .counting import LONG_TEXT, count_prompt
from .settling import Settler
from .setup import Setup

MARGIN = 2
"""How many times its context window a model is given to choose from where turns were counted as
another counts: it may count half as many."""


@attrs.define
class Recalled:
    """A chat with the history that fits before it.

    `said` is what of it is new, `dropped` how many turns were left out.
    """

    chat: Chat
    model: Model
    prompt: Count
    said: tuple[Message, ...]
    said_size: Count
    dropped: int
    begins: Session | None = None

    def turn(self, running: Running, tokens: TokenCounter, *, incomplete: bool) -> NewTurn | None:
        """Return what an attempt adds to the session; None where it gave nothing to keep."""
        first = next((choice for choice in running.answers() if choice.index == 0), None)
        answer = None if first is None else sessions.answer(first)
        if incomplete and self.begins is not None:
            # Nothing that is not kept reaches what it would begin.
            return None
        if answer is None:
            if incomplete:
                return None
            answer = Message("assistant", "")
        size = _size(tokens, self.model, (answer,))
        return NewTurn(
            session=self.chat.session or "",
            messages=(*self.said, answer),
            size=_sum(self.said_size, size),
            encoding=self.model.encoding,
            incomplete=incomplete,
            begins=self.begins,
        )


async def recall(
    setup: Setup, settler: Settler, chat: Chat, identity: Identity, begins: Session | None = None
) -> Recalled:
    """Put the history of its session before a chat, or begin one.

    Raises:
        NotFound: the account has no such session.
        InvalidRequest: a message cannot be kept, or neither chat nor session names a model.
        ContextLengthExceeded: it does not fit, and may not or cannot be made to.
        StoreUnavailable: the store does not answer.
    """
    sessions.check_messages(chat.messages)
    prompts, said = sessions.split(chat.messages, chat.instructions)
    if chat.session is None and begins is not None:
        model, conversation = setup.model(chat.model), Conversation(session=begins, turns=())
    else:
        model, conversation = await _load(setup, settler, chat, identity.account.id)
        begins = begins and _like(begins, conversation.session)
    chat = attrs.evolve(chat, model=chat.model or conversation.session.model or "")
    opening = sessions.opening(conversation.session, prompts)
    fixed = await count_prompt(setup.tokens, model, attrs.evolve(chat, messages=(*opening, *said)))
    sizes = await _sizes(setup.tokens, model, conversation.turns)
    reserve = completion_reserve(
        max_tokens=chat.bound,
        max_output=model.max_output,
        estimate=settler.estimate(model.id),
        mode=identity.plan.token_reserve,
    )
    kept = sessions.fit(
        _by_policy(conversation, chat),
        [size.tokens for size in sizes],
        said,
        fixed=fixed.tokens,
        reserve=reserve,
        window=model.context_window,
    )
    before = sessions.history(kept, said)
    # Without a history a request's own prompts stay where they stand.
    messages = (*opening, *before, *said) if before or not prompts else chat.messages
    whole = attrs.evolve(chat, messages=messages)
    if len(before) == sum([len(turn.messages) for turn in kept]):
        prompt = _sum(fixed, *sizes[len(sizes) - len(kept) :])
    else:
        # Calls that nobody answered are not sent, nor are they counted.
        prompt = await count_prompt(setup.tokens, model, whole)
    return Recalled(
        chat=whole,
        model=model,
        prompt=prompt,
        said=said,
        said_size=await _counted_size(setup.tokens, model, said),
        dropped=conversation.session.turns - len(kept),
        begins=begins,
    )


def _like(begins: Session, origin: Session) -> Session:
    """Begin a session that is like the one that it goes on from."""
    return attrs.evolve(begins, model=origin.model, system_prompt=origin.system_prompt)


def _by_policy(conversation: Conversation, chat: Chat) -> Conversation:
    """Let the chat say what happens where not all fits, if it does."""
    if chat.context_policy is None:
        return conversation
    session = attrs.evolve(conversation.session, context_policy=chat.context_policy)
    return attrs.evolve(conversation, session=session)


async def _load(
    setup: Setup, settler: Settler, chat: Chat, account: str
) -> tuple[Model, Conversation]:
    """Return the model that is meant, and the part of the conversation that may fit it."""
    id, store = chat.session or "", settler.store
    name = chat.model
    if not name:
        session = await settler.read(lambda: store.session(account, id))
        if session is None:
            raise NotFound("session", id, param="session_id")
        name = session.model or ""
    if not name:
        raise InvalidRequest(
            Msg("Neither the request nor its session names a model."),
            param="model",
            code="missing_required_parameter",
        )
    model = setup.model(name)
    window = model.context_window
    found = await settler.read(
        lambda: store.conversation(account, id, tokens=window, upto=chat.upto)
    )
    if found is not None and any(one.encoding != model.encoding for one in found.turns):
        more = MARGIN * window
        found = await settler.read(
            lambda: store.conversation(account, id, tokens=more, upto=chat.upto)
        )
    if found is None:
        raise NotFound("session", id, param="session_id")
    return model, found


async def _sizes(tokens: TokenCounter, model: Model, turns: tuple[Turn, ...]) -> list[Count]:
    """Return how much of *model*'s window each turn takes."""
    if all(turn.encoding == model.encoding for turn in turns):
        return [turn.size for turn in turns]
    return await to_thread.run_sync(
        lambda: [
            turn.size if turn.encoding == model.encoding else _size(tokens, model, turn.messages)
            for turn in turns
        ]
    )


async def _counted_size(tokens: TokenCounter, model: Model, messages: tuple[Message, ...]) -> Count:
    if sum([message.characters for message in messages]) <= LONG_TEXT:
        return _size(tokens, model, messages)
    return await to_thread.run_sync(_size, tokens, model, messages)


def _size(tokens: TokenCounter, model: Model, messages: tuple[Message, ...]) -> Count:
    """Count *messages* as a part of a prompt: without what every prompt has besides."""
    nothing = tokens.count_prompt(model, Chat(model=model.id, messages=()))
    count = tokens.count_prompt(model, Chat(model=model.id, messages=messages))
    return Count(count.tokens - nothing.tokens, count.source)


def _sum(*counts: Count) -> Count:
    """Add counts up; one that is estimated makes the sum an estimate."""
    estimated = any(count.source == "estimated" for count in counts)
    total = sum([count.tokens for count in counts])
    return Count(total, "estimated" if estimated else "counted")
