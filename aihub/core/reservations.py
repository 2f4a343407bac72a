"""How much an admission sets aside before the answer's length is known."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

import attrs

from ..model.account import TokenReserve

SAMPLE = 256
"""Completions remembered per served model: enough for a 95th percentile, forgetful enough."""

FEWEST = 16
"""Below this many the percentile says nothing, and `UNKNOWN` is used."""

UNKNOWN = 512
"""Completion tokens reserved for a model we know nothing of."""


@attrs.define
class Lengths:
    """The last completions' lengths of one model, in order of age and of size."""

    ages: deque[int] = attrs.field(factory=deque)
    sizes: list[int] = attrs.field(factory=list)

    def add(self, tokens: int) -> None:
        """Remember one completion."""
        if len(self.ages) == SAMPLE:
            del self.sizes[bisect_left(self.sizes, self.ages.popleft())]
        self.ages.append(tokens)
        insort(self.sizes, tokens)

    def estimate(self) -> int:
        """Return the 95th percentile, by the nearest rank."""
        count = len(self.sizes)
        return UNKNOWN if count < FEWEST else self.sizes[-(-count * 95 // 100) - 1]


def completion_reserve(
    *, max_tokens: int | None, max_output: int | None, estimate: int, mode: TokenReserve
) -> int:
    """Return the completion tokens to set aside for one choice.

    `maximum` reserves all that the request or the model allows; where neither says, the estimate
    is all there is.
    """
    bound = max_output
    if max_tokens is not None and (bound is None or max_tokens < bound):
        bound = max_tokens
    if bound is None:
        return estimate
    return bound if mode == "maximum" or bound < estimate else estimate


def reserved_tokens(*, prompt: int, n: int, completion: int, limit: int | None) -> int:
    """Return what a token window is asked for: never more than it can ever hold."""
    wanted = prompt + n * completion
    return wanted if limit is None else min(limit, wanted)
