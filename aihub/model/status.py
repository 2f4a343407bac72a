"""How deployments, providers and regions stand: the status that anybody may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from .units import Micros

Standing: TypeAlias = Literal["operational", "degraded", "outage"]
"""All is well; some attempts fail, or some places are out; nobody is asked."""

STANDINGS: tuple[Standing, ...] = ("operational", "degraded", "outage")


@attrs.frozen(kw_only=True)
class SlotStatus:
    """What came of the attempts of one quarter of an hour.

    `latency` is the mean time to the first content in microseconds; None where nothing was timed.
    """

    began: Micros
    requests: int
    failed: int
    latency: float | None


@attrs.frozen(kw_only=True)
class IncidentStatus:
    """A time for which routing left a deployment alone; `ended` of None: it still does."""

    deployment: str
    provider: str
    region: str
    began: Micros
    ended: Micros | None


@attrs.frozen(kw_only=True)
class DeploymentStatus:
    """How one deployment does.

    `requests` are the attempts of the last day that tell something of it, `uptime` the share of
    them that ended well, `latency` as of a slot. `slots` have no entry for a quarter of an hour in
    which nobody asked.
    """

    id: str
    provider: str
    region: str
    model: str
    standing: Standing
    requests: int
    uptime: float | None
    latency: float | None
    slots: tuple[SlotStatus, ...]


@attrs.frozen(kw_only=True)
class Status:
    """How a hub stands at a time, as far as this process has seen.

    `ready` says whether requests are admitted; where they are not, `standing` is an outage.
    `incidents` are those of the last day, the newest first.
    """

    at: Micros
    ready: bool
    standing: Standing
    regions: Mapping[str, Standing]
    providers: Mapping[str, Standing]
    deployments: tuple[DeploymentStatus, ...]
    incidents: tuple[IncidentStatus, ...]
