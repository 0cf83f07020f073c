"""All links of a lab together: which of them a packet crosses, and when it comes out at the end.

Pure, and a machine that lives in time: packets `enter` with the monotonic second it is, `next_due`
says when to call again, and `advance` gives what has arrived by now. A packet meets the links of
its way one after the other, each at the moment it comes out of the one before: places that share a
first or last mile share its queue, its losses and its cuts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from bench.lab.link import Conditions, Link, LinkStatistics

_MOST_IN_FLIGHT = 200_000
"""Packets on their way at once, so that a flood into links without a rate stays below 400 MB.
Six seconds of a saturated 400 Mbit/s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How packets get from one place to another."""

    source: str
    destination: str
    links: tuple[str, ...]
    """In the order in which they are crossed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that the relay is told."""

    name: str
    seed: int
    hosts: Mapping[str, str]
    """The place of each host."""
    addresses: Mapping[str, tuple[str, ...]]
    """By place: IPv4 and IPv6, as text."""
    links: Mapping[str, Conditions]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshStatistics:
    """What the emulation itself did; a measurement is only as good as this."""

    links: Mapping[str, LinkStatistics]
    """Those that something entered: a hundred places have ten thousand links."""
    strays: int = 0
    """Packets to nowhere: multicast, wrong addresses."""
    overflow: int = 0
    """Packets dropped because too many were on their way: not asked for."""
    delivered: int = 0
    late_mean_ms: float = 0.0
    """By how much packets came out later than they should have."""
    late_max_ms: float = 0.0


@dataclass(slots=True, kw_only=True, eq=False)
class _Route:
    destination: int
    links: tuple[Link, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class _Counts:
    strays: int = 0
    overflow: int = 0
    delivered: int = 0
    late_sum_s: float = 0.0
    late_max_s: float = 0.0


@dataclass(slots=True, eq=False)
class Mesh:
    """The links and what is on them. Places are numbered in the plan's order of addresses.

    `packed` has every place's addresses as they stand in a packet's head.
    """

    plan: Plan
    packed: Sequence[Sequence[bytes]]
    _links: dict[str, Link] = field(init=False)
    _routes: list[dict[bytes, _Route]] = field(init=False)
    _due: list[tuple[float, int, bytes, _Route, int]] = field(init=False, default_factory=list)
    _entered: int = 0
    _counts: _Counts = field(init=False, default_factory=_Counts)

    def __post_init__(self) -> None:
        plan = self.plan
        self._links = {
            name: Link(conditions, seed=f"{plan.seed}/{name}")
            for name, conditions in plan.links.items()
        }
        numbers = {place: number for number, place in enumerate(plan.addresses)}
        self._routes = [{} for _ in numbers]
        for way in plan.ways:
            destination = numbers[way.destination]
            links = tuple(self._links[name] for name in way.links)
            route = _Route(destination=destination, links=links)
            for address in self.packed[destination]:
                self._routes[numbers[way.source]][address] = route

    def enter(self, source: int, packet: bytes, now: float) -> None:
        """Take an IP packet that a place sends."""
        # RFC 791 3.1, RFC 8200 3: where the destination stands.
        address = packet[16:20] if packet[0] >> 4 == 4 else packet[24:40]
        route = self._routes[source].get(address)
        if route is None:
            self._counts.strays += 1
        elif len(self._due) >= _MOST_IN_FLIGHT:
            self._counts.overflow += 1
        else:
            self._cross(packet, route, 0, now)

    def next_due(self) -> float | None:
        """When to call `advance` next; None while nothing is on its way."""
        return self._due[0][0] if self._due else None

    def advance(self, now: float) -> list[tuple[int, bytes]]:
        """The packets that have come out by now, in order, each with the place it is for."""
        due, counts = self._due, self._counts
        arrived: list[tuple[int, bytes]] = []
        while due and due[0][0] <= now:
            at, _, packet, route, position = heappop(due)
            if position < len(route.links):
                # Not `now`: being late at one link must not make it later at the next.
                self._cross(packet, route, position, at)
                continue
            arrived.append((route.destination, packet))
            late = now - at
            counts.late_sum_s += late
            counts.late_max_s = max(counts.late_max_s, late)
        counts.delivered += len(arrived)
        return arrived

    def change(self, link: str, conditions: Conditions) -> None:
        """Let other conditions hold on a link from now on.

        Raises:
            KeyError: there is no such link.
        """
        self._links[link].change(conditions)

    def conditions(self, link: str) -> Conditions:
        """What holds on a link now.

        Raises:
            KeyError: there is no such link.
        """
        return self._links[link].conditions

    def statistics(self) -> MeshStatistics:
        """What was counted since the beginning or the last reset."""
        counts = self._counts
        return MeshStatistics(
            links={name: link.statistics() for name, link in self._links.items() if link.is_used},
            strays=counts.strays,
            overflow=counts.overflow,
            delivered=counts.delivered,
            late_mean_ms=1e3 * counts.late_sum_s / max(counts.delivered, 1),
            late_max_ms=1e3 * counts.late_max_s,
        )

    def reset(self) -> None:
        """Begin to count anew."""
        self._counts = _Counts()
        for link in self._links.values():
            link.reset()

    def _cross(self, packet: bytes, route: _Route, position: int, now: float) -> None:
        """Send a packet over the links of its way until one holds it."""
        links, size = route.links, len(packet)
        while position < len(links):
            arrives = links[position].carry(size, now)
            if arrives is None:
                return
            position += 1
            if arrives > now:
                now = arrives
                break
        self._entered += 1
        heappush(self._due, (now, self._entered, packet, route, position))
