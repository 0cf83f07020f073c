"""The memory store: its budget, what goes first, and what an invalidation reaches."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.entry import Entry
from edge.store.memory import MAX_REMEMBERED, MAX_VARIANTS, MemoryStore, Put, cost_bytes
from tests.edge.cache.stories import ask, keep, say


def entry(key: str, variant: str = "", size: int = 100) -> Entry:
    """An entry of `size` bytes under `key`."""
    made = keep(say(cache_control="max-age=60", vary="x-v"), b"b" * size, ask("/", x_v=variant))
    return replace(made, key=key)


COST = cost_bytes(entry("a"))


def store(room: float) -> MemoryStore:
    """A store with room for that many small entries."""
    return MemoryStore(int(COST * room), object_bytes=10_000)


def test_what_was_put_is_there() -> None:
    """By key, with the cost of body, fields and overhead on the account."""
    kept = store(2)
    one = entry("a")
    assert kept.put(one, kept.mark()) is Put.STORED
    assert kept.get("a") == (one,)
    assert kept.get("b") == ()
    assert (kept.objects, kept.size_bytes) == (1, COST)


def test_the_least_recently_used_key_goes_first() -> None:
    """Asking for a key keeps it."""
    kept = store(2.5)
    for key in ("a", "b"):
        kept.put(entry(key), kept.mark())
    kept.get("a")
    kept.put(entry("c"), kept.mark())
    assert [key for key in "abc" if kept.get(key)] == ["a", "c"]
    assert kept.evictions == 1


def test_the_same_variant_is_replaced() -> None:
    """One request selects one stored response."""
    kept = store(3)
    old, new = entry("a"), entry("a", size=10)
    kept.put(old, kept.mark())
    kept.put(new, kept.mark())
    assert kept.get("a") == (new,)
    assert kept.size_bytes == cost_bytes(new)


def test_variants_of_one_key_are_bounded() -> None:
    """The oldest goes; a Vary on something unique fills no store."""
    kept = store(1000)
    for number in range(MAX_VARIANTS + 3):
        kept.put(entry("a", f"{number:03}"), kept.mark())
    assert len(kept.get("a")) == MAX_VARIANTS == kept.objects
    assert kept.get("a")[0].selecting == (("x-v", "003"),)
    assert kept.evictions == 3


def test_what_is_too_large_is_refused() -> None:
    """Larger than an object may be, or than the whole budget."""
    kept = store(5)
    assert kept.put(entry("a", size=10_001), kept.mark()) is Put.TOO_LARGE
    assert kept.put(entry("a", size=COST * 5), kept.mark()) is Put.TOO_LARGE
    assert kept.objects == kept.size_bytes == 0


def test_an_invalidation_reaches_what_is_on_its_way() -> None:
    """A response whose fetch began before it is not stored, a later one is."""
    kept = store(5)
    kept.put(entry("a"), kept.mark())
    kept.put(entry("a", "x"), kept.mark())
    before = kept.mark()
    assert kept.invalidate("a") == 2
    assert kept.get("a") == ()
    assert kept.put(entry("a"), before) is Put.INVALIDATED
    assert kept.put(entry("b"), before) is Put.STORED
    assert kept.put(entry("a"), kept.mark()) is Put.STORED


def test_a_forgotten_invalidation_counts_for_every_key() -> None:
    """What is remembered is bounded; beyond that the store errs towards not storing."""
    kept = store(5)
    before = kept.mark()
    for number in range(MAX_REMEMBERED + 1):
        kept.invalidate(str(number))
    assert kept.put(entry("untouched"), before) is Put.INVALIDATED
    assert kept.put(entry("untouched"), kept.mark()) is Put.STORED


def test_clearing_reaches_what_is_on_its_way() -> None:
    """Nothing that was being fetched comes back."""
    kept = store(5)
    kept.put(entry("a"), kept.mark())
    before = kept.mark()
    assert kept.clear() == 1
    assert (kept.objects, kept.size_bytes, kept.get("a")) == (0, 0, ())
    assert kept.put(entry("a"), before) is Put.INVALIDATED


def test_removing_means_this_very_entry() -> None:
    """A newer one under the same key stays."""
    kept = store(5)
    old, new = entry("a"), entry("a")
    kept.put(old, kept.mark())
    kept.put(new, kept.mark())
    kept.remove(old)
    assert kept.get("a") == (new,)
    kept.remove(new)
    assert kept.objects == kept.size_bytes == 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "get", "remove", "invalidate"]),
        st.sampled_from("abcd"),
        st.sampled_from("xyz"),
        st.integers(0, 2000),
    ),
    max_size=40,
)


@given(STEPS)
def test_the_account_is_right_whatever_comes(steps: list[tuple[str, str, str, int]]) -> None:
    """Bytes and objects always are what is there, and never more than the budget."""
    kept = store(4)
    for step, key, variant, size in steps:
        match step:
            case "put":
                kept.put(entry(key, variant, size), kept.mark())
            case "get":
                kept.get(key)
            case "remove":
                for present in kept.get(key)[:1]:
                    kept.remove(present)
            case _:
                kept.invalidate(key)
        present_now = [found for name in "abcd" for found in kept.get(name)]
        assert kept.objects == len(present_now)
        assert kept.size_bytes == sum(map(cost_bytes, present_now)) <= kept.budget_bytes


def test_cost_is_at_least_the_texts() -> None:
    """The account is never below what must be there."""
    one = entry("a", size=5000)
    assert cost_bytes(one) > 5000
    assert cost_bytes(one) == pytest.approx(COST + 4900)


def test_a_look_is_no_use() -> None:
    """What was only looked at goes as if it had not been."""
    kept = store(2.5)
    for key in "ab":
        kept.put(entry(key), kept.mark())
    assert kept.peek("a") == (entry("a"),)
    assert kept.peek("c") == ()
    kept.put(entry("c"), kept.mark())
    assert (kept.peek("a"), len(kept.peek("b"))) == ((), 1)
