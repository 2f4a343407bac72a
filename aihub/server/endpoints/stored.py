"""Chat completions that are kept: listed, read, changed, erased, and what they answer."""

from __future__ import annotations

from ...dialects.openai_chat import stored as dialect
from ...dialects.queries import list_object, read_query
from ...dialects.sessions import read_messages_page
from ...errors import InvalidRequest
from ...messages import Msg
from ...model.units import Json
from ..call import Call
from ..http import Response


async def listed(call: Call) -> Response:
    """Return a page of the account's completions."""
    page, asked = dialect.read_listed(call.request.query)
    found = await call.hub.completions.list(
        after=page.after, limit=page.limit + 1, **asked, account=call.account
    )
    return await call.answer(
        paged(list_object([dialect.stored_object(one) for one in found], page))
    )


async def read(call: Call) -> Response:
    """Return one completion."""
    read_query(call.request.query, {})
    found = await call.hub.completions.get(call.parameters["completion"], account=call.account)
    return await call.answer(dialect.stored_object(found))


async def update(call: Call) -> Response:
    """Replace the metadata."""
    metadata = dialect.read_update(call.json_body())
    found = await call.hub.completions.update(
        call.parameters["completion"], metadata=metadata, account=call.account
    )
    return await call.answer(dialect.stored_object(found))


async def delete(call: Call) -> Response:
    """Erase one completion."""
    read_query(call.request.query, {})
    id = call.parameters["completion"]
    await call.hub.completions.delete(id, account=call.account)
    return await call.answer(dialect.deleted_object(id))


async def messages(call: Call) -> Response:
    """Return a page of the messages of a completion's request."""
    page, newest_first = read_messages_page(call.request.query)
    found = await call.hub.completions.get(call.parameters["completion"], account=call.account)
    told = dialect.stored_messages(found)
    return await call.answer(
        paged(list_object(following(told, page.after, newest_first=newest_first), page))
    )


def following(
    objects: list[dict[str, Json]], after: str | None, *, newest_first: bool
) -> list[dict[str, Json]]:
    """Return what comes after the object with the id *after*, in the order that is asked.

    Raises:
        InvalidRequest: there is none with this id.
    """
    ordered = objects[::-1] if newest_first else objects
    if after is None:
        return ordered
    for n, one in enumerate(ordered):
        if one["id"] == after:
            return ordered[n + 1 :]
    raise InvalidRequest(Msg("'after' must be the id of an object of this list."), param="after")


def paged(listed: dict[str, Json]) -> dict[str, Json]:
    """Return a page as OpenAI's document has it: there an empty one has no null for its ids."""
    ends = {name: listed[name] or "" for name in ("first_id", "last_id")}
    return {**listed, **ends}
