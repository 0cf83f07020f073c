"""The topologies that measurements run in.

Pure. Three standard middle miles are used everywhere (`STANDARD`); `cities` and `nodes`, in
`measured.py`, take distances from measurements of the real Internet instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.lab.link import Conditions
from bench.lab.topology import Location, Topology, both_ways, middle

MIDDLE_MBIT = 100.0
"""Of every middle mile, each way."""
VISITORS = ("visitor-1", "visitor-2", "visitor-3")
"""Whoever was there before: what a site learns from several users is learned from them. With the
user they are in four /24s."""

_LAST_MILE_MS = 10.0
_DOWN_MBIT, _UP_MBIT = 50.0, 10.0
_LAST_MILE_QUEUE_MS = 100.0
"""Home routers hold about this much, or more. One bandwidth-delay product
of the last mile alone would be eight packets upwards and would punish whoever comes from afar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MiddleMile:
    """A distance between a user's city and an origin."""

    rtt_ms: float
    loss: float
    """In each direction."""

    @property
    def conditions(self) -> Conditions:
        """One direction of it."""
        return middle(rtt_ms=self.rtt_ms, loss=self.loss, mbit=MIDDLE_MBIT)


STANDARD: Mapping[str, MiddleMile] = {
    "regional": MiddleMile(rtt_ms=20, loss=0.001),
    "continental": MiddleMile(rtt_ms=80, loss=0.005),
    "far": MiddleMile(rtt_ms=200, loss=0.015),
}
"""By name. The last mile is not in them: from user to origin it is 30, 90 and 210 ms."""


def at_home(name: str) -> Location:
    """A location behind a last mile: 10 ms RTT, 50 Mbit/s down, 10 Mbit/s up, no loss."""
    return Location(name=name, up=_last_mile(_UP_MBIT), down=_last_mile(_DOWN_MBIT))


def standard(name: str) -> Topology:
    """A user and three other visitors, an edge in their city, and a parent beside its origin.

    Hosts: `user`, `visitor-1` to `visitor-3`, `edge`, and at one location `origin` and `parent`.
    The middle mile lies between them and the origin, for each way one of its own.

    Raises:
        KeyError: not one of `STANDARD`.
    """
    if name not in STANDARD:
        raise KeyError(f"there is no topology {name!r}; there are {', '.join(STANDARD)}")
    near = ("user", *VISITORS)
    return Topology(
        name=name,
        locations=(
            *map(at_home, near),
            Location(name="edge"),
            Location(name="origin", hosts=("origin", "parent")),
        ),
        middles=both_ways(
            [(place, "origin") for place in (*near, "edge")], STANDARD[name].conditions
        ),
    )


def _last_mile(mbit: float) -> Conditions:
    return Conditions(
        delay_ms=_LAST_MILE_MS / 2,
        mbit=mbit,
        queue_bytes=round(mbit * 125 * _LAST_MILE_QUEUE_MS),
    )
