"""miss: what a request costs that no cache may answer, over all hops between user and origin."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from bench import midmile
from bench.certificate import certify
from bench.contestant import Contestant
from bench.form import Sample
from bench.load import keepalive, wrk
from bench.load.reader import BROWSERS_TAKE
from bench.metric import Metric
from bench.peers import nginx
from bench.place import HOST, Place
from bench.rounds import in_turn, using

PROGRAMS = ("nginx", "wrk")
_CASE = "8KB"
_BROWSER = f"Accept-Encoding: {BROWSERS_TAKE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    rounds: int
    seconds: float


_FULL = _Scale(rounds=7, seconds=5)
_SMOKE = _Scale(rounds=1, seconds=1)


def measure(place: Place) -> list[Sample]:
    """CPU time of edge, parent and origin for an uncacheable answer of 8 KB."""
    scale = _SMOKE if place.smoke else _FULL
    load = wrk.Load(
        path="/objects/8KB-uncacheable",
        connections=32,
        seconds=scale.seconds,
        fields=(_BROWSER,),
    )
    with ExitStack() as stack:
        pair = certify(place.home, HOST)
        origin = stack.enter_context(nginx.origin(place))
        contestants = [
            _with(stack.enter_context(contestant), origin)
            for contestant in (
                midmile.chain(place, origin.http),
                nginx.chain(place, origin.http, pair),
                nginx.chain(place, origin.http, pair, nginx.Compression.NOWHERE),
            )
        ]
        for contestant in contestants:  # connections between the hops are made before
            wrk.check(contestant.http, load)
            keepalive.fetch_all(contestant.http, [load.path] * 200, connections=load.connections)

        def run(contestant: Contestant) -> Sequence[Sample]:
            with using(contestant) as used:
                done = wrk.run(contestant.http, load)
            return [
                Sample(
                    case=_CASE,
                    metric=Metric.CPU_US_PER_REQUEST,
                    contestant=contestant.name,
                    value=used.cpu_s * 1e6 / done.requests,
                )
            ]

        return in_turn(place, _CASE, contestants, scale.rounds, run)


def _with(contestant: Contestant, origin: Contestant) -> Contestant:
    """The whole chain; the origin, which all share, has nothing else to do meanwhile."""
    return replace(contestant, pids=(*contestant.pids, *origin.pids))
