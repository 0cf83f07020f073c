"""What is in the store on disk, and what may come in: the rules, in a transaction of `index`."""

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

import lmdb

from edge.aio.disk.index import ROW_BYTES, Change, Facts, of_key, of_whole
from edge.cache.key import Key
from edge.metrics import DiskMetrics
from edge.store.events import Events, Rows
from edge.store.purges import Purge
from edge.store.record import BodyFile, Record, RecordError, decode, index_key, variant_key
from edge.store.uses import Uses

MOST_INVALIDATED = 65_536
"""Invalidations remembered, to refuse what was fetched before them."""


class Stock:
    """One store's content, as its one writer knows it."""

    def __init__(self, facts: Facts, budget_bytes: int, metrics: DiskMetrics) -> None:
        self.facts = facts
        self.events = Events(served_s=0.0)
        self.useless: list[str] = []
        """Files to be deleted once the transaction is over."""
        self._budget_bytes = budget_bytes
        self._metrics = metrics
        self._uses = Uses()
        self._invalidated: OrderedDict[bytes, int] = OrderedDict()

    def used(self, key: bytes) -> None:
        """A key was asked for."""
        self._uses.add(key)

    def invalidate(self, keys: Iterable[Key]) -> None:
        """An event: what was fetched of these keys before it is refused."""
        self.facts = replace(self.facts, event=self.facts.event + 1)
        for key in keys:
            whole = of_whole(index_key(key))
            self._invalidated.pop(whole, None)
            self._invalidated[whole] = self.facts.event
        while len(self._invalidated) > MOST_INVALIDATED:
            _, oldest = self._invalidated.popitem(last=False)
            self.facts = replace(self.facts, floor=max(self.facts.floor, oldest))

    def purge(self, purges: Iterable[Purge], store_s: float) -> list[Rows]:
        """Each purge is an event; gives what is to be remembered of them."""
        changed = []
        for purge in purges:
            event = self.facts.event + 1
            self.facts = replace(self.facts, event=event, purged=event)
            changed.append(self.events.add(self.facts.event, purge, store_s))
        return changed

    def forget_all(self) -> None:
        """An event: all that was stored or fetched before it is gone."""
        event = self.facts.event + 1
        self.facts = replace(self.facts, event=event, floor=event, size_bytes=0, objects=0)
        self.events = Events(served_s=0.0)
        self._invalidated.clear()

    def keep(self, change: Change, data: bytes) -> None:
        """Take a record in, unless it is out of date."""
        record = decode(data)
        key = variant_key(record.entry.key, record.entry.selecting)
        if not self.is_current(record):
            if record.file is not None:
                self.useless.append(record.file.name)
            return
        self._take_out(change, key, spare=record.file)
        takes = len(data) + ROW_BYTES + (record.file.size if record.file is not None else 0)
        change.put(key, data, takes)
        self._account(takes, 1)
        self._metrics.kept()

    def is_current(self, record: Record) -> bool:
        """Whether nothing has happened since that puts a record out of date."""
        whole = of_whole(index_key(record.entry.key))
        if record.mark < max(self.facts.floor, self._invalidated.get(whole, 0)):
            return False
        return self.events.current(record.entry, record.mark) is not None

    def drop(self, change: Change, beginning: bytes) -> None:
        """Delete all records whose keys begin so."""
        for key in change.keys(beginning):
            self._take_out(change, key)

    def make_room(self, change: Change) -> None:
        """Let go of what has not earned to stay, until the rest is within the budget."""
        while self.facts.size_bytes > self._budget_bytes:
            first = change.first()
            if first is None:
                raise lmdb.CorruptedError("the queue is empty and the store is not")
            key, takes = first
            mean = self.facts.size_bytes / max(1, self.facts.objects)
            if self._uses.stays(of_key(key), takes, mean):
                change.requeue(key)
            else:
                self._take_out(change, key)
                self._metrics.evicted()

    def _take_out(self, change: Change, key: bytes, *, spare: BodyFile | None = None) -> None:
        """Delete a record, and its file unless that is spared."""
        taken = change.take(key)
        if taken is None:
            return
        takes, data = taken
        self._account(-takes, -1)
        with suppress(RecordError):  # a damaged one's file is found as a stray
            file = decode(data).file
            if file is not None and file != spare:
                self.useless.append(file.name)

    def _account(self, takes: int, objects: int) -> None:
        self.facts = replace(
            self.facts,
            size_bytes=self.facts.size_bytes + takes,
            objects=self.facts.objects + objects,
        )
