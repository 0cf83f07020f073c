"""api: how long an answer takes that no cache may give, over distance.

JSON that is never the same twice and pages made for one visitor, asked for over connections that
are open: one at a time, right after the one before (`/1`) or after five seconds in which nothing
was said (`/1-idle`), and fifty at once (`/50`).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain, product

from bench import ways
from bench.certificate import Pair, certify
from bench.form import Sample
from bench.lab.topologies import STANDARD, standard
from bench.load import curl
from bench.load.curl import Answer, Client
from bench.load.latencies import Latencies
from bench.metric import Metric
from bench.place import HOST, Place
from bench.rounds import in_turn
from bench.ways import Cost, Way

PROGRAMS = ("nginx",)
IN_LAB = True
_NAMES = ("midmile", "nginx", "nginx-h2", "nginx-nogzip", "direct", "direct-h2")
_KINDS = {"json": "/api/items", "html": "/me"}
_PERCENTILES = {Metric.P50_MS: 50, Metric.P95_MS: 95, Metric.P99_MS: 99}
_COOKIE = "Cookie: sid=74c1d0bd9f0a4a3e8d5b0f7c1e2a9b6d"
"""Of the user: personal pages are made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    paths: tuple[str, ...]
    congestion: tuple[str, ...]
    sizes: tuple[str, ...]
    rounds: int
    alone: int
    """Requests one after the other, a run."""
    idle: int
    """The same with a pause before each."""
    idle_s: float
    together: int


_FULL = _Scale(
    paths=tuple(STANDARD),
    congestion=ways.CONGESTION,
    sizes=("2KB", "20KB", "100KB"),
    rounds=3,
    alone=50,
    idle=8,
    idle_s=5.0,
    together=50,
)
_SMOKE = _Scale(
    paths=("regional",),
    congestion=(ways.USUAL,),
    sizes=("2KB",),
    rounds=1,
    alone=2,
    idle=1,
    idle_s=0.1,
    together=50,
)


def measure(place: Place) -> list[Sample]:
    """All kinds and sizes on all ways over every standard middle mile."""
    scale = _SMOKE if place.smoke else _FULL
    pair = certify(place.home, HOST)
    with ExitStack() as stack:
        lanes = []
        for path, congestion in product(scale.paths, scale.congestion):
            place.say(f"{path}, {congestion}: a lab is made")
            lab = ways.standing(place, standard(path), pair, _NAMES, congestion=congestion)
            found = stack.enter_context(lab)
            lanes.append(_Lane(place=place, scale=scale, pair=pair, path=path, ways=found))
        samples: list[Sample] = []
        for kind, size in product(_KINDS, scale.sizes):
            asking = _Asking(kind=kind, size=size)
            samples += _abreast([partial(lane.alone, asking) for lane in lanes])
            samples += _abreast([each for lane in lanes for each in lane.idle(asking)])
            samples += chain.from_iterable(lane.together(asking) for lane in lanes)
    return samples


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
class _Lane:
    """A lab with all ways in it. Labs have nothing in common but the machine's two cores."""

    place: Place
    scale: _Scale
    pair: Pair
    path: str
    ways: Sequence[Way]

    def alone(self, asking: _Asking) -> list[Sample]:
        """One request after the other on each way."""

        def run(way: Way) -> list[Sample]:
            way.keep_warm(asking.target)
            with self._client(way, 1) as client, way.counting() as cost:
                answers = client.ask(asking.target, times=self.scale.alone, fields=(_COOKIE,))
            return [*_times(case, way, answers), *_bytes(case, way, cost, len(answers))]

        case = asking.case(self.path, "1")
        return in_turn(self.place, case, self.ways, self.scale.rounds, run)

    def idle(self, asking: _Asking) -> list[Callable[[], list[Sample]]]:
        """A pause, a request, a pause: all ways at once, since there is nothing to do mostly."""

        def run(way: Way) -> list[Sample]:
            answers: list[Answer] = []
            with self._client(way, 1) as client:
                for _ in range(self.scale.idle):
                    time.sleep(self.scale.idle_s)
                    answers += client.ask(asking.target, fields=(_COOKIE,))
            return [*_times(case, way, answers)]

        case = asking.case(self.path, "1-idle")
        return [
            partial(in_turn, self.place, case, [way], self.scale.rounds, run) for way in self.ways
        ]

    def together(self, asking: _Asking) -> list[Sample]:
        """Many requests at the same moment."""
        number = self.scale.together

        def run(way: Way) -> list[Sample]:
            way.keep_warm(asking.target)
            with self._client(way, number) as client, way.counting() as cost:
                answers = client.at_once(asking.target, number, fields=(_COOKIE,))
            return [*_times(case, way, answers), *_bytes(case, way, cost, len(answers))]

        case = asking.case(self.path, str(number))
        return in_turn(self.place, case, self.ways, self.scale.rounds, run)

    def _client(self, way: Way, connections: int) -> AbstractContextManager[Client]:
        return curl.connected(
            way.user,
            way.https,
            ca=self.pair.certificate,
            http2=way.http2,
            connections=connections,
        )


def _abreast(lanes: Sequence[Callable[[], list[Sample]]]) -> list[Sample]:
    """Each in a thread of its own; what came of the first one first."""
    with ThreadPoolExecutor(len(lanes)) as pool:
        return [*chain.from_iterable(pool.map(lambda lane: lane(), lanes))]


def _times(case: str, way: Way, answers: Sequence[Answer]) -> Iterator[Sample]:
    latencies = Latencies.of(answer.ms for answer in answers)
    for metric, percent in _PERCENTILES.items():
        value = latencies.percentile_ms(percent)
        yield Sample(case=case, metric=metric, contestant=way.name, value=value)


def _bytes(case: str, way: Way, cost: Cost, answers: int) -> Iterator[Sample]:
    """For one answer."""
    for metric, size_bytes in (
        (Metric.MIDDLE_MILE_TEXT_BYTES, cost.crossed.text_bytes),
        (Metric.MIDDLE_MILE_BYTES, cost.link_bytes),
    ):
        value = size_bytes / answers
        yield Sample(case=case, metric=metric, contestant=way.name, value=value)
