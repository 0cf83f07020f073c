"""api: how long an answer takes that no cache may give, over distance.

JSON that is never the same twice and pages made for one visitor, asked for over connections that
are open: one at a time, right after the one before (`/1`) or after five seconds in which nothing
was said (`/1-idle`), and fifty at once (`/50`).
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain, product
from pathlib import Path

from bench import ways
from bench.certificate import Pair, certify
from bench.errors import SpoiltError
from bench.form import Result, Sample, samples
from bench.lab.topologies import STANDARD, standard
from bench.load import curl
from bench.load.curl import Answer, Client
from bench.load.latencies import Latencies
from bench.metric import Metric
from bench.picture import draw_grid
from bench.place import HOST, Place
from bench.rounds import in_turn
from bench.ways import Cost, Way

PROGRAMS = ("nginx",)
IN_LAB = True
_NAMES = ("midmile", "nginx", "nginx-h2", "nginx-nogzip", "direct", "direct-h2")
_KINDS = {"json": "/api/items", "html": "/me"}
_PERCENTILES = {Metric.P50_MS: 50, Metric.P95_MS: 95, Metric.P99_MS: 99}
_TINY = "/healthz"
"""Never cached, so connections are made between the hops too."""
_COOKIE = "Cookie: sid=74c1d0bd9f0a4a3e8d5b0f7c1e2a9b6d"
"""Of the user: personal pages are made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    paths: tuple[str, ...]
    congestion: tuple[str, ...]
    sizes: tuple[str, ...]
    rounds: int
    alone: int
    """Requests of a run, one after the other."""
    idle: int
    """Requests, each after a pause; there is one run."""
    idle_s: float
    bursts: int
    """Runs of requests all at once."""
    together: int
    """How many these are."""


_FULL = _Scale(
    paths=tuple(STANDARD),
    congestion=ways.CONGESTION,
    sizes=("2KB", "20KB", "100KB"),
    rounds=3,
    alone=30,
    idle=20,
    idle_s=5.0,
    bursts=3,
    together=50,
)
_SMOKE = _Scale(
    paths=("regional",),
    congestion=(ways.DEFAULT_CONGESTION,),
    sizes=("2KB",),
    rounds=1,
    alone=2,
    idle=1,
    idle_s=0.1,
    bursts=1,
    together=50,
)


def measure(place: Place) -> list[Sample]:
    """All kinds and sizes on all ways over every standard middle mile."""
    scale = _SMOKE if place.smoke else _FULL
    pair = certify(place.home, HOST)
    with ExitStack() as stack:
        labs = []
        for path, congestion in product(scale.paths, scale.congestion):
            place.say(f"{path}, {congestion}: a lab is made")
            lab = ways.standing(place, standard(path), pair, _NAMES, congestion=congestion)
            standing = stack.enter_context(lab)
            labs.append(_Runs(place=place, scale=scale, pair=pair, path=path, ways=standing))
        found: list[Sample] = []
        for kind, size in product(_KINDS, scale.sizes):
            asking = _Asking(kind=kind, size=size)
            found += _in_parallel([partial(runs.alone, asking) for runs in labs])
            found += _in_parallel([run for runs in labs for run in runs.idle(asking)])
            # So many requests at once keep a core busy for a moment: fewer labs at a time.
            for path in scale.paths:
                here = [runs for runs in labs if runs.path == path]
                found += _in_parallel([partial(runs.together, asking) for runs in here])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """What is asked for."""

    kind: str
    size: str

    @property
    def target(self) -> str:
        """On the shop."""
        return f"{_KINDS[self.kind]}/{self.size}"

    def case(self, path: str, how: str) -> str:
        """As results call it."""
        return f"{self.kind}-{self.size}/{path}/{how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    """The runs in one lab, on all its ways. Labs share nothing but the machine's cores."""

    place: Place
    scale: _Scale
    pair: Pair
    path: str
    ways: Sequence[Way]

    def alone(self, asking: _Asking) -> list[Sample]:
        """One request after the other on each way."""

        def run(way: Way) -> list[Sample]:
            way.keep_warm(asking.target, 1)
            with self._client(way, 1) as client, way.counting() as cost:
                answers = client.ask(asking.target, times=self.scale.alone, fields=(_COOKIE,))
            return samples(case, way.name, _times_and_bytes(answers, cost))

        case = asking.case(self.path, "1")
        return in_turn(self.place, case, self.ways, self.scale.rounds, run)

    def idle(self, asking: _Asking) -> list[Callable[[], list[Sample]]]:
        """The runs of one way each, to be made at the same time: they are pauses mostly."""

        def run(way: Way) -> list[Sample]:
            answers: list[Answer] = []
            with self._client(way, 1) as client:
                for _ in range(self.scale.idle):
                    time.sleep(self.scale.idle_s)
                    answers += client.ask(asking.target, fields=(_COOKIE,))
            try:
                way.sound()
            except SpoiltError:
                way.start_counting()  # or it would be spoilt by the same packet again and again
                raise
            times = _times(answers)
            del times[Metric.P99_MS]  # they are too few
            return samples(case, way.name, times)

        case = asking.case(self.path, "1-idle")
        for way in self.ways:
            way.start_counting()
        return [partial(in_turn, self.place, case, [way], 1, run) for way in self.ways]

    def together(self, asking: _Asking) -> list[Sample]:
        """Many requests at the same moment."""
        number = self.scale.together

        def run(way: Way) -> list[Sample]:
            way.keep_warm(asking.target, number)
            with self._client(way, number) as client, way.counting() as cost:
                answers = client.at_once(asking.target, number, fields=(_COOKIE,))
            return samples(case, way.name, _times_and_bytes(answers, cost))

        case = asking.case(self.path, str(number))
        return in_turn(self.place, case, self.ways, self.scale.bursts, run)

    def _client(self, way: Way, connections: int) -> AbstractContextManager[Client]:
        return curl.connected(
            way.user,
            way.https,
            ca=self.pair.certificate,
            http2=way.http2,
            connections=connections,
            warm=_TINY,
        )


def draw(result: Result, file: Path) -> None:
    """A column per path, a line per answer: alone the median, together the ninety-fifth."""
    shown = ((kind, size) for kind in _KINDS for size in _FULL.sizes)
    lines = [
        [(f"{kind}-{size}/{path}/{how}", metric) for path in STANDARD]
        for kind, size in shown
        for how, metric in (("1", Metric.P50_MS), (str(_FULL.together), Metric.P95_MS))
    ]
    draw_grid(result, file, lines)


def _in_parallel(runs: Sequence[Callable[[], list[Sample]]]) -> list[Sample]:
    """Each in a thread of its own; what came of the first one first."""
    with ThreadPoolExecutor(len(runs)) as pool:
        return [*chain.from_iterable(pool.map(lambda run: run(), runs))]


def _times(answers: Sequence[Answer]) -> dict[Metric, float | None]:
    latencies = Latencies.of(answer.ms for answer in answers)
    return {metric: latencies.percentile_ms(percent) for metric, percent in _PERCENTILES.items()}


def _times_and_bytes(answers: Sequence[Answer], cost: Cost) -> dict[Metric, float | None]:
    """Bytes are those of one answer."""
    return {
        **_times(answers),
        Metric.MIDDLE_MILE_TEXT_BYTES: cost.crossed.text_bytes / len(answers),
        Metric.MIDDLE_MILE_BYTES: cost.link_bytes / len(answers),
    }
