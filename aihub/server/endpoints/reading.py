"""Usage, and whether the server lives."""

from __future__ import annotations

from ...dialects.queries import read_usage
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


async def healthz(_call: Call) -> Response:
    """Say that the process answers."""
    return Response(200, [JSON], b'{"status":"ok"}')


async def readyz(call: Call) -> Response:
    """Say whether requests are admitted."""
    if call.hub.ready:
        return Response(200, [JSON], b'{"status":"ready"}')
    return call.refuse(503, "Requests are not admitted now.", code="not_ready")
