"""Repeated runs in turn: each contestant once, then each again, so that a noise hits all alike."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.contestant import Contestant
from bench.form import Sample
from bench.place import Place
from bench.processes import cpu_s


def in_turn(
    place: Place,
    case: str,
    contestants: Sequence[Contestant],
    rounds: int,
    run: Callable[[Contestant], Sequence[Sample]],
) -> list[Sample]:
    """Run a case as often for each contestant, another one first in each round."""
    samples: list[Sample] = []
    for turn in range(rounds):
        first = turn % len(contestants)
        for contestant in (*contestants[first:], *contestants[:first]):
            found = run(contestant)
            samples += found
            shown = ", ".join(f"{s.metric} {s.value:.4g}" for s in found if s.value is not None)
            place.say(f"{case} {contestant.name} {turn + 1}/{rounds}: {shown or '-'}")
    # Results name contestants in their own order, whoever happened to be first.
    order = {contestant.name: at for at, contestant in enumerate(contestants)}
    return sorted(samples, key=lambda sample: order[sample.contestant])


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
