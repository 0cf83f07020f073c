"""How slowly a client may send or take what is under way.

A transfer has a credit of seconds. Time uses it up, bytes earn it back at the least rate there is,
and it is never more than at the beginning. So short pauses are free, and nobody who was quick for a
while may be slow for ever after. Bytes and times come from whoever watches the transfer.
"""

from dataclasses import dataclass
from enum import StrEnum


class Slowness(StrEnum):
    """What is wrong with a transfer."""

    STALLED = "stalled"
    """Nothing has moved for too long."""
    TOO_SLOW = "too-slow"
    """Something moves, and less than must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """What is asked of a transfer."""

    stall_s: float
    """Longest time in which nothing moves."""
    least_bytes_s: float
    """The least rate, in bytes a second; 0: any."""
    slack_s: float
    """So far it may fall behind that rate."""


class Pace:
    """One transfer, from the moment on at which it is first looked at."""

    __slots__ = ("_credit_s", "_looked_s", "_moved", "_moved_s")

    def __init__(self, tempo: Tempo, moved_bytes: int, now_s: float) -> None:
        self._credit_s = tempo.slack_s
        self._looked_s = self._moved_s = now_s
        self._moved = moved_bytes

    def look(self, tempo: Tempo, moved_bytes: int, now_s: float) -> Slowness | None:
        """Judge it; `moved_bytes` is a count that only grows, `now_s` monotonic."""
        moved, self._moved = moved_bytes - self._moved, moved_bytes
        passed_s = max(0.0, now_s - self._looked_s)
        self._looked_s += passed_s
        if moved:
            self._moved_s = self._looked_s
        elif now_s - self._moved_s > tempo.stall_s:
            return Slowness.STALLED
        if not tempo.least_bytes_s:
            return None
        earned_s = max(0, moved) / tempo.least_bytes_s
        self._credit_s = min(tempo.slack_s, self._credit_s - passed_s + earned_s)
        return Slowness.TOO_SLOW if self._credit_s < 0 else None

    def excuse(self, now_s: float) -> None:
        """Until now it was not the client who kept it waiting."""
        self._looked_s = self._moved_s = now_s
