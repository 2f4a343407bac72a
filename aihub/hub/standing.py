"""How a hub stands, from the very health that routing goes by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..core import breaker as breakers
from ..core import uptime
from ..model.catalogue import Deployment
from ..model.status import DeploymentStatus, IncidentStatus, SlotStatus, Standing, Status
from ..model.units import Micros
from .health import Health, Vital
from .setup import Setup

_UNKNOWN = Vital()


def status(setup: Setup, health: Health, *, ready: bool, now: Micros) -> Status:
    """Return how everything that is configured stands.

    Of the provider that serves all other models, those models are told that were asked for.
    """
    places = _places(setup, health)
    found = [(where, model, health.vital(where.id) or _UNKNOWN) for where, model in places]
    told = [_deployment(where, model, vital, now) for where, model, vital in found]
    standing = uptime.together(one.standing for one in told)
    providers = _by("provider", told)
    if setup.routes.default is not None:
        # One that was not asked yet stands as well as any.
        providers = {setup.routes.default: "operational", **providers}
    return Status(
        at=now,
        ready=ready,
        standing=standing if ready else "outage",
        regions={setup.routes.region: "operational", **_by("region", told)},
        providers=providers,
        deployments=tuple(told),
        incidents=tuple(_incidents([(where, vital) for where, _, vital in found], now)),
    )


def _places(setup: Setup, health: Health) -> Iterator[tuple[Deployment, str]]:
    routes = setup.routes
    for model, places in routes.deployments.items():
        yield from [(one, model) for one in places]
    if routes.default is None:
        return
    before = f"{routes.default}/"
    for id in sorted(health.known):
        model = id.removeprefix(before)
        if id.startswith(before) and model not in routes.deployments:
            yield (
                Deployment(
                    id=id, provider=routes.default, upstream_model=model, region=routes.region
                ),
                model,
            )


def _deployment(where: Deployment, model: str, vital: Vital, now: Micros) -> DeploymentStatus:
    slots = vital.uptime.last_day(now)
    return DeploymentStatus(
        id=where.id,
        provider=where.provider,
        region=where.region,
        model=model,
        standing=uptime.standing(breakers.state(vital.breaker, now), vital.uptime, now),
        requests=sum([one.good + one.bad for one in slots]),
        uptime=uptime.share(slots),
        latency=uptime.latency(slots),
        slots=tuple(
            [
                SlotStatus(
                    began=one.began,
                    requests=one.good + one.bad,
                    failed=one.bad,
                    latency=one.latency,
                )
                for one in slots
            ]
        ),
    )


def _by(field: str, told: Sequence[DeploymentStatus]) -> Mapping[str, Standing]:
    """Return how those stand that have the same *field*."""
    groups: dict[str, list[Standing]] = {}
    for one in told:
        groups.setdefault(getattr(one, field), []).append(one.standing)
    return {name: uptime.together(found) for name, found in groups.items()}


def _incidents(found: Sequence[tuple[Deployment, Vital]], now: Micros) -> list[IncidentStatus]:
    """Return the incidents of the last day, the newest first."""
    told = [
        IncidentStatus(
            deployment=where.id,
            provider=where.provider,
            region=where.region,
            began=one.began,
            ended=one.ended,
        )
        for where, vital in found
        for one in vital.uptime.last_incidents(now)
    ]
    return sorted(told, key=lambda one: one.began, reverse=True)
