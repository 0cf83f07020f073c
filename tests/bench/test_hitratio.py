"""Replays through our store are exact, and the policies beside it see the same trace."""

from pathlib import Path

import pytest

from bench.data.traces import Trace, adapt_size, unit_sized, zipf_mix
from bench.measure.hitratio import Misses, oracle_file, ours
from edge.cache.key import Key
from edge.config import DEFAULT_LIMITS
from edge.store import memory
from edge.store.eviction import Eviction

_SMALL = Trace(name="small", requests=[(1, 10), (2, 20), (1, 10), (3, 30), (2, 20), (1, 10)])


@pytest.mark.parametrize(
    ("size", "objects", "in_bytes"),
    [(60, 3 / 6, 60 / 100), (30, 5 / 6, 90 / 100), (10, 4 / 6, 80 / 100), (5, 1, 1)],
)
def test_an_entry_weighs_what_the_trace_says(size: int, objects: float, in_bytes: float) -> None:
    """To the byte: what our store counts beside a body does not show."""
    assert ours(_SMALL, size) == Misses(objects=objects, bytes=in_bytes)


class _ByRecency(Eviction):
    """Lets go of what was used least recently, whatever suits better."""

    def __init__(self, budget_bytes: int) -> None:
        super().__init__(budget_bytes)
        self._queues.by_recency = True

    def evict(self) -> Key:
        """The least recently used key."""
        return self._queues.evict()


def test_our_store_is_measured_as_the_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it evicts what was used least recently, libcachesim's LRU misses exactly as much.

    But for what is too large for our store to take at all, which is left out here.
    """
    mix = zipf_mix(3_000, objects=300)
    requests = [one for one in mix.requests if one[1] < DEFAULT_LIMITS.object_bytes]
    trace = Trace(name="mix", requests=requests)
    libcachesim = pytest.importorskip("libcachesim")
    monkeypatch.setattr(memory, "Eviction", _ByRecency)
    file = oracle_file(trace, tmp_path / "trace")
    for share in (0.05, 0.5):
        size = int(trace.footprint_bytes * share)
        reader = libcachesim.TraceReader(str(file), libcachesim.TraceType.ORACLE_GENERAL_TRACE)
        objects, in_bytes = libcachesim.LRU(size).process_trace(reader)
        found = ours(trace, size)
        assert (found.objects, found.bytes) == pytest.approx((objects, in_bytes), abs=1e-9)


@pytest.mark.parametrize(
    ("trace", "requests", "objects"),
    [
        ("web07", 76_118, 20_484),
        ("web12", 95_607, 13_756),
        ("orm-busy-first-million", 1_000_000, 44_178),
        ("adapt-size", 66_987, 36_815),
    ],
)
def test_traces_are_what_their_source_says(trace: str, requests: int, objects: int) -> None:
    """As many requests and objects as `bench/data/traces/README.md` tells."""
    found = adapt_size() if trace == "adapt-size" else unit_sized(trace)
    assert found.name == trace
    assert len(found.requests) == requests
    assert len(dict(found.requests)) == objects


def test_a_made_up_mix_is_the_same_each_time() -> None:
    """By its seed; most requests are for small objects, most bytes are in large ones."""
    one, other = zipf_mix(2_000, objects=100), zipf_mix(2_000, objects=100)
    assert one == other
    large = [size for _, size in one.requests if size >= 5_000_000]
    assert len(large) < 0.05 * len(one.requests)
    assert sum(large) > 0.5 * sum(size for _, size in one.requests)
