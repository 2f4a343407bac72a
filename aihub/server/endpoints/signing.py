"""Pages of ours sign in and out, and ask who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...dialects.queries import read_query
from ...dialects.reports import me_object, read_sign_in
from ...messages import Msg
from ..call import Call
from ..http import Headers, Refusal, Response
from ..signing import forget, is_page, keep

if TYPE_CHECKING:
    from ..app import Opened


async def sign_in(call: Opened) -> Response:
    """Look a key up, and let the browser keep it."""
    _own_pages_only(call)
    secret = read_sign_in(call.json_body())
    await call.sign_in(secret)
    return await _me(call, keep(secret, call.request))


async def sign_out(call: Call) -> Response:
    """Let the browser forget the key."""
    _own_pages_only(call)
    headers = forget(call.request)
    return await call.answer({"object": "me.signed_out", "signed_out": True}, headers=headers)


async def me(call: Call) -> Response:
    """Return who asks, and how the caller's windows stand."""
    read_query(call.request.query, {})
    return await _me(call, [(b"cache-control", b"no-store")])


async def _me(call: Call, headers: Headers) -> Response:
    windows = call.windows = await call.hub.windows(call.identity)
    told = me_object(call.identity, windows, call.hub.now())
    return await call.answer(told, headers=headers)


def _own_pages_only(call: Call) -> None:
    if not is_page(call.request):
        raise Refusal(
            call.refuse(
                403,
                Msg("Only pages of this server sign in. Programs send their key in a header."),
                code="not_a_page",
            )
        )
