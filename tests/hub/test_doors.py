"""What is refused at the door: messages of no form, and what no provider can do."""

import pytest

from aihub.backends.catalogue import StaticCatalogue
from aihub.backends.clocks import ManualClock
from aihub.backends.ids import SeededIds
from aihub.backends.storage.memory import MemoryStore
from aihub.backends.tokens import EstimateCounter
from aihub.errors import InvalidRequest, UpstreamError, UsageMistake
from aihub.hub import Hub
from aihub.testing import ScriptedProvider, open_test_hub
from aihub.testing.providers import MODEL

pytestmark = pytest.mark.anyio


class Cannot(ScriptedProvider):
    """A provider that refuses to answer more than once, and says so beforehand."""

    def check(self, model, chat):
        if chat.n > 1:
            raise InvalidRequest("Only one answer.", param="n")


async def test_what_one_provider_cannot_do_another_does():
    """It is not even asked; with what it can do it comes first, as it is placed."""
    cannot, can = Cannot(), ScriptedProvider()
    async with open_test_hub(cannot, can) as hub:
        await hub.chat("gpt-4", "Hi")
        # The script has one answer where two were asked for: the provider's fault.
        with pytest.raises(UpstreamError):
            await hub.chat("gpt-4", "Hi", n=2)
        rows = await hub.requests()

    assert [row.attempts[0].deployment.partition("/")[0] for row in rows] == ["p0", "p1"]
    assert len(cannot.calls) == 1
    assert can.calls


async def test_what_no_provider_can_do_is_refused_without_a_trace():
    """The first one's reason is told, and nothing is on the ledger."""
    async with open_test_hub(Cannot(), Cannot()) as hub:
        with pytest.raises(InvalidRequest, match="Only one answer") as refused:
            await hub.chat("gpt-4", "Hi", n=2)
        assert refused.value.param == "n"
        assert await hub.requests() == []


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "king", "content": "Hi"}, "messages[1].role"),
        ({"content": "Hi"}, "messages[1].role"),
        ({"role": "user"}, "messages[1].content"),
        ({"role": "user", "content": 7}, "messages[1].content"),
    ],
)
async def test_a_message_of_no_form_is_refused_by_its_place(message, param):
    """A role that there is, and a text."""
    async with open_test_hub() as hub:
        with pytest.raises(InvalidRequest) as refused:
            await hub.chat("gpt-4", [{"role": "user", "content": "Hi"}, message])
    assert refused.value.param == param


async def test_several_providers_need_routes():
    """With one it is plain who answers; with none or two it is not."""
    clock = ManualClock()
    for providers in ({}, {"a": ScriptedProvider(), "b": ScriptedProvider()}):
        with pytest.raises(UsageMistake, match="give routes"):
            Hub(
                store=MemoryStore(clock=clock),
                providers=providers,
                catalogue=StaticCatalogue([MODEL], {}),
                tokens=EstimateCounter(),
                clock=clock,
                ids=SeededIds(0, clock),
            )
