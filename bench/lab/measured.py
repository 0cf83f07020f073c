"""Topologies whose distances were measured on the real Internet by others.

Only round-trip times come from the measurements. Loss and capacity were not measured there: loss is
an argument, capacity that of the standard middle miles.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import permutations

from bench.data.latencies import planetlab, wondernetwork
from bench.lab.topologies import MIDDLE_MBIT, at_home
from bench.lab.topology import Location, Topology, middle


def cities(
    where: Mapping[str, str],
    *,
    users: Collection[str] = ("user",),
    loss: float = 0.0,
    name: str = "cities",
) -> Topology:
    """Locations in cities of WonderNetwork; those among `users` are behind a last mile.

    `cities({"user": "Sao Paulo", "edge": "Sao Paulo", "origin": "Frankfurt"})`. Within a city there
    is no distance. Each direction of a pair takes half of the mean RTT that its own end measured,
    so that a ping sees the mean of both ends' measurements.

    Raises:
        KeyError: no such city.
        ValueError: nobody measured between two of them.
    """
    return Topology(
        name=name,
        locations=tuple(
            at_home(place) if place in users else Location(name=place) for place in where
        ),
        middles={
            (a, b): middle(rtt_ms=city_rtt_ms(where[a], where[b]), loss=loss, mbit=MIDDLE_MBIT)
            for a, b in permutations(where, 2)
            if where[a] != where[b]
        },
    )


def city_rtt_ms(a: str, b: str) -> float:
    """The mean RTT between cities as `a` measured it, or `b` where `a` has none.

    Raises:
        KeyError: no such city.
        ValueError: neither measured it.
    """
    data = wondernetwork()
    here, there = data.index(a), data.index(b)
    if here == there:
        return 0.0
    for rtt_ms in (float(data.avg_ms[here, there]), float(data.avg_ms[there, here])):
        if not math.isnan(rtt_ms):
            return rtt_ms
    raise ValueError(f"nobody measured between {a} and {b}")


def nodes(numbers: Sequence[int], *, moment: int, loss: float = 0.0) -> Topology:
    """Nodes of PlanetLab (0 to 489) as far apart as they were in one of its slices (0 to 17).

    Locations are called `node-17`.

    Raises:
        IndexError: no such node or slice.
    """
    rtt_ms = planetlab()[moment]
    names = {number: f"node-{number}" for number in numbers}
    return Topology(
        name=f"planetlab-{moment}",
        locations=tuple(Location(name=name) for name in names.values()),
        middles={
            (names[a], names[b]): middle(rtt_ms=float(rtt_ms[a, b]), loss=loss, mbit=MIDDLE_MBIT)
            for a, b in permutations(names, 2)
        },
    )
