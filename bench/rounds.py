"""Repeated runs in turn: each contestant once, then each again, so that a noise hits all alike."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from bench.contestant import Contestant
from bench.errors import SpoiltError
from bench.form import Sample, number
from bench.place import Place
from bench.processes import cpu_s

_ATTEMPTS = 4
"""Of a run that was spoilt; whoever needs more has a machine that is too busy."""


class Named(Protocol):
    """Who takes part: a contestant, or a way through one."""

    @property
    def name(self) -> str:
        """As results call it."""


Runner = TypeVar("Runner", bound=Named)


def in_turn(
    place: Place,
    case: str,
    contestants: Sequence[Runner],
    rounds: int,
    run: Callable[[Runner], Sequence[Sample]],
) -> list[Sample]:
    """Run a case as often for each contestant, another one first in each round.

    Raises:
        SpoiltError: one run was spoilt again and again.
    """
    samples: list[Sample] = []
    for turn in range(rounds):
        first = turn % len(contestants)
        for contestant in (*contestants[first:], *contestants[:first]):
            found = _unspoilt(place, contestant, run)
            samples += found
            shown = ", ".join(f"{s.metric} {number(s.value)}" for s in found if s.value is not None)
            place.say(f"{case} {contestant.name} {turn + 1}/{rounds}: {shown or '-'}")
    # Results name contestants in their own order, whoever happened to be first.
    order = {contestant.name: at for at, contestant in enumerate(contestants)}
    return sorted(samples, key=lambda sample: order[sample.contestant])


def _unspoilt(
    place: Place, contestant: Runner, run: Callable[[Runner], Sequence[Sample]]
) -> Sequence[Sample]:
    for _ in range(_ATTEMPTS - 1):
        try:
            return run(contestant)
        except SpoiltError as error:
            place.say(f"{contestant.name}: {error}; once more")
    return run(contestant)


@dataclass(slots=True)
class Used:
    """CPU time that was used meanwhile; known when it is over."""

    cpu_s: float = field(default=0.0)


@contextmanager
def using(contestant: Contestant) -> Iterator[Used]:
    """Count the CPU time of a contestant's processes."""
    used = Used()
    before = cpu_s(contestant.pids)
    yield used
    used.cpu_s = cpu_s(contestant.pids) - before
