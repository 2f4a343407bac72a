"""`/v1/status`: how everything stands, for anybody, and no secrets."""

import json

import pytest

from aihub.errors import UpstreamFailed
from aihub.model.catalogue import BreakerRules, Deployment, Retries, Routes
from aihub.server import http
from aihub.server.app import App
from aihub.testing import ManualClock, ScriptedProvider, open_test_hub
from aihub.testing.providers import MODEL

pytestmark = pytest.mark.anyio

ROUTES = Routes(
    deployments={
        MODEL.id: (Deployment(id="main", provider="p0", upstream_model="their-name", region="eu"),)
    },
    region="eu",
    retries=Retries(most=0),
    breaker=BreakerRules(sample=1),
)


async def read(app):
    request = http.Request("GET", "/v1/status", "", {}, b"", "203.0.113.9")
    async with app.open(request) as response:
        assert response.status == 200
        return json.loads(response.body)


async def fail(hub):
    with pytest.raises(UpstreamFailed):
        await hub.chat(MODEL.id, [{"role": "user", "content": "Hi"}])


async def test_anybody_may_read_how_it_stands_and_no_more():
    """Names, times and shares; not where a provider is, its name for a model, or what it said."""
    clock = ManualClock()
    provider = ScriptedProvider([UpstreamFailed("the secret text", status=500)])
    async with open_test_hub(provider, routes=ROUTES, models=[MODEL], clock=clock) as hub:
        app = App(hub)
        assert (await read(app))["status"] == "operational"
        await fail(hub)
        clock.advance(1)
        told = await read(app)
    at = told["updated"]
    assert told == {
        "object": "status",
        "status": "outage",
        "ready": True,
        "updated": at,
        "regions": [{"id": "eu", "status": "outage"}],
        "providers": [{"id": "p0", "status": "outage"}],
        "deployments": [
            {
                "id": "main",
                "provider": "p0",
                "region": "eu",
                "model": MODEL.id,
                "status": "outage",
                "requests": 1,
                "uptime": 0.0,
                "latency_ms": None,
                "slots": [
                    {
                        "began": at - 1 - (at - 1) % 900,
                        "requests": 1,
                        "failed": 1,
                        "latency_ms": None,
                    }
                ],
            }
        ],
        "incidents": [
            {
                "deployment": "main",
                "provider": "p0",
                "region": "eu",
                "began": at - 1,
                "ended": None,
            }
        ],
    }


async def test_it_is_worked_out_once_a_second():
    """Whoever asks all the time costs next to nothing."""
    clock = ManualClock()
    provider = ScriptedProvider([UpstreamFailed("It broke.")])
    async with open_test_hub(provider, routes=ROUTES, models=[MODEL], clock=clock) as hub:
        app = App(hub)
        await read(app)
        await fail(hub)
        clock.advance(0.999)
        assert (await read(app))["status"] == "operational"
        clock.advance(0.001)
        assert (await read(app))["status"] == "outage"
