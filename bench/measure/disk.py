"""disk: what a store on disk costs in memory, in time at a start, and in CPU; and its budget."""

import http.client
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from prometheus_client import CollectorRegistry

from bench import midmile
from bench.bodies import SIZES
from bench.contestant import Contestant
from bench.errors import LoadError
from bench.form import Sample
from bench.load import keepalive
from bench.metric import Metric
from bench.midmile import Grounds
from bench.peers import nginx
from bench.place import HOST, Address, Place
from bench.processes import anonymous_bytes, cpu_s
from edge.aio.disk.index import Index
from edge.aio.disk.stock import Stock
from edge.cache.entry import Entry
from edge.metrics import DiskMetrics
from edge.store.record import decode, encode

PROGRAMS = ("nginx",)
_LARGE, _MIXED = 8 * 2**30, 64 * 2**20
"""Budgets: more than all objects of 1 KB take, and far less than the mixture does."""
_AT_ONCE = 5_000
_TWICE = 20
"""Objects that are asked for, and then again: they are still in memory, and now go to the disk."""
_PATIENCE_S = 30.0
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    rounds: int
    objects: int
    asked: int
    """Of those, for CPU per look-up and per store."""
    mixed: int
    """Of all sizes, between two looks at what they take."""
    looks: int


_FULL = _Scale(rounds=3, objects=1_000_000, asked=20_000, mixed=1_000, looks=4)
_SMOKE = _Scale(rounds=1, objects=2_000, asked=200, mixed=20, looks=1)


def measure(place: Place) -> list[Sample]:
    """One edge, whose store is filled by the product's own code: by HTTP it would take an hour."""
    scale = _SMOKE if place.smoke else _FULL
    with nginx.origin(place) as origin:
        samples = list(_kept(place.corner("kept"), scale, origin.http))
        samples += _budget(place.corner("mixed"), scale, origin.http)
    return samples


def _kept(place: Place, scale: _Scale, origin: Address) -> Iterator[Sample]:
    grounds = midmile.prepare(place, origin, "4GiB", disk=f"{_LARGE // 2**20}MiB")
    folder = _folder(grounds)
    with midmile.started(grounds, "parent"):
        with midmile.started(grounds, "edge") as edge:
            new = range(scale.asked)
            _cpu_us(edge, new)
            # Only what is asked for a second time goes to the disk.
            yield _sample("store", Metric.CPU_US_PER_REQUEST, _cpu_us(edge, new))
        example = _example(folder)
        empty: list[int] = []
        for _ in range(scale.rounds):
            shutil.rmtree(folder)
            began_s = time.perf_counter()
            with midmile.started(grounds, "edge") as edge:
                yield _sample("empty", Metric.START_MS, _ms_since(began_s))
                empty.append(anonymous_bytes(edge.pids))
        _fill(folder, example, scale.objects)
        place.say(f"filled with {scale.objects:,} objects")
        for before in empty:
            yield from _restarted(place, scale, grounds, before)


def _restarted(place: Place, scale: _Scale, grounds: Grounds, before: int) -> Iterator[Sample]:
    """A node on the full store."""
    case, began_s = f"objects-{scale.objects}", time.perf_counter()
    with midmile.started(grounds, "edge") as edge:
        yield _sample(case, Metric.START_MS, _ms_since(began_s))
        _expect(edge.http, scale.objects // 2)
        yield _sample(case, Metric.FIRST_HIT_MS, _ms_since(began_s))
        each = (anonymous_bytes(edge.pids) - before) / scale.objects
        yield _sample(case, Metric.RSS_BYTES_PER_OBJECT, each)
        place.say(f"{case}: {each:.1f} bytes each")
        asked = random.Random(_SEED).sample(range(scale.objects), scale.asked)
        for where in ("disk", "memory"):
            yield _sample(f"hit-{where}", Metric.CPU_US_PER_REQUEST, _cpu_us(edge, asked))


def _budget(place: Place, scale: _Scale, origin: Address) -> Iterator[Sample]:
    """All sizes come, many times what may stay; as counted, and as the file system has it."""
    grounds = midmile.prepare(place, origin, "16MiB", disk=f"{_MIXED // 2**20}MiB")
    rng = random.Random(_SEED)
    with midmile.started(grounds, "parent", "edge") as edge:
        for look in range(scale.looks):
            names = rng.choices([*SIZES], weights=[60, 25, 10, 5], k=scale.mixed)
            paths = [f"/objects/{name}?mixed={look}-{n}" for n, name in enumerate(names)]
            for first in range(0, len(paths), _TWICE):
                keepalive.fetch_all(edge.http, paths[first : first + _TWICE])
                keepalive.fetch_all(edge.http, paths[first : first + _TWICE])
            counted, files = _taken(_folder(grounds))
            place.say(f"mixed: counted {counted:,}, in files {files:,} of {_MIXED:,}")
            for case, taken in (("mixed/counted", counted), ("mixed/files", files)):
                yield _sample(case, Metric.BUDGET_PERCENT, 100 * taken / _MIXED)


def _expect(where: Address, number: int) -> None:
    """Have an object that is not to be fetched (RFC 9111 5.2.1.7).

    That is refused until the node has heard of a parent: something may have been purged.
    """
    connection = http.client.HTTPConnection(*where, timeout=30.0)
    until_s, status = time.monotonic() + _PATIENCE_S, 0
    try:
        while status != http.HTTPStatus.OK:
            if time.monotonic() > until_s:
                raise LoadError(f"{_path(number)}: {status}, though it is stored")
            asked = {"Host": HOST, "Cache-Control": "only-if-cached"}
            connection.request("GET", _path(number), headers=asked)
            with connection.getresponse() as response:
                response.read()
                status = response.status
    finally:
        connection.close()


def _sample(case: str, metric: Metric, value: float) -> Sample:
    return Sample(case=case, metric=metric, contestant="midmile", value=value)


def _path(number: int) -> str:
    return f"/objects/1KB?object={number:07}"


def _folder(grounds: Grounds) -> Path:
    return grounds.home / "var" / "nodes" / "edge" / "cache"


def _ms_since(began_s: float) -> float:
    return 1e3 * (time.perf_counter() - began_s)


def _cpu_us(edge: Contestant, numbers: range | list[int]) -> float:
    before_s = cpu_s(edge.pids)
    answered = keepalive.fetch_all(edge.http, map(_path, numbers))
    return 1e6 * (cpu_s(edge.pids) - before_s) / answered


def _example(folder: Path) -> Entry:
    """Of the objects that a node has stored, one; in the store's time."""
    with closing(Index(folder)) as index:
        stored = index.some(b"", 1)
    if not stored:
        raise LoadError("nothing was stored on disk")
    return decode(stored[0][1]).entry


def _fill(folder: Path, example: Entry, objects: int) -> None:
    """Store so many like this one, as a keeper does."""
    site = example.key.rpartition(" ")[0]
    with closing(Index(folder, budget_bytes=_LARGE)) as index:
        facts = index.facts()
        if facts is None:
            raise LoadError("the node has left no store")
        stock = Stock(facts, _LARGE, DiskMetrics(CollectorRegistry()))
        for first in range(0, objects, _AT_ONCE):
            with index.change() as change:
                for number in range(first, min(first + _AT_ONCE, objects)):
                    entry = replace(example, key=f"{site} {_path(number)}")
                    stock.keep(change, encode(entry, facts.event, shift_s=0.0))
                change.know(stock.facts)
        index.sync()


def _taken(folder: Path) -> tuple[int, int]:
    """What the store says that it takes, and the blocks of its files."""
    with closing(Index(folder)) as index:
        facts = index.facts()
    if facts is None:
        raise LoadError("there is no store")
    blocks = 0
    for path in folder.rglob("*"):
        try:
            blocks += path.stat().st_blocks
        except FileNotFoundError:  # it has just been evicted
            continue
    return facts.size_bytes, 512 * blocks
