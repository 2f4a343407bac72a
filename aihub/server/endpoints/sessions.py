"""Sessions: created, listed, read, changed, deleted, forked."""

from __future__ import annotations

import re

from ...dialects import sessions as dialect
from ...dialects.queries import Page, list_object, read_page, read_query
from ...errors import InvalidRequest
from ...messages import Msg
from ...model.session import Session
from ...model.units import Json
from ..call import Call
from ..http import Response
from ..versions import etag, meant_version


async def create(call: Call) -> Response:
    """Begin a session."""
    read_query(call.request.query, {})
    fields = dialect.read_new_session(call.json_body())
    return await _told(call, await call.hub.sessions.create(**fields, account=call.account))


async def listed(call: Call) -> Response:
    """Return a page of the account's sessions."""
    page, _ = read_page(call.request.query)
    found = await call.hub.sessions.list(
        after=page.after, limit=page.limit + 1, account=call.account
    )
    return await call.answer(list_object([dialect.session_object(one) for one in found], page))


async def read(call: Call) -> Response:
    """Return a session with a page of its messages."""
    page, newest_first = dialect.read_messages_page(call.request.query)
    session = await call.hub.sessions.get(call.parameters["session"], account=call.account)
    messages = await _messages(call, session, page, newest_first=newest_first)
    value = {**dialect.session_object(session), "messages": messages}
    return await call.answer(value, headers=[etag(session.version)])


async def _messages(
    call: Call, session: Session, page: Page, *, newest_first: bool
) -> dict[str, Json]:
    turn, n = _place(page.after) if page.after else (0, -1)
    # The turn that the page begins in is read again, for what of it comes after the place.
    edge = turn + 1 if newest_first and turn else max(0, turn - 1)
    found = await call.hub.sessions.turns(
        session.id,
        after=edge,
        limit=page.limit + 2,
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
    return list_object(data, page)


def _place(after: str) -> tuple[int, int]:
    found = re.fullmatch("msg_([0-9]{1,15})_([0-9]{1,15})", after)
    if found is None or not int(found[1]):
        raise InvalidRequest(Msg("'after' must be the id of a message."), param="after")
    return int(found[1]), int(found[2])


async def update(call: Call) -> Response:
    """Change what the body names."""
    fields = dialect.read_session_change(call.json_body())
    version = meant_version(call, fields)
    session = await call.hub.sessions.update(
        call.parameters["session"], **fields, version=version, account=call.account
    )
    return await _told(call, session)


async def delete(call: Call) -> Response:
    """Erase a session."""
    read_query(call.request.query, {})
    id = call.parameters["session"]
    await call.hub.sessions.delete(id, version=meant_version(call, {}), account=call.account)
    return await call.answer(dialect.deleted_object(id))


async def fork(call: Call) -> Response:
    """Begin a session that shares this one's history."""
    fields = dialect.read_fork(call.json_body())
    session = await call.hub.sessions.fork(
        call.parameters["session"], **fields, account=call.account
    )
    return await _told(call, session)


async def _told(call: Call, session: Session) -> Response:
    return await call.answer(dialect.session_object(session), headers=[etag(session.version)])
