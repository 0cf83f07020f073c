import math
import random

import pytest

from mapping.fleet import EdgeState, Fleet, ProbeTiming, StartProbe, Transition
from mapping.health import ProbeOutcome

OK, REFUSED, TIMEOUT = ProbeOutcome.OK, ProbeOutcome.UNREACHABLE, ProbeOutcome.TIMEOUT
TIMING = ProbeTiming()


class World:
    """Edges that live and die by the fake clock, and a fleet that watches them.

    A dead edge's probe times out, the slowest way to learn of it; a live one's takes `answer_s`.
    """

    def __init__(self, *edges: str, answer_s: float = 0.01) -> None:
        self.now = 100.0
        self.fleet = Fleet(edges, now=self.now)
        self.dies: dict[str, float] = {}
        self.rises: dict[str, float] = {}
        self.answer_s = answer_s
        self.probes: list[tuple[float, str]] = []
        self.transitions: list[tuple[float, str, bool]] = []
        self.states: list[EdgeState] = []
        self._endings: list[tuple[float, str, ProbeOutcome]] = []

    def run(self, until: float) -> None:
        """Jump from event to event up to `until`."""
        while (due := min(self.fleet.next_due(), self._first_ending())) <= until:
            self.now = due
            for ending in [e for e in self._endings if e[0] <= due]:
                self._endings.remove(ending)
                self.fleet.receive(ending[1], ending[2], due)
            self.fleet.on_due(due)
            for output in self.fleet.drain(1_000):
                self._take(output)
        self.now = until

    def _first_ending(self) -> float:
        return min((e[0] for e in self._endings), default=math.inf)

    def _take(self, output: StartProbe | Transition) -> None:
        if isinstance(output, Transition):
            self.transitions.append((self.now, output.edge, output.answered))
            self.states.append(output.state)
            return
        edge = output.edge
        self.probes.append((self.now, edge))
        answers_at = self.now + self.answer_s
        alive = answers_at < self.dies.get(edge, math.inf) or answers_at > self.rises.get(
            edge, math.inf
        )
        ending = (answers_at, edge, OK) if alive else (self.now + 0.5, edge, TIMEOUT)
        self._endings.append(ending)


@pytest.mark.parametrize("answer_s", [0.001, 0.2, 0.499])
@pytest.mark.parametrize("seed", range(25))
def test_a_dead_edge_is_gone_within_three_seconds(seed: int, answer_s: float) -> None:
    """Whenever an edge dies, and however slow it was, it leaves the answers in under 3 s."""
    died = 110.0 + random.Random(seed).random() * 2
    world = World("a", "b", "c", answer_s=answer_s)
    world.dies["b"] = died
    world.run(120.0)
    [(left, edge, answered)] = world.transitions
    assert (edge, answered) == ("b", False)
    assert left - died <= TIMING.worst_case_s < 3.0
    assert world.fleet.down == ("b",)


def test_the_worst_case_is_real() -> None:
    """An edge that dies just after it answered takes as long as the docstring says."""
    world = World("a", answer_s=0.001)
    world.dies["a"] = 110.002
    world.run(120.0)
    assert world.transitions[0][0] - 110.0 == pytest.approx(TIMING.worst_case_s, abs=0.01)


def test_a_risen_edge_is_back_after_two_good_probes() -> None:
    """Recovery takes two successes in a row, so at most two intervals and an answer."""
    world = World("a", "b")
    world.dies["a"], world.rises["a"] = 105.0, 110.0
    world.run(120.0)
    (_, _, left), (back, _, answered) = world.transitions
    assert (left, answered) == (False, True)
    assert 1.0 < back - 110.0 < 2.1
    assert world.fleet.down == ()


@pytest.mark.parametrize(
    ("outcomes", "state", "changes"),
    [
        pytest.param([], EdgeState.UNKNOWN, "", id="never probed"),
        pytest.param([OK], EdgeState.UP, "", id="up at once"),
        pytest.param([REFUSED], EdgeState.UNSEEN, "", id="one failure is no news"),
        pytest.param([REFUSED, OK], EdgeState.UP, "", id="late by one probe"),
        pytest.param([REFUSED, REFUSED], EdgeState.ABSENT, "-", id="never there"),
        pytest.param([REFUSED] * 5, EdgeState.ABSENT, "-", id="absence is told once"),
        pytest.param([REFUSED] * 5 + [OK], EdgeState.UP, "-+", id="there at last"),
        pytest.param([OK, REFUSED], EdgeState.SUSPECT, "", id="suspect"),
        pytest.param([OK, TIMEOUT, OK], EdgeState.UP, "", id="a hiccup"),
        pytest.param([OK, TIMEOUT, REFUSED], EdgeState.DOWN, "-", id="two kinds of failure"),
        pytest.param([OK] + [REFUSED] * 5, EdgeState.DOWN, "-", id="told once"),
        pytest.param([OK, REFUSED, REFUSED, OK], EdgeState.RECOVERING, "-", id="one good probe"),
        pytest.param([OK, REFUSED, REFUSED, OK, REFUSED], EdgeState.DOWN, "-", id="relapse"),
        pytest.param([OK, REFUSED, REFUSED, OK, OK], EdgeState.UP, "-+", id="back"),
        pytest.param([OK, REFUSED, REFUSED, OK, OK, REFUSED], EdgeState.SUSPECT, "-+", id="again"),
    ],
)
def test_transitions(outcomes: list[ProbeOutcome], state: EdgeState, changes: str) -> None:
    """Two failures in a row take an edge out, two successes bring it back; told only then.

    One that has never answered is back after one.
    """
    fleet = Fleet(["a"], now=0.0)
    told = ""
    for outcome in outcomes:
        now = fleet.next_due()
        fleet.on_due(now)
        fleet.receive("a", outcome, now + 0.1)
        for output in fleet.drain(10):
            if isinstance(output, Transition):
                assert (output.outcome, output.state) == (outcome, fleet._watches["a"].state)
                told += "+" if output.answered else "-"
    answered = state not in {EdgeState.ABSENT, EdgeState.DOWN, EdgeState.RECOVERING}
    assert fleet._watches["a"].state is state
    assert told == changes
    assert fleet.down == (() if answered else ("a",))
    assert fleet.up == int(answered)


def test_an_edge_that_starts_late_is_only_absent() -> None:
    """While a network starts nobody is warned, and an edge is named from its first good probe on.

    It leaves the answers as quickly as one that has died.
    """
    world = World("a", "b")
    world.dies["a"], world.rises["a"] = 0.0, 108.0
    world.run(120.0)
    (left, _, _), (came, _, answered) = world.transitions
    assert left - 100.0 <= TIMING.worst_case_s
    assert (answered, came - 108.0 < TIMING.interval_s + 0.1) == (True, True)
    assert world.states == [EdgeState.ABSENT, EdgeState.UP]


def test_an_edge_that_never_comes_is_told_as_down() -> None:
    """Once, when every start would be over; from then on it must answer twice."""
    world = World("a", "b")
    world.dies["a"], world.rises["a"] = 0.0, 140.0
    world.run(150.0)
    assert world.states == [EdgeState.ABSENT, EdgeState.DOWN, EdgeState.UP]
    _, (missed, _, answered), (back, _, _) = world.transitions
    assert 0.0 <= missed - 100.0 - TIMING.absence_s < 2 * TIMING.interval_s
    assert not answered
    assert back - 140.0 > TIMING.interval_s


def test_probes_are_spread_over_the_interval() -> None:
    """Each of four edges has its own quarter of a second, and keeps it."""
    world = World("a", "b", "c", "d")
    world.run(102.9)
    phases: dict[str, set[float]] = {}
    for at, edge in world.probes:
        phases.setdefault(edge, set()).add(round((at - 100.0) % 1.0, 6))
    assert phases == {"a": {0.0}, "b": {0.25}, "c": {0.5}, "d": {0.75}}
    assert len(world.probes) == 12


def test_a_late_shell_causes_no_burst() -> None:
    """After a pause of ten seconds each edge is probed once, not ten times."""
    fleet = Fleet(["a", "b"], now=0.0)
    fleet.on_due(0.6)
    assert len(fleet.drain(10)) == 2
    fleet.receive("a", OK, 10.7)
    fleet.receive("b", OK, 10.7)
    fleet.on_due(10.7)
    assert fleet.drain(10) == []
    assert fleet.next_due() == pytest.approx(11.0)


def test_one_probe_at_a_time() -> None:
    """While a probe of an edge is out, no second one starts."""
    fleet = Fleet(["a"], now=0.0)
    fleet.on_due(0.0)
    fleet.on_due(5.0)
    assert fleet.drain(10) == [StartProbe(edge="a")]
    assert fleet.next_due() == math.inf


def test_drain_is_bounded() -> None:
    """Outputs come in the order in which they arose, at most as many as asked for."""
    fleet = Fleet(["a", "b", "c"], now=0.0)
    fleet.on_due(1.0)
    assert [len(fleet.drain(2)) for _ in range(3)] == [2, 1, 0]


def test_a_fleet_of_none() -> None:
    """A network without edges has nothing to do, ever."""
    assert Fleet([], now=0.0).next_due() == math.inf
