"""hit: what it costs to answer from the cache, and how long users wait for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from bench import midmile
from bench.certificate import certify
from bench.contestant import Contestant
from bench.form import Sample
from bench.load import h2load, keepalive, wrk
from bench.metric import Metric
from bench.peers import nginx, trafficserver, varnish
from bench.place import HOST, Place
from bench.rounds import in_turn, using

PROGRAMS = ("nginx", "varnishd", "traffic_server", "wrk", "h2load")
_STORED = "/objects/1KB"
_ALWAYS = 64
"""Connections, where a case's name does not say another number."""
_PACED = 16
"""Connections at a fixed rate. h2load's ask all at once, so this is also how many ask together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    rounds: int
    seconds: float
    sizes: tuple[str, ...]
    connections: tuple[int, ...]
    """Other numbers than the usual one, for the headline."""
    heads: int
    """Requests with HEAD: our own client asks them."""
    features: bool = True
    """Whether TLS, ranges and 304 are put under load, or only asked for once."""


_FULL = _Scale(
    rounds=3, seconds=3, sizes=("1KB", "10KB", "100KB", "1MB"), connections=(1, 1000), heads=20_000
)
_SMOKE = _Scale(rounds=1, seconds=0.5, sizes=("1KB",), connections=(), heads=50, features=False)


def measure(place: Place) -> list[Sample]:
    """All cases for all contestants, each answering from a warm cache."""
    scale = _SMOKE if place.smoke else _FULL
    with ExitStack() as stack:
        pair = certify(place.home, HOST)
        origin = stack.enter_context(nginx.origin(place)).http
        contestants = [
            stack.enter_context(contestant)
            for contestant in (
                midmile.delivery(place, origin),
                nginx.edge(place, origin, pair),
                varnish.edge(place, origin),
                trafficserver.edge(place, origin, pair),
            )
        ]
        for contestant in contestants:
            keepalive.fetch_all(contestant.http, [f"/objects/{size}" for size in scale.sizes])
        runs = _Runs(place, scale, contestants)
        return [*runs.with_wrk(wrk.tag(origin, _STORED)), *runs.heads(), *runs.latencies()]


def _cases(scale: _Scale, tag: str) -> Iterator[tuple[str, wrk.Load]]:
    """What wrk asks for, by case."""
    for size in scale.sizes:
        load = wrk.Load(path=f"/objects/{size}", connections=_ALWAYS, seconds=scale.seconds)
        yield f"{size}/varied-heads", load
        yield f"{size}/same-head", replace(load, varied=False)
    small = wrk.Load(path=_STORED, connections=_ALWAYS, seconds=scale.seconds)
    for connections in scale.connections:
        yield f"1KB/varied-heads/{connections}", replace(small, connections=connections)
    yield "1KB/tls", replace(small, tls=True)
    yield "range", replace(small, fields=("Range: bytes=256-511",), status=206)
    # The origin's own: `*` would do (RFC 9110 13.1.2), but Varnish does not know it.
    yield "304", replace(small, fields=(f"If-None-Match: {tag}",), status=304)


class _Runs:
    """The runs of all cases, with contestants whose caches are warm."""

    def __init__(self, place: Place, scale: _Scale, contestants: Sequence[Contestant]) -> None:
        self._place = place
        self._scale = scale
        self._contestants = contestants
        self._rates: dict[tuple[str, str], list[float]] = {}
        """Requests a second of each run, by case and contestant."""

    def with_wrk(self, tag: str) -> list[Sample]:
        """CPU time per request, while new objects are stored."""
        samples: list[Sample] = []
        for case, load in _cases(self._scale, tag):
            for contestant in self._contestants:
                wrk.check(contestant.http, load)
            if self._scale.features or (load.status == 200 and not load.tls):
                samples += self._turns(case, partial(self._asked, case, load))
        return samples

    def _asked(self, case: str, load: wrk.Load, contestant: Contestant) -> list[Sample]:
        where = contestant.https if load.tls else contestant.http
        if where is None:
            return [_cpu(case, contestant, None)]
        with using(contestant) as used, keepalive.storing(contestant.http, _STORED) as stored:
            done = wrk.run(where, load)
        self._rates.setdefault((case, contestant.name), []).append(done.per_s)
        return [_cpu(case, contestant, used.cpu_s * 1e6 / (done.requests + len(stored)))]

    def heads(self) -> list[Sample]:
        """CPU time per HEAD."""
        return self._turns("head", self._headed)

    def _headed(self, contestant: Contestant) -> list[Sample]:
        with using(contestant) as used:
            paths = [_STORED] * self._scale.heads
            done = keepalive.fetch_all(contestant.http, paths, method="HEAD")
        return [_cpu("head", contestant, used.cpu_s * 1e6 / done)]

    def latencies(self) -> list[Sample]:
        """At one rate for all: half of what the slowest can do."""
        samples: list[Sample] = []
        for size in self._scale.sizes:
            case = f"{size}/same-head"
            per_s = min(median(self._rates[case, one.name]) for one in self._contestants) / 2
            self._place.say(f"{case}: all at {per_s:.0f} requests a second")
            samples += self._turns(case, partial(self._paced, case, f"/objects/{size}", per_s))
        return samples

    def _paced(self, case: str, path: str, per_s: float, contestant: Contestant) -> list[Sample]:
        latencies = h2load.run(
            contestant.http,
            path,
            per_s=per_s,
            connections=_PACED,
            seconds=self._scale.seconds,
            log=self._place.home / "h2load.log",
        )
        percentiles = ((Metric.P50_MS, 50), (Metric.P99_MS, 99))
        return [
            _sample(case, metric, contestant, latencies.percentile_ms(percent))
            for metric, percent in percentiles
        ]

    def _turns(self, case: str, run: Callable[[Contestant], Sequence[Sample]]) -> list[Sample]:
        return in_turn(self._place, case, self._contestants, self._scale.rounds, run)


def _cpu(case: str, contestant: Contestant, value: float | None) -> Sample:
    return _sample(case, Metric.CPU_US_PER_REQUEST, contestant, value)


def _sample(case: str, metric: Metric, contestant: Contestant, value: float | None) -> Sample:
    return Sample(case=case, metric=metric, contestant=contestant.name, value=value)
