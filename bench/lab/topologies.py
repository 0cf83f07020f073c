"""The topologies that measurements run in.

Pure. Three standard middle miles are used everywhere (`STANDARD`), and for large files the four
distances of the paper that this project follows (`FIGURE_2`); `cities` and `nodes`, in
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

LAST_MILE_MS = 10.0
"""Between a user and an edge in the same city, there and back."""
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

FIGURE_2: Mapping[str, MiddleMile] = {
    "local": MiddleMile(rtt_ms=1.6, loss=0.006),
    "regional": MiddleMile(rtt_ms=16, loss=0.007),
    "cross-continent": MiddleMile(rtt_ms=48, loss=0.010),
    "multi-continent": MiddleMile(rtt_ms=96, loss=0.014),
}
"""By the paper's own words, nearest first: what its "fat file paradox" is drawn from (T. Leighton,
"Improving Performance on the Internet", CACM 52(2), 2009, Figure 2), as remembered of the original.
Its `regional` is not that of `STANDARD`."""


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


def figure_2(name: str) -> Topology:
    """A user near an edge, and an origin as far from both as a row of the paper's Figure 2 says.

    Hosts: `user` and `visitor-1` at one location, `edge`, and at another `origin` and `parent`.
    From user to edge it is the paper's `local` whatever the row. There is no last mile: the paper
    has none.

    The figures are as remembered of the original. It gives one packet loss for a path; here that is
    the share lost in each direction, of data as well as of acknowledgements: a sender of data sees
    the paper's loss, a ping nearly twice as much. Rate and queue are not the paper's: they are what
    every middle mile has, 100 Mbit/s each way and one bandwidth-delay product.

    Raises:
        KeyError: not one of `FIGURE_2`.
    """
    if name not in FIGURE_2:
        raise KeyError(f"Figure 2 has no {name!r}; it has {', '.join(FIGURE_2)}")
    near = both_ways([("user", "edge")], FIGURE_2["local"].conditions)
    away = both_ways([("user", "origin"), ("edge", "origin")], FIGURE_2[name].conditions)
    return Topology(
        name=f"figure-2-{name}",
        locations=(
            Location(name="user", hosts=("user", VISITORS[0])),
            Location(name="edge"),
            Location(name="origin", hosts=("origin", "parent")),
        ),
        middles={**near, **away},
    )


def _last_mile(mbit: float) -> Conditions:
    return Conditions(
        delay_ms=LAST_MILE_MS / 2,
        mbit=mbit,
        queue_bytes=round(mbit * 125 * _LAST_MILE_QUEUE_MS),
    )
