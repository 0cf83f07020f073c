"""Events: what a process that starts must know to compare what is on the disk."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.entry import Entry
from edge.store.events import Events, Row
from edge.store.purges import Purge, Scope
from tests.edge.cache.stories import keep, say

SOFT_S = 60.0


def entry(path: str = "/a", tag: str = "t", site: str = "shop") -> Entry:
    """An entry of a site."""
    response = say(cache_control="max-age=60", cache_tag=tag)
    return replace(keep(response), key=f"{site} http shop.test {path}")


def purge(value: str, *, scope: Scope = Scope.TAG, soft: bool = False, site: str = "shop") -> Purge:
    """A purge, of a tag if nothing else is said."""
    return Purge(site=site, scope=scope, value=value, soft=soft)


class Book:
    """What is remembered, as a store does."""

    def __init__(self, most: int = 10_000) -> None:
        self.events = Events(served_s=SOFT_S, most=most)
        self.rows: dict[int, Row] = {}

    def add(self, number: int, wanted: Purge) -> None:
        """A purge happens."""
        changed = self.events.add(number, wanted, 0.0)
        for gone in changed.gone:
            del self.rows[gone]
        self.rows |= changed.new

    def read(self) -> Events:
        """What a process knows that has read it."""
        events = Events(served_s=SOFT_S)
        events.load(sorted(self.rows.items()))
        return events


def test_a_purge_concerns_what_was_stored_before() -> None:
    """By its number, in the process that made it and in one that reads of it."""
    book = Book()
    book.add(5, purge("t"))
    for events in (book.events, book.read()):
        assert events.current(entry(), 4) is None
        assert events.current(entry(), 5) == entry()
        assert events.current(entry(tag="other"), 4) == entry(tag="other")


def test_a_soft_purge_ages() -> None:
    """From the time it was made."""
    book = Book()
    book.add(5, purge("t", soft=True))
    for events in (book.events, book.read()):
        aged = events.current(entry(), 4)
        assert aged is not None
        assert aged.initial_age_s > entry().initial_age_s


def test_the_same_purge_again_takes_the_place_of_the_first() -> None:
    """Whoever purges one page each minute fills nothing."""
    book = Book()
    for number in range(1, 100):
        book.add(number, purge("t"))
    assert list(book.rows) == [99]
    assert book.read().current(entry(), 98) is None


def test_what_is_forgotten_counts_as_purged() -> None:
    """All of the site that was not compared since; nothing of another."""
    book = Book(most=3)
    for number in range(1, 6):
        book.add(number, purge(f"tag {number}"))
    assert len(book.rows) == 4  # and up to where the others are forgotten
    for events in (book.events, book.read()):
        assert events.current(entry(), 1) is None
        assert events.current(entry(), 2) == entry()
        assert events.current(entry(site="blog"), 1) == entry(site="blog")


@given(
    st.lists(
        st.builds(
            purge,
            st.sampled_from(["t", "u", "/a"]),
            scope=st.sampled_from([Scope.TAG, Scope.SITE, Scope.PREFIX]),
            site=st.sampled_from(["shop", "blog"]),
            soft=st.booleans(),
        ),
        max_size=30,
    ),
    st.integers(0, 31),
)
def test_who_reads_of_it_knows_as_much(purges: list[Purge], mark: int) -> None:
    """As who was there, whatever was forgotten meanwhile."""
    book = Book(most=3)
    for number, wanted in enumerate(purges, 1):
        book.add(number, wanted)
    for each in (entry(), entry(tag="u", site="blog")):
        assert book.read().current(each, mark) == book.events.current(each, mark)


@pytest.mark.parametrize("row", [{}, {"site": "shop"}, {"site": 1, "scope": "tag", "value": "a"}])
def test_rows_of_another_version_are_refused(row: Row) -> None:
    """Then the whole store is of no use."""
    with pytest.raises(ValueError, match="version"):
        Events(served_s=SOFT_S).load([(1, row)])
