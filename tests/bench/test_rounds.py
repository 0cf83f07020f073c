"""Repeated runs alternate between contestants."""

import pytest

from bench.contestant import Contestant
from bench.errors import SpoiltError
from bench.form import Sample
from bench.metric import Metric
from bench.rounds import in_turn
from tests.kit.benching import small_place

_CONTESTANTS = [
    Contestant(name=name, pids=(), http=("127.0.0.1", 1))
    for name in ("midmile", "nginx", "varnish")
]


def test_another_contestant_is_first_in_each_round() -> None:
    """What disturbs the machine for a while disturbs all; results keep the contestants' order."""
    ran: list[str] = []

    def run(contestant: Contestant) -> list[Sample]:
        ran.append(contestant.name)
        value = float(len(ran))
        return [Sample(case="304", metric=Metric.P50_MS, contestant=contestant.name, value=value)]

    with small_place() as place:
        samples = in_turn(place, "304", _CONTESTANTS, 2, run)
    assert ran == ["midmile", "nginx", "varnish", "nginx", "varnish", "midmile"]
    assert [(sample.contestant, sample.value) for sample in samples] == [
        ("midmile", 1),
        ("midmile", 6),
        ("nginx", 2),
        ("nginx", 4),
        ("varnish", 3),
        ("varnish", 5),
    ]


def test_a_spoilt_run_is_repeated() -> None:
    """It counts for nobody; the others' runs are not repeated for it."""
    ran: list[str] = []

    def run(contestant: Contestant) -> list[Sample]:
        ran.append(contestant.name)
        if ran == ["midmile", "nginx"]:
            raise SpoiltError("the lab lost 3 packets")
        return [Sample(case="304", metric=Metric.P50_MS, contestant=contestant.name, value=1)]

    with small_place() as place:
        samples = in_turn(place, "304", _CONTESTANTS, 1, run)
    assert ran == ["midmile", "nginx", "nginx", "varnish"]
    assert len(samples) == 3


def test_runs_that_are_spoilt_again_and_again_end_a_measurement() -> None:
    """A machine that is too busy gives no numbers."""
    attempts: list[str] = []

    def run(contestant: Contestant) -> list[Sample]:
        attempts.append(contestant.name)
        raise SpoiltError("the lab lost 3 packets")

    with small_place() as place, pytest.raises(SpoiltError):
        in_turn(place, "304", _CONTESTANTS, 1, run)
    assert attempts == ["midmile"] * 4
