"""What goes wrong with a disk costs its content, and nothing that is purged ever comes back."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb
import pytest

from edge.aio.disk import keeper as keeping
from edge.aio.disk import outbox
from edge.aio.disk.bodies import Bodies
from edge.aio.disk.index import Index
from edge.aio.disk.journal import NAME, Journal
from tests.edge.aio.disk.node import TAG, Node, entry, node, until

SMALL, LARGE, OTHER = entry("small"), entry("large", 100_000), entry("other")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a store is."""
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for half a minute."""
    monkeypatch.setattr(keeping, "RETRY_S", 0.05)


async def filled(one: Node) -> None:
    """A store with more in it than might never have been written."""
    one.shelf.keep(SMALL)
    one.shelf.keep(LARGE)
    for number in range(200):
        one.shelf.keep(entry(f"filling {number}".replace(" ", ""), 8_000))
    await one.holds(202)


async def left_behind(folder: Path) -> None:
    """Such a store, closed in good order."""
    async with node(folder) as one:
        await filled(one)


def garbage(data: Path) -> None:
    """Anything."""
    data.write_bytes(b"garbage " * 10_000)


def cut_off(data: Path) -> None:
    """Its end is missing."""
    with data.open("r+b") as file:
        file.truncate(data.stat().st_size // 2)


def emptied(data: Path) -> None:
    """All of it is missing."""
    data.write_bytes(b"")


def zeroed(data: Path) -> None:
    """Everything behind the first pages is gone."""
    with data.open("r+b") as file:
        size = data.stat().st_size
        file.seek(8192)
        file.write(bytes(size - 8192))


@pytest.mark.parametrize("harm", [garbage, cut_off, zeroed], ids=lambda harm: harm.__name__)
async def test_a_damaged_store_is_set_aside(folder: Path, harm: Callable[[Path], None]) -> None:
    """It may be looked at; another begins, at once or soon."""
    await left_behind(folder)
    harm(folder / "data.mdb")
    async with node(folder) as one:
        await until(lambda: one.count("usable") == 1)
        assert one.count("objects") == 0
        assert folder.with_name("cache-damaged").exists()
        await stores(one)


async def test_an_emptied_store_begins_anew(folder: Path) -> None:
    """LMDB takes it for a new one."""
    await left_behind(folder)
    emptied(folder / "data.mdb")
    async with node(folder) as one:
        await until(lambda: one.count("usable") == 1)
        assert one.shelf.load(SMALL.key) == ()
        await stores(one)


async def stores(one: Node) -> None:
    """It works."""

    def kept() -> bool:
        one.shelf.keep(OTHER)
        return one.shelf.has(OTHER.key)

    await until(kept)
    await one.holds(1)
    assert one.shelf.load(OTHER.key) == (OTHER,)


async def test_what_may_have_crashed_the_keeper_is_not_used_again(folder: Path) -> None:
    """Its next run does not even look at it."""
    await left_behind(folder)
    one = Node(folder, distrusted=True)
    await one.start()
    assert one.shelf.load(SMALL.key) == ()
    assert folder.with_name("cache-damaged").exists()
    await stores(one)
    await one.stop()


def bar(folder: Path) -> Path:
    """Let no store be opened or moved away there; gives what is to be deleted to let it."""
    folder.parent.rmdir()
    folder.parent.write_text("a file, where a folder should be")
    return folder.parent


async def test_a_place_that_cannot_be_used(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The node goes on without it, and says so; it is used as soon as it can be."""
    barred = bar(folder)
    async with node(folder) as one:
        assert one.count("usable") == 0
        assert one.count("faults_total") >= 1  # type: ignore[operator]
        assert "disk-failed" in {getattr(each, "event", "") for each in caplog.records}
        one.shelf.keep(SMALL)
        one.shelf.invalidate(SMALL.key)
        await one.shelf.outbox.settled()
        assert one.shelf.load(SMALL.key) == ()
        barred.unlink()
        await until(lambda: one.count("usable") == 1)
        await stores(one)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], None]]:
    """Fills the disk, and empties it again."""
    change = Index.change
    state = [False]

    def refusing(index: Index) -> object:
        if state[0]:
            raise lmdb.DiskError("no space left on device")
        return change(index)

    def fill(now: bool) -> None:
        state[0] = now

    monkeypatch.setattr(Index, "change", refusing)
    yield fill
    fill(False)


async def test_a_full_disk(folder: Path, full: Callable[[bool], None]) -> None:
    """Nothing is read or stored while it is; then another store begins."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
        full(True)
        one.shelf.keep(LARGE)
        await until(lambda: one.count("usable") == 0)
        assert one.count("objects") == 0
        await until(lambda: one.shelf.load(SMALL.key) == ())
        one.purge(TAG, position="p=1a:1")
        full(False)
        await until(lambda: one.count("usable") == 1)
        assert one.shelf.load(SMALL.key) == ()
        assert str(one.keeper.position) == "p=1a:1"
        await stores(one)


async def test_a_store_that_missed_purges_is_not_used(
    folder: Path, full: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it could not be moved out of the way."""

    def stuck(*_: object, **__: object) -> None:
        raise PermissionError

    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
        monkeypatch.setattr(keeping.DiskKeeper, "_move_aside", stuck)
        full(True)
        one.shelf.keep(OTHER)
        await until(lambda: one.count("usable") == 0)
        one.purge(TAG, position="p=1a:1")
        full(False)
        await until(lambda: one.count("usable") == 1)
        await until(lambda: one.shelf._index is not None)
        assert one.shelf.load(SMALL.key) == ()
        assert one.count("objects") == 0


async def test_a_body_that_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker says so, and the keeper decides for all."""

    def refused(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with node(folder) as one:
        with monkeypatch.context() as patched:
            patched.setattr(Bodies, "write", refused)
            one.shelf.keep(LARGE)
            await until(lambda: one.count("usable") == 0)
            assert one.shelf.load(LARGE.key) == ()
            assert one.count("faults_total") == 1
        await until(lambda: one.count("usable") == 1)
        await stores(one)


@pytest.mark.parametrize(
    ("how", "kept"),
    [("signal SIGKILL", True), ("exit code 1", True), ("signal SIGBUS", False)],
)
async def test_workers_that_die_of_what_they_read(folder: Path, how: str, kept: bool) -> None:
    """Two within a minute, by a fault of memory."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
        one.keeper.worker_died(how)
        assert one.shelf.load(SMALL.key) == (SMALL,)
        one.keeper.worker_died(how)
        assert (one.keeper.greeting() is not None) is kept
        await until(lambda: one.count("usable") == 1)


async def test_one_is_enough_where_the_file_was_cut_off(folder: Path) -> None:
    """Then it is plain to see why."""
    async with node(folder) as one:
        await filled(one)
        one.shelf.close()
        cut_off(folder / "data.mdb")
        one.keeper.worker_died("signal SIGBUS")
        assert one.keeper.greeting() is None
        await until(lambda: one.count("usable") == 1)


async def test_what_a_dead_keeper_did_not_hear(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is done by the next one, before anything is read."""
    monkeypatch.setattr(outbox, "PATIENCE_S", 0.01)
    one = Node(folder)
    await one.start()
    for each in (SMALL, LARGE, OTHER):
        one.shelf.keep(each)
    await one.holds(3)
    one.deaf = True
    one.shelf.invalidate(SMALL.key)
    one.shelf.invalidate(LARGE.key)
    await one.shelf.outbox.settled()
    one.deaf = False
    with (folder / NAME).open("ab") as journal:
        journal.write(b'{"kind": "disk-inval')  # torn
    await one.stop()
    async with node(folder) as next_run:
        assert next_run.shelf.load(SMALL.key) == next_run.shelf.load(LARGE.key) == ()
        assert next_run.shelf.load(OTHER.key) == (OTHER,)
        assert next_run.count("objects") == 1
        assert Journal(folder).read() == []


async def test_the_next_keeper_waits_for_who_is_left(folder: Path) -> None:
    """A worker that outlives its keeper for a moment may have something to say."""
    one = Node(folder)
    await one.start()
    one.shelf.keep(SMALL)
    await one.holds(1)
    await one.keeper.stop()  # its worker lives on
    next_run = Node(folder)
    starting = asyncio.create_task(next_run.start())
    one.deaf = True
    one.shelf.invalidate(SMALL.key)
    await one.shelf.outbox.settled()
    assert not starting.done()
    one.shelf.stop()
    await starting
    assert next_run.shelf.load(SMALL.key) == ()
    await next_run.stop()


async def test_what_was_said_before_the_store_was_open(folder: Path) -> None:
    """Workers serve meanwhile, and may see that what is stored is out of date."""
    await left_behind(folder)
    one = Node(folder)
    one.shelf.invalidate(SMALL.key)
    one.shelf.purge([TAG])
    await asyncio.sleep(0)
    await one.start()
    await one.shelf.outbox.settled()
    assert one.shelf.load(SMALL.key) == one.shelf.load(LARGE.key) == ()
    await one.stop()
    async with node(folder) as next_run:
        assert next_run.shelf.load(SMALL.key) == next_run.shelf.load(LARGE.key) == ()


async def test_it_does_not_wait_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that hangs keeps nobody from the store."""
    monkeypatch.setattr(keeping, "ORPHANS_S", 0.1)
    one = Node(folder)
    await one.start()
    await one.keeper.stop()
    async with node(folder) as next_run:
        assert "disk-shared" in {getattr(each, "event", "") for each in caplog.records}
        await stores(next_run)
    one.shelf.stop()


async def test_purges_that_a_dead_keeper_did_not_hear(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same."""
    monkeypatch.setattr(outbox, "PATIENCE_S", 0.01)
    one = Node(folder)
    await one.start()
    one.shelf.keep(SMALL)
    await one.holds(1)
    one.deaf = True
    one.shelf.purge([TAG])
    await one.shelf.outbox.settled()
    await one.shelf.outbox.settled()
    assert len((folder / NAME).read_text().splitlines()) == 1
    one.deaf = False
    await one.stop()
    async with node(folder) as next_run:
        assert next_run.shelf.load(SMALL.key) == ()


async def test_nothing_waits_for_ever(folder: Path) -> None:
    """With more drops unheard than anybody should have, nothing is read."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
        one.deaf = True
        for number in range(outbox.MOST_PENDING + 1):
            one.shelf.invalidate(f"shop http shop.test /{number}")
        assert one.shelf.load(SMALL.key) == ()
        one.deaf = False


async def test_everything_purged_is_no_end(folder: Path) -> None:
    """What is fetched from then on is stored."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
        one.purge(everything=True)
        assert one.shelf.load(SMALL.key) == ()
        await stores(one)


async def test_whoever_waits_for_a_drop_is_told_when_everything_goes(folder: Path) -> None:
    """Or each change that it passes on would wait for that word, for ever."""
    async with node(folder) as one:
        one.shelf.keep(SMALL)
        await one.holds(1)
        one.shelf.drop(SMALL)
        one.keeper.receive(0, one.heard[-1])
        one.heard.clear()
        one.purge(everything=True)
        await asyncio.sleep(0)
        assert one.shelf.outbox._pending == {}


async def test_without_a_disk_workers_still_hear_of_each_other(tmp_path: Path) -> None:
    """An invalidation, and a purge by a worker's own."""
    one = Node(tmp_path / "cache", workers=2, without=True)
    await one.start()
    mine, other = one.workers
    mine.shelf.keep(SMALL)
    mine.shelf.invalidate(SMALL.key)
    mine.shelf.purge([TAG])
    await mine.shelf.outbox.settled()
    assert other.invalidated == [SMALL.key]
    assert other.purged == [TAG]
    assert mine.shelf.load(SMALL.key) == ()
    assert not mine.shelf.has(SMALL.key)
    await one.stop()
    assert not tmp_path.joinpath("cache").exists()


async def test_a_keeper_that_was_misunderstood(folder: Path) -> None:
    """What is no message of the store's is somebody else's; nonsense does no harm."""
    async with node(folder) as one:
        assert not one.keeper.receive(0, {"kind": "behind", "position": "p=1a:1"})
        assert not one.keeper.receive(0, {})
        for message in (
            {"kind": "disk-drop", "records": None, "number": 1},
            {"kind": "disk-invalidate", "keys": 7},
            {"kind": "disk-purge", "purges": {}},
            {"kind": "disk-used", "keys": [1]},
        ):
            assert one.keeper.receive(0, json.loads(json.dumps(message)))
        one.shelf.keep(SMALL)
        await one.holds(1)
