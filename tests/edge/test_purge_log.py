"""Positions in the log of purges, and what news mean to who follows it."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.purge_log import LATEST, News, Numbered, Place, Position, PurgeLogError, catch_up
from edge.store.purges import Purge, Scope

SITE = Purge(site="shop", scope=Scope.SITE)
TAG = Purge(site="shop", scope=Scope.TAG, value="red, big", soft=True)

QUIET = {"position": "", "records": [], "everything": False, "more": False}

places = st.builds(Place, st.sampled_from(["1a", "2b"]), st.integers(0, 5))
positions = st.builds(Position, st.dictionaries(st.sampled_from(["a", "b", "c"]), places))


def at(text: str) -> Position:
    """A position as the field has it."""
    return Position.of(text)


def numbered(parent: str, number: int, purge: Purge = SITE, stamp: str = "1a") -> Numbered:
    """A record."""
    return Numbered(parent=parent, stamp=stamp, number=number, purge=purge)


def test_a_position_is_a_field_value() -> None:
    """Parents by name, each with the stamp of its log and a number."""
    position = Position({"b": Place("2b", 0), "a": Place("1a", 12)})
    assert str(position) == "a=1a:12, b=2b:0"
    assert at(str(position)) == position
    assert at(" ") == Position()
    assert not Position()


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a=1",
        "a=1:",
        "a=:1",
        "=1a:1",
        "a=1a:-1",
        "a=1a:x",
        "a=1a:01",
        "a=1a:\u0663",
        "a=1a:" + "9" * 16,
        "a=-1:1",
        "a=0x1a:1",
        "a=1_a:1",
        "a=01a:1",
        "a=1A:1",
        f"a={LATEST + 1:x}:1",
        f"a={'f' * 1_000}:1",
        "a=1a:1, a=1a:2",
        "a b=1a:1",
        f"{'a' * 64}=1a:1",
        "ä=1a:1",
    ],
)
def test_what_is_no_position(text: str) -> None:
    """Is refused; so is what is far too long."""
    with pytest.raises(PurgeLogError):
        at(text)
    with pytest.raises(PurgeLogError, match="too long"):
        at(", ".join(["a=1a:1"] * 1_000))


@pytest.mark.parametrize(
    ("ours", "theirs", "covers"),
    [
        ("a=1a:3", "a=1a:3", True),
        ("a=1a:3", "a=1a:2", True),
        ("a=1a:3, b=2b:1", "a=1a:3", True),
        ("a=1a:3", "", True),
        ("a=1a:3", "a=1a:4", False),
        ("a=1a:3", "b=2b:0", False),
        ("a=1a:3", "a=2b:1", False),
        ("a=2b:0", "a=1a:3", True),
    ],
)
def test_who_knows_as_much(ours: str, theirs: str, covers: bool) -> None:
    """A later log of the same parent is begun by dropping everything."""
    assert at(ours).covers(at(theirs)) is covers


@given(positions, positions)
def test_joined_knows_what_the_other_knows(ours: Position, theirs: Position) -> None:
    """And what we know ourselves, of the same logs."""
    assert ours.joined(theirs).covers(theirs)
    assert {*ours.joined(theirs).places} == {*ours.places, *theirs.places}


def test_only_some_parents_count() -> None:
    """Of what was told, and no more is there than was told."""
    assert str(at("a=1a:1, b=1a:2, c=1a:3").only({"a", "c", "d"})) == "a=1a:1, c=1a:3"


def test_news_cross_the_wire() -> None:
    """As JSON."""
    news = News(position=at("a=1a:2"), records=(numbered("a", 1), numbered("a", 2, TAG)))
    assert News.of(json.loads(json.dumps(news.as_json()))) == news


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {"position": "a=1a:1", "records": []},
        {**QUIET, "position": "a"},
        {**QUIET, "records": [["a", "1a"]]},
        {**QUIET, "records": [["a", "1a", 1, {"site": "shop"}]]},
        {**QUIET, "records": [["a", "1a", 1, {**asdict(TAG), "scope": "x"}]]},
        {**QUIET, "records": [["a", "x", 1, asdict(TAG)]]},
        {**QUIET, "records": [["a", "1a", -1, asdict(TAG)]]},
        {**QUIET, "records": [["a", "1a", 10**100, asdict(TAG)]]},
        {**QUIET, "position": f"a=1a:1, b={'9' * 20}:1"},
    ],
)
def test_what_is_no_news(said: object) -> None:
    """Is refused."""
    with pytest.raises(PurgeLogError):
        News.of(said)


def test_a_follower_does_what_it_has_not_done() -> None:
    """Another parent may have told it some of it meanwhile."""
    news = News(position=at("a=1a:3"), records=tuple(numbered("a", n) for n in (1, 2, 3)))
    caught = catch_up(at("a=1a:2, b=2b:7"), news)
    assert [each.number for each in caught.records] == [3]
    assert caught.position == at("a=1a:3, b=2b:7")
    assert catch_up(caught.position, news).records == ()


def test_older_news_change_nothing() -> None:
    """Of a parent that is behind, or that knows a former log of another."""
    for told in ("a=1a:1", "a=f:9"):
        caught = catch_up(
            at("a=1a:2"), News(position=at(told), records=(numbered("a", 9, stamp="f"),))
        )
        assert (caught.position, caught.records) == (at("a=1a:2"), ())


def test_who_missed_too_much_begins_anew() -> None:
    """At the position that it is told, also in a parent's new log."""
    caught = catch_up(at("a=1a:2, c=3c:1"), News(position=at("a=2b:0"), everything=True))
    assert (caught.position, caught.everything) == (at("a=2b:0, c=3c:1"), True)


def test_an_empty_log_hides_nothing() -> None:
    """Of a parent that was never heard of; a log that was begun anew does."""
    news = News(position=at("a=1a:2, b=2b:0"), everything=True)
    assert catch_up(Position(), news).everything
    caught = catch_up(at("a=1a:2"), news)
    assert (caught.everything, caught.position) == (False, news.position)
    assert catch_up(at("a=1a:2, b=1a:7"), news).everything
    assert catch_up(at("a=1a:1"), news).everything
