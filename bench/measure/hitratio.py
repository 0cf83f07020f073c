"""hitratio: how often our store misses, beside the policies of libcachesim, on the same traces.

No server runs and nothing is timed: these are exact numbers, the same on every machine.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

from bench.data.traces import Trace, adapt_size, unit_sized, zipf_mix
from bench.form import Sample
from bench.metric import Metric
from bench.place import Place
from edge.cache.entry import Entry
from edge.config import DEFAULT_LIMITS
from edge.message import Response
from edge.moment import Moment
from edge.store.memory import MemoryStore, cost_bytes

PROGRAMS = ()
_SHARES = ((0.001, "0.1"), (0.01, "1"), (0.1, "10"))
"""Cache sizes as parts of the footprint, and as cases name them, in per cent."""
_FAVOUR = 4096
"""Our store counts what an entry costs beside its body, which no policy of libcachesim does. Sizes
are multiplied by this, so that the cost can be taken off the body and the entry weighs exactly as
much as the trace says. No policy changes with the unit of size."""
_RECORD = struct.Struct("<IQIq")
_NEVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """Shares of requests and of bytes that were not in the cache."""

    objects: float
    bytes: float


class _Policy(Protocol):
    def process_trace(self, reader: Any) -> tuple[float, float]: ...


def measure(place: Place) -> list[Sample]:
    """Every trace, cache size and policy."""
    samples: list[Sample] = []
    for trace in _traces(smoke=place.smoke):
        file = oracle_file(trace, place.home / f"{trace.name}.bin")
        footprint = trace.footprint_bytes
        place.say(f"{trace.name}: {len(trace.requests)} requests, footprint {footprint}")
        for share, percent in _SHARES:
            size = int(footprint * share)
            found = {"midmile": ours(trace, size)} | _theirs(file, trace, size)
            case = f"{trace.name}/{percent}"
            place.say(f"{case}: midmile misses {found['midmile'].objects:.1%} of the requests")
            samples += _samples(case, found)
    return samples


def _traces(*, smoke: bool) -> Iterator[Trace]:
    if smoke:
        yield zipf_mix(2_000, objects=500)
        return
    yield from map(unit_sized, ("web07", "web12", "orm-busy-first-million"))
    yield adapt_size()
    yield zipf_mix(500_000)


def _samples(case: str, found: Mapping[str, Misses]) -> Iterator[Sample]:
    for name, misses in found.items():
        for metric, value in (
            (Metric.OBJECT_MISS_PERCENT, misses.objects),
            (Metric.BYTE_MISS_PERCENT, misses.bytes),
        ):
            yield Sample(case=case, metric=metric, contestant=name, value=value * 100)


class _Weight(bytes):
    """A body that weighs what it is told, and holds nothing."""

    def __new__(cls, size: int) -> Self:
        """Of a size."""
        body = super().__new__(cls)
        body.size = size
        return body

    size: int

    def __len__(self) -> int:
        """Its weight."""
        return self.size


def ours(trace: Trace, size_bytes: int) -> Misses:
    """Replay a trace through the edge's store, with its admission and eviction."""
    store = MemoryStore(size_bytes * _FAVOUR, object_bytes=DEFAULT_LIMITS.object_bytes * _FAVOUR)
    missed = missed_bytes = total_bytes = 0
    for number, size in trace.requests:
        key = str(number)
        total_bytes += size
        if store.get(key):
            continue
        missed += 1
        missed_bytes += size
        store.put(_weighing(key, size * _FAVOUR), store.mark())
    return Misses(objects=missed / len(trace.requests), bytes=missed_bytes / total_bytes)


def _weighing(key: str, size: int) -> Entry:
    body = _Weight(size - cost_bytes(_entry(key, b"")))
    return _entry(key, body)


def _entry(key: str, body: bytes) -> Entry:
    return Entry(
        key=key,
        response=_RESPONSE,
        body=body,
        selecting=(),
        received=_THEN,
        date_s=0,
        initial_age_s=0,
        lifetime_s=1e9,
        always_validate=False,
        never_stale=False,
    )


_RESPONSE = Response(status=200)
_THEN = Moment(wall_s=0, mono_s=0)


def _theirs(file: Path, trace: Trace, size: int) -> dict[str, Misses]:
    # GPL, and of no use to a user: it comes with the extra `bench` only.
    import libcachesim  # type: ignore[import-untyped]

    mean = trace.footprint_bytes / len(dict(trace.requests))
    policies: dict[str, partial[_Policy]] = {
        "lru": partial(libcachesim.LRU, size),
        "s3-fifo": partial(libcachesim.S3FIFO, size),
        "sieve": partial(libcachesim.Sieve, size),
        # Its window is 1 % of the cache; where that holds not even two objects it would admit none.
        "w-tinylfu": partial(
            libcachesim.WTinyLFU, size, window_size=min(0.5, max(0.01, 2 * mean / size))
        ),
        "belady": partial(libcachesim.Belady, size),
    }
    found: dict[str, Misses] = {}
    for name, make in policies.items():
        reader = libcachesim.TraceReader(str(file), libcachesim.TraceType.ORACLE_GENERAL_TRACE)
        objects, in_bytes = make().process_trace(reader)
        found[name] = Misses(objects=objects, bytes=in_bytes)
    return found


def oracle_file(trace: Trace, file: Path) -> Path:
    """Write a trace as libcachesim's `oracleGeneral`: with each object's next request."""
    following: dict[int, int] = {}
    records: list[bytes] = []
    requests: Sequence[tuple[int, int]] = trace.requests
    for at in range(len(requests) - 1, -1, -1):
        number, size = requests[at]
        records.append(_RECORD.pack(at, number, size, following.get(number, _NEVER)))
        following[number] = at
    file.write_bytes(b"".join(reversed(records)))
    return file
