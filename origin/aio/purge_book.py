"""Where a parent keeps its logs of purges: an SQLite file in the node's own folder.

What is written is there after a crash of the process and of the machine. A file that is damaged is
moved aside and the log begun anew, whereupon every follower drops what it has stored. One thread
does all the work, away from the event loop.
"""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TypeVar

from edge.purge_log import Numbered, Place, PurgeLogError, purge_of
from origin.purges import MOST_RECORDS, Change, stamp_of

log = logging.getLogger("midmile.origin.purges")

BOOK = "purges.sqlite"
"""Its name in the node's folder."""

_VERSION = 2
_SCHEMA = """
    CREATE TABLE logs (
        name TEXT PRIMARY KEY, stamp TEXT NOT NULL, number INTEGER NOT NULL,
        begin TEXT NOT NULL
    );
    CREATE TABLE purges (
        log TEXT NOT NULL, number INTEGER NOT NULL, stamp TEXT NOT NULL,
        site TEXT NOT NULL, scope TEXT NOT NULL, value TEXT NOT NULL, soft INTEGER NOT NULL,
        PRIMARY KEY (log, number)
    ) WITHOUT ROWID;
"""
_COMPANIONS = ("-wal", "-shm")
"""Files that SQLite keeps beside the book while it is open, or was when its process died."""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it cannot be written to",
    sqlite3.SQLITE_IOERR: "the disk fails",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_BUSY: "another process holds it",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_NOTADB: "it is damaged",
}

_T = TypeVar("_T")


class PurgeBookError(Exception):
    """The book cannot be read or written; `str()` says why, in one line."""


class PurgeBook:
    """The logs that one parent knows, on its disk."""

    def __init__(self, path: Path, name: str) -> None:
        """`name`: the parent's, for its own log."""
        self._path = path
        self._in_memory = False
        self._name = name
        self._thread = ThreadPoolExecutor(1, "purge-book")
        self._database: sqlite3.Connection | None = None

    async def open(self) -> tuple[Change, ...]:
        """All logs as they were left, and one of our own in any case. Raises PurgeBookError."""
        return await self._do(self._open)

    async def open_in_memory(self) -> tuple[Change, ...]:
        """A log of our own, which ends with the process: for a disk that cannot be used."""
        self._in_memory = True
        return await self._do(self._read)

    async def write(self, changes: Sequence[Change]) -> None:
        """Keep changes, all or none. Raises PurgeBookError."""
        if changes:
            await self._do(lambda: self._write(changes))

    async def close(self) -> None:
        """Let go of the file."""
        database, self._database = self._database, None
        if database is not None:
            await self._do(database.close)
        self._thread.shutdown()

    async def _do(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            why = _WORDS.get(_code(error), str(error))
            raise PurgeBookError(f"{self._path.name}: {why}") from error
        except OSError as error:
            why = str(error.strerror or error).lower()
            raise PurgeBookError(f"{self._path.name}: {why}") from error

    def _open(self) -> tuple[Change, ...]:
        try:
            return self._read()
        except PurgeLogError as error:
            self._move_aside(str(error))
        except sqlite3.DatabaseError as error:
            if _code(error) not in _DAMAGE:
                raise  # the disk is at fault, not what is on it
            self._move_aside(str(error))
        return self._read()

    def _read(self) -> tuple[Change, ...]:
        if not self._in_memory:  # SQLite gives its companions the same mode
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        where = ":memory:" if self._in_memory else self._path
        database = sqlite3.connect(where, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            _prepare(database)
            logs = _logs(database)
            if self._name not in {each.name for each in logs}:
                own = Change(name=self._name, stamp=stamp_of(time.time()), number=0, anew=True)
                _write(database, [own])
                logs = _logs(database)
        except BaseException:
            database.close()
            raise
        self._database = database
        return logs

    def _move_aside(self, why: str) -> None:
        names = (f".damaged-{number}" for number in count(1))
        aside = next(name for name in names if not self._beside(name).exists())
        for companion in ("", *_COMPANIONS):
            with suppress(FileNotFoundError):
                self._beside(companion).rename(self._beside(aside + companion))
        log.error(
            "%s is damaged (%s): it is kept as %s, and the log of purges begins anew",
            self._path.name,
            why,
            self._beside(aside).name,
            extra={"event": "purge-book-damaged"},
        )

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _write(self, changes: Sequence[Change]) -> None:
        assert self._database is not None, "the book is not open"
        _write(self._database, changes)


def _prepare(database: sqlite3.Connection) -> None:
    """Make the tables of a new book; raises PurgeLogError for a book that is none of ours."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if not version:
        database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
    elif version != _VERSION:
        raise PurgeLogError(f"written by another version ({version}) of this program")
    (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise PurgeLogError(found)


def _logs(database: sqlite3.Connection) -> tuple[Change, ...]:
    """All logs in a book; raises PurgeLogError where they are none."""
    try:
        rows = database.execute("SELECT name, stamp, number, begin FROM logs ORDER BY name")
        return tuple(_log(database, *row) for row in rows.fetchall())
    except sqlite3.OperationalError as error:
        if _code(error):
            raise
        raise PurgeLogError(str(error)) from None  # text that is none


def _log(database: sqlite3.Connection, name: str, stamp: str, number: int, begin: str) -> Change:
    rows = database.execute(
        "SELECT number, stamp, site, scope, value, soft FROM purges WHERE log = ? ORDER BY number",
        (name,),
    )
    records = tuple(
        Numbered(
            parent=name,
            stamp=Place.of(stamped, at).stamp,
            number=at,
            purge=purge_of({"site": site, "scope": scope, "value": value, "soft": bool(soft)}),
        )
        for at, stamped, site, scope, value, soft in rows
    )
    expected = range(number - len(records) + 1, number + 1)
    last = Place.of(stamp, number)
    if [each.number for each in records] != list(expected) or (
        records and records[-1].place != last
    ):
        raise PurgeLogError(f"purges of {name} are missing")
    return Change(
        name=name,
        stamp=stamp,
        number=number,
        records=records,
        anew=True,
        begin=Place.of(begin, number - len(records)).stamp,
    )


def _write(database: sqlite3.Connection, changes: Sequence[Change]) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        for change in changes:
            _put(database, change)
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _put(database: sqlite3.Connection, change: Change) -> None:
    if change.anew:
        database.execute("DELETE FROM purges WHERE log = ?", (change.name,))
        begin = change.before.stamp
    else:
        (begin,) = database.execute(
            "SELECT begin FROM logs WHERE name = ?", (change.name,)
        ).fetchone()
    rows = [
        (
            change.name,
            each.number,
            each.stamp,
            each.purge.site,
            each.purge.scope.value,
            each.purge.value,
            each.purge.soft,
        )
        for each in change.records
    ]
    database.executemany("INSERT OR REPLACE INTO purges VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    database.execute(
        "INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?)",
        (change.name, change.stamp, change.number, _trimmed(database, change) or begin),
    )


def _trimmed(database: sqlite3.Connection, change: Change) -> str | None:
    """Drop what is too old to be kept; gives the stamp of the last of it."""
    last = change.number - MOST_RECORDS
    find = "SELECT stamp FROM purges WHERE log = ? AND number = ?"
    found = database.execute(find, (change.name, last)).fetchone()
    drop = "DELETE FROM purges WHERE log = ? AND number <= ?"
    database.execute(drop, (change.name, last))
    return found[0] if found is not None else None


def _code(error: sqlite3.Error) -> int:
    """SQLite's own code for it, without what it adds to that; 0: it is Python's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
