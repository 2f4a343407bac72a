"""OpenAI's Responses: answered whole and streamed, kept, gone on from, read again, erased.

Theory of operation. A response that is kept is a turn of a session that no list has. Going on from
it is going on with that session from that turn: the hub appends where it is the last, and forks
where it is not. What a record keeps besides the answer are the items of the input, and what a
response repeats of its request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import orjson

from ...core.records import record_id
from ...dialects import openai_responses as dialect
from ...dialects.openai_responses import queries
from ...dialects.openai_responses.answers import compaction_object, echo
from ...dialects.queries import list_object, read_query
from ...errors import InvalidRequest, NotFound
from ...hub import Several, Stream
from ...messages import Msg
from ...model.chat import Chat, Keep
from ...model.events import Completion
from ...model.record import Record
from ...model.units import Json
from ..answering import Door, Encoder, answer, read_options
from ..call import Call
from ..envelopes import RESPONSES, Envelope, placed
from ..http import Response
from . import kept
from .stored import following, paged

MAX_REFERENCES = 100
"""Items of an input that are only named: each may cost a look-up."""


async def create(call: Call) -> Response:
    """Answer whole, or streamed where the body asks for it."""
    asked = dialect.decode_request(call.json_body())
    call.model, call.envelope = asked.values.get("model"), RESPONSES
    repeated = echo(asked.fields)
    items = await _resolved(call, asked.items)
    chat = await _chat(call, asked, items)
    call.envelope = _told_apart(chat, items)
    if asked.store:
        told = dialect.input_items(items, call.id.removeprefix("req_"))
        chat.keep = Keep(
            kind="response",
            metadata=repeated["metadata"],
            data={"repeated": repeated, "input": told},
        )
    if asked.background:
        return await _later(call, chat)
    return await answer(call, chat, _door(call, repeated))


async def _later(call: Call, chat: Chat) -> Response:
    """Tell what stands for a response that nobody has to wait for."""
    made = await call.hub.background.begin(chat, call.identity, read_options(call))
    if chat.stream:
        return await kept.streamed(call, made)
    done = made.answer is not None
    return await call.answer(kept.whole(made) if done else kept.unanswered(made, "queued"))


async def _chat(
    call: Call, asked: dialect.Asked, items: Sequence[dict[str, Json]], *, some: bool = True
) -> Chat:
    """Return what is asked as a chat, with where it goes on from; *some* of it must be new.

    Raises:
        NotFound: the account keeps no such response, or a template is asked for.
    """
    if asked.prompt is not None:
        raise NotFound("prompt", asked.prompt, param="prompt.id")
    chat = asked.chat(items, some=some)
    chat.session = asked.conversation
    if asked.previous is not None:
        before = await _previous(call, asked.previous)
        chat.session, chat.upto = before.session, before.turn
        chat.model = chat.model or before.model
    if chat.session is None or chat.upto is not None:
        # A response's history is of its items; a conversation is a session like any other.
        chat.instructions = int("instructions" in asked.fields)
    truncation = asked.fields.get("truncation")
    if chat.session is None or chat.upto is not None or truncation is not None:
        chat.context_policy = "drop_oldest" if truncation == "auto" else "off"
    return chat


def _told_apart(chat: Chat, items: Sequence[dict[str, Json]]) -> Envelope:
    """Return how errors are said, which name an item that only its provider can read by its place.

    What goes on from something before has other places, which nobody knows here.
    """
    told = dialect.sealed_items(items) if chat.session is None else ()
    if not told:
        return RESPONSES
    read = [n for n, one in enumerate(chat.messages) if one.stands_for_others]
    pairs = [(f"messages[{n}]", f"input[{at}]") for n, at in zip(read, told, strict=False)]
    return placed(RESPONSES, dict(pairs))


async def _previous(call: Call, id: str) -> Record:
    """Return the response to go on from.

    Raises:
        NotFound: the account keeps none of this id, or its conversation was erased.
    """
    missing = NotFound("previous response", id, param="previous_response_id")
    try:
        found = await call.hub.responses.get(id, account=call.account)
    except NotFound:
        raise missing from None
    if found.session is None or found.turn is None:
        raise missing
    return found


async def _resolved(call: Call, items: Sequence[dict[str, Json]]) -> tuple[dict[str, Json], ...]:
    """Put items in the place of those that are only named.

    Raises:
        InvalidRequest: more than `MAX_REFERENCES` are.
        NotFound: the account keeps no such item.
    """
    named = dialect.references(items)
    if not named:
        return tuple(items)
    if len(named) > MAX_REFERENCES:
        raise InvalidRequest(
            Msg("'input' may name at most {most} items.", most=MAX_REFERENCES),
            param="input",
            code="too_many_references",
        )
    known: dict[str, dict[str, Json]] = {}
    for id in named:
        if id not in known:
            known |= await _items_beside(call, id)
        if id not in known:
            raise NotFound("item", id, param="input")
    return tuple([known[one["id"]] if one["type"] == "item_reference" else one for one in items])


async def _items_beside(call: Call, id: str) -> Mapping[str, dict[str, Json]]:
    """Return the items of the response that an item's id tells, by their ids."""
    words = id.split("_")
    if len(words) < 2:  # noqa: PLR2004 - a word for what it is, and the response's
        return {}
    try:
        found = await call.hub.responses.get(f"resp_{words[1]}", account=call.account)
    except NotFound:
        return {}
    output = kept.whole(found)["output"] if found.answer is not None else ()
    items = [*found.data["input"], *output]
    return {one["id"]: one for one in items}


# Answers


def _door(call: Call, repeated: Mapping[str, Json]) -> Door:
    """Return how a request is answered whose answer repeats some of it."""
    encoders: list[dialect.StreamEncoder] = []

    def complete(_chat: Chat, done: Completion) -> bytes:
        return dialect.response_bytes(_id(done.id), done, repeated)

    def encoder(_chat: Chat, stream: Stream | Several) -> Encoder:
        encoders.append(
            dialect.StreamEncoder(
                id=_id(stream.answer_id),
                created=stream.admitted,
                model=stream.model,
                repeated=repeated,
                ended=lambda: stream.completion.ended or call.hub.now(),
            )
        )
        return encoders[0]

    def in_band(body: bytes, _begun: bool) -> bytes:
        error = orjson.loads(body)["error"]
        return encoders[0].fail(error) if encoders else RESPONSES.in_band(body, False)

    return Door(
        envelope=attrs.evolve(call.envelope, in_band=in_band), complete=complete, encoder=encoder
    )


def _id(id: str) -> str:
    return record_id("response", id)


async def read(call: Call) -> Response:
    """Return one response, whole or as its events."""
    after = queries.read_asked(call.request.query)
    found = await call.hub.responses.get(call.parameters["response"], account=call.account)
    if after is None or call.request.method == "HEAD":
        return await call.answer(await kept.told(call, found))
    return await kept.streamed(call, found, after)


async def cancel(call: Call) -> Response:
    """End the work on a response."""
    read_query(call.request.query, {})
    found = await call.hub.background.cancel(call.parameters["response"], account=call.account)
    return await call.answer(await kept.told(call, found))


async def delete(call: Call) -> Response:
    """Erase one response."""
    read_query(call.request.query, {})
    id = call.parameters["response"]
    await call.hub.background.delete(id, account=call.account)
    return await call.answer({"id": id, "object": "response", "deleted": True})


async def input_items(call: Call) -> Response:
    """Return a page of the items of a response's input."""
    page, newest_first = queries.read_items_page(call.request.query)
    found = await call.hub.responses.get(call.parameters["response"], account=call.account)
    items = following(list(found.data["input"]), page.after, newest_first=newest_first)
    return await call.answer(paged(list_object(items, page)))


async def compact(call: Call) -> Response:
    """Make a conversation short."""
    asked = dialect.decode_compaction(call.json_body())
    call.model, call.envelope = asked.values.get("model"), RESPONSES
    items = await _resolved(call, asked.items)
    # What was said before may be all there is to be made short.
    chat = await _chat(call, asked, items, some=asked.previous is None)
    call.envelope = _told_apart(chat, items)
    done = await call.hub.compact(chat, call.identity, read_options(call))
    return await call.answer(compaction_object(done))


async def count_tokens(call: Call) -> Response:
    """Say how many tokens an input would be charged with before its answer."""
    asked = dialect.decode_count(call.json_body())
    call.model, call.envelope = asked.values.get("model"), RESPONSES
    chat = await _chat(call, asked, await _resolved(call, asked.items))
    count = await call.hub.count(chat, call.identity)
    return await call.answer({"object": "response.input_tokens", "input_tokens": count.tokens})
