"""Stored responses in memory, within a budget, above a larger store that processes share (`below`).

A key's variants live together, and go together when room is needed; which keys go, and which new
ones are worth room, `eviction` says. The store keeps no time; what may be used of it is
`edge.cache.verdict`'s to say. What a purge concerns is found when somebody asks for
it, or by a sweep (`purges`).

What is asked for a second time goes below, and comes up again when it is asked for and not here;
what changes here, changes there. What nobody wants twice never leaves the memory.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from edge.cache.entry import Entry
from edge.cache.key import Key
from edge.moment import Moment
from edge.store.below import Below, NothingBelow
from edge.store.eviction import Eviction
from edge.store.purges import SOFT_S, Purge, Purges

OVERHEAD_BYTES = 1_500
"""What the smallest entry costs beside its texts, half of it for what eviction remembers of it and
of what is gone; measured with tracemalloc on CPython 3.11, in a store that has long been full."""
FIELD_OVERHEAD_BYTES = 170
"""A header field: two strings, their pair, and its place in the list."""
MAX_VARIANTS = 64
"""Of one key. A Vary on something that differs with each request must not fill the store."""
MAX_REMEMBERED = 4_096
"""Invalidations kept to refuse responses that were fetched before them."""


class Watcher(Protocol):
    """Who remembers something of what is stored."""

    def forget(self, key: Key) -> None:
        """What is stored under `key` has changed, or is gone."""

    def forget_site(self, site: str) -> None:
        """Anything stored of the site may have been purged."""


@dataclass(slots=True)
class _Kept:
    """A stored response, and its mark in the order of invalidations and purges."""

    entry: Entry
    mark: int


class Put(StrEnum):
    """What became of a response that was to be stored."""

    STORED = "stored"
    """It is there."""
    TOO_LARGE = "too-large"
    """Larger than one object may be."""
    NOT_WORTH = "not-worth"
    """What would have to go for it is worth more; asked for again soon, it may be taken in."""
    INVALIDATED = "invalidated"
    """It was invalidated or purged after its fetch had begun."""


def cost_bytes(entry: Entry) -> int:
    """What keeping `entry` costs in process memory, to within some hundred bytes."""
    texts = len(entry.key) + len(entry.body)
    for name, value in entry.response.headers:
        texts += FIELD_OVERHEAD_BYTES + len(name) + len(value)
    for name, selected in entry.selecting:
        texts += FIELD_OVERHEAD_BYTES + len(name) + len(selected or "")
    for tag in entry.tags:
        texts += FIELD_OVERHEAD_BYTES + len(tag)
    return OVERHEAD_BYTES + texts


class MemoryStore:
    """A bounded store of entries by key.

    A fetch that may end in `put` begins with `mark`: its response is refused if it has been
    invalidated or purged since, or if that can no longer be told.
    """

    def __init__(
        self,
        budget_bytes: int,
        *,
        object_bytes: int,
        purged_served_s: float = SOFT_S,
        below: Below | None = None,
    ) -> None:
        """`purged_served_s`: as `Purges` has it."""
        self._below = below or NothingBelow()
        self._once: set[Key] = set()
        """Keys that were asked for once only, as far as is known here."""
        self.budget_bytes = budget_bytes
        self.object_bytes = min(object_bytes, budget_bytes)
        self.size_bytes = 0
        self.objects = 0
        self.evictions = 0
        self._watchers: list[Watcher] = []
        self._slots: dict[Key, tuple[_Kept, ...]] = {}
        self._eviction = Eviction(budget_bytes)
        self._purges = Purges(served_s=purged_served_s)
        self._unswept: list[Key] = []
        self._swept_to = 0  # the place of the last purge that a sweep under way looks for
        self._slices: dict[Key, set[Key]] = {}  # by the key of the whole
        self._invalidations: OrderedDict[Key, int] = OrderedDict()
        self._sequence = 0
        self._forgotten = 0  # the last invalidation that is no longer remembered by key

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of each key under which something is stored, replaced or dropped."""
        self._watchers.append(watcher)

    def get(self, key: Key) -> tuple[Entry, ...]:
        """All variants under `key`, which thereby counts as used."""
        entries = self.held(key)
        if entries:
            self.use(key)
            return entries
        entries = self._below.load(key)
        if entries:
            self._below.used(key)
            self._take_up(key, entries)
        return entries

    def use(self, key: Key, times: int = 1) -> None:
        """Count `key` as used."""
        self._eviction.use(key, times)
        if key not in self._once:
            self._below.used(key)
            return
        self._once.discard(key)
        for entry in self.held(key):
            self._below.keep(entry)

    def peek(self, key: Key) -> tuple[Entry, ...]:
        """All variants under `key`, which does not count as used."""
        return self.held(key) or self._below.load(key)

    def heads(self, key: Key) -> tuple[Entry, ...]:
        """The same, perhaps without their bodies: cheap for slices, which are large."""
        return self.held(key) or self._below.heads(key)

    def held(self, key: Key) -> tuple[Entry, ...]:
        """All variants under `key` that are in memory, which does not count as used."""
        self._compare(key)
        return tuple(kept.entry for kept in self._slots.get(key, ()))

    def _take_up(self, key: Key, entries: tuple[Entry, ...]) -> None:
        """Hold what came from below, if it is worth room here."""
        cost = sum(map(cost_bytes, entries))
        if cost <= self.budget_bytes and self._eviction.admits(key, cost):
            self._replace(key, tuple(_Kept(entry, self._sequence) for entry in entries))

    def mark(self) -> int:
        """The present place in the order of invalidations and purges."""
        return self._sequence

    def invalidated_since(self, key: Key, mark: int) -> bool:
        """Whether `key` has been invalidated since `mark`, or that can no longer be told."""
        return self._invalidations.get(key, self._forgotten) > mark

    def _was_invalidated(self, entry: Entry, mark: int) -> bool:
        keys = [entry.key]
        if entry.of_bytes is not None:
            keys.append(entry.key.rpartition(" ")[0])
        return any(self.invalidated_since(key, mark) for key in keys)

    def put(self, entry: Entry, mark: int, *, instead: Entry | None = None) -> Put:
        """Store `entry` in place of the variant for the same request fields, and of `instead`.

        Where it is not stored `instead` is dropped too.
        """
        current = self._purges.compare(entry, mark)
        if current is None or self._was_invalidated(entry, mark):
            refused = Put.INVALIDATED
        elif len(entry.body) > self.object_bytes or cost_bytes(entry) > self.budget_bytes:
            refused = Put.TOO_LARGE
        elif entry.key not in self._slots and not self._eviction.admits(
            entry.key, cost_bytes(entry)
        ):
            refused = Put.NOT_WORTH
        else:
            self._add(current, instead)
            return Put.STORED
        if instead is not None:
            self.remove(instead)
        return refused

    def _add(self, entry: Entry, instead: Entry | None) -> None:
        others = [
            kept
            for kept in self._slots.get(entry.key, ())
            if kept.entry.selecting != entry.selecting and kept.entry is not instead
        ]
        excess = max(0, len(others) + 1 - MAX_VARIANTS)
        room = self.budget_bytes - cost_bytes(entry)
        while sum(cost_bytes(kept.entry) for kept in others[excess:]) > room:
            excess += 1
        self.evictions += excess
        once = self._wanted_once(entry.key)
        self._replace(entry.key, (*others[excess:], _Kept(entry, self._sequence)))
        if instead is not None and instead.selecting != entry.selecting:
            self._below.drop(instead)
        if once and not self._eviction.is_known(entry.key):
            self._once.add(entry.key)
        else:
            self._once.discard(entry.key)
            self._below.keep(entry)

    def _wanted_once(self, key: Key) -> bool:
        """Whether nobody has asked a second time for what is stored under `key`, if it is."""
        if key in self._slots:
            return key in self._once
        return not self._below.has(key)

    def remove(self, entry: Entry) -> None:
        """Drop this very entry, if it is still there."""
        slot = self._slots.get(entry.key, ())
        self._replace(entry.key, tuple(kept for kept in slot if kept.entry is not entry))
        self._below.drop(entry)

    def invalidate(self, key: Key) -> int:
        """Drop all variants under `key`, and refuse those that are being fetched; how many."""
        self._below.invalidate(key)
        return self.invalidated(key)

    def invalidated(self, key: Key) -> int:
        """Another process has done so: do it here."""
        self._sequence += 1
        self._invalidations[key] = self._sequence
        self._invalidations.move_to_end(key)
        if len(self._invalidations) > MAX_REMEMBERED:
            _, self._forgotten = self._invalidations.popitem(last=False)
        dropped = len(self._slots.get(key, ()))
        self._replace(key, ())
        for each in tuple(self._slices.get(key, ())):
            dropped += len(self._slots[each])
            self._replace(each, ())
        return dropped

    def purge(self, purges: Iterable[Purge], now: Moment, *, own: bool = False) -> None:
        """Let nothing of it be used any more, nor what is being fetched of it.

        `own`: it is this process that wants it, and the others are to be told.
        """
        if own:
            purges = tuple(purges)
            self._below.purge(purges)
        sites = set()
        for purge in purges:
            self._sequence += 1
            self._purges.add(purge, self._sequence, now)
            sites.add(purge.site)
        for watcher in self._watchers:
            for site in sites:
                watcher.forget_site(site)

    def purged_since(self, site: str, mark: int) -> bool:
        """Whether anything of the site has been purged since `mark`."""
        return self._purges.since(site, mark)

    def sweep(self, most: int) -> bool:
        """Look at `most` keys for what was purged; whether there is more to look at.

        A sweep that has come to its end begins anew where there were purges meanwhile.
        """
        if not self._unswept:
            if self._swept_to == self._purges.last:
                return False
            self._unswept, self._swept_to = list(self._slots), self._purges.last
        for key in self._unswept[-most:]:
            self._compare(key)
        del self._unswept[-most:]
        if not self._unswept:
            self._purges.settle(self._swept_to)
        return bool(self._unswept) or self._swept_to < self._purges.last

    def _compare(self, key: Key) -> None:
        """Drop what was purged under `key`, and age what was purged softly."""
        slot = self._slots.get(key, ())
        if all(kept.mark >= self._purges.last for kept in slot):
            return
        current = [(kept, self._purges.compare(kept.entry, kept.mark)) for kept in slot]
        for kept, _ in current:
            kept.mark = self._sequence
        if any(entry is not kept.entry for kept, entry in current):
            left = [_Kept(entry, self._sequence) for _, entry in current if entry is not None]
            self._replace(key, tuple(left))

    def clear(self) -> int:
        """Drop everything, and refuse all that is being fetched; how many entries it was."""
        dropped = self.objects
        for key in self._slots:
            self._changed(key)
        self._eviction = Eviction(self.budget_bytes)
        self._sequence += 1
        self._forgotten = self._sequence
        self._invalidations.clear()
        self._once.clear()
        self._slots.clear()
        self._slices.clear()
        self.objects = self.size_bytes = 0
        return dropped

    def _replace(self, key: Key, slot: tuple[_Kept, ...]) -> None:
        """Put `slot` under `key`, and make the room that it needs."""
        old = self._slots.get(key, ())
        size = sum(cost_bytes(kept.entry) for kept in slot)
        if old and slot:
            self._eviction.resize(key, size)
        elif old:
            self._eviction.remove(key)
        self._account(key, old, slot)
        while self.size_bytes > self.budget_bytes:
            evicted = self._eviction.evict()
            self.evictions += len(self._slots[evicted])
            self._account(evicted, self._slots[evicted], ())
        if slot and not old:
            self._eviction.add(key, size)

    def _account(self, key: Key, old: tuple[_Kept, ...], slot: tuple[_Kept, ...]) -> None:
        if slot:
            self._slots[key] = slot
        else:
            self._slots.pop(key, None)
            self._once.discard(key)
        if bool(old) != bool(slot) and (old or slot)[0].entry.of_bytes is not None:
            self._account_slice(key, there=bool(slot))
        before, after = ({id(kept.entry): kept.entry for kept in each} for each in (old, slot))
        self.objects += len(slot) - len(old)
        self.size_bytes += sum(cost_bytes(after[each]) for each in after.keys() - before.keys())
        self.size_bytes -= sum(cost_bytes(before[each]) for each in before.keys() - after.keys())
        if before.keys() != after.keys():
            self._changed(key)

    def _account_slice(self, key: Key, *, there: bool) -> None:
        whole = key.rpartition(" ")[0]
        keys = self._slices.setdefault(whole, set())
        (keys.add if there else keys.discard)(key)
        if not keys:
            del self._slices[whole]

    def _changed(self, key: Key) -> None:
        for watcher in self._watchers:
            watcher.forget(key)
