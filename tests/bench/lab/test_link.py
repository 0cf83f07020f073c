"""One direction of a link, on a fake clock."""

from itertools import groupby, pairwise
from typing import Any

import pytest

from bench.lab.link import Conditions, Drop, Link

_MANY = 100_000


def _link(seed: str = "seed", **conditions: Any) -> Link:
    return Link(Conditions(**conditions), seed=seed)


def _fates(link: Link, packets: int) -> list[bool]:
    """Of each packet, whether it came out."""
    return [link.carry(1000, second) is not None for second in range(packets)]


def test_without_conditions_there_is_no_distance() -> None:
    """A packet comes out when it enters."""
    assert _link().carry(1500, 7.0) == 7.0


def test_the_delay_is_exact() -> None:
    """To the float."""
    assert _link(delay_ms=40).carry(1500, 1.0) == 1.04


def test_the_rate_is_that_of_ip_packets() -> None:
    """At 12 Mbit/s a packet of 1,500 bytes takes a millisecond, and the next waits for it."""
    link = _link(mbit=12, queue_bytes=10_000, delay_ms=5)
    assert [link.carry(1500, 0.0) for _ in range(3)] == pytest.approx([0.006, 0.007, 0.008])
    assert link.carry(1500, 1.0) == pytest.approx(1.006), "an idle link has no memory"


def test_the_queue_is_in_bytes_and_drops_its_tail() -> None:
    """What is on the wire counts; three packets fit in 4,500 bytes, and one more after one left."""
    link = _link(mbit=12, queue_bytes=4500)
    came = [link.carry(1500, 0.0) for _ in range(4)]
    assert came[:3] == pytest.approx([0.001, 0.002, 0.003])
    assert came[3] is None
    assert link.carry(1500, 0.001) == pytest.approx(0.004)
    counted = link.statistics()
    assert (counted.packets, counted.bytes, counted.drops[Drop.QUEUE]) == (4, 6000, 1)
    assert counted.queue_max_ms == pytest.approx(2)
    assert counted.queue_mean_ms == pytest.approx((0 + 1 + 2 + 2) / 4)


def test_small_packets_fill_what_large_ones_leave() -> None:
    """The queue has bytes, not places."""
    link = _link(mbit=12, queue_bytes=1600)
    came = [link.carry(size, 0.0) is not None for size in (1500, 1500, 100, 100)]
    assert came == [True, False, True, False]


def test_an_empty_queue_takes_any_packet() -> None:
    """Even one larger than the queue: it goes straight to the wire."""
    assert _link(mbit=12, queue_bytes=0).carry(1500, 0.0) == pytest.approx(0.001)


def test_single_losses_are_single() -> None:
    """Their share is as asked, and runs are as short as chance makes them."""
    fates = _fates(_link(loss=0.02), _MANY)
    lost = fates.count(False)
    assert lost == pytest.approx(0.02 * _MANY, rel=0.1)
    runs = sum(1 for came, _ in groupby(fates) if not came)
    assert lost / runs == pytest.approx(1 / 0.98, rel=0.02)


def test_bursts_have_the_stated_length_and_share() -> None:
    """Mean length four, two percent of all packets; runs vary as geometric ones do."""
    fates = _fates(_link(burst_loss=0.02, burst_packets=4), 5 * _MANY)
    runs = [len([*run]) for came, run in groupby(fates) if not came]
    assert sum(runs) == pytest.approx(0.02 * 5 * _MANY, rel=0.1)
    assert sum(runs) / len(runs) == pytest.approx(4, rel=0.1)
    assert sum(run == 1 for run in runs) / len(runs) == pytest.approx(1 / 4, rel=0.15)


def test_both_kinds_of_loss_add_up() -> None:
    """Single losses strike outside bursts."""
    conditions = Conditions(loss=0.01, burst_loss=0.01, burst_packets=4.5)
    link = Link(conditions, seed="x")
    lost = _fates(link, 3 * _MANY).count(False)
    assert conditions.total_loss == pytest.approx(0.0199)
    assert lost == pytest.approx(conditions.total_loss * 3 * _MANY, rel=0.1)
    assert link.statistics().drops[Drop.LOSS] == lost


def test_a_seed_settles_every_fate() -> None:
    """The same seed gives the same losses, another seed others."""
    first, again, other = (
        _fates(_link(seed, loss=0.1, burst_loss=0.1, burst_packets=3), 1000)
        for seed in ("1", "1", "2")
    )
    assert first == again
    assert first != other


def test_fates_do_not_hang_on_time_jitter_or_queue() -> None:
    """The n-th packet that enters is lost or not, whatever else happens on the link."""
    plain = _link(loss=0.2)
    busy = _link(loss=0.2, jitter_ms=30, mbit=1, queue_bytes=100_000_000)
    assert _fates(plain, 1000) == [busy.carry(900, 0.001 * n) is not None for n in range(1000)]


def test_jitter_keeps_the_order() -> None:
    """A late packet holds back those behind it, and none is late by more than asked."""
    link = _link(delay_ms=20, jitter_ms=10)
    sent = [0.001 * number for number in range(1000)]
    came = [link.carry(100, now) or 0 for now in sent]
    assert came == sorted(came)
    extra = [1e3 * (arrived - now) - 20 for arrived, now in zip(came, sent, strict=True)]
    assert min(extra) >= 0
    assert max(extra) <= 10
    assert max(extra) - min(extra) > 5, "there is jitter at all"


def test_jitter_overtakes_where_asked() -> None:
    """With `reorder` packets arrive as their own delay has it."""
    link = Link(Conditions(jitter_ms=10, reorder=True), seed="x")
    came = [link.carry(100, 0.001 * number) or 0 for number in range(100)]
    assert any(later < earlier for earlier, later in pairwise(came))


def test_a_cut_takes_everything_until_healed() -> None:
    """What is on its way arrives, what enters does not."""
    link = _link(delay_ms=10)
    assert link.carry(100, 0.0) == 0.01
    link.change(Conditions(delay_ms=10, cut=True))
    assert link.carry(100, 0.001) is None
    link.change(Conditions(delay_ms=10))
    assert link.carry(100, 0.002) == pytest.approx(0.012)
    assert link.statistics().drops == {Drop.CUT: 1, Drop.LOSS: 0, Drop.QUEUE: 0}


def test_a_shorter_way_overtakes_nothing() -> None:
    """After a change to a smaller delay the next packet comes right behind the one before."""
    link = _link(delay_ms=100)
    assert link.carry(100, 0.0) == 0.1
    link.change(Conditions(delay_ms=10))
    assert link.carry(100, 0.01) == 0.1
    assert link.carry(100, 0.2) == pytest.approx(0.21)


def test_a_slower_rate_waits_for_what_is_queued() -> None:
    """The queue drains at its old pace; what comes behind it leaves at the new one."""
    link = _link(mbit=12, queue_bytes=100_000)
    assert [link.carry(1500, 0.0) for _ in range(2)] == pytest.approx([0.001, 0.002])
    link.change(Conditions(mbit=1.2, queue_bytes=100_000))
    assert link.carry(1500, 0.0) == pytest.approx(0.012)


def test_counts_begin_anew_after_a_reset() -> None:
    """Also the longest wait."""
    link = _link(mbit=12, queue_bytes=3000)
    for _ in range(5):
        link.carry(1500, 0.0)
    link.reset()
    counted = link.statistics()
    assert (counted.packets, counted.bytes, sum(counted.drops.values())) == (0, 0, 0)
    assert (counted.queue_mean_ms, counted.queue_max_ms) == (0, 0)


@pytest.mark.parametrize(
    ("conditions", "word"),
    [
        ({"delay_ms": -1}, "delay_ms"),
        ({"mbit": -1}, "mbit"),
        ({"loss": 1.1}, "loss"),
        ({"burst_loss": -0.1}, "burst_loss"),
        ({"burst_loss": 0.1, "burst_packets": 0.5}, "burst_packets"),
        ({"burst_loss": 0.9, "burst_packets": 2}, "so short"),
    ],
)
def test_impossible_conditions_are_refused(conditions: dict[str, Any], word: str) -> None:
    """With the name of what is wrong."""
    with pytest.raises(ValueError, match=word):
        _link(**conditions)
