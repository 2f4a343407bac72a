"""Usage, and whether the server lives."""

from __future__ import annotations

from ...dialects.queries import WHOSE, list_object, read_query, read_usage
from ...dialects.reports import read_requests_page, request_object
from ...messages import Msg
from ..call import Call
from ..errors import JSON
from ..http import Response
from ..reading import usage_object


async def usage(call: Call) -> Response:
    """Return what the caller's account used, or the one that an operator names."""
    asked = read_usage(call.request.query)
    account = asked.account or call.account
    call.check_reach(account)
    report = await call.hub.usage(
        account, start=asked.start, end=asked.end, group_by=asked.group_by
    )
    return await call.answer(usage_object(report))


async def requests(call: Call) -> Response:
    """Return a page of the requests that an account made."""
    page, asked, newest_first = read_requests_page(call.request.query)
    account = asked or call.account
    call.check_reach(account)
    found = await call.hub.requests(
        account, after=page.after, limit=page.limit + 1, newest_first=newest_first
    )
    return await call.answer(list_object([request_object(row) for row in found], page))


async def request(call: Call) -> Response:
    """Return one of them."""
    account = str(read_query(call.request.query, WHOSE).get("account", call.account))
    call.check_reach(account)
    row = await call.hub.request(call.parameters["request"], account)
    return await call.answer(request_object(row))


async def healthz(_call: Call) -> Response:
    """Say that the process answers."""
    return Response(200, [JSON], b'{"status":"ok"}')


async def readyz(call: Call) -> Response:
    """Say whether requests are admitted."""
    if call.hub.ready:
        return Response(200, [JSON], b'{"status":"ready"}')
    return call.refuse(503, Msg("Requests are not admitted now."), code="not_ready")
