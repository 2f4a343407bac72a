"""What both clients are made of, whichever way they wait."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable, Mapping
from typing import TypeVar

import attrs

from ..backends.clocks import SystemClock
from ..model.upstream import Timeouts
from ..protocols import Clock
from .jobs import Job
from .settings import (
    ClientSettings,
    check_headers,
    check_retries,
    check_timeouts,
    make_settings,
)
from .talk import Head, Talk, rate_limit
from .values import RateLimit

T = TypeVar("T")

NAME_BYTES = 16
"""Random bytes of a call's name: enough that no two calls of an account have the same."""


@attrs.define
class Seen:
    """What answers said besides; one assignment, so that threads need no lock."""

    rate_limit: RateLimit | None = None


@attrs.define(kw_only=True)
class Common:
    """The settings of a client, and what its calls share."""

    settings: ClientSettings
    clock: Clock
    chance: Callable[[], float]
    seen: Seen = attrs.field(factory=Seen)

    def talk(self, job: Job[T]) -> Talk[T]:
        """Begin a call."""
        name = secrets.token_hex(NAME_BYTES)
        return Talk(job, self.settings, clock=self.clock, chance=self.chance, name=name)

    def note(self, head: Head) -> None:
        """Remember what an answer says besides."""
        limit = rate_limit(head.headers)
        if limit is not None:
            self.seen.rate_limit = limit

    def changed(
        self,
        timeout: float | Timeouts | None,
        max_retries: int | None,
        headers: Mapping[str, str] | None,
    ) -> Common:
        """Return the same with other options; those that are None stay."""
        old = self.settings
        more = {**dict(old.headers), **dict(check_headers(headers))}
        settings = attrs.evolve(
            old,
            timeouts=old.timeouts if timeout is None else check_timeouts(timeout),
            max_retries=old.max_retries if max_retries is None else check_retries(max_retries),
            headers=tuple(more.items()),
        )
        return attrs.evolve(self, settings=settings)


def make_common(
    *,
    api_key: str | None,
    base_url: str | None,
    region: str | None = None,
    timeout: float | Timeouts | None,
    max_retries: int | None,
    headers: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    chance: Callable[[], float] | None = None,
) -> Common:
    """Make what a client is made of; raises as `make_settings`."""
    settings = make_settings(
        os.environ,
        api_key=api_key,
        base_url=base_url,
        region=region,
        timeout=timeout,
        max_retries=max_retries,
        headers=headers,
    )
    return Common(settings=settings, clock=clock or SystemClock(), chance=chance or random.random)
