"""Which edges are alive: a machine that says when to probe and learns from how probes end.

Times are monotonic seconds. Each edge has a slot of its own in the interval, spread evenly in the
file's order, so that probes come as a drizzle. One failure makes an edge *suspect* and brings the
next probe forward; the second takes it out of the answers. The worst case is an edge that dies
just after it answered: a whole interval, a timeout, the pause before the second look, and another
timeout (`ProbeTiming.worst_case_s`, 2.25 s of the 3 s that users are promised).

An edge that has not been probed yet is answered: a DNS server that has just started must not deny
a network that works. One that has never answered leaves the answers as quickly as any other, but is
only *absent*: it may be starting, as everything is at the network's own start. So it is back after
its first good probe, and is called down, which operators are warned of, when it stays away.
"""

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mapping.health import ProbeOutcome


class EdgeState(StrEnum):
    """What is believed of an edge."""

    UNKNOWN = "unknown"
    """Not probed yet; answered."""
    UNSEEN = "unseen"
    """Its very first probe failed; answered."""
    ABSENT = "absent"
    """None of its probes went well yet, two or more failed; not answered until one does."""
    UP = "up"
    """Its last probe went well; answered."""
    SUSPECT = "suspect"
    """Its last probe failed, the one before did not; answered."""
    DOWN = "down"
    """Two probes in a row failed; not answered."""
    RECOVERING = "recovering"
    """One probe went well after it was down; not answered until the next does too."""


ANSWERED = frozenset({EdgeState.UNKNOWN, EdgeState.UNSEEN, EdgeState.UP, EdgeState.SUSPECT})
_LOOKED_AT_AGAIN = frozenset({EdgeState.UNSEEN, EdgeState.SUSPECT})

_AFTER_SUCCESS = {
    EdgeState.UNKNOWN: EdgeState.UP,
    EdgeState.UNSEEN: EdgeState.UP,
    EdgeState.ABSENT: EdgeState.UP,
    EdgeState.UP: EdgeState.UP,
    EdgeState.SUSPECT: EdgeState.UP,
    EdgeState.DOWN: EdgeState.RECOVERING,
    EdgeState.RECOVERING: EdgeState.UP,
}
_AFTER_FAILURE = {
    EdgeState.UNKNOWN: EdgeState.UNSEEN,
    EdgeState.UNSEEN: EdgeState.ABSENT,
    EdgeState.ABSENT: EdgeState.ABSENT,
    EdgeState.UP: EdgeState.SUSPECT,
    EdgeState.SUSPECT: EdgeState.DOWN,
    EdgeState.DOWN: EdgeState.DOWN,
    EdgeState.RECOVERING: EdgeState.DOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTiming:
    """How often edges are probed."""

    interval_s: float = 1.0
    """Between an edge's slots."""
    timeout_s: float = 0.5
    """A whole probe, from the first packet to the end of the head."""
    second_look_s: float = 0.25
    """From a first failure to the next probe: long enough for a restarting worker's listener."""
    absence_s: float = 30.0
    """From the watch's begin until an absent edge is down: a slow machine's start takes less."""

    @property
    def worst_case_s(self) -> float:
        """From an edge's death to its leaving the answers."""
        return self.interval_s + self.timeout_s + self.second_look_s + self.timeout_s


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProbe:
    """Output: probe this edge now and report with `receive`."""

    edge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """Output: an edge entered or left the answers, or what is absent counts as down now."""

    edge: str
    state: EdgeState
    outcome: ProbeOutcome
    """Of the probe that decided it."""

    @property
    def answered(self) -> bool:
        """Whether answers may name the edge from now on."""
        return self.state in ANSWERED


Output = StartProbe | Transition


@dataclass(slots=True, kw_only=True)
class _Watch:
    """One edge's state; owned by the fleet."""

    state: EdgeState = EdgeState.UNKNOWN
    slot: float
    """When its regular probe is due, or was while one is out."""
    probing: bool = False


class Fleet:
    """The machine. Drive it with `next_due`, `on_due`, `receive`, `drain`."""

    def __init__(
        self, edges: Sequence[str], *, now: float, timing: ProbeTiming | None = None
    ) -> None:
        """`edges` are node names; the first is probed at `now`."""
        self._timing = timing or ProbeTiming()
        self._absence_ends = now + self._timing.absence_s
        spread_s = self._timing.interval_s / max(1, len(edges))
        self._watches = {
            edge: _Watch(slot=now + position * spread_s) for position, edge in enumerate(edges)
        }
        self._due = [(watch.slot, edge) for edge, watch in self._watches.items()]
        heapq.heapify(self._due)
        self._outputs: deque[Output] = deque()

    @property
    def down(self) -> tuple[str, ...]:
        """Edges that answers must not name, in the file's order."""
        return tuple(e for e, watch in self._watches.items() if watch.state not in ANSWERED)

    @property
    def up(self) -> int:
        """How many edges answers may name."""
        return len(self._watches) - len(self.down)

    def next_due(self) -> float:
        """When `on_due` has something to do; infinity while only probes are awaited."""
        return self._due[0][0] if self._due else math.inf

    def on_due(self, now: float) -> None:
        """Start the probes whose time has come."""
        while self._due and self._due[0][0] <= now:
            _, edge = heapq.heappop(self._due)
            self._watches[edge].probing = True
            self._outputs.append(StartProbe(edge=edge))

    def receive(self, edge: str, outcome: ProbeOutcome, now: float) -> None:
        """A probe of this edge has ended."""
        watch = self._watches[edge]
        assert watch.probing, f"no probe of {edge} is out"
        watch.probing = False
        before = watch.state
        table = _AFTER_SUCCESS if outcome is ProbeOutcome.OK else _AFTER_FAILURE
        watch.state = table[before]
        if watch.state is EdgeState.ABSENT and now >= self._absence_ends:
            watch.state = EdgeState.DOWN
        heapq.heappush(self._due, (self._next_probe(watch, now), edge))
        missed = before is EdgeState.ABSENT and watch.state is EdgeState.DOWN
        if missed or (before in ANSWERED) != (watch.state in ANSWERED):
            self._outputs.append(Transition(edge=edge, state=watch.state, outcome=outcome))

    def _next_probe(self, watch: _Watch, now: float) -> float:
        """Its next slot, never one missed: probes that are late do not come in a burst."""
        if watch.state in _LOOKED_AT_AGAIN:
            return now + self._timing.second_look_s
        missed = math.floor((now - watch.slot) / self._timing.interval_s)
        watch.slot += (max(missed, 0) + 1) * self._timing.interval_s
        return watch.slot

    def drain(self, limit: int) -> list[Output]:
        """At most `limit` outputs, oldest first."""
        return [self._outputs.popleft() for _ in range(min(limit, len(self._outputs)))]
