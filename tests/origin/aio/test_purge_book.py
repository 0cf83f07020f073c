"""What a parent keeps of purges, whatever happens to it and to its disk."""

import asyncio
import logging
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edge.purge_log import Numbered, Place, age
from edge.store.purges import Purge, Scope
from origin.aio.purge_book import PurgeBook, PurgeBookError
from origin.purges import MOST_RECORDS, Change

ROOT = Path(__file__).parents[3]
NAME = "purges.sqlite"


def change(name: str, stamp: str, first: int, last: int, *, anew: bool = False) -> Change:
    """So many purges, each of a tag that tells its number."""
    records = tuple(
        Numbered(
            parent=name,
            stamp=stamp,
            number=number,
            purge=Purge(site="shop", scope=Scope.TAG, value=f"é{number}", soft=number % 2 == 0),
        )
        for number in range(first, last + 1)
    )
    begin = stamp if anew else ""
    return Change(name=name, stamp=stamp, number=last, records=records, anew=anew, begin=begin)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[PurgeBook, dict[str, Change]]]:
    """The book of parent `a`, and the logs that are in it."""
    book = PurgeBook(folder / NAME, "a")
    try:
        logs = await book.open()
        yield book, {each.name: each for each in logs}
    finally:
        await book.close()


def names(folder: Path) -> list[str]:
    """What is in it."""
    return [path.name for path in folder.iterdir()]


def modes(folder: Path) -> set[int]:
    """Who may do what with what is in it."""
    return {path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def own_stamp(folder: Path) -> str:
    """The stamp of the own log, as it is kept."""
    async with opened(folder) as (_, logs):
        return logs["a"].stamp


async def test_a_new_book_has_an_empty_log(tmp_path: Path) -> None:
    """Of its own parent; the next time it is the same one. Nobody else can read it."""
    async with opened(tmp_path) as (_, logs):
        assert (set(logs), logs["a"].number, logs["a"].records) == ({"a"}, 0, ())
        assert age(logs["a"].stamp) > 0
        assert modes(tmp_path) == {0o600}
    async with opened(tmp_path) as (_, again):
        assert again == logs


async def test_what_is_written_is_there(tmp_path: Path) -> None:
    """The own log and others', each with its stamp and its purges, word for word."""
    stamp = await own_stamp(tmp_path)
    async with opened(tmp_path) as (book, _):
        await book.write([change("a", stamp, 1, 2)])
        await book.write([change("b", "20", 1, 3, anew=True), change("a", stamp, 3, 3)])
    async with opened(tmp_path) as (_, logs):
        assert logs["a"] == change("a", stamp, 1, 3, anew=True)
        assert logs["b"] == change("b", "20", 1, 3, anew=True)


async def test_a_log_that_begins_anew(tmp_path: Path) -> None:
    """Nothing of the former is left; neither where the other has more."""
    async with opened(tmp_path) as (book, _):
        await book.write([change("b", "20", 1, 3, anew=True)])
        await book.write([Change(name="b", stamp="21", number=0, anew=True)])
        await book.write([change("b", "21", 1, 1)])
        await book.write([Change(name="c", stamp="30", number=7, anew=True)])
        await book.write([change("c", "30", 8, 8)])
    async with opened(tmp_path) as (_, logs):
        assert logs["b"] == change("b", "21", 1, 1, anew=True)
        assert logs["c"] == change("c", "30", 8, 8, anew=True)


async def test_what_is_written_twice_is_there_once(tmp_path: Path) -> None:
    """As it is where something could not be written at first."""
    async with opened(tmp_path) as (book, _):
        await book.write([change("b", "20", 1, 3, anew=True), change("b", "20", 3, 3)])
    async with opened(tmp_path) as (_, logs):
        assert logs["b"] == change("b", "20", 1, 3, anew=True)


async def test_old_purges_are_forgotten(tmp_path: Path) -> None:
    """As many are kept as the log itself keeps, and where they begin."""
    async with opened(tmp_path) as (book, _):
        await book.write([change("b", "20", 1, 5, anew=True)])
        await book.write([change("b", "21", 6, MOST_RECORDS)])
        await book.write([change("b", "22", MOST_RECORDS + 1, MOST_RECORDS + 5)])
    async with opened(tmp_path) as (book, logs):
        assert (logs["b"].before, logs["b"].records[0].number) == (Place("20", 5), 6)
        assert len(logs["b"].records) == MOST_RECORDS
        await book.write([change("b", "23", MOST_RECORDS + 6, MOST_RECORDS + 6)])
    async with opened(tmp_path) as (_, logs):
        assert logs["b"].before == Place("21", 6)


async def test_each_run_has_a_stamp_of_its_own(tmp_path: Path) -> None:
    """It is kept with what was numbered in it, and where all began."""
    stamp = await own_stamp(tmp_path)
    later = f"{age(stamp) + 5:x}"
    async with opened(tmp_path) as (book, _):
        await book.write([change("a", later, 1, 2)])
    async with opened(tmp_path) as (_, logs):
        assert logs["a"] == replace(change("a", later, 1, 2, anew=True), begin=stamp)


@pytest.mark.parametrize(
    ("pragma", "why"),
    [
        ("PRAGMA max_page_count = 1", "the disk is full"),
        ("PRAGMA query_only = ON", "it cannot be written to"),
    ],
)
async def test_what_cannot_be_written(tmp_path: Path, pragma: str, why: str) -> None:
    """It says why, nothing of it is kept, and the next is written when that is over."""
    stamp = await own_stamp(tmp_path)
    async with opened(tmp_path) as (book, _):
        await book._do(lambda: run(book, pragma))
        many = change("a", stamp, 2, 2_000)
        with pytest.raises(PurgeBookError, match=f"^purges.sqlite: {why}$"):
            await book.write([change("a", stamp, 1, 1), many])
        await book._do(lambda: run(book, "PRAGMA query_only = OFF"))
        await book._do(lambda: run(book, "PRAGMA max_page_count = 100000"))
        await book.write([change("a", stamp, 1, 1)])
    async with opened(tmp_path) as (_, logs):
        assert logs["a"] == change("a", stamp, 1, 1, anew=True)


def run(book: PurgeBook, statement: str) -> None:
    """Change how SQLite behaves."""
    assert book._database is not None
    book._database.execute(statement)


async def test_a_book_that_cannot_be_opened(tmp_path: Path) -> None:
    """The disk is at fault: nothing is moved aside."""
    (tmp_path / NAME).mkdir()
    book = PurgeBook(tmp_path / NAME, "a")
    with pytest.raises(PurgeBookError, match=r"^purges.sqlite: is a directory$"):
        await book.open()
    [own] = await book.open_in_memory()
    assert (own.name, own.number) == ("a", 0)
    await book.write([change("b", "2b", 1, 3, anew=True)])
    await book.close()
    assert names(tmp_path) == [NAME]


def no_database(path: Path) -> None:
    """Something else was written there."""
    path.write_bytes(b"no database " * 500)


def broken(path: Path) -> None:
    """The disk gave back other bytes than it got."""
    content = bytearray(path.read_bytes())
    content[4_096:] = b"\xa5" * (len(content) - 4_096)
    path.write_bytes(content)


def other_version(path: Path) -> None:
    """A later version of the program has written it."""
    statement(path, "PRAGMA user_version = 99")


def with_a_gap(path: Path) -> None:
    """A purge is missing."""
    statement(path, "DELETE FROM purges WHERE number = 2")


def no_scope(path: Path) -> None:
    """A purge is none that anybody knows."""
    statement(path, "UPDATE purges SET scope = 'world' WHERE number = 2")


def no_text(path: Path) -> None:
    """A tag is no text."""
    statement(path, "UPDATE purges SET value = CAST(x'ff41' AS TEXT) WHERE number = 2")


def other_stamp(path: Path) -> None:
    """A stamp is none."""
    statement(path, "UPDATE purges SET stamp = 'Monday' WHERE number = 2")


def other_end(path: Path) -> None:
    """The last purge is another one than the log ends with."""
    statement(path, "UPDATE logs SET stamp = 'ff'")


def statement(path: Path, sql: str) -> None:
    """Change a book that is closed."""
    database = sqlite3.connect(path)
    try:
        with database:
            database.execute(sql)
    finally:
        database.close()


@pytest.mark.parametrize(
    "damage",
    [no_database, broken, other_version, with_a_gap, no_scope, no_text, other_stamp, other_end],
)
async def test_a_damaged_book(
    tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    """It is moved aside, under a name of its own each time, and the log begins anew."""
    assert callable(damage)
    for times in (1, 2):
        stamp = await own_stamp(tmp_path)
        async with opened(tmp_path) as (book, _):
            await book.write([change("a", stamp, 1, 3)])
        damage(tmp_path / NAME)
        caplog.clear()
        async with opened(tmp_path) as (book, logs):
            assert (set(logs), logs["a"].number) == ({"a"}, 0)
            await book.write([change("a", logs["a"].stamp, 1, 1)])
        assert (tmp_path / f"{NAME}.damaged-{times}").exists()
        (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert f"{NAME}.damaged-{times}" in record.getMessage()


WRITER = """
import asyncio, sys
from pathlib import Path
from edge.purge_log import Numbered
from edge.store.purges import Purge, Scope
from origin.aio.purge_book import PurgeBook
from origin.purges import Change

async def main():
    book = PurgeBook(Path(sys.argv[1]), "a")
    (own,) = await book.open()
    for number in range(1, 100_000):
        purge = Purge(site="shop", scope=Scope.SITE)
        record = Numbered(parent="a", stamp=own.stamp, number=number, purge=purge)
        await book.write([Change(name="a", stamp=own.stamp, number=number, records=(record,))])
        print(number, flush=True)

asyncio.run(main())
"""


def killed(folder: Path) -> int:
    """The last purge that a process said is written, before it was killed."""
    command = [sys.executable, "-c", WRITER, str(folder / NAME)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(30)]
        writer.kill()
        said += [int(line) for line in writer.stdout if line.endswith(b"\n")]
    return said[-1]


async def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """All that it said is written is there, and no gap."""
    said = await asyncio.to_thread(killed, tmp_path)
    async with opened(tmp_path) as (_, logs):
        numbers = [each.number for each in logs["a"].records]
        assert numbers == list(range(1, logs["a"].number + 1))
        assert logs["a"].number >= said
