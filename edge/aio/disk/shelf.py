"""A worker's side of the store on disk: it reads, and tells the keeper what to write.

What it has told to be dropped it does not read again, at once; the keeper says when that is done.
Whatever goes wrong here is as if nothing were stored.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from edge.aio.disk.folder import bodies as bodies_of
from edge.aio.disk.index import FAILURES, Index, of_whole
from edge.aio.disk.outbox import Outbox
from edge.aio.disk.users import User
from edge.cache.entry import Entry
from edge.cache.key import Key, parts
from edge.config import DiskSettings
from edge.purge_log import purge_of
from edge.store.events import Events
from edge.store.purges import Purge
from edge.store.record import (
    SMALL_BYTES,
    BodyFile,
    Record,
    RecordError,
    decode,
    encode,
    index_key,
    shifted,
    variant_key,
)

Message = Mapping[str, object]

MOST_WAITING_BYTES = 32 * 2**20
"""On their way to the disk; what comes beyond that is not stored."""
USES_S = 1.0
"""How often the keeper is told what was used,"""
MOST_USED = 10_000
"""of so many keys at most."""


class Shelf:
    """One worker's view of the store; implements `edge.store.below.Below`."""

    def __init__(
        self,
        settings: DiskSettings | None,
        tell: Callable[[Message], object],
        *,
        served_s: float,
        found: Callable[[str], None],
        opens: Callable[[Path], Index] = Index,
    ) -> None:
        """`served_s`: as `Purges` has it. `found`: told what came of each reading.

        `opens` the index; LMDB wants that to be done once in a process.
        """
        self._opens = opens
        self._folder = Path(settings.folder) if settings is not None else None
        self.outbox = Outbox(tell, self._folder)
        self._found = found
        self._served_s = served_s
        self._user = User(self._folder) if self._folder is not None else None
        self._index: Index | None = None
        self._events = Events(served_s=served_s)
        self._event = 0
        self._shift_s = 0.0
        self._writer = ThreadPoolExecutor(1, "bodies")
        self._writing: dict[object, bytes] = {}
        """Bodies that are being written, and the keys of their records."""
        self._writing_bytes = 0
        self._new: set[Key] = set()
        self._older: set[Key] = set()
        """Keys of which something is on its way to the disk, if it is not there yet."""
        self._used: set[Key] = set()
        self._tick: asyncio.TimerHandle | None = None

    # What the keeper says

    def open(self, event: int, shift_s: float) -> None:
        """Read from now on: the keeper is at this event, its time so much ahead of the clock."""
        self.close()
        if self._folder is None or self._user is None:
            return
        self._user.begin()
        try:
            self._index = self._opens(self._folder)
            self._events = Events(served_s=self._served_s)
            self._events.load(self._index.events())
        except FAILURES as error:
            self._fail(error)
        self._event, self._shift_s = event, shift_s

    def close(self) -> None:
        """Read no more."""
        if self._index is not None:
            self._index.close()
            self._index = None
        self._writing.clear()
        self._writing_bytes = 0
        self.outbox.forget_records()
        self._new.clear()
        self._older.clear()

    def stop(self) -> None:
        """The worker ends: tell what is left to be told, but for bodies that are being written."""
        if self._tick is not None:
            self._tick.cancel()
        self.outbox.flush()
        self._writer.shutdown(wait=False, cancel_futures=True)
        self.close()
        if self._user is not None:
            self._user.end()

    def purged(self, purges: Iterable[Purge], first: int) -> None:
        """The keeper has recorded purges, with the numbers from `first` on."""
        store_s = time.monotonic() + self._shift_s
        for number, purge in enumerate(purges, first):
            self._events.add(number, purge, store_s)
            self._event = max(self._event, number)

    def heard_of(self, event: int, by: object) -> bool:
        """The keeper has numbered what a worker told it; whether that was another."""
        self._event = max(self._event, event)
        return not self.outbox.is_own(by)

    # Below

    def load(self, key: Key) -> tuple[Entry, ...]:
        """All variants under `key` that may be used."""
        return self._find(key, bodies=True)

    def heads(self, key: Key) -> tuple[Entry, ...]:
        """The same, without large bodies."""
        return self._find(key, bodies=False)

    def _find(self, key: Key, *, bodies: bool) -> tuple[Entry, ...]:
        if self._index is None:
            return ()
        place = index_key(key)
        if self.outbox.concerns(parts(key)[0], place):
            return ()
        try:
            return self._read(self._index, key, place, bodies=bodies)
        except FAILURES as error:
            self._fail(error)
            return ()

    def _read(self, index: Index, key: Key, place: bytes, *, bodies: bool) -> tuple[Entry, ...]:
        before: list[bytes] = []
        while (stored := index.read(place)) != before:
            before = stored
            # A body may be gone because the keeper has just put another in its place.
            with suppress(FileNotFoundError):
                found = [self._entry(key, data, bodies=bodies) for data in stored]
                entries = tuple(entry for entry in found if entry is not None)
                self._found("hit" if entries else "outdated")
                return entries
        if stored:
            self.outbox.drop(place)
        self._found("damaged" if stored else "miss")
        return ()

    def _entry(self, key: Key, data: bytes, *, bodies: bool) -> Entry | None:
        """What a record holds, if it is sound and no purge concerns it.

        Raises FileNotFoundError where its body is not there.
        """
        assert self._folder is not None
        try:
            record = decode(data)
            if record.entry.key != key:
                return None
            current = self._events.current(record.entry, record.mark)
            if current is None:
                return None
            if record.file is not None and bodies:
                body = bodies_of(self._folder).read(record.file)
                record = Record(entry=current, mark=record.mark, file=record.file)
                current = record.with_body(body)
        except RecordError:
            self._found("damaged")
            self.outbox.drop(index_key(key))
            return None
        return shifted(current, self._shift_s)

    def has(self, key: Key) -> bool:
        """Whether anything may be stored under `key`."""
        if self._index is None:
            return False
        if key in self._new or key in self._older:
            return True
        try:
            return self._index.has(index_key(key))
        except FAILURES as error:
            self._fail(error)
            return False

    def keep(self, entry: Entry) -> None:
        """Have a variant stored."""
        waiting_bytes = self._writing_bytes + self.outbox.record_bytes
        if self._index is None or waiting_bytes + len(entry.body) > MOST_WAITING_BYTES:
            return
        self._new.add(entry.key)
        self._tick_soon()
        if len(entry.body) <= SMALL_BYTES:
            self.outbox.keep(encode(entry, self._event, shift_s=self._shift_s))
        else:
            self._keep_large(entry)

    def _keep_large(self, entry: Entry) -> None:
        """Write the body, then have the rest stored."""
        assert self._folder is not None
        key, token = variant_key(entry.key, entry.selecting), object()
        bodies, event = bodies_of(self._folder), self._event
        self._writing[token] = key
        self._writing_bytes += len(entry.body)
        loop = asyncio.get_running_loop()

        def write() -> None:
            try:
                file = bodies.write(key, entry.body)
            except OSError as error:
                loop.call_soon_threadsafe(written, None, error)
                return
            loop.call_soon_threadsafe(written, file, None)

        def written(file: BodyFile | None, error: OSError | None) -> None:
            self._writing_bytes = max(0, self._writing_bytes - len(entry.body))
            wanted = self._writing.pop(token, None) is not None
            if error is not None:
                self._fail(error)
            elif file is not None and wanted:
                self.outbox.keep(encode(entry, event, shift_s=self._shift_s, file=file))
            elif file is not None:
                bodies.remove(file.name)

        self._writer.submit(write)

    def drop(self, entry: Entry) -> None:
        """Let a variant be used no more."""
        if self._index is not None and self.has(entry.key):
            beginning = variant_key(entry.key, entry.selecting)
            self._stop_writing(beginning)
            self.outbox.drop(beginning)

    def used(self, key: Key) -> None:
        """`key` was asked for."""
        if self._index is None or len(self._used) >= MOST_USED:
            return
        self._used.add(key)
        self._tick_soon()

    def invalidate(self, key: Key) -> None:
        """Let no process of the node use what is stored under `key`, or is being fetched."""
        place = of_whole(index_key(key))
        self._stop_writing(place)
        self.outbox.invalidate(key, place)

    def purge(self, purges: Iterable[Purge]) -> None:
        """Have all processes of the node purge what this one has purged by itself."""
        self.outbox.purge([asdict(purge) for purge in purges])

    def _tick_soon(self) -> None:
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(USES_S, self._tell_uses)

    def _tell_uses(self) -> None:
        self._tick = None
        used, self._used = self._used, set()
        self._older, self._new = self._new, set()
        if self._older:
            self._tick_soon()
        self.outbox.used(map(index_key, used))

    def _stop_writing(self, beginning: bytes) -> None:
        for token, key in tuple(self._writing.items()):
            if key.startswith(beginning):
                del self._writing[token]

    def _fail(self, error: Exception) -> None:
        """The keeper decides what is done about it; here nothing is read meanwhile."""
        self.close()
        self.outbox.fault(error)


def heed(
    message: Message,
    shelf: Shelf,
    invalidated: Callable[[Key], None],
    purge: Callable[..., None],
) -> None:
    """Do what the keeper tells of the store, if it does."""
    _heed_state(message, shelf)
    match message:
        case {"kind": "disk-invalidated", "event": int(event), "keys": [*keys]}:
            if shelf.heard_of(event, message.get("by")):
                for key in keys:
                    invalidated(str(key))
        case {"kind": "disk-purged", "event": int(first), "purges": [*told]}:
            purges = [purge_of(each) for each in told if isinstance(each, Mapping)]
            shelf.purged(purges, first)
            if shelf.heard_of(first, message.get("by")):
                purge(*purges)
        case {"kind": "purges", "event": int(first), "purges": [*told]}:
            shelf.heard_of(first - 1, None)  # of everything being dropped, if that was told
            shelf.purged([purge_of(each) for each in told if isinstance(each, Mapping)], first)


def _heed_state(message: Message, shelf: Shelf) -> None:
    match message:
        case {"kind": "position", "disk": {"event": int(event), "shift_s": float(shift_s)}}:
            shelf.open(event, shift_s)
        case {"kind": "disk-on", "event": int(event), "shift_s": float(shift_s)}:
            shelf.open(event, shift_s)
        case {"kind": "disk-off"}:
            shelf.close()
        case {"kind": "disk-done", "numbers": [*numbers]}:
            shelf.outbox.done(number for number in numbers if isinstance(number, int))
