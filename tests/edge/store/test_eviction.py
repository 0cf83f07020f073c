"""Which keys go: what a scan, a crowd, a large object and a change of habits do to a full store."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.store.eviction import GHOSTS_PER_KEY, Eviction, Queues

BUDGET = 100


class Cache:
    """A store without content, as `Eviction` wants to be used."""

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.eviction = Eviction(budget)
        self.sizes: dict[str, int] = {}

    @property
    def size(self) -> int:
        """Of all keys that are there."""
        return sum(self.sizes.values())

    def ask(self, key: str, size: int = 1) -> bool:
        """Whether it was there; it is now, if it is worth room."""
        if key in self.sizes:
            self.eviction.use(key)
            return True
        if size <= self.budget and self.eviction.admits(key, size):
            while self.size + size > self.budget:
                del self.sizes[self.eviction.evict()]
            self.eviction.add(key, size)
            self.sizes[key] = size
        return False

    def hits(self, keys: Iterable[str]) -> int:
        """How many requests were for what was there."""
        return sum(self.ask(key) for key in keys)


def full(cache: Cache, *, hot: int) -> Cache:
    """With so many keys that are asked for again and again, and others that are not."""
    for turn in range(10):
        cache.hits(f"hot{number}" for number in range(hot))
        cache.hits(f"once{turn}-{number}" for number in range(BUDGET // 10))
    return cache


def test_a_scan_leaves_what_is_asked_for_again() -> None:
    """A thousand keys that nobody asks for twice pass by; least recent use would lose all."""
    cache = full(Cache(), hot=60)
    cache.hits(f"scanned{number}" for number in range(1_000))
    assert cache.hits(f"hot{number}" for number in range(60)) == 60


def test_what_was_let_go_too_early_comes_back_for_good() -> None:
    """Its second request is remembered, so that a scan does not reach it any more."""
    cache = full(Cache(), hot=60)
    cache.ask("late")
    cache.hits(f"scanned{number}" for number in range(100))
    assert not cache.ask("late")
    cache.hits(f"scanned-again{number}" for number in range(100))
    assert cache.ask("late")


def test_a_large_key_must_be_asked_for_twice() -> None:
    """One that would push out much that is new is not taken in for one request, others are."""
    cache = full(Cache(1_000), hot=60)
    cache.hits(f"more{number}" for number in range(1_000))
    cache.ask("large", 30)
    cache.ask("small", 2)
    assert ("large" in cache.sizes, "small" in cache.sizes) == (False, True)
    cache.ask("large", 30)
    assert "large" in cache.sizes


def test_room_is_for_those_who_use_it_most() -> None:
    """A key of half the budget stays out while fifty small ones are asked for as often as it."""
    cache = Cache()
    rng = random.Random(1)
    names = [f"small{number}" for number in range(80)]
    hits = asked = 0
    for turn in range(200):
        rng.shuffle(names)
        found = cache.hits(names)
        cache.ask("half", 50)
        if turn >= 100:
            asked += len(names)
            hits += found
    assert hits / asked > 0.95


def test_recency_rules_where_it_serves_better() -> None:
    """Keys that are asked for some times within a while and never again; then a scan of a crowd."""
    cache = Cache()
    rng = random.Random(1)
    for now in range(20_000):
        cache.ask(f"new{now // 10 - int(rng.triangular(0, 90, 40))}")
    assert cache.eviction.by_recency
    for turn in range(100):
        cache.hits(f"hot{number}" for number in range(60))
        cache.hits(f"once{turn}-{number}" for number in range(100))
    assert not cache.eviction.by_recency


def test_what_is_not_there_may_be_used() -> None:
    """Hits are counted late: what they were for may be gone by then."""
    eviction = Eviction(BUDGET)
    eviction.use("gone", 3)
    eviction.add("there", 1)
    assert eviction.evict() == "there"


def test_what_is_remembered_is_bounded() -> None:
    """By what is there, whatever was asked for."""
    queues = Queues(BUDGET)
    for number in range(10_000):
        if queues.admits(number, 1):
            while queues.size_bytes >= BUDGET:
                queues.evict()
            queues.add(str(number), number, 1)
    assert len(queues) == BUDGET
    assert len(queues._ghosts) <= 1.2 * GHOSTS_PER_KEY * BUDGET


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("ask", "ask", "ask", "remove", "resize")),
        st.sampled_from([f"key{number}" for number in range(12)]),
        st.integers(min_value=1, max_value=60),
    ),
    max_size=200,
)


@given(steps=STEPS)
@pytest.mark.parametrize("by_recency", [False, True])
def test_the_account_is_right_whatever_comes(
    steps: list[tuple[str, str, int]], *, by_recency: bool
) -> None:
    """What is evicted was there, and nothing is evicted or counted twice."""
    queues = Queues(BUDGET, by_recency=by_recency)
    sizes: dict[str, int] = {}

    def make_room(size: int) -> None:
        while sum(sizes.values()) + size > BUDGET:
            del sizes[queues.evict()]

    for step, key, size in steps:
        if step == "remove" and sizes.pop(key, None) is not None:
            queues.remove(key)
        elif step == "resize" and key in sizes:
            sizes[key] = size
            queues.resize(key, size)
            make_room(0)
        elif step == "ask" and key in sizes:
            queues.use(key)
        elif step == "ask" and queues.admits(hash(key), size):
            make_room(size)
            queues.add(key, hash(key), size)
            sizes[key] = size
        assert (len(queues), queues.size_bytes) == (len(sizes), sum(sizes.values()))
    for _ in range(len(sizes)):
        del sizes[queues.evict()]
    assert (len(queues), queues.size_bytes, sizes) == (0, 0, {})
