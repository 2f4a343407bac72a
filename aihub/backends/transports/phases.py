"""How long each part of an exchange may take, and what its running out is called.

One cancel scope is moved from phase to phase: a scope costs more than changing its deadline does.
While an answer is read each wait has a scope of its own, so that what the reader does between two
pieces is never cut short by a deadline that is the provider's.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from anyio import CancelScope, current_time

from ...errors import UpstreamError, UpstreamFailed, UpstreamTimeout
from ...model.upstream import Timeouts

Phase: TypeAlias = Literal["pool", "connect", "first_byte", "idle"]

# Before it was asked a provider has done nothing, so that the total running out there is called by
# its phase: a timeout that is named after the total may be billed.
_ASKED = {"first_byte", "idle"}

_RAN_OUT: dict[str, tuple[type[UpstreamError], str]] = {
    "pool": (UpstreamFailed, "No connection to the provider was free within {:g} s."),
    "connect": (UpstreamFailed, "No connection to the provider was made within {:g} s."),
    "first_byte": (UpstreamTimeout, "The provider did not begin to answer within {:g} s."),
    "idle": (UpstreamTimeout, "The provider's answer paused for more than {:g} s."),
    "total": (UpstreamTimeout, "The provider's answer took more than {:g} s."),
}


class Phases:
    """The phase that an exchange is in, and when that has to be over."""

    __slots__ = ("_ends", "_is_last", "_phase", "_timeouts", "scope")

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._ends = current_time() + timeouts.total
        self._phase: Phase = "pool"
        self._is_last = False
        self.scope = CancelScope()

    def enter(self, phase: Phase) -> None:
        """Begin *phase*: from now on the scope ends with it, or with the total."""
        self.scope.deadline = self._deadline(phase)

    def wait_piece(self) -> CancelScope:
        """Return a scope for one wait for a piece of the answer."""
        return CancelScope(deadline=self._deadline("idle"))

    def ran_out(self) -> UpstreamError:
        """Say what the end of the present phase means."""
        phase: str = self._phase
        seconds = self._timeouts.total if self._is_last else getattr(self._timeouts, phase)
        if self._is_last and phase in _ASKED:
            phase = "total"
        kind, text = _RAN_OUT[phase]
        return kind(text.format(seconds), code=f"{phase}_timeout")

    def _deadline(self, phase: Phase) -> float:
        self._phase = phase
        seconds: float = getattr(self._timeouts, phase)
        ends = current_time() + seconds
        self._is_last = self._ends < ends
        return min(ends, self._ends)
