"""dns: what an answer costs our low-level tier, gdnsd and Knot, without and with client subnets."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import midmile
from bench.contestant import Contestant
from bench.form import Sample
from bench.load import dnsperf
from bench.metric import Metric
from bench.peers import gdnsd, knot
from bench.place import Place
from bench.rounds import in_turn, using

PROGRAMS = ("gdnsd", "knotd", "dnsperf")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    rounds: int
    seconds: float
    subnets: int


_FULL = _Scale(rounds=7, seconds=5, subnets=10_000)
_SMOKE = _Scale(rounds=1, seconds=1, subnets=10_000)


def measure(place: Place) -> list[Sample]:
    """One thread or worker of each, with the same fleet."""
    scale = _SMOKE if place.smoke else _FULL
    cases = {
        "plain": dnsperf.plain(place.home / "plain"),
        f"ecs-{scale.subnets}": dnsperf.with_subnets(place.home / "ecs", scale.subnets),
    }
    samples: list[Sample] = []
    with ExitStack() as stack:
        contestants = [
            stack.enter_context(contestant)
            for contestant in (midmile.mapper(place), gdnsd.server(place), knot.server(place))
        ]
        for case, queries in cases.items():

            def run(
                contestant: Contestant, case: str = case, queries: Path = queries
            ) -> Sequence[Sample]:
                with using(contestant) as used:
                    done = dnsperf.run(contestant.http, queries, seconds=scale.seconds)
                return [
                    Sample(
                        case=case,
                        metric=Metric.CPU_US_PER_QUERY,
                        contestant=contestant.name,
                        value=used.cpu_s * 1e6 / done.queries,
                    )
                ]

            samples += in_turn(place, case, contestants, scale.rounds, run)
    return samples
