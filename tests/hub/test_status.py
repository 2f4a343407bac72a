"""How a hub says that it stands: by the health that routing goes by."""

import pytest

from aihub.errors import HubError, UpstreamFailed
from aihub.model.catalogue import BreakerRules, Deployment, Retries, Routes
from aihub.model.units import SECOND
from aihub.testing import ManualClock, ScriptedProvider, open_test_hub
from aihub.testing.fakes import ANSWER
from aihub.testing.providers import MODEL

pytestmark = pytest.mark.anyio

FAILS = [UpstreamFailed("It broke.")]
HELLO = [{"role": "user", "content": "Hi"}]
RULES = BreakerRules(sample=2, ratio=0.5, cool=5 * SECOND)


def routes(*places):
    return Routes(
        deployments={MODEL.id: places},
        region="eu",
        retries=Retries(most=0),
        breaker=RULES,
    )


def place(n, region="eu"):
    return Deployment(id=f"d{n}", provider=f"p{n}", upstream_model="secret-name", region=region)


async def ask(hub):
    try:
        await hub.chat(MODEL.id, HELLO)
    except HubError as error:
        return error.code
    return "ok"


async def test_what_was_never_asked_stands_well_and_says_so():
    """No share is made up."""
    async with open_test_hub(ScriptedProvider(), routes=routes(place(0)), models=[MODEL]) as hub:
        told = hub.status()
    assert (told.standing, told.ready) == ("operational", True)
    [one] = told.deployments
    assert (one.id, one.provider, one.region, one.model) == ("d0", "p0", "eu", MODEL.id)
    assert (one.standing, one.requests, one.uptime, one.slots) == ("operational", 0, None, ())
    assert told.incidents == ()


async def test_a_breaker_that_opens_is_an_outage_and_an_incident_until_a_probe_goes_well():
    """The page shows what routing does, at every step of it."""
    clock = ManualClock()
    provider = ScriptedProvider(FAILS, FAILS, ANSWER)
    async with open_test_hub(provider, routes=routes(place(0)), models=[MODEL], clock=clock) as hub:
        began = clock.now()
        assert [await ask(hub), await ask(hub)] == ["upstream_failed"] * 2
        told = hub.status()
        assert (told.standing, told.deployments[0].standing) == ("outage", "outage")
        assert told.providers == {"p0": "outage"}
        assert told.regions == {"eu": "outage"}
        [one] = told.incidents
        assert (one.deployment, one.provider, one.region) == ("d0", "p0", "eu")
        assert (one.began, one.ended) == (began, None)

        clock.advance(5)
        assert hub.status().standing == "degraded"
        assert await ask(hub) == "ok"
        told = hub.status()
        assert told.incidents[0].ended == clock.now()
        # A quarter of an hour ago is still news: two of three failed.
        assert told.standing == "degraded"
        assert (told.deployments[0].requests, told.deployments[0].uptime) == (3, 1 / 3)

        clock.advance(86_400)
        told = hub.status()
        assert (told.standing, told.incidents) == ("operational", ())
        assert (told.deployments[0].requests, told.deployments[0].uptime) == (0, None)


async def test_a_region_stands_while_one_of_its_places_does():
    """Another region's trouble is not its own."""
    clock = ManualClock()
    bad = ScriptedProvider(FAILS, FAILS, ANSWER)
    async with open_test_hub(
        bad,
        ScriptedProvider(),
        ScriptedProvider(),
        routes=routes(place(0), place(1), place(2, "us")),
        models=[MODEL],
        clock=clock,
    ) as hub:
        assert [await ask(hub), await ask(hub)] == ["ok", "ok"]
        told = hub.status()
    assert told.providers == {"p0": "outage", "p1": "operational", "p2": "operational"}
    assert told.regions == {"eu": "degraded", "us": "operational"}
    assert told.standing == "degraded"


async def test_a_default_provider_is_told_with_the_models_that_were_asked_for():
    """And keeps its past when the configuration changes."""
    served = Routes(default="p0", region="eu")
    async with open_test_hub(ScriptedProvider(), routes=served, models=[MODEL]) as hub:
        told = hub.status()
        assert (told.deployments, told.providers) == ((), {"p0": "operational"})
        assert told.regions == {"eu": "operational"}
        await ask(hub)
        hub.replace(routes=Routes(default="p0", region="us"))
        told = hub.status()
    [one] = told.deployments
    assert (one.id, one.provider, one.model) == (f"p0/{MODEL.id}", "p0", MODEL.id)
    assert (one.region, one.requests, one.uptime) == ("us", 1, 1.0)


async def test_a_hub_that_admits_nothing_is_an_outage():
    """However well its providers do."""
    async with open_test_hub(ScriptedProvider(), models=[MODEL]) as hub:
        pass
    assert (hub.status().standing, hub.status().ready) == ("outage", False)
