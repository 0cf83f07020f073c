"""idle: what a contestant's memory grows by with connections that say nothing, and with objects."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench import midmile
from bench.certificate import Pair, certify
from bench.contestant import Contestant
from bench.form import Sample
from bench.load import keepalive
from bench.metric import Metric
from bench.peers import nginx, trafficserver, varnish
from bench.place import HOST, Address, Place
from bench.processes import anonymous_bytes

PROGRAMS = ("nginx", "varnishd", "traffic_server")
_PATH = "/objects/1KB"
_WARM = 500
"""Requests before the first look: what a process sets up once is no connection's."""

_Start = Callable[[Place, Address, Pair], AbstractContextManager[Contestant]]
_CONTESTANTS: tuple[_Start, ...] = (
    lambda place, origin, _pair: midmile.delivery(place, origin),
    nginx.edge,
    lambda place, origin, _pair: varnish.edge(place, origin),
    trafficserver.edge,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    rounds: int
    connections: int
    objects: tuple[int, ...]


_FULL = _Scale(rounds=3, connections=5_000, objects=(100_000, 1_000_000))
_SMOKE = _Scale(rounds=1, connections=50, objects=(200,))


def measure(place: Place) -> list[Sample]:
    """Each contestant alone and fresh: what an allocator once took it seldom gives back."""
    scale = _SMOKE if place.smoke else _FULL
    pair = certify(place.home, HOST)
    samples: list[Sample] = []
    with nginx.origin(place) as origin:
        for turn in range(scale.rounds):
            for number, start in enumerate(_CONTESTANTS):
                corner = place.corner(f"{turn}-{number}")
                with start(corner, origin.http, pair) as contestant:
                    samples += _samples(place, scale, contestant, turn)
    return samples


def _samples(place: Place, scale: _Scale, contestant: Contestant, turn: int) -> Iterator[Sample]:
    keepalive.fetch_all(contestant.http, (f"{_PATH}?warm={n}" for n in range(_WARM)))
    before = anonymous_bytes(contestant.pids)
    with keepalive.idle(contestant.http, scale.connections, _PATH):
        grown = anonymous_bytes(contestant.pids) - before
    value = grown / scale.connections
    case = f"connections-{scale.connections}"
    place.say(f"{case} {contestant.name} {turn + 1}/{scale.rounds}: {value:.0f} bytes each")
    yield Sample(
        case=case,
        metric=Metric.RSS_BYTES_PER_CONNECTION,
        contestant=contestant.name,
        value=value,
    )
    before, stored = anonymous_bytes(contestant.pids), 0
    # A million objects take minutes to store: once is enough, for memory hardly differs.
    for goal in scale.objects if turn == 0 else scale.objects[:1]:
        paths = (f"{_PATH}?object={number}" for number in range(stored, goal))
        stored += keepalive.fetch_all(contestant.http, paths)
        value = (anonymous_bytes(contestant.pids) - before) / stored
        place.say(f"objects-{goal} {contestant.name}: {value:.0f} bytes each")
        yield Sample(
            case=f"objects-{goal}",
            metric=Metric.RSS_BYTES_PER_OBJECT,
            contestant=contestant.name,
            value=value,
        )
