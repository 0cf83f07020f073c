"""Which places there are, what lies between them, and what they are called and addressed by.

Pure. A *location* becomes a network namespace. Several *hosts* may share one, as a parent and its
origin do: what they say to each other crosses no link. Addresses are of the blocks reserved for
benchmarks (RFC 2544, RFC 5180), each location in a /24 and a /64 of its own.

Links are named by where they lie: `user>` is the first mile of all that leaves the user, `>user`
the last mile of all that comes to him, and `edge>origin` the middle of one way.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

from bench.lab.link import Conditions
from bench.lab.mesh import Plan, Way

_NAME = re.compile(r"[a-z0-9-]{1,60}")
"""A topology's: running labs are listed by it, among what anybody may have put there."""
_MOST_LOCATIONS = 500
"""198.18.0.0/15 has 512 /24s, and the relay waits with select(), which knows 1,024 descriptors."""
_LEAST_QUEUE_BYTES = 64 * 1024
"""One bandwidth-delay product is a few packets on short ways; no router's queue is so small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where hosts are. Without miles of its own it is in a data centre."""

    name: str
    hosts: tuple[str, ...] = ()
    """Default: one, of the location's name."""
    up: Conditions | None = None
    """The first mile of what leaves."""
    down: Conditions | None = None
    """The last mile of what arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAddress:
    """One host's name, place and addresses."""

    name: str
    location: str
    ipv4: str
    ipv6: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """A small Internet. Between locations that `middles` does not name there is no distance."""

    name: str
    locations: tuple[Location, ...]
    middles: Mapping[tuple[str, str], Conditions] = field(default_factory=dict)
    """By source and destination."""

    def __post_init__(self) -> None:
        """Refuse a topology that cannot be built.

        Raises:
            ValueError: no such name, a name twice, a middle between unknown locations, too many
                locations.
        """
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be a topology's name: a-z, 0-9 and '-' only")
        names = [location.name for location in self.locations]
        hosts = [host for location in self.locations for host in location.hosts or (location.name,)]
        for name in (*names, *hosts):
            if not name or set(name) & set("> \t\n"):
                raise ValueError(f"{name!r} cannot be a name: no spaces, no '>'")
        for kind, given in (("location", names), ("host", hosts)):
            twice = sorted({name for name in given if given.count(name) > 1})
            if twice:
                raise ValueError(f"there are two {kind}s called {twice[0]}")
        unknown = sorted({name for pair in self.middles for name in pair} - set(names))
        if unknown:
            raise ValueError(f"there is no location {unknown[0]} to have a middle")
        if len(names) > _MOST_LOCATIONS:
            raise ValueError(f"at most {_MOST_LOCATIONS} locations")

    def hosts(self) -> dict[str, HostAddress]:
        """Every host by its name."""
        return {
            name: HostAddress(
                name=name,
                location=location.name,
                # 198.18.1.10, 198.18.2.10, ...: the zeroth network is left out as a person would.
                ipv4=f"198.{18 + (number >> 8)}.{number & 255}.{last}",
                ipv6=f"2001:2:0:{number:x}::{last}",
            )
            for number, location in enumerate(self.locations, start=1)
            for last, name in enumerate(location.hosts or (location.name,), start=10)
        }

    def links(self) -> dict[str, Conditions]:
        """Every link's name and conditions: the miles, and a middle for each pair."""
        links: dict[str, Conditions] = {}
        for location in self.locations:
            if location.up:
                links[f"{location.name}>"] = location.up
            if location.down:
                links[f">{location.name}"] = location.down
        for source, destination in permutations(self.locations, 2):
            pair = source.name, destination.name
            links[">".join(pair)] = self.middles.get(pair, Conditions())
        return links

    def ways(self) -> Iterator[Way]:
        """The links that packets cross between each two locations."""
        for source, destination in permutations(self.locations, 2):
            links = (
                f"{source.name}>" if source.up else "",
                f"{source.name}>{destination.name}",
                f">{destination.name}" if destination.down else "",
            )
            yield Way(
                source=source.name, destination=destination.name, links=tuple(filter(None, links))
            )

    def links_of(self, a: str, b: str | None = None, *, one_way: bool = False) -> list[str]:
        """As `links_between`, of this topology."""
        places = {host.name: host.location for host in self.hosts().values()}
        return links_between(places, list(self.links()), a, b, one_way=one_way)

    def plan(self, *, seed: int) -> Plan:
        """What the relay is told."""
        addresses: dict[str, tuple[str, ...]] = {location.name: () for location in self.locations}
        for host in self.hosts().values():
            addresses[host.location] += (host.ipv4, host.ipv6)
        return Plan(
            name=self.name,
            seed=seed,
            hosts={host.name: host.location for host in self.hosts().values()},
            addresses=addresses,
            links=self.links(),
            ways=tuple(self.ways()),
        )


def links_between(
    places: Mapping[str, str],
    links: Sequence[str],
    a: str,
    b: str | None = None,
    *,
    one_way: bool = False,
) -> list[str]:
    """The middle between two hosts or locations; of one alone its own miles, or all that meet it.

    `places` are the hosts' locations.

    Raises:
        KeyError: there is no such host or location.
        ValueError: they share a location, so nothing lies between them.
    """
    here = _location(places, a)
    if b is None:
        own = [name for name in (f"{here}>", f">{here}") if name in links]
        found = own or [name for name in links if here in name.split(">")]
        return [name for name in found if not one_way or name.startswith(f"{here}>")]
    there = _location(places, b)
    if here == there:
        raise ValueError(f"{a} and {b} are at the same location")
    return [f"{here}>{there}"] if one_way else [f"{here}>{there}", f"{there}>{here}"]


def _location(places: Mapping[str, str], name: str) -> str:
    if name in places:
        return places[name]
    if name in places.values():
        return name
    raise KeyError(f"there is no host {name}; there are {', '.join(places)}")


def both_ways(
    pairs: Iterable[tuple[str, str]], conditions: Conditions
) -> dict[tuple[str, str], Conditions]:
    """The same middle in both directions of each pair."""
    return {pair: conditions for source, far in pairs for pair in ((source, far), (far, source))}


def middle(*, rtt_ms: float, mbit: float, loss: float = 0.0, jitter_ms: float = 0.0) -> Conditions:
    """One direction of a middle mile: half the RTT, and a queue of one bandwidth-delay product."""
    return Conditions(
        delay_ms=rtt_ms / 2,
        jitter_ms=jitter_ms,
        loss=loss,
        mbit=mbit,
        queue_bytes=max(round(mbit * 125 * rtt_ms), _LEAST_QUEUE_BYTES),
    )
