"""The keeper's side of the store on disk: it alone writes.

Workers send what is to be stored (the bodies of large ones are files already), what is out of date,
and what was used; all that has come within a few milliseconds is written in one transaction. What
the disk refuses costs the store and nobody a request: the node goes on without it for a while, then
begins a new one.
"""

import asyncio
import logging
import signal
import time
from base64 import b64decode
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import lmdb

from edge.aio.clocks import now
from edge.aio.disk import folder as folders
from edge.aio.disk.index import FAILURES, Change, Facts, Index, of_whole
from edge.aio.disk.journal import Journal
from edge.aio.disk.stock import Stock
from edge.aio.disk.users import nobody_uses
from edge.aio.follow import Link
from edge.cache.key import Key
from edge.config import DiskSettings
from edge.metrics import DiskMetrics
from edge.purge_log import Caught, Position, purge_of
from edge.store.events import Rows
from edge.store.purges import Purge
from edge.store.record import RecordError, decode, index_key

log = logging.getLogger("midmile.edge.disk")

Message = Mapping[str, object]

BATCH_S = 0.02
"""What comes within so long is written together,"""
MOST_AT_ONCE = 500
"""or so many records: some ten milliseconds."""
RETRY_S = 30.0
"""After a fault the node does without the store for so long."""
SWEPT_AT_ONCE, SWEEP_PAUSE_S = 50, 0.05
"""Records looked at for what was purged, and the pause behind them: a few percent of a CPU."""
STRAY_S = 60.0
"""Files of no record are deleted when they are so much older than the keeper."""
ORPHANS_S = 4.0
"""For workers of a keeper that was killed, which end by then."""
DEATHS_WITHIN_S = 60.0
"""Two processes that die of what they read, within so long, show that the store is damaged."""

_DEADLY = (signal.SIGBUS, signal.SIGSEGV, signal.SIGABRT)
"""How who reads beyond the end of a file, or damaged pages, is ended."""
_CRASHED = "it may be why the keeper crashed"
_REFUSAL = (OSError, lmdb.DiskError, lmdb.MapFullError, lmdb.ReadonlyError)
"""What a disk does that is full, or must not be written to."""

_Work = Callable[[Change], object]


class DiskKeeper:
    """Writes one node's store."""

    def __init__(
        self,
        settings: DiskSettings | None,
        metrics: DiskMetrics,
        link: Link,
        *,
        distrusted: bool = False,
    ) -> None:
        """`settings`: None where there is no such store; workers tell each other all the same.

        `distrusted`: what is there may have ended the last run.
        """
        self._distrusted = distrusted
        self._folder = Path(settings.folder) if settings is not None else None
        self._budget_bytes = settings.budget_bytes if settings is not None else 0
        self._metrics = metrics
        self._link = link
        self._index: Index | None = None
        self._stock = Stock(Facts(boot=""), self._budget_bytes, metrics)
        self._position = Position()
        self._waiting: deque[tuple[int, Message]] = deque()
        self._early: list[tuple[int, Message]] | None = None if settings is None else []
        """What workers said before the store was open; None: it is, or there is none."""
        self._flush: asyncio.TimerHandle | None = None
        self._at_once = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.Task[None] | None = None
        self._retrying: asyncio.Task[None] | None = None
        self._died_s = -DEATHS_WITHIN_S

    @property
    def position(self) -> Position:
        """Up to where what is stored has been purged."""
        return self._position

    async def start(self) -> None:
        """Open what is there, or begin anew."""
        if self._folder is None:
            return
        if not await nobody_uses(self._folder, ORPHANS_S):
            log.warning(
                "a worker of the former keeper still uses the store", extra={"event": "disk-shared"}
            )
        self._open(self._folder)
        early, self._early = self._early, None
        for worker, message in early or ():
            self.receive(worker, message)
        if self._index is not None:
            self._spawn(self._remove_strays(self._folder, time.time() - STRAY_S))
            if self._stock.facts.swept < self._stock.facts.purged:
                self._sweep_on()

    async def stop(self) -> None:
        """Write what waits, force all to the disk, and close; workers have ended."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._waiting:
            self._write()
        if self._index is not None:
            self._seal(self._index)

    def _seal(self, index: Index) -> None:
        """Leave a store behind that may be used after the machine has been off."""
        moment, facts = now(), self._stock.facts
        used_store_s = moment.mono_s + facts.shift_s
        try:
            index.sync()
            with index.change() as change:
                change.know(
                    replace(facts, clean=True, used_wall_s=moment.wall_s, used_store_s=used_store_s)
                )
            index.sync()
        except (lmdb.Error, OSError) as error:
            self._note_fault(error)
        self._index = None
        index.close()

    def greeting(self) -> Message | None:
        """What a worker must know to read; None: there is nothing to be read."""
        if self._index is None:
            return None
        return {"event": self._stock.facts.event, "shift_s": self._stock.facts.shift_s}

    # What workers say

    def receive(self, worker: int, message: Message) -> bool:
        """Take a worker's message; False: it is for somebody else."""
        kind = message.get("kind")
        if self._early is not None and str(kind).startswith("disk-"):
            self._early.append((worker, message))  # it concerns what is still to be opened
            return True
        match kind:
            case "disk-used":
                for key in _texts(message.get("keys")):
                    self._stock.used(bytes.fromhex(key))
            case "disk-keep":
                self._later(worker, message, BATCH_S)
            case "disk-drop":
                self._later(worker, message, 0.0)
            case "disk-invalidate":
                self._invalidate(worker, message)
            case "disk-purge":
                self._purge_for(message)
                self._later(worker, message, 0.0)
            case "disk-fault":
                self._fail(str(message.get("why")))
            case _:
                return False
        return True

    def worker_died(self, how: str) -> None:
        """A worker has ended, perhaps of what it read."""
        if self._index is None:
            return
        with suppress(lmdb.Error):
            self._index.forget_the_dead()
        if not any(number.name in how for number in _DEADLY):
            return
        before_s, self._died_s = self._died_s, time.monotonic()
        again = self._died_s - before_s < DEATHS_WITHIN_S
        assert self._folder is not None
        if again or folders.is_cut_off(self._folder, self._index):
            self._fail(folders.CUT_OFF, damaged=True)

    def _later(self, worker: int, message: Message, within_s: float) -> None:
        self._waiting.append((worker, message))
        loop = asyncio.get_running_loop()
        if within_s and self._flush is None:
            self._flush = loop.call_later(within_s, self._write)
        elif not within_s and not self._at_once:
            self._at_once = True
            loop.call_soon(self._write)

    def _invalidate(self, worker: int, message: Message) -> None:
        """Drop it, refuse what was fetched before, and have the other workers do so.

        In this order: they must not find it again when they have dropped it.
        """
        keys = _texts(message.get("keys"))
        self._stock.invalidate(keys)
        self._drop(keys)
        self._link.tell(
            {
                "kind": "disk-invalidated",
                "by": message.get("by"),
                "keys": keys,
                "event": self._stock.facts.event,
            }
        )
        self._tell_done([(worker, message)])

    def _purge_for(self, message: Message) -> None:
        """A worker has purged something by itself: all do it."""
        purges = _purges(message)
        self._link.tell(
            {
                "kind": "disk-purged",
                "by": message.get("by"),
                "purges": [asdict(purge) for purge in purges],
                "event": self._record(purges),
            }
        )

    # What parents say

    def purge(self, caught: Caught) -> int:
        """Have what parents told take effect at once; the number of the first of its events."""
        self._position = caught.position
        if caught.everything:
            self._stock.forget_all()
            self._tell_done(self._waiting)  # whoever told waits for a word, and it is done
            self._waiting.clear()
            self._commit(Change.clear)
            if self._folder is not None and self._index is not None:
                self._spawn(self._remove_strays(self._folder, time.time()))
        return self._record([each.purge for each in caught.records])

    def _record(self, purges: Iterable[Purge]) -> int:
        """Number purges and write them down; the first one's number."""
        first = self._stock.facts.event + 1
        store_s = time.monotonic() + self._stock.facts.shift_s
        changed = self._stock.purge(purges, store_s)
        self._stock.facts = replace(self._stock.facts, position=str(self._position))
        self._commit(lambda change: _note(change, changed))
        if changed and self._index is not None:
            self._sweep_on()
        return first

    # Writing

    def _drop(self, keys: Iterable[Key]) -> None:
        """Delete what is stored under these keys, with its slices."""
        wholes = [of_whole(index_key(key)) for key in keys]
        if self._index is None or not any(map(self._has, wholes)):
            return  # as with most that users send: it need not cost a transaction

        def drop(change: Change) -> None:
            for whole in wholes:
                self._stock.drop(change, whole)

        self._commit(drop)

    def _has(self, whole: bytes) -> bool:
        with suppress(*FAILURES):
            return self._index is not None and self._index.has(whole)
        return True

    def _write(self) -> None:
        """Write what has come, and say so; not too much at once, as purges are not to wait."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        self._at_once = False
        batch: list[tuple[int, Message]] = []
        size = 0
        while self._waiting and size < MOST_AT_ONCE:
            batch.append(self._waiting.popleft())
            size += len(_texts(batch[-1][1].get("records")))
        if batch:
            self._commit(lambda change: self._take_in(change, batch))
        self._tell_done(batch)
        if self._waiting:
            self._at_once = True
            asyncio.get_running_loop().call_soon(self._write)

    def _tell_done(self, done: Iterable[tuple[int, Message]]) -> None:
        numbers: defaultdict[int, list[int]] = defaultdict(list)
        for worker, message in done:
            if isinstance(number := message.get("number"), int):
                numbers[worker].append(number)
        for worker, told in numbers.items():
            self._link.tell({"kind": "disk-done", "numbers": told}, worker)

    def _take_in(self, change: Change, batch: Iterable[tuple[int, Message]]) -> None:
        for _, message in batch:
            records = _texts(message.get("records"))
            match message.get("kind"):
                case "disk-keep":
                    for text in records:
                        self._stock.keep(change, b64decode(text))
                case "disk-drop":
                    for text in records:
                        self._stock.drop(change, bytes.fromhex(text))
        self._stock.make_room(change)

    def _commit(self, work: _Work) -> None:
        """Change what is stored, if there is a store."""
        if self._index is None or self._folder is None:
            return
        try:
            with self._index.change() as change:
                work(change)
                change.know(self._stock.facts)
        except FAILURES as error:
            self._fail(folders.told(error), damaged=not isinstance(error, _REFUSAL))
            return
        self._metrics.holds(self._stock.facts.size_bytes, self._stock.facts.objects)
        useless, self._stock.useless = self._stock.useless, []
        if useless:
            self._spawn(asyncio.to_thread(folders.remove, self._folder, useless))

    # Sweeping

    def _sweep_on(self) -> None:
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = self._spawn(self._sweep())

    async def _sweep(self) -> None:
        """Make the room of what was purged free; nobody uses it any more."""
        sweeping_for, after = self._stock.facts.purged, b""
        while (index := self._index) is not None:
            try:
                some = index.some(after, SWEPT_AT_ONCE)
            except FAILURES as error:
                self._fail(folders.told(error), damaged=True)
                return
            if some:
                after = some[-1][0]
                self._drop_outdated(some)
            else:
                self._stock.facts = replace(self._stock.facts, swept=sweeping_for)
                if sweeping_for == self._stock.facts.purged:
                    return
                sweeping_for, after = self._stock.facts.purged, b""
            await asyncio.sleep(SWEEP_PAUSE_S)

    def _drop_outdated(self, some: Iterable[tuple[bytes, bytes]]) -> None:
        gone = []
        for key, data in some:
            with suppress(RecordError):
                if self._stock.is_current(decode(data)):
                    continue
            gone.append(key.hex())
        if gone:
            self._later(-1, {"kind": "disk-drop", "records": gone}, BATCH_S)

    async def _remove_strays(self, folder: Path, before_s: float) -> None:
        """Delete files of no record, which a killed process has left."""
        bodies = folders.bodies(folder)
        for key, path in await asyncio.to_thread(lambda: list(bodies.old(before_s))):
            if self._index is None:
                return
            if not folders.has_file(self._index, key, path.name):
                await asyncio.to_thread(path.unlink, missing_ok=True)

    # Opening, and what goes wrong

    def _open(self, folder: Path) -> None:
        """Use the store that is there if it can be used, else begin anew."""
        try:
            why = _CRASHED if self._distrusted else folders.unusable(folder)
            self._distrusted = False
            if why is not None:
                self._move_aside(folder, why, folders.DAMAGED)
            folders.prepare(folder)
            self._index = Index(folder, budget_bytes=self._budget_bytes)
            self._take_over(self._index)
            self._heed_journal(folder)
        except FAILURES as error:
            self._fail(folders.told(error), damaged=True)
            return
        self._metrics.usable(True)
        self._commit(self._stock.make_room)

    def _take_over(self, index: Index) -> None:
        """Begin to use a store, which may be new."""
        moment, boot = now(), folders.boot()
        event = self._stock.facts.event
        facts = index.facts()
        if facts is None or self._knows_more_than(facts):
            facts = Facts(boot=boot, position=str(self._position), event=event, floor=event)
            with index.change() as change:
                change.clear()
        if facts.boot != boot:  # its time runs on over what it was closed for
            store_s = facts.used_store_s + moment.wall_s - facts.used_wall_s
            facts = replace(facts, boot=boot, shift_s=store_s - moment.mono_s)
        facts = replace(facts, clean=False)
        stock = Stock(facts, self._budget_bytes, self._metrics)
        stock.events.load(index.events())
        self._stock, self._position = stock, Position.of(facts.position)
        index.forget_the_dead()

    def _heed_journal(self, folder: Path) -> None:
        """Do what workers could not tell the keeper before."""
        journal = Journal(folder)
        if not (left := journal.read()):
            return
        for message in left:
            match message.get("kind"):
                case "disk-invalidate":
                    self._drop(_texts(message.get("keys")))
                case "disk-purge":
                    self._record(_purges(message))
        journal.clear()

    def _knows_more_than(self, facts: Facts) -> bool:
        """Whether purges came that a store which was not in use for a while knows nothing of."""
        behind = not Position.of(facts.position).covers(self._position)
        return behind or facts.event < self._stock.facts.event

    def _fail(self, why: str, *, damaged: bool = False) -> None:
        """Do without the store for a while."""
        if self._folder is None or (self._retrying is not None and not self._retrying.done()):
            return
        self._note_fault(why)
        self._link.tell({"kind": "disk-off"})
        if self._index is not None:
            self._index.close()
            self._index = None
        self._stock.useless = []
        self._metrics.usable(False)
        self._metrics.holds(0, 0)
        with suppress(OSError):
            self._move_aside(self._folder, why, folders.DAMAGED if damaged else folders.OLD)
        self._retrying = self._spawn(self._retry(self._folder))

    def _note_fault(self, why: object) -> None:
        self._metrics.failed()
        log.error(
            "the store on disk cannot be used, the node goes on without it: %s",
            why,
            extra={"event": "disk-failed"},
        )

    def _move_aside(self, folder: Path, why: str, called: str) -> None:
        """Take what is there out of the way. Raises OSError."""
        aside = folders.move_aside(folder, called)
        if aside is not None:
            log.warning("the store on disk begins anew: %s", why, extra={"event": "disk-anew"})
        if aside is not None and called == folders.OLD:
            self._spawn(asyncio.to_thread(folders.delete, aside))

    async def _retry(self, folder: Path) -> None:
        await asyncio.sleep(RETRY_S)
        self._retrying = None  # so that it may fail again
        self._open(folder)
        if (greeting := self.greeting()) is not None:
            self._link.tell({"kind": "disk-on", **greeting})
            log.info("the store on disk is used again", extra={"event": "disk-usable"})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _purges(message: Message) -> list[Purge]:
    told = message.get("purges")
    return [purge_of(each) for each in told] if isinstance(told, list) else []


def _note(change: Change, changed: Iterable[Rows]) -> None:
    for rows in changed:
        for number in rows.gone:
            change.forget(number)
        for number, row in rows.new.items():
            change.note(number, row)


def _texts(told: object) -> list[str]:
    return [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
