"""The index of the store on disk: LMDB tables, which workers read and the keeper alone writes.

    records  key of key, slice and variant -> place in the queue, what it takes, record
    queue    place -> key of the record; what goes first comes first
    events   number -> a purge, as JSON
    facts    what is known of the whole

Nothing is forced to the disk: what a process has committed survives its death, and after the
machine's the store begins anew (`Facts.boot`). A transaction is never held across an `await`.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple

import lmdb

from edge.store.record import SLICE_BYTES, WHOLE_BYTES

FORMAT = 1

MAP_SHARE = 4
"""The map's size, of the budget: pages are not full, and a full map lets nothing be deleted. It is
address space, no memory; the file grows as it is used."""
LEAST_MAP_BYTES = 64 * 2**20
MOST_READERS = 256
ROW_BYTES = 128
"""What a record takes beside itself: keys, and its row in the queue."""

FAILURES = (lmdb.Error, OSError, ValueError, TypeError, KeyError, struct.error)
"""What reading or writing raises where a table is damaged or the disk refuses."""

_PLACED = Struct("<QI")
_NUMBER = Struct(">Q")
_FACTS = b"facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a whole store."""

    boot: str
    """During which of the machine's runs it was used."""
    clean: bool = False
    """Whether it was closed, with all forced to the disk."""
    size_bytes: int = 0
    objects: int = 0
    event: int = 0
    """The number of the last event that may have put something out of date."""
    purged: int = 0
    """The last of them that was a purge,"""
    swept: int = 0
    """and that up to which all that is stored was compared with purges."""
    floor: int = 0
    """Nothing from before this event is stored."""
    position: str = ""
    """Up to which of the network's purges it has been purged."""
    shift_s: float = 0.0
    """What the store's own time is ahead of the monotonic clock."""
    used_wall_s: float = 0.0
    used_store_s: float = 0.0
    """When it was closed, on the wall clock and in the store's time."""
    format: int = FORMAT


class _Tables(NamedTuple):
    """LMDB's handles."""

    records: Any
    queue: Any
    events: Any
    facts: Any


class Index:
    """The tables, open for reading or, in one process, for writing."""

    def __init__(self, folder: Path, *, budget_bytes: int = 0) -> None:
        """`budget_bytes`: of who writes; 0 for who reads. Raises lmdb.Error."""
        writes = budget_bytes > 0
        self._env = lmdb.open(
            str(folder),
            map_size=max(LEAST_MAP_BYTES, MAP_SHARE * budget_bytes) if writes else 0,
            max_dbs=4,
            max_readers=MOST_READERS,
            readonly=not writes,
            create=writes,
            mode=0o600,
            sync=False,
            readahead=False,
            meminit=False,
        )
        try:
            self._tables = _Tables(
                records=self._env.open_db(b"records", create=writes),
                queue=self._env.open_db(b"queue", create=writes),
                events=self._env.open_db(b"events", create=writes),
                facts=self._env.open_db(b"facts", create=writes),
            )
        except BaseException:
            self._env.close()
            raise

    def close(self) -> None:
        """Let go of it; whoever reads or writes afterwards gets an lmdb.Error."""
        self._env.close()

    def sync(self) -> None:
        """Force all to the disk."""
        self._env.sync(True)

    def forget_the_dead(self) -> None:
        """Let pages be used again that a killed reader has had in use."""
        self._env.reader_check()

    @property
    def needs_bytes(self) -> int:
        """How large the file has to be: who reads where it was cut off is killed."""
        return int((self._env.info()["last_pgno"] + 1) * self._env.stat()["psize"])

    def facts(self) -> Facts | None:
        """What is known of the store; None: it is new, or of another version."""
        with self._env.begin(db=self._tables.facts) as look:
            told = look.get(_FACTS)
        if told is None:
            return None
        found = json.loads(bytes(told))
        return Facts(**found) if found.get("format") == FORMAT else None

    def read(self, prefix: bytes) -> list[bytes]:
        """The records of all variants of a key."""
        found = []
        with (
            self._env.begin(db=self._tables.records, buffers=True) as look,
            look.cursor() as cursor,
        ):
            if cursor.set_range(prefix):
                for key, value in cursor:
                    if bytes(key[: len(prefix)]) != prefix:
                        break
                    found.append(bytes(value[_PLACED.size :]))
        return found

    def has(self, prefix: bytes) -> bool:
        """Whether there is any record of a key."""
        with self._env.begin(db=self._tables.records) as look, look.cursor() as cursor:
            return cursor.set_range(prefix) and bytes(cursor.key()).startswith(prefix)

    def record(self, key: bytes) -> bytes | None:
        """One record."""
        with self._env.begin(db=self._tables.records) as look:
            value = look.get(key)
            return None if value is None else bytes(value[_PLACED.size :])

    def some(self, after: bytes, most: int) -> list[tuple[bytes, bytes]]:
        """The records behind one, in no meaningful order."""
        found = []
        with self._env.begin(db=self._tables.records) as look, look.cursor() as cursor:
            if cursor.set_range(after + b"\0"):
                for key, value in cursor:
                    found.append((bytes(key), bytes(value[_PLACED.size :])))
                    if len(found) == most:
                        break
        return found

    def events(self) -> list[tuple[int, dict[str, object]]]:
        """All events that are remembered, the oldest first."""
        with self._env.begin(db=self._tables.events) as look, look.cursor() as cursor:
            return [(_NUMBER.unpack(key)[0], json.loads(bytes(value))) for key, value in cursor]

    @contextmanager
    def change(self) -> Iterator["Change"]:
        """Change something, all of it or nothing."""
        with self._env.begin(write=True) as writing:
            yield Change(writing, self._tables)


class Change:
    """A write transaction."""

    def __init__(self, writing: lmdb.Transaction, tables: "_Tables") -> None:
        self._writing = writing
        self._tables = tables

    def put(self, key: bytes, record: bytes, takes: int) -> None:
        """Add a record that is not there, at the queue's end."""
        place = self._next_place()
        self._writing.put(key, _PLACED.pack(place, takes) + record, db=self._tables.records)
        self._writing.put(_NUMBER.pack(place), key, db=self._tables.queue, append=True)

    def take(self, key: bytes) -> tuple[int, bytes] | None:
        """Delete a record; what it took, and itself."""
        value = self._writing.pop(key, db=self._tables.records)
        if value is None:
            return None
        place, takes = _PLACED.unpack_from(value)
        self._writing.delete(_NUMBER.pack(place), db=self._tables.queue)
        return takes, bytes(value[_PLACED.size :])

    def keys(self, prefix: bytes) -> list[bytes]:
        """The keys of all records that begin so."""
        found = []
        with self._writing.cursor(db=self._tables.records) as cursor:
            if cursor.set_range(prefix):
                for key in cursor.iternext(values=False):
                    if not bytes(key).startswith(prefix):
                        break
                    found.append(bytes(key))
        return found

    def first(self) -> tuple[bytes, int] | None:
        """The record whose turn it is to go, and what it takes."""
        with self._writing.cursor(db=self._tables.queue) as cursor:
            if not cursor.first():
                return None
            key = bytes(cursor.value())
        value = self._writing.get(key, db=self._tables.records)
        if value is None:
            raise lmdb.CorruptedError("the queue names a record that is not there")
        return key, _PLACED.unpack_from(value)[1]

    def requeue(self, key: bytes) -> None:
        """Let a record begin again at the queue's end."""
        taken = self.take(key)
        assert taken is not None
        takes, record = taken
        self.put(key, record, takes)

    def note(self, number: int, event: Mapping[str, object]) -> None:
        """Remember an event."""
        self._writing.put(_NUMBER.pack(number), json.dumps(event).encode(), db=self._tables.events)

    def forget(self, number: int) -> None:
        """Remember an event no more."""
        self._writing.delete(_NUMBER.pack(number), db=self._tables.events)

    def clear(self) -> None:
        """Delete every record and event."""
        for table in (self._tables.records, self._tables.queue, self._tables.events):
            self._writing.drop(table, delete=False)

    def know(self, facts: Facts) -> None:
        """Remember what is known of the whole."""
        self._writing.put(_FACTS, json.dumps(asdict(facts)).encode(), db=self._tables.facts)

    def _next_place(self) -> int:
        with self._writing.cursor(db=self._tables.queue) as cursor:
            return _NUMBER.unpack(cursor.key())[0] + 1 if cursor.last() else 1


def of_whole(key: bytes) -> bytes:
    """What the keys of a whole and of all its slices begin with."""
    return key[:WHOLE_BYTES]


def of_key(key: bytes) -> bytes:
    """What the keys of all variants begin with."""
    return key[: WHOLE_BYTES + SLICE_BYTES]
