"""Rates of the last seconds, and the ring of the last minutes."""

import pytest

from deploy.overview.meter import Meter
from deploy.overview.rings import STEP_S, STEPS, Ring
from tests.deploy.overview.samples import beat, worker


def test_a_rate_is_of_the_last_seconds() -> None:
    """A burst is forgotten after some seconds, though the counter keeps it."""
    meter = Meter()
    assert meter.rate("requests") == 0
    for second, requests in enumerate((0, 100, 200, 200, 200, 200, 200, 200)):
        meter.receive(beat(requests=requests), float(second))
        if second == 2:
            assert meter.rate("requests") == 100
    assert meter.rate("requests") == 0


def test_a_counter_that_begins_anew_does_not_run_backwards() -> None:
    """A worker's CPU time begins at zero with its next process."""
    meter = Meter()
    meter.receive(beat(workers=[worker(cpu_s=50.0)]), 0.0)
    meter.receive(beat(workers=[worker(cpu_s=0.5)]), 1.0)
    assert meter.rate("worker/0/cpu_s") == 0.5


def test_a_node_that_died_does_nothing() -> None:
    """Its rates are 0 at once, and its next keeper's first numbers are no burst."""
    meter = Meter()
    for second in range(4):
        meter.receive(beat(requests=50 * second), float(second))
    meter.lost()
    assert meter.rate("requests") == 0
    meter.receive(beat(requests=7), 9.0)
    meter.receive(beat(requests=9), 10.0)
    assert meter.rate("requests") == 2
    assert sum(meter.rings["requests"].last(14.0)) == pytest.approx(152)


def test_a_heartbeat_that_makes_no_sense_is_taken_as_nothing() -> None:
    """A keeper of another version does not break the supervisor."""
    meter = Meter()
    meter.receive({"requests": "many", "sites": [], "upstreams": {"a": 3}}, 0.0)
    meter.receive({}, 1.0)
    assert meter.rate("requests") == 0


def test_amounts_are_spread_over_the_steps_they_cover() -> None:
    """Heartbeats that drift against the steps leave no teeth in the curve."""
    ring, now = Ring(), 0.0
    while now < 100:
        ring.add(now, now + 1.07, 1.07)
        now += 1.07
    assert ring.last(now, 20) == pytest.approx([STEP_S] * 20)


def test_a_ring_forgets() -> None:
    """What is older than the ring is gone, also where nothing came since."""
    ring = Ring()
    ring.add(0.0, 1.0, 5.0)
    assert sum(ring.last(10.0)) == pytest.approx(5)
    assert sum(ring.last(10.0 + STEPS * STEP_S)) == 0
    ring.add(0.0, 5000.0, 5000.0)  # a heartbeat after a long silence
    assert ring.last(5010.0, STEPS)[:10] == pytest.approx([STEP_S] * 10)
    assert len(ring.last(5010.0)) == STEPS
