"""The store on disk: what is there, for whom, and for how long."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from edge.aio.clocks import now
from edge.aio.disk import shelf as shelving
from edge.aio.disk.index import Facts, Index
from edge.cache.entry import Entry
from edge.cache.slices import Slice
from edge.purge_log import Caught, Numbered, Position
from edge.store.purges import Purge
from edge.store.record import SMALL_BYTES, encode, index_key
from tests.edge.aio.disk.node import TAG, Node, entry, node, until

SMALL, LARGE = entry("small"), entry("large", 100_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a store is."""
    return tmp_path / "cache"


def mode(path: Path) -> int:
    """Who may do what with it."""
    return path.stat().st_mode & 0o777


def files(folder: Path) -> list[Path]:
    """The bodies that have a file."""
    return sorted((folder / "bodies").glob("??/*"))


@pytest.mark.parametrize("stored", [SMALL, LARGE], ids=["small", "large"])
async def test_what_one_worker_stores_all_have(folder: Path, stored: object) -> None:
    """As it was; and so has the next run."""
    wanted = SMALL if stored is SMALL else LARGE
    async with node(folder, workers=2) as one:
        one.shelf.keep(wanted)
        await one.holds(1)
        for worker in one.workers:
            assert worker.shelf.load(wanted.key) == (wanted,)
            assert worker.shelf.has(wanted.key)
            assert worker.shelf.load(entry("other").key) == ()
            assert worker.found == ["hit", "miss"]
    async with node(folder) as next_run:
        assert next_run.shelf.load(wanted.key) == (wanted,)
        assert next_run.count("objects") == 1


async def test_heads_are_had_without_large_bodies(folder: Path) -> None:
    """To know that something is there, and what, no file is read."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        one.shelf.keep(LARGE)
        await one.holds(2)
        for file in files(folder):
            file.unlink()
        assert one.shelf.heads(SMALL.key) == (SMALL,)
        assert one.shelf.heads(LARGE.key) == (replace(LARGE, body=b""),)


async def test_nobody_else_can_read_it(folder: Path) -> None:
    """The folder is its owner's."""
    async with node(folder) as one:
        one.shelf.keep(LARGE)
        await one.holds(1)
        assert mode(folder) == 0o700


async def test_variants_are_kept_apart(folder: Path) -> None:
    """Each can be replaced, and dropped, without the others."""
    first, second = entry(variant="1"), entry(variant="2")
    async with node(folder) as one:
        one.shelf.keep(first)
        one.shelf.keep(second)
        await one.holds(2)
        assert set(one.shelf.load(first.key)) == {first, second}
        newer = replace(first, body=b"newer")
        one.shelf.keep(newer)
        one.shelf.drop(second)
        await one.holds(1)
        assert one.shelf.load(first.key) == (newer,)


@pytest.mark.parametrize("size", [SMALL_BYTES, SMALL_BYTES + 1])
async def test_what_is_dropped_is_not_read_again(folder: Path, size: int) -> None:
    """Not even before the keeper has heard of it; its file goes, too."""
    stored = entry(size=size)
    async with node(folder) as one:
        one.shelf.keep(stored)
        await one.holds(1)
        one.shelf.drop(stored)
        assert one.shelf.load(stored.key) == ()
        await one.shelf.outbox.settled()
        assert one.count("objects") == 0
        assert one.shelf.load(stored.key) == ()
        await until(lambda: not files(folder))


async def test_what_is_dropped_while_it_is_written_is_not_stored(folder: Path) -> None:
    """The body may be a file already, or not yet."""
    async with node(folder) as one:
        one.shelf.keep(LARGE)
        one.shelf.drop(LARGE)
        one.shelf.keep(SMALL)
        await one.holds(1)
        await until(lambda: not files(folder))
        assert one.shelf.load(LARGE.key) == ()


async def test_an_invalidation_reaches_all(folder: Path) -> None:
    """What is stored, what others have in memory, and what they fetched before they heard of it."""
    async with node(folder, workers=2) as one:
        mine, other = one.workers
        mine.shelf.keep(SMALL)
        mine.shelf.keep(replace(SMALL, key=Slice(3).key(SMALL.key)))
        await one.holds(2)
        mine.shelf.invalidate(SMALL.key)
        other.shelf.keep(SMALL)  # it knows nothing of that yet
        assert mine.shelf.load(SMALL.key) == ()
        await mine.shelf.outbox.settled()
        assert other.invalidated == [SMALL.key]
        assert mine.invalidated == []
        other.shelf.keep(LARGE)
        await one.holds(1)
        assert mine.shelf.load(SMALL.key) == ()
        # What is fetched from now on is stored.
        other.shelf.keep(SMALL)
        await one.holds(2)


async def test_waiting_for_others_has_an_end(folder: Path) -> None:
    """A keeper that says nothing does not keep a visitor waiting."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
        said = one.heard
        one.heard = []
        await one.keeper.stop()
        one.shelf.invalidate(SMALL.key)
        async with asyncio.timeout(5):
            await one.shelf.outbox.settled()
        assert one.shelf.load(SMALL.key) == ()
        one.heard = said


@pytest.mark.parametrize("again", [False, True], ids=["this run", "the next"])
async def test_purges_are_compared_when_it_is_read(folder: Path, again: bool) -> None:
    """By who was there, and by who was not."""
    async with node(folder) as one:
        for stored in (SMALL, LARGE):
            one.shelf.keep(stored)
        await one.holds(2)
        one.purge(TAG, position="p=1a:1")
        later = entry("later")
        one.shelf.keep(later)
        if not again:
            assert await used(one, folder) == (later,)
    if again:
        async with node(folder) as next_run:
            assert await used(next_run, folder) == (later,)


async def used(one: Node, folder: Path) -> tuple[Entry, ...]:
    """What may be used of all that was stored, when all else is gone."""
    keys = [SMALL.key, LARGE.key, entry("later").key]
    at_once = [one.shelf.load(key) for key in keys[:2]]
    assert at_once == [(), ()], "it is not even swept"
    assert str(one.keeper.position) == "p=1a:1"
    await one.holds(1)
    await until(lambda: not files(folder))
    return tuple(found for key in keys for found in one.shelf.load(key))


async def test_what_was_fetched_before_a_purge_is_not_stored(folder: Path) -> None:
    """Its worker did not know of it yet."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        one.shelf.keep(LARGE)
        one.keeper.purge(_caught(TAG))
        other = replace(entry("other"), tags=frozenset())
        one.shelf.keep(other)
        await one.holds(1)
        await until(lambda: not files(folder))
        assert one.shelf.load(other.key) == (other,)
        assert one.shelf.load(SMALL.key) == one.shelf.load(LARGE.key) == ()


async def test_a_workers_own_purge_reaches_all(folder: Path) -> None:
    """Until that is done it reads nothing of the site."""
    async with node(folder, workers=2) as one:
        mine, other = one.workers
        mine.shelf.keep(SMALL)
        await one.holds(1)
        mine.shelf.purge([TAG])
        assert mine.shelf.load(SMALL.key) == ()
        await mine.shelf.outbox.settled()
        assert other.purged == [TAG]
        assert mine.purged == []
        assert mine.shelf.load(SMALL.key) == other.shelf.load(SMALL.key) == ()


async def test_a_soft_purge_ages_what_is_read(folder: Path) -> None:
    """It is stale, and may be used for a while."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
        one.purge(replace(TAG, soft=True))
        (aged,) = one.shelf.load(SMALL.key)
        assert aged.ttl_s(now()) <= 0 < SMALL.ttl_s(now())
        assert aged.stale_while_revalidate_s > 0


async def test_everything_goes(folder: Path) -> None:
    """Also what is on its way from before."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        one.shelf.keep(LARGE)
        await one.holds(2)
        one.shelf.keep(entry("late"))
        one.purge(everything=True, position="p=1a:7")
        assert one.shelf.load(SMALL.key) == one.shelf.load(LARGE.key) == ()
        assert one.count("objects") == one.count("bytes") == 0
        await until(lambda: not files(folder))
    async with node(folder) as next_run:
        assert str(next_run.keeper.position) == "p=1a:7"
        assert next_run.count("objects") == 0


async def test_the_budget_holds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was used stays, the oldest of the rest goes, and no file is left behind."""
    monkeypatch.setattr(shelving, "USES_S", 0.01)
    budget_bytes = 1_000_000
    async with node(folder, budget_bytes=budget_bytes) as one:
        names = [f"{number}" for number in range(30)]
        for name in names:
            one.shelf.keep(entry(name, 100_000))
            await until(lambda name=name: one.shelf.load(entry(name).key))  # type: ignore[misc]
            one.shelf.used(entry("0").key)
            await until(lambda: one.shelf.load(entry("0").key))
            assert (one.count("bytes") or 0) <= budget_bytes
            await until(lambda: any(said["kind"] == "disk-used" for said in one.heard))
            one.heard.clear()
            if name == "12":
                break
        there = [name for name in names if one.shelf.load(entry(name).key)]
        assert there[0] == "0"
        assert there[1:] == names[13 - len(there) + 1 : 13]
        assert one.count("evictions_total") == 13 - len(there)
        await until(lambda: len(files(folder)) == len(there))


async def test_damage_is_found(folder: Path) -> None:
    """A body that is another, or gone, is used no more, and dropped."""
    async with node(folder) as one:
        for path in ("a", "b", "c"):
            one.shelf.keep(entry(path, 20_000, fill=path.encode()))
        await one.holds(3)
        first, second, third = files(folder)
        swapped = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(swapped[:-1])
        third.unlink()
        for path in ("a", "b", "c"):
            assert one.shelf.load(entry(path).key) == ()
        await one.holds(0)
        assert one.workers[0].found.count("damaged") == 3


async def test_strays_are_swept_away(folder: Path) -> None:
    """Files of no record, once they are old enough; no others."""
    async with node(folder) as one:
        one.shelf.keep(LARGE)
        await one.holds(1)
    (kept,) = files(folder)
    strays = [kept.with_name("ab-cd"), kept.with_name(f"{kept.name}0"), kept.with_suffix(".new")]
    for stray in strays:
        stray.write_bytes(b"x")
    for file in (*strays, kept):
        os.utime(file, (0, 0))
    young = kept.with_name("12-34")
    young.write_bytes(b"x")
    async with node(folder) as one:
        await until(lambda: files(folder) == sorted([kept, young]))
        assert one.shelf.load(LARGE.key) == (LARGE,)


async def test_a_killed_keeper_loses_nothing_that_was_written(folder: Path) -> None:
    """The next one goes on, also with what it does not know to be clean."""
    one = Node(folder)
    await one.start()
    one.shelf.keep(SMALL)
    await one.holds(1)
    one.shelf.stop()
    index = one.keeper._index  # as the system does when a process is killed
    assert index is not None
    index.close()
    async with node(folder) as next_run:
        assert next_run.shelf.load(SMALL.key) == (SMALL,)


def _caught(*purges: Purge) -> Caught:
    return Caught(
        position=Position(),
        records=tuple(Numbered(parent="p", stamp="1a", number=1, purge=each) for each in purges),
        everything=False,
    )


def _facts(folder: Path, **changes: object) -> None:
    """Change what a closed store says of itself."""
    index = Index(folder, budget_bytes=1_000_000)
    facts = index.facts()
    assert facts is not None
    with index.change() as change:
        change.know(replace(facts, **changes))  # type: ignore[arg-type]
    index.close()


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"boot": "another"}, True),
        ({"boot": "another", "clean": False}, False),
        ({"clean": False}, True),
        ({"boot": "another", "used_wall_s": 4e9}, False),
        ({"format": 0}, False),
    ],
    ids=["rebooted", "crashed", "killed", "clock stepped back", "another version"],
)
async def test_what_another_run_left_behind(
    folder: Path, changes: dict[str, object], kept: bool
) -> None:
    """It is used if all of it must be there, and if it is known how old it is."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
    _facts(folder, **changes)
    async with node(folder) as one:
        assert bool(one.shelf.load(SMALL.key)) is kept
        assert folder.with_name("cache-damaged").exists() is not kept
        one.shelf.keep(LARGE)
        await one.holds(1 + kept)


async def test_age_counts_while_the_machine_is_off(folder: Path) -> None:
    """On the wall clock, as no other goes on."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
    index = Index(folder)
    facts = index.facts()
    index.close()
    assert facts is not None
    off_s = 1_000.0
    _facts(folder, boot="another", used_wall_s=facts.used_wall_s - off_s)
    async with node(folder) as one:
        (old,) = one.shelf.load(SMALL.key)
        grown_s = old.received.mono_s - SMALL.received.mono_s
        assert grown_s == pytest.approx(-off_s, abs=5)


async def test_records_of_others_are_not_taken_for_ours(folder: Path) -> None:
    """Even where their hash is the same: the whole key is compared."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
    index = Index(folder, budget_bytes=1_000_000)
    place = index_key(LARGE.key)
    with index.change() as change:
        change.put(place + bytes(8), encode(SMALL, 0, shift_s=0.0), 1)
    index.close()
    async with node(folder) as one:
        assert one.shelf.load(LARGE.key) == ()
        assert one.shelf.load(SMALL.key) == (SMALL,)


def test_facts_are_json(folder: Path) -> None:
    """As all that is known of the whole."""
    folder.mkdir()
    index = Index(folder, budget_bytes=1)
    assert index.facts() is None
    with index.change() as change:
        change.know(Facts(boot="a", event=3))
    assert index.facts() == Facts(boot="a", event=3)
    index.close()
