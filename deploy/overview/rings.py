"""The last minutes of a count, in equal steps. Pure; times are monotonic seconds."""

from math import floor

STEP_S = 2.0
STEPS = 150
"""Five minutes: what one looks back to after noticing something."""
_LATE_S = 1.5
"""Heartbeats come once a second and tell of the second before; a step younger than that is not
whole."""


class Ring:
    """Amounts over time.

    An amount is told for a span and spread over the steps that it covers, so that heartbeats that
    drift against the steps leave no teeth in the curve.
    """

    __slots__ = ("_amounts", "_newest")

    def __init__(self) -> None:
        self._amounts = [0.0] * (STEPS + 2)
        self._newest = 0

    def add(self, begin: float, end: float, amount: float) -> None:
        """`amount` came between two moments; what lies before the ring's time is dropped."""
        self._turn(_step(end))
        rate = amount / (end - begin)
        oldest = self._newest - len(self._amounts) + 1
        for step in range(max(_step(begin), oldest), _step(end) + 1):
            covered = min(end, (step + 1) * STEP_S) - max(begin, step * STEP_S)
            self._amounts[step % len(self._amounts)] += rate * covered

    def last(self, now: float, steps: int = STEPS) -> list[float]:
        """The amounts of the last whole steps, oldest first."""
        self._turn(_step(now))
        end = _step(now - _LATE_S)
        return [self._amounts[step % len(self._amounts)] for step in range(end - steps, end)]

    def _turn(self, step: int) -> None:
        """Empty the steps between the newest one and `step`."""
        size = len(self._amounts)
        for passed in range(max(self._newest + 1, step - size + 1), step + 1):
            self._amounts[passed % size] = 0.0
        self._newest = max(self._newest, step)


def _step(time: float) -> int:
    return floor(time / STEP_S)
