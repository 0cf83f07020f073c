"""How slow a transfer may be, on a clock that the test moves."""

import pytest

from edge.pace import Pace, Slowness, Tempo

TEMPO = Tempo(stall_s=30, least_bytes_s=500, slack_s=60)


def ended(tempo: Tempo, size: int, every_s: float, most_s: float = 3_600) -> object:
    """When a transfer of `size` bytes each `every_s` seconds is given up, and why."""
    pace, moved, now_s = Pace(tempo, 0, 0.0), 0, 0.0
    while now_s < most_s:
        now_s += every_s
        moved += size
        if (slowness := pace.look(tempo, moved, now_s)) is not None:
            return slowness, now_s
    return None


@pytest.mark.parametrize(
    ("size", "every_s", "expected"),
    [
        (500, 1, None),
        (15_000, 29, None),
        (1, 1, (Slowness.TOO_SLOW, 61)),
        (1, 29, (Slowness.TOO_SLOW, 87)),
        (250, 1, (Slowness.TOO_SLOW, 121)),
        (0, 1, (Slowness.STALLED, 31)),
    ],
)
def test_what_is_slow(size: int, every_s: float, expected: object) -> None:
    """The least rate may be had in small pieces or large ones; below it the slack is used up."""
    assert ended(TEMPO, size, every_s) == expected


def test_haste_earns_no_more_than_the_slack() -> None:
    """Who was quick for an hour has no hour to be slow."""
    pace = Pace(TEMPO, 0, 0.0)
    assert pace.look(TEMPO, 10**12, 1.0) is None
    assert pace.look(TEMPO, 10**12 + 1, 30.0) is None
    assert pace.look(TEMPO, 10**12 + 2, 59.0) is None
    assert pace.look(TEMPO, 10**12 + 3, 62.0) is Slowness.TOO_SLOW


def test_time_that_was_not_the_clients() -> None:
    """It counts neither as a pause nor against the rate."""
    pace = Pace(TEMPO, 0, 0.0)
    pace.excuse(1_000.0)
    assert pace.look(TEMPO, 0, 1_030.0) is None
    assert pace.look(TEMPO, 0, 1_031.0) is Slowness.STALLED


def test_any_rate() -> None:
    """0 asks for nothing but that something moves."""
    tempo = Tempo(stall_s=30, least_bytes_s=0, slack_s=60)
    assert ended(tempo, 1, 29) is None
    assert ended(tempo, 0, 29) == (Slowness.STALLED, 58)


def test_a_clock_that_is_read_late() -> None:
    """A look with an earlier time than the last one takes nothing away."""
    pace = Pace(TEMPO, 0, 100.0)
    assert pace.look(TEMPO, 1, 90.0) is None
    assert pace.look(TEMPO, 2, 119.0) is None
