"""slow: what those who are served notice of thousands of clients that are slow on purpose."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from bench import midmile
from bench.certificate import certify
from bench.contestant import Contestant
from bench.form import Sample, samples
from bench.load import keepalive, slow
from bench.load.slow import Attack
from bench.load.visitors import Served, Visitors, visit
from bench.metric import Metric
from bench.peers import nginx, trafficserver, varnish
from bench.place import HOST, Place
from bench.rounds import in_turn

PROGRAMS = ("nginx", "varnishd", "traffic_server")
_STORED = "/objects/1KB"
_LARGE = "/objects/1MB"
_PATHS = {Attack.SLOW_READ: _LARGE, Attack.SLOW_BODY: "/uploads"}
"""What attackers ask for, if it is not what others do."""
_NOT_STORED = "/objects/8KB-uncacheable"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    rounds: int
    quiet_s: float
    """Before each attack: what it is compared with."""
    attack_s: float
    """Longer than midmile's deadline for heads, so that those who are cut off come again."""
    connections: int
    addresses: int
    """Fewer than would keep each below midmile's bound of connections for one."""
    per_s: float


_FULL = _Scale(rounds=3, quiet_s=10, attack_s=15, connections=5_000, addresses=4, per_s=100)
_SMOKE = _Scale(rounds=1, quiet_s=0.5, attack_s=0.5, connections=40, addresses=4, per_s=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """An attack, and the port at which it is."""

    name: str
    attack: Attack
    tls: bool = False


_CASES = (
    *(_Case(name=attack.value, attack=attack) for attack in Attack if attack != Attack.SILENT),
    # No head has begun: what is held is a connection whose TLS handshake has not.
    _Case(name="silent-tls", attack=Attack.SILENT, tls=True),
)


def measure(place: Place) -> list[Sample]:
    """Every attack on each contestant, whose others are served from its cache and through it."""
    scale = _SMOKE if place.smoke else _FULL
    with ExitStack() as stack:
        pair = certify(place.home, HOST)
        origin = stack.enter_context(nginx.origin(place)).http
        contestants = [
            stack.enter_context(contestant)
            for contestant in (
                midmile.delivery(place, origin, connections_per_client=None),
                nginx.edge(place, origin, pair),
                varnish.edge(place, origin),
                trafficserver.edge(place, origin, pair),
            )
        ]
        for contestant in contestants:
            keepalive.fetch_all(contestant.http, [_STORED, _LARGE])
        found: list[Sample] = []
        for case in _CASES:
            run = partial(_besieged, scale, case)
            found += in_turn(place, case.name, contestants, scale.rounds, run)
        return found


def _visitors(scale: _Scale) -> dict[str, Visitors]:
    return {
        "kept": Visitors(path=_STORED, per_s=scale.per_s, kept=True),
        "new": Visitors(path=_STORED, per_s=scale.per_s / 2),
        "miss": Visitors(path=_NOT_STORED, per_s=scale.per_s / 4),
    }


def _besieged(scale: _Scale, case: _Case, contestant: Contestant) -> list[Sample]:
    """How others fare without and with an attack."""
    where = contestant.https if case.tls else contestant.http
    if where is None:  # it does not speak TLS
        return [*_nothing(scale, case, contestant)]
    who = _visitors(scale)
    quiet = visit(contestant.http, who, scale.quiet_s)
    crowd = slow.Crowd(
        attack=case.attack,
        connections=scale.connections,
        addresses=scale.addresses,
        path=_PATHS.get(case.attack, _STORED),
    )
    with slow.attacking(where, crowd) as held:
        served = visit(contestant.http, who, scale.attack_s)
    had = {Metric.HELD_CONNECTIONS: held.connections}
    return [
        *samples(case.name, contestant.name, had),
        *_fared(case, contestant, served, quiet),
        *(
            sample
            for kind, before in quiet.items()
            for sample in samples(f"quiet/{kind}", contestant.name, _times(before))
        ),
    ]


def _nothing(scale: _Scale, case: _Case, contestant: Contestant) -> Iterator[Sample]:
    yield from samples(case.name, contestant.name, {Metric.HELD_CONNECTIONS: None})
    for kind in _visitors(scale):
        none = dict.fromkeys((*_TIMES, Metric.P99_TIMES_QUIET))
        yield from samples(f"{case.name}/{kind}", contestant.name, none)


_TIMES = (Metric.FAILED_PERCENT, Metric.P50_MS, Metric.P99_MS)


def _times(served: Served) -> dict[Metric, float | None]:
    times = (served.failed_percent, served.percentile_ms(50), served.percentile_ms(99))
    return dict(zip(_TIMES, times, strict=True))


def _fared(
    case: _Case, contestant: Contestant, served: Mapping[str, Served], quiet: Mapping[str, Served]
) -> Iterator[Sample]:
    for kind, those in served.items():
        times = _times(those)
        now, before = times[Metric.P99_MS], quiet[kind].percentile_ms(99)
        times[Metric.P99_TIMES_QUIET] = now / before if now and before else None
        yield from samples(f"{case.name}/{kind}", contestant.name, times)
