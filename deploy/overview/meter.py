"""How fast counters grow: from one node's heartbeats to rates over the last seconds.

Pure; times are monotonic seconds.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.overview.rings import Ring

WINDOW_S = 5.0
"""Long enough to be calm, short enough to show what one just did."""
_SAMPLES = 16
"""Bounds the window where heartbeats come faster than once a second."""
_REMEMBERED = ("requests", "hits", "errors")


class Meter:
    """One node's counters, over the last seconds and the last minutes."""

    def __init__(self) -> None:
        self.rings = {name: Ring() for name in _REMEMBERED}
        self._samples: deque[tuple[float, dict[str, float]]] = deque(maxlen=_SAMPLES)
        self._heard_at: float | None = None
        self._last: dict[str, float] = {}

    def receive(self, status: Mapping[str, Any], now: float) -> None:
        """Take a heartbeat."""
        counts = dict(counters(status))
        if self._heard_at is not None and now > self._heard_at:
            for name, ring in self.rings.items():
                grown = _growth(self._last.get(name, 0.0), counts.get(name, 0.0))
                ring.add(self._heard_at, now, grown)
        self._heard_at, self._last = now, counts
        self._samples.append((now, counts))
        while self._samples[0][0] < now - WINDOW_S:
            self._samples.popleft()

    def lost(self) -> None:
        """The node has died: nothing grows, and its next keeper begins at zero."""
        self._samples.clear()
        self._heard_at = None

    def rate(self, name: str) -> float:
        """What a counter grew by, a second; 0 for one that was never told."""
        if len(self._samples) < 2:
            return 0.0
        (begin, first), (end, last) = self._samples[0], self._samples[-1]
        return _growth(first.get(name, 0.0), last.get(name, 0.0)) / (end - begin)


def _growth(before: float, after: float) -> float:
    """A counter that is smaller than before has begun anew."""
    return after - before if after >= before else after


def counters(status: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Every counter of a heartbeat: `requests`, `site/shop/hits`, `worker/0/cpu_s`."""
    for name in (*_REMEMBERED, "served_bytes", "fetched_bytes", "cpu_s"):
        yield name, _number(status.get(name))
    for group, title in (("sites", "site"), ("upstreams", "upstream")):
        for name, counts in _table(status.get(group)).items():
            for what, value in _table(counts).items():
                yield f"{title}/{name}/{what}", _number(value)
    for index, worker in enumerate(status.get("workers") or ()):
        for what in ("requests", "hits", "cpu_s"):
            yield f"worker/{index}/{what}", _number(worker.get(what))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
