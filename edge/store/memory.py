"""Stored responses in memory: least recently used keys go first when the budget is spent.

A key's variants live together and are evicted oldest first. The store keeps no time; what may be
used of it is `edge.cache.verdict`'s to say.
"""

from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum

from edge.cache.entry import Entry
from edge.cache.key import Key

OVERHEAD_BYTES = 800
"""What the smallest entry costs beside its texts; measured with tracemalloc on CPython 3.11."""
FIELD_OVERHEAD_BYTES = 170
"""A header field: two strings, their pair, and its place in the list."""
MAX_VARIANTS = 64
"""Of one key. A Vary on something that differs with each request must not fill the store."""
MAX_REMEMBERED = 4_096
"""Invalidations kept to refuse responses that were fetched before them."""


class Put(StrEnum):
    """What became of a response that was to be stored."""

    STORED = "stored"
    """It is there."""
    TOO_LARGE = "too-large"
    """Larger than one object may be."""
    INVALIDATED = "invalidated"
    """Its key was invalidated after its fetch had begun."""


def cost_bytes(entry: Entry) -> int:
    """What keeping `entry` costs in process memory, to within some hundred bytes."""
    texts = len(entry.key) + len(entry.body)
    for name, value in entry.response.headers:
        texts += FIELD_OVERHEAD_BYTES + len(name) + len(value)
    for name, selected in entry.selecting:
        texts += FIELD_OVERHEAD_BYTES + len(name) + len(selected or "")
    return OVERHEAD_BYTES + texts


class MemoryStore:
    """A bounded store of entries by key.

    A fetch that may end in `put` begins with `mark`: its response is refused if its key has been
    invalidated since, or if that can no longer be told.
    """

    def __init__(self, budget_bytes: int, *, object_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.object_bytes = min(object_bytes, budget_bytes)
        self.size_bytes = 0
        self.objects = 0
        self.evictions = 0
        self._watchers: list[Callable[[Key], None]] = []
        self._slots: OrderedDict[Key, tuple[Entry, ...]] = OrderedDict()
        self._invalidations: OrderedDict[Key, int] = OrderedDict()
        self._sequence = 0
        self._forgotten = 0  # the last invalidation that is no longer remembered by key

    def watch(self, changed: Callable[[Key], None]) -> None:
        """Tell `changed` of each key under which something is stored, replaced or dropped."""
        self._watchers.append(changed)

    def get(self, key: Key) -> tuple[Entry, ...]:
        """All variants under `key`, which thereby counts as used."""
        entries = self._slots.get(key)
        if entries is None:
            return ()
        self._slots.move_to_end(key)
        return entries

    def use(self, key: Key) -> None:
        """Count `key`, under which something is stored, as used."""
        self._slots.move_to_end(key)

    def peek(self, key: Key) -> tuple[Entry, ...]:
        """All variants under `key`, which does not count as used."""
        return self._slots.get(key, ())

    def mark(self) -> int:
        """The present place in the order of invalidations."""
        return self._sequence

    def invalidated_since(self, key: Key, mark: int) -> bool:
        """Whether `key` has been invalidated since `mark`, or that can no longer be told."""
        return self._invalidations.get(key, self._forgotten) > mark

    def put(self, entry: Entry, mark: int) -> Put:
        """Store `entry` in place of the variant for the same request fields."""
        if self.invalidated_since(entry.key, mark):
            return Put.INVALIDATED
        if len(entry.body) > self.object_bytes or cost_bytes(entry) > self.budget_bytes:
            return Put.TOO_LARGE
        others = self._slots.get(entry.key, ())
        kept = [other for other in others if other.selecting != entry.selecting]
        excess = max(0, len(kept) + 1 - MAX_VARIANTS)
        self.evictions += excess
        self._replace(entry.key, (*kept[excess:], entry))
        self._make_room()
        return Put.STORED

    def remove(self, entry: Entry) -> None:
        """Drop this very entry, if it is still there."""
        entries = self._slots.get(entry.key, ())
        self._replace(entry.key, tuple(other for other in entries if other is not entry))

    def invalidate(self, key: Key) -> int:
        """Drop all variants under `key`, and refuse those that are being fetched; how many."""
        self._sequence += 1
        self._invalidations[key] = self._sequence
        self._invalidations.move_to_end(key)
        if len(self._invalidations) > MAX_REMEMBERED:
            _, self._forgotten = self._invalidations.popitem(last=False)
        dropped = len(self._slots.get(key, ()))
        self._replace(key, ())
        return dropped

    def clear(self) -> int:
        """Drop everything, and refuse all that is being fetched; how many entries it was."""
        dropped = self.objects
        for key in self._slots:
            self._changed(key)
        self._sequence += 1
        self._forgotten = self._sequence
        self._invalidations.clear()
        self._slots.clear()
        self.objects = self.size_bytes = 0
        return dropped

    def _replace(self, key: Key, entries: tuple[Entry, ...]) -> None:
        """Put `entries` under `key`, which thereby counts as used; only what differs is counted."""
        old = self._slots.pop(key, ())
        if entries:
            self._slots[key] = entries
        before, after = set(map(id, old)), set(map(id, entries))
        self.objects += len(entries) - len(old)
        self.size_bytes += sum(cost_bytes(entry) for entry in entries if id(entry) not in before)
        self.size_bytes -= sum(cost_bytes(entry) for entry in old if id(entry) not in after)
        if before != after:
            self._changed(key)

    def _changed(self, key: Key) -> None:
        for changed in self._watchers:
            changed(key)

    def _make_room(self) -> None:
        while self.size_bytes > self.budget_bytes:
            key, entries = next(iter(self._slots.items()))
            self._replace(key, entries[1:])
            if len(entries) > 1:
                self._slots.move_to_end(key, last=False)  # it stays the next to go
            self.evictions += 1
