"""What a caller over HTTP sees of where a request went."""

import pytest

from aihub.errors import UpstreamFailed, UpstreamRefused, UpstreamTimeout
from aihub.server.errors import attempts_header
from aihub.testing import ScriptedProvider

from .test_app import HELLO, open_client

pytestmark = pytest.mark.anyio

OK = '"p1/gpt-4-0613";outcome=ok'
FAILED = '"p0/gpt-4-0613";outcome=upstream_failed'


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_tells_each_attempt(stream):
    """Whole and streamed, in order, with the cause of each failure."""
    down = ScriptedProvider([UpstreamFailed("down")])
    async with open_client(down, ScriptedProvider()) as client:
        status, headers, _ = await client.ask(
            "POST", "/v1/chat/completions", {**HELLO, "stream": stream}
        )
    assert (status, headers["x-aihub-attempts"]) == (200, f"{FAILED}, {OK}")


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_tells_each_attempt(stream):
    """Where nothing answered, too."""
    slow = ScriptedProvider([UpstreamTimeout("slow")])
    async with open_client(ScriptedProvider([UpstreamFailed("down")]), slow) as client:
        status, headers, _ = await client.ask(
            "POST", "/v1/chat/completions", {**HELLO, "stream": stream}
        )
    assert status == 504
    assert headers["x-aihub-attempts"] == f'{FAILED}, "p1/gpt-4-0613";outcome=upstream_timeout'


async def test_what_a_provider_did_is_in_the_log_and_not_for_callers(caplog):
    """Why it cannot be reached, and what was tried, is the operator's to know."""
    lost = UpstreamFailed("The provider cannot be reached.", provider="up", code="connect_failed")
    lost.add_note("10.1.2.3: Connection refused\n")
    async with open_client(ScriptedProvider([UpstreamFailed("a")]), ScriptedProvider([lost])) as c:
        _, headers, body = await c.ask("POST", "/v1/chat/completions", HELLO)
    assert "10.1.2.3" not in str(body)
    [said] = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert said == (
        f"request {headers['x-request-id']}: connect_failed from up: The provider cannot be "
        "reached. 10.1.2.3: Connection refused  (tried: p0/gpt-4-0613 upstream_failed, "
        "p1/gpt-4-0613 connect_failed)"
    )


async def test_a_request_that_a_provider_refuses_is_no_news_for_the_log(caplog):
    """It is the caller's to mend."""
    async with open_client(ScriptedProvider([UpstreamRefused("odd")])) as client:
        await client.ask("POST", "/v1/chat/completions", HELLO)
    assert not [one for one in caplog.records if one.levelname == "WARNING"]


async def test_where_nobody_can_be_asked_it_is_said_when_to_come_again():
    """503, with the seconds until the first may be asked, and without an attempt."""
    async with open_client(ScriptedProvider([UpstreamFailed("down")])) as client:
        for _ in range(10):
            await client.ask("POST", "/v1/chat/completions", HELLO)
        status, headers, body = await client.ask("POST", "/v1/chat/completions", HELLO)
    assert (status, body["error"]["code"], headers["retry-after"]) == (503, "no_deployment", "5")
    assert "x-aihub-attempts" not in headers


def test_a_deployments_name_cannot_break_the_header():
    """Quotation marks are escaped, and what is no ASCII is replaced."""
    assert attempts_header([('a"b\\é', "ok")])[1] == b'"a\\"b\\\\?";outcome=ok'
