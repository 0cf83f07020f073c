"""What a parent knows of purges, and what it tells whom."""

from dataclasses import replace

import pytest

from edge.purge_log import (
    MOST_AT_ONCE,
    Caught,
    News,
    Numbered,
    Place,
    Position,
    PurgeLogError,
    catch_up,
)
from edge.store.purges import Purge, Scope
from origin.purges import MOST_CHARACTERS, Change, PurgeLog, stamp_of


def purge(value: str = "red") -> Purge:
    """A purge of a tag."""
    return Purge(site="shop", scope=Scope.TAG, value=value)


def log_of(name: str, stamp: str = "10", most: int = 10_000) -> PurgeLog:
    """A parent's log that has just begun."""
    return PurgeLog(name, [Change(name=name, stamp=stamp, number=0, anew=True)], most)


def number(log: PurgeLog, count: int, *, released: bool = True, value: str = "red") -> None:
    """Ask a parent for so many purges."""
    for _ in range(count):
        log.append(log.next(purge(value)))
    if released:
        log.release(log.position)


def told(log: PurgeLog, text: str, *, released: bool = True) -> Caught:
    """What a follower at a position has to do, asking again until there is no more."""
    at, records = Position.of(text), list[Numbered]()
    while True:
        caught = catch_up(at, log.since(at, released=released))
        records += caught.records
        if caught.everything or caught.position == at:
            return replace(caught, records=tuple(records))
        at = caught.position


def exchange(teller: PurgeLog, follower: PurgeLog) -> None:
    """Let one parent follow another until it hears nothing new."""
    for _ in range(100):
        before = follower.position
        follower.take(teller.since(follower.position, released=False))
        if follower.position == before:
            return
    raise AssertionError("it hears the same news for ever")


def test_purges_are_numbered_from_one() -> None:
    """In the log of the parent that was asked."""
    log = log_of("a")
    record = log.next(purge())
    assert (record.parent, record.stamp, record.number) == ("a", "10", 1)
    assert str(log.position) == "a=10:0"
    log.append(record)
    assert str(log.position) == "a=10:1"
    assert log.next(purge()).number == 2
    assert log.last == record


def test_edges_are_told_what_is_released() -> None:
    """Parents hear of it before; a position that is not ours releases nothing."""
    log = log_of("a")
    number(log, 2, released=False)
    assert str(log.released) == "a=10:0"
    log.release(Position.of("a=10:1, b=3:9"))
    assert str(log.released) == "a=10:1"
    log.release(Position.of("a=11:2"))
    assert str(log.released) == "a=10:1"
    assert len(told(log, "a=10:0").records) == 1
    assert len(told(log, "a=10:0", released=False).records) == 2
    log.release(Position.of("a=10:9"))
    assert str(log.released) == "a=10:2"


def test_a_follower_is_told_what_it_missed() -> None:
    """Each purge once and in order; nothing when it knows all, or more."""
    log = log_of("a")
    number(log, 3)
    news = log.since(Position.of("a=10:1"), released=True)
    assert [each.number for each in news.records] == [2, 3]
    assert (str(news.position), news.everything) == ("a=10:3", False)
    for known in ("a=10:3", "a=10:4"):
        news = log.since(Position.of(known), released=True)
        assert (news.records, news.everything) == ((), False)
        assert Position.of(known).covers(news.position)


def test_whoever_knows_nothing_drops_everything() -> None:
    """And is told no records, which would be of no use to it."""
    log = log_of("a")
    number(log, 3)
    news = log.since(Position(), released=True)
    assert (news.everything, news.records, str(news.position)) == (True, (), "a=10:3")


def test_what_is_forgotten_counts_as_everything() -> None:
    """A log keeps so many; who is further behind has missed too much."""
    log = log_of("a", most=3)
    number(log, 5)
    assert len(told(log, "a=10:2").records) == 3
    late = told(log, "a=10:1")
    assert (late.everything, str(late.position)) == (True, "a=10:5")


def test_a_log_that_was_lost_counts_as_everything() -> None:
    """Whoever knew the former log of this parent missed what nobody can name.

    Nobody goes back from a later log: the parent, which so hears of it, begins another.
    """
    late = told(log_of("a"), "a=f:7")
    assert (late.everything, str(late.position)) == (True, "a=10:0")
    later = told(log_of("a"), "a=11:7")
    assert (later.everything, str(later.position)) == (False, "a=11:7")
    assert log_of("a").went_back(later.position)


def test_one_piece_of_news_has_its_bounds() -> None:
    """In records and in characters; whoever asks again comes to the end."""
    log = log_of("a")
    number(log, 2 * MOST_AT_ONCE + 1)
    first = log.since(Position.of("a=10:0"), released=True)
    assert (len(first.records), first.more) == (MOST_AT_ONCE, True)
    assert not log.since(Position.of(f"a=10:{MOST_AT_ONCE + 1}"), released=True).more
    assert len(told(log, "a=10:0").records) == 2 * MOST_AT_ONCE + 1
    log = log_of("a")
    number(log, 3, value="x" * (MOST_CHARACTERS // 2 + 1))
    assert len(log.since(Position.of("a=10:0"), released=True).records) == 1
    assert len(told(log, "a=10:0").records) == 3
    log = log_of("a")
    number(log, 2, value="x" * (2 * MOST_CHARACTERS))
    assert len(told(log, "a=10:0").records) == 2


def test_parents_tell_what_they_heard() -> None:
    """An edge that can ask one of them alone hears of the others' purges too."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 2)
    exchange(a, b)
    assert str(b.position) == "a=10:2, b=20:0"
    b.release(b.position)
    assert [each.number for each in told(b, "a=10:1, b=20:0").records] == [2]
    number(a, 1)
    exchange(a, b)
    assert str(b.released) == "a=10:2, b=20:0"  # its own workers have still to do it


def test_a_parent_that_missed_too_much_drops_everything_as_well() -> None:
    """It then knows where the log is, but no purge before that."""
    a, b = log_of("a", most=2), log_of("b", "20")
    number(a, 1)
    exchange(a, b)
    number(a, 4)
    news = a.since(b.position, released=False)
    assert news.everything
    (change,) = b.take(news)
    assert (change.anew, change.number, change.records) == (True, 5, ())
    b.release(b.position)
    assert told(b, "a=10:4, b=20:0").everything
    number(a, 1)
    exchange(a, b)
    b.release(b.position)
    assert [each.number for each in told(b, "a=10:5, b=20:0").records] == [6]


def test_a_log_that_began_anew_takes_the_place_of_the_former() -> None:
    """Everywhere, also where it comes from another parent; the former never comes back."""
    old, new, b, c = log_of("a"), log_of("a", "11"), log_of("b", "20"), log_of("c", "30")
    number(old, 3)
    exchange(old, b)
    exchange(old, c)
    exchange(new, b)
    assert str(b.position) == "a=11:0, b=20:0"
    exchange(c, b)
    assert b.position.places["a"] == Place("11", 0)
    exchange(b, c)
    assert c.position.places["a"] == Place("11", 0)
    c.release(c.position)
    assert not told(c, "a=12:0, b=20:0, c=30:0").everything  # who asks knows a later one


def test_nobody_tells_a_parent_of_its_own_log() -> None:
    """Whatever others remember of it."""
    old, new, b = log_of("a"), log_of("a", "11"), log_of("b", "20")
    number(old, 3)
    exchange(old, b)
    exchange(b, new)
    assert str(new.position) == "a=11:0, b=20:0"


@pytest.mark.parametrize(
    ("theirs", "back"),
    [("a=10:2", False), ("a=10:3", True), ("a=11:0", True), ("a=f:9", False), ("b=99:9", False)],
)
def test_a_log_that_went_back(theirs: str, back: bool) -> None:
    """Somebody knows more of it than it does itself: it was put back from a backup."""
    log = log_of("a")
    number(log, 2)
    assert log.went_back(Position.of(theirs)) is back


@pytest.mark.parametrize(("now_s", "stamp"), [(0x50, "50"), (0x12, "31"), (0x30, "31")])
def test_it_begins_anew_later_than_any(now_s: int, stamp: str) -> None:
    """Than its own and than theirs, whatever the clock says; the numbers begin again."""
    log = log_of("a", "20")
    number(log, 2)
    change = log.begin_anew(now_s, Position.of("a=30:1"))
    assert (change.stamp, change.number, change.anew) == (stamp, 0, True)
    assert str(log.released) == f"a={stamp}:0"
    assert log.last is None
    assert log.next(purge()).number == 1
    assert told(log, "a=20:2").everything


def test_what_others_know_and_we_do_not() -> None:
    """Of other parents only, and not what an older log had."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 2)
    exchange(a, b)
    assert not b.lacks(Position.of("a=10:2, b=20:7"))
    assert not b.lacks(Position.of("a=f:9"))
    assert str(b.lacks(Position.of("a=10:3, c=1:0"))) == "a=10:3, c=1:0"
    assert str(b.lacks(Position.of("a=11:0"))) == "a=11:0"


def test_what_nobody_tells_is_taken_over() -> None:
    """Followers who are behind it drop everything, and those who are there go on."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 2)
    exchange(a, b)
    (change,) = b.take_over(Position.of("a=10:7, b=20:3"))
    assert (change.name, change.number, change.anew) == ("a", 7, True)
    b.release(b.position)
    assert str(b.released) == "a=10:7, b=20:0"
    assert told(b, "a=10:6, b=20:0").everything
    assert not told(b, "a=10:7, b=20:0").everything


def test_news_with_a_gap_is_no_news() -> None:
    """Nothing of it is taken in."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 3)
    whole = a.since(Position.of("a=10:0"), released=True)
    for records in (whole.records[1:], whole.records[:-1], ()):
        with pytest.raises(PurgeLogError, match="gap"):
            b.take(News(position=whole.position, records=records))
        assert str(b.position) == "b=20:0"


def test_the_same_news_twice_is_taken_in_once() -> None:
    """From two parents, or from one that was asked before the other had answered."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 2)
    early = a.since(Position.of("a=10:0"), released=True)
    number(a, 1)
    late = a.since(Position.of("a=10:0"), released=True)
    assert [len(change.records) for change in b.take(early)] == [2]
    assert [len(change.records) for change in b.take(late)] == [1]
    assert b.take(early) == b.take(late) == ()


def test_a_new_parent_makes_nobody_drop_anything() -> None:
    """Its log is short: who has not heard of it is told all of it."""
    log = log_of("c", "30")
    assert str(told(log, "a=10:2").position) == "a=10:2, c=30:0"
    number(log, 2)
    caught = told(log, "a=10:2")
    assert (len(caught.records), caught.everything) == (2, False)


def test_a_log_is_as_it_was_left() -> None:
    """All that was in it is released: nobody knows who was told."""
    log = log_of("a", most=3)
    number(log, 5, released=False)
    again = PurgeLog("a", [log.snapshot("a")], 3)
    assert again.position == again.released == log.position
    assert told(again, "a=10:2") == told(log, "a=10:2", released=False)


@pytest.mark.parametrize(
    ("after", "stamp"), [("0", "64"), ("63", "64"), ("64", "65"), ("ff", "100")]
)
def test_stamps_grow(after: str, stamp: str) -> None:
    """With the clock, unless that went back."""
    assert stamp_of(100.9, after=after) == stamp
