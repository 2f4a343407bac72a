"""Sessions: created, listed, read, changed, deleted, forked."""

from __future__ import annotations

import re

from ...dialects import sessions as dialect
from ...errors import InvalidRequest
from ...model.session import Session
from ...model.units import Json
from ..call import Call
from ..http import Response
from ..query import etag, meant_version, order, page, query


async def create(call: Call) -> Response:
    """Begin a session."""
    fields = dialect.decode_create(call.json_body())
    return await _told(call, await call.hub.sessions.create(**fields, account=call.account))


async def listed(call: Call) -> Response:
    """Return a page of the account's sessions."""
    after, limit = page(query(call))
    found = await call.hub.sessions.list(after=after, limit=limit + 1, account=call.account)
    data = [dialect.session_object(one) for one in found[:limit]]
    return await call.answer(dialect.page_object(data, has_more=len(found) > limit))


async def read(call: Call) -> Response:
    """Return a session with a page of its messages."""
    asked = query(call)
    after, limit = page(asked)
    newest_first = order(asked)
    session = await call.hub.sessions.get(call.parameters["session"], account=call.account)
    messages = await _messages(call, session, after, limit=limit, newest_first=newest_first)
    value = {**dialect.session_object(session), "messages": messages}
    return await call.answer(value, headers=[etag(session.version)])


async def _messages(
    call: Call, session: Session, after: str | None, *, limit: int, newest_first: bool
) -> dict[str, Json]:
    turn, n = _place(after) if after else (0, -1)
    # The turn that the page begins in is read again, for what of it comes after the place.
    edge = turn + 1 if newest_first and turn else max(0, turn - 1)
    found = await call.hub.sessions.turns(
        session.id,
        after=edge,
        limit=limit + 2,
        newest_first=newest_first,
        account=call.account,
    )
    step = -1 if newest_first else 1
    data = [
        message
        for one in found
        for at, message in list(enumerate(dialect.message_objects(one)))[::step]
        if not turn or one.number != turn or (at - n) * step > 0
    ]
    return dialect.page_object(data[:limit], has_more=len(data) > limit)


def _place(after: str) -> tuple[int, int]:
    found = re.fullmatch("msg_([0-9]{1,15})_([0-9]{1,15})", after)
    if found is None or not int(found[1]):
        raise InvalidRequest("'after' must be the id of a message.", param="after")
    return int(found[1]), int(found[2])


async def update(call: Call) -> Response:
    """Change what the body names."""
    fields = dialect.decode_update(call.json_body())
    version = meant_version(call, fields)
    session = await call.hub.sessions.update(
        call.parameters["session"], **fields, version=version, account=call.account
    )
    return await _told(call, session)


async def delete(call: Call) -> Response:
    """Erase a session."""
    id = call.parameters["session"]
    await call.hub.sessions.delete(id, version=meant_version(call, {}), account=call.account)
    return await call.answer(dialect.deleted_object(id))


async def fork(call: Call) -> Response:
    """Begin a session that shares this one's history."""
    fields = dialect.decode_fork(call.json_body())
    session = await call.hub.sessions.fork(
        call.parameters["session"], **fields, account=call.account
    )
    return await _told(call, session)


async def _told(call: Call, session: Session) -> Response:
    return await call.answer(dialect.session_object(session), headers=[etag(session.version)])
