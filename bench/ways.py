"""The ways from a user to a site, side by side in a lab: straight, through nginx, through midmile.

A way is a contestant, how browsers speak to it, and the lab that it stands in. All ways of a lab
use one congestion control: a way's name ends with it unless it is cubic, as in `nginx-h2-bbr`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from bench import midmile
from bench.certificate import Pair
from bench.contestant import Contestant
from bench.crossing import Crossed, Tally
from bench.errors import SpoiltError
from bench.lab.running import Host, Lab, LabStatistics, opened
from bench.lab.topology import Topology
from bench.load import keepalive
from bench.peers import nginx
from bench.place import Address, Place
from bench.rounds import using

DEFAULT_CONGESTION = "cubic"
"""What kernels do if nobody tells them otherwise."""
CONGESTION = (DEFAULT_CONGESTION, "bbr")
_HTTP2 = "-h2"
"""Ends the names of ways to which browsers speak HTTP/2."""
_MOST_LATE_MS = 20.0
_MEAN_LATE_MS = 0.5
"""A lab that carries packets later than that has not had its share of the machine."""
_NOTHING = Crossed(text_bytes=0, image_bytes=0)

Origin = Callable[[Place], AbstractContextManager[Contestant]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ends:
    """The two ends of a middle mile, at which a way's servers are to stand."""

    near: Place
    """Near the user."""
    beside: Place
    """Beside the origin."""
    origin: Address
    pair: Pair


_STARTS: Mapping[str, Callable[[_Ends], AbstractContextManager[Contestant]]] = {
    "direct": lambda ends: nginx.front(ends.beside, ends.origin, ends.pair),
    "nginx": lambda ends: nginx.chain(ends.near, ends.origin, ends.pair, beside=ends.beside),
    "nginx-nogzip": lambda ends: nginx.chain(
        ends.near, ends.origin, ends.pair, nginx.Compression.USERS, beside=ends.beside
    ),
    "midmile": lambda ends: midmile.chain(ends.near, ends.origin, ends.pair, beside=ends.beside),
}
"""By name, without the version of HTTP that browsers speak to it."""


@dataclass(slots=True)
class Cost:
    """What a use of a way has cost; known when it is over."""

    crossed: Crossed = _NOTHING
    """Before TLS, as the server beside the origin counts it."""
    link_bytes: int = 0
    """All packets over the middle mile, IP headers included, both ways."""
    cpu_s: float = 0.0
    """Of the contestant's processes. The origin's own do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to the site."""

    name: str
    """As results call it."""
    contestant: Contestant
    lab: Lab
    https: Address
    """Where its users' browsers go."""
    http2: bool
    """Whether they speak HTTP/2 there; if not, HTTP/1.1."""
    strict: bool
    """Whether a lab that is late spoils a run; not where numbers mean nothing anyway."""
    _crossings: Tally

    @property
    def user(self) -> Host:
        """Where its user is."""
        return self.lab.host("user")

    def keep_warm(self, path: str, connections: int) -> None:
        """Have other visitors ask for something, all at once, as on a site that is used.

        So as many connections between the hops are open, and were used just now. What TCP remembers
        of the paths is forgotten first: users come one by one in a measurement, and would otherwise
        inherit each other's bad luck.

        Raises:
            KeyError: the lab has no `visitor-1`.
            LoadError: a visitor was not answered 200.
        """
        self.lab.forget_paths()
        with self.lab.host("visitor-1").entered():
            keepalive.fetch_all(self.contestant.http, [path] * connections, connections=connections)

    def start_counting(self) -> None:
        """Forget what was counted so far, once it is all there."""
        self._crossings.settle()
        self._crossings.reset()
        self.lab.statistics(reset=True)

    def sound(self) -> LabStatistics:
        """What the lab has counted.

        Raises:
            SpoiltError: it lost packets that no link was told to lose, or was late with some.
        """
        counted = self.lab.statistics()
        if not self.strict:
            return counted
        if not counted.is_sound:
            raise SpoiltError(f"the lab lost {counted.unread + counted.overflow} packets")
        if counted.late_max_ms > _MOST_LATE_MS or counted.late_mean_ms > _MEAN_LATE_MS:
            raise SpoiltError(f"the lab was {counted.late_max_ms:.1f} ms late")
        return counted

    @contextmanager
    def counting(self) -> Iterator[Cost]:
        """Count what is done meanwhile; nobody else may use this lab.

        Raises:
            SpoiltError: the lab was not sound, or the way did not come to rest.
        """
        cost = Cost()
        self.start_counting()
        with using(self.contestant) as used:
            yield cost
            self._crossings.settle()
        counted = self.sound()
        near = "user" if self.contestant.name == "direct" else "edge"
        links = self.lab.topology.links_of(near, "origin")
        cost.link_bytes = sum(counted.links[link].bytes for link in links)
        cost.crossed, cost.cpu_s = self._crossings.so_far(), used.cpu_s


@contextmanager
def standing(
    place: Place,
    topology: Topology,
    pair: Pair,
    names: Sequence[str],
    *,
    congestion: str = DEFAULT_CONGESTION,
    origin: Origin = midmile.shop,
) -> Iterator[list[Way]]:
    """A lab with an origin, and these ways to it: `direct`, `nginx-h2`, `midmile`, ...

    Each has servers of its own, so none finds a cache that another one filled.

    Raises:
        LabError: there can be no lab here.
    """
    with ExitStack() as stack:
        lab = stack.enter_context(opened(topology, congestion=congestion))
        place = place.corner(f"{topology.name}-{congestion}")
        at = stack.enter_context(origin(place.at(lab.host("origin")))).http
        ways = []
        for name in names:
            corner = place.corner(name)
            ends = _Ends(
                near=corner.at(lab.host("edge")),
                beside=corner.at(lab.host("parent")),
                origin=at,
                pair=pair,
            )
            contestant = stack.enter_context(_STARTS[name.removesuffix(_HTTP2)](ends))
            ways.append(_way(name, contestant, lab, strict=not place.smoke))
        yield ways


def _way(name: str, contestant: Contestant, lab: Lab, *, strict: bool) -> Way:
    if contestant.https is None or contestant.crossings is None:
        raise AssertionError("every way speaks TLS, and logs what crosses")
    return Way(
        name=name if lab.congestion == DEFAULT_CONGESTION else f"{name}-{lab.congestion}",
        contestant=contestant,
        lab=lab,
        https=contestant.https,
        http2=name.endswith(_HTTP2),
        strict=strict,
        _crossings=Tally(contestant.crossings),
    )
