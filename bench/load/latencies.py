"""How long many answers took, as percentiles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Times of all answers, in order."""

    sorted_ms: Sequence[float]

    @classmethod
    def of(cls, times_ms: Iterable[float]) -> Self:
        """Of answers in any order, one at least."""
        return cls(sorted_ms=sorted(times_ms))

    def percentile_ms(self, percent: float) -> float:
        """The time within which this share of the answers came (nearest rank)."""
        rank = max(1, -(-len(self.sorted_ms) * percent // 100))
        return self.sorted_ms[int(rank) - 1]
