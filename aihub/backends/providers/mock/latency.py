"""How long the mock lets its callers wait: drawn from the request, the same each time.

A delay is one of three distributions. Before the first token stands one, which grows with the
prompt; between two tokens another; both grow with the requests that wait beside. What is drawn is
rounded to the microsecond, and when a token is due counts from the request's start, so that a whole
answer is there when a streamed one would end.

Who waits is told how (`Waiter`): by the event loop, or by moving a clock, where no time passes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Protocol

import anyio
import anyio.lowlevel
import attrs

from ....model.units import SECOND, Micros
from ...clocks import ManualClock
from .choosing import Chooser

LONGEST = 600.0
"""Seconds of one delay: what waits longer is a mistake in the unit."""

WIDEST = 3.0
"""Of a lognormal's sigma: with that one delay in a hundred is a thousand times the median."""

HEAVIEST = 10.0
"""How much an open request may slow the others down: by ten times."""

_STEPS = 1 << 32
_PARTS = 12
_PART_BITS = 16


class Delay(Protocol):
    """Protocol: a distribution of seconds."""

    def draw(self, chooser: Chooser) -> float:
        """Return one of its values."""
        ...


@attrs.frozen
class Constant:
    """Always the same."""

    seconds: float = 0.0

    def draw(self, chooser: Chooser) -> float:
        """Return it."""
        return self.seconds


@attrs.frozen
class Uniform:
    """Anything from *low* to *high*, all as likely."""

    low: float
    high: float

    def draw(self, chooser: Chooser) -> float:
        """Return one of its values."""
        return self.low + (self.high - self.low) * (chooser.below(_STEPS) / _STEPS)


@attrs.frozen
class Lognormal:
    """As often below *median* as above it, with a long tail; *sigma* is of the logarithm."""

    median: float
    sigma: float

    def draw(self, chooser: Chooser) -> float:
        """Return one of its values."""
        return self.median * math.exp(self.sigma * _normal(chooser))


def _normal(chooser: Chooser) -> float:
    """Draw a standard normal deviate: the sum of twelve uniform ones, which is exact in floats."""
    bits = chooser.below(1 << _PARTS * _PART_BITS)
    mask = (1 << _PART_BITS) - 1
    total = sum([bits >> n * _PART_BITS & mask for n in range(_PARTS)])
    return (total - _PARTS * mask / 2) / (1 << _PART_BITS)


@attrs.frozen(kw_only=True)
class Latency:
    """What a mock's answers take.

    Args:
        first: before the first token.
        between: between two tokens, and before the end.
        prompt: seconds added to the first for each token of the prompt.
        load: share added to all delays for each other request that is open at the start.
    """

    first: Delay = Constant()
    between: Delay = Constant()
    prompt: float = 0.0
    load: float = 0.0


PRESETS: Mapping[str, Latency] = {
    "fast": Latency(
        first=Lognormal(0.15, 0.3), between=Uniform(0.004, 0.012), prompt=0.000_02, load=0.01
    ),
    "typical": Latency(
        first=Lognormal(0.4, 0.5), between=Lognormal(0.02, 0.4), prompt=0.000_1, load=0.02
    ),
    "slow": Latency(
        first=Lognormal(1.5, 0.6), between=Lognormal(0.06, 0.5), prompt=0.000_5, load=0.05
    ),
}
"""Latencies that have a name."""


# Reading


def parse_latency(text: str) -> Latency | None:
    """Read what a command line says; None is off.

    `off`, or a name, or delays for the first token and between two: `200ms,20ms`. Behind either
    `first=`, `between=`, `prompt=` and `load=` say more: `typical,load=10%`.

    >>> parse_latency("lognormal:300ms:0.5,load=5%").first
    Lognormal(median=0.3, sigma=0.5)

    Raises:
        ValueError: it is not of that form; the text says what would be.
    """
    if text == "off":
        return None
    terms = text.split(",")
    latency = PRESETS.get(terms[0])
    unnamed = iter(() if latency else ("first", "between"))
    read = Latency() if latency is None else latency
    seen: set[str] = set()
    for term in terms[latency is not None :]:
        name, sign, value = term.partition("=")
        if not sign:
            # Once one is named, all that follow are.
            name, value = next(unnamed, "") if seen <= {"first"} else "", term
        if name not in _TERMS or name in seen:
            raise ValueError(_no_term(term, again=name in seen))
        seen.add(name)
        read = attrs.evolve(read, **{name: _TERMS[name](value)})
    return read


def _no_term(term: str, *, again: bool) -> str:
    if again:
        return f"'{term}' is said twice"
    return f"'{term}' is no term: use FIRST,BETWEEN, or first=, between=, prompt=, load="


def _delay(text: str) -> Delay:
    kind, colon, rest = text.partition(":")
    if not colon:
        return Constant(_seconds(text))
    one, _, other = rest.partition(":")
    if kind == "uniform":
        low, high = _seconds(one), _seconds(other)
        if low > high:
            raise ValueError(f"'{text}' is no delay: the smaller one is first")
        return Uniform(low, high)
    if kind == "lognormal":
        return Lognormal(_seconds(one), _number(other, "a sigma such as 0.5", WIDEST))
    raise ValueError(_no_delay(text))


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})(ms|s|)", text, re.ASCII)
    if found is None:
        raise ValueError(_no_delay(text))
    seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
    if seconds > LONGEST:
        raise ValueError(f"'{text}' is more than {LONGEST:.0f}s")
    return seconds


def _no_delay(text: str) -> str:
    named = ", ".join(PRESETS)
    return (
        f"'{text}' is no delay: use 200ms, 1.5s, uniform:10ms:40ms or lognormal:300ms:0.5; "
        f"or say off, {named}"
    )


def _share(text: str) -> float:
    return _number(text.removesuffix("%"), "a share such as 5%", HEAVIEST * 100) / 100


def _number(text: str, what: str, most: float) -> float:
    found = re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?|\.\d{1,9}", text, re.ASCII)
    if found is None or float(text) > most:
        raise ValueError(f"'{text}' is not {what}, at most {most:g}")
    return float(text)


_TERMS: Mapping[str, Callable[[str], Any]] = {
    "first": _delay,
    "between": _delay,
    "prompt": _seconds,
    "load": _share,
}


# Waiting


class Waiter(Protocol):
    """Protocol: how time passes for those who wait."""

    def now(self) -> Micros:
        """Return a time; only differences mean anything."""
        ...

    async def wait_until(self, due: Micros) -> None:
        """Come back when it is *due*, at once where that is past. It may be cancelled."""
        ...


class LoopWaiter:
    """Real time, by the event loop."""

    def now(self) -> Micros:
        """Return the event loop's time."""
        return round(anyio.current_time() * SECOND)

    async def wait_until(self, due: Micros) -> None:
        """Sleep."""
        await anyio.sleep_until(due / SECOND)


class ClockWaiter:
    """No real time: who waits moves a clock to when it is due, never back."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def now(self) -> Micros:
        """Return the clock's time."""
        return self._clock.now()

    async def wait_until(self, due: Micros) -> None:
        """Move the clock, and let others run."""
        self._clock.reach(due)
        await anyio.lowlevel.checkpoint()


class Pace:
    """When each token of one answer is due."""

    def __init__(self, latency: Latency, chooser: Chooser, factor: float, waiter: Waiter) -> None:
        self._between = latency.between
        self._chooser = chooser
        self._factor = factor
        self._waiter = waiter
        self._due = waiter.now()
        self._passed = -1

    def add(self, seconds: float) -> None:
        """Let another delay pass before what is due next."""
        self._due += round(min(seconds * self._factor, LONGEST) * SECOND)
        self._passed += 1

    async def wait(self, tokens: int) -> None:
        """Wait until *tokens* have come after the first."""
        while self._passed < tokens:
            self.add(self._between.draw(self._chooser))
        await self._waiter.wait_until(self._due)


class Pacer:
    """Gives each request its pace, and knows how many are open."""

    def __init__(self, latency: Latency, waiter: Waiter) -> None:
        self._latency = latency
        self._waiter = waiter
        self._open = 0

    @contextmanager
    def pace(self, digest: bytes, prompt: int) -> Iterator[Pace]:
        """Open a request of so many tokens; its delays are drawn from *digest*."""
        latency = self._latency
        # Other choices than those of the text, which has the same digest.
        chooser = Chooser(sha256(b"latency" + digest).digest())
        pace = Pace(latency, chooser, 1 + latency.load * self._open, self._waiter)
        pace.add(latency.first.draw(chooser) + latency.prompt * prompt)
        self._open += 1
        try:
            yield pace
        finally:
            self._open -= 1
