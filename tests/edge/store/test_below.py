"""What a store in memory asks of the one below it."""

from collections.abc import Iterable
from dataclasses import replace

from edge.cache.entry import Entry
from edge.cache.key import Key
from edge.moment import Moment
from edge.store.memory import MemoryStore, Put, cost_bytes
from edge.store.purges import Purge, Scope
from tests.edge.cache.stories import ask, keep, say


def entry(key: str, variant: str = "", size: int = 100) -> Entry:
    """An entry of `size` bytes under `key`."""
    made = keep(say(cache_control="max-age=60", vary="x-v"), b"b" * size, ask("/", x_v=variant))
    return replace(made, key=f"shop http shop.test /{key}")


class Shelf:
    """A store below that does at once what it is asked."""

    def __init__(self) -> None:
        self.entries: dict[tuple[Key, object], Entry] = {}
        self.uses: list[Key] = []
        self.asked: list[object] = []

    def load(self, key: Key) -> tuple[Entry, ...]:
        """What is there."""
        return tuple(entry for (each, _), entry in self.entries.items() if each == key)

    def heads(self, key: Key) -> tuple[Entry, ...]:
        """What is there."""
        return self.load(key)

    def has(self, key: Key) -> bool:
        """Whether it is there."""
        return bool(self.load(key))

    def keep(self, entry: Entry) -> None:
        """It is there now."""
        self.entries[entry.key, entry.selecting] = entry

    def drop(self, entry: Entry) -> None:
        """It is not."""
        self.entries.pop((entry.key, entry.selecting), None)

    def used(self, key: Key) -> None:
        """It counts."""
        self.uses.append(key)

    def invalidate(self, key: Key) -> None:
        """It remembers that."""
        self.asked.append(key)

    def purge(self, purges: Iterable[Purge]) -> None:
        """And that."""
        self.asked.append(tuple(purges))


A = entry("a")
NOW = Moment(wall_s=0.0, mono_s=0.0)


def stores(room: float = 10) -> tuple[MemoryStore, Shelf]:
    """Both, with room for so many small entries in memory."""
    shelf = Shelf()
    budget_bytes = int(cost_bytes(A) * room)
    return MemoryStore(budget_bytes, object_bytes=100_000, below=shelf), shelf


def put(memory: MemoryStore, *entries: Entry) -> None:
    """Store these."""
    for each in entries:
        assert memory.put(each, memory.mark()) is Put.STORED


def test_what_is_wanted_once_stays_above() -> None:
    """The second request sends it below."""
    memory, shelf = stores()
    put(memory, A)
    assert shelf.entries == {}
    assert memory.get(A.key) == (A,)
    assert shelf.load(A.key) == (A,)


def test_hits_count_too() -> None:
    """They come in numbers, after they were answered; a peek is none."""
    memory, shelf = stores()
    put(memory, A)
    memory.peek(A.key)
    assert shelf.entries == {}
    memory.use(A.key, times=3)
    assert shelf.load(A.key) == (A,)


def test_what_is_fetched_again_goes_below_at_once() -> None:
    """It had to go before its second request came."""
    memory, shelf = stores(2)
    put(memory, A, entry("b"), entry("c"), entry("d"))
    assert memory.peek(A.key) == ()
    put(memory, A)
    assert shelf.load(A.key) == (A,)


def test_what_is_not_above_comes_up() -> None:
    """All its variants; from then on it is there."""
    memory, shelf = stores()
    other = entry("a", variant="2")
    shelf.keep(A)
    shelf.keep(other)
    assert memory.get(A.key) == (A, other)
    shelf.entries.clear()
    assert memory.get(A.key) == (A, other)
    assert memory.objects == 2


def test_a_peek_brings_nothing_up() -> None:
    """It only looks."""
    memory, shelf = stores()
    shelf.keep(A)
    assert memory.peek(A.key) == (A,)
    assert memory.objects == 0


def test_a_new_response_takes_the_place_of_the_old_below() -> None:
    """Or the old one would come back when the new one has gone from memory."""
    memory, shelf = stores()
    shelf.keep(A)
    new = entry("a", size=50)
    memory.get(A.key)
    put(memory, new)
    assert shelf.load(A.key) == (new,)


def test_what_is_removed_is_removed_below() -> None:
    """Also where it was too large to come up."""
    memory, shelf = stores(1)
    large = entry("a", size=50_000)
    shelf.keep(large)
    assert memory.get(large.key) == (large,)
    assert memory.objects == 0
    memory.remove(large)
    assert shelf.entries == {}


def test_what_is_evicted_stays_below() -> None:
    """That is what it is for."""
    memory, shelf = stores(2)
    put(memory, A)
    memory.get(A.key)
    for name in "bcdefgh":
        memory.put(entry(name), memory.mark())
        memory.get(entry(name).key)
    assert memory.objects <= 2
    assert memory.get(A.key) == (A,)
    assert len(shelf.entries) == 8


def test_a_variant_that_is_put_in_anothers_place_replaces_it_below() -> None:
    """As a revalidation by other fields does."""
    memory, shelf = stores()
    shelf.keep(A)
    (old,) = memory.get(A.key)
    new = entry("a", variant="2")
    assert memory.put(new, memory.mark(), instead=old) is Put.STORED
    assert shelf.load(A.key) == (new,)


def test_others_hear_what_this_process_has_seen() -> None:
    """And it does not hear its own word again."""
    memory, shelf = stores()
    put(memory, A)
    purge = Purge(site="shop", scope=Scope.GROUP, value="g")
    memory.invalidate(A.key)
    memory.purge([purge], NOW, own=True)
    assert shelf.asked == [A.key, (purge,)]
    memory.invalidated(A.key)
    memory.purge([purge], NOW)
    assert len(shelf.asked) == 2
