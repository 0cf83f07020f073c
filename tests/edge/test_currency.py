"""When what is stored may be used, as far as purges go."""

import math

from edge.currency import Currency
from edge.purge_log import LEASE_S, Position


def test_without_a_log_nothing_is_doubtful() -> None:
    """Nobody numbers purges there."""
    assert not Currency().is_doubtful(1e9)


def test_a_lease_is_renewed_by_each_word() -> None:
    """From when it was asked for; an older word changes nothing."""
    currency = Currency(lease_s=-math.inf)
    assert currency.is_doubtful(0)
    currency.heard(100)
    assert not currency.is_doubtful(100 + LEASE_S - 0.1)
    assert currency.is_doubtful(100 + LEASE_S)
    currency.heard(90)
    assert not currency.is_doubtful(100 + LEASE_S - 0.1)


def test_who_hears_of_more_doubts_until_it_is_there() -> None:
    """It is news once."""
    currency = Currency()
    currency.is_at(Position.of("a=1a:3"))
    assert currency.text == "a=1a:3"
    assert not currency.require("a=1a:3")
    assert not currency.require("a=1a:2")
    assert not currency.is_doubtful(0)
    assert currency.require("a=1a:5")
    assert not currency.require("a=1a:5")
    assert currency.is_doubtful(0)
    currency.is_at(Position.of("a=1a:4"))
    assert currency.is_doubtful(0)
    currency.is_at(Position.of("a=1a:5"))
    assert not currency.is_doubtful(0)


def test_whoever_is_asked_shall_doubt_as_well() -> None:
    """What is told of us is what we have done and what we must do."""
    currency = Currency()
    assert currency.require("a=1a:5")
    assert currency.text == "a=1a:5"
    currency.is_at(Position.of("a=1a:3, b=2b:1"))
    assert currency.text == "a=1a:5, b=2b:1"
    currency.is_at(Position.of("a=1a:6, b=2b:1"))
    assert currency.text == "a=1a:6, b=2b:1"


def test_who_is_behind_says_so_again() -> None:
    """While anybody asks for what is stored, once a second; whoever was told may have failed."""
    said = list[str]()
    currency = Currency(behind=said.append)
    currency.require("a=1a:5")
    currency.require("b=2b:1")
    assert said == ["a=1a:5", "b=2b:1"]
    for mono_s in (100.0, 100.5, 100.9):
        assert currency.is_doubtful(mono_s)
    assert len(said) == 2
    for mono_s in (101.0, 101.5, 102.5):
        assert currency.is_doubtful(mono_s)
    assert said[2:] == ["a=1a:5, b=2b:1"] * 2
    currency.is_at(Position.of("a=1a:5, b=2b:1"))
    assert not currency.is_doubtful(200.0)
    assert len(said) == 4


def test_who_is_cut_off_is_not_behind() -> None:
    """It has nothing to say."""
    said = list[str]()
    currency = Currency(lease_s=0.0, behind=said.append)
    for mono_s in (1.0, 5.0):
        assert currency.is_doubtful(mono_s)
    assert said == []


def test_only_parents_of_the_network_count() -> None:
    """Whatever is told of others makes nobody doubt."""
    said = list[str]()
    currency = Currency(behind=said.append, parents={"a", "b"})
    assert not currency.require("c=1a:5")
    assert not currency.is_doubtful(0)
    assert currency.require("a=1a:1, c=1a:5")
    assert (said, currency.text) == (["a=1a:1"], "a=1a:1")
    currency.is_at(Position.of("a=1a:1, c=1a:4"))  # it was heard of from a parent
    assert currency.require("c=1a:5")


def test_nonsense_is_no_news() -> None:
    """Only nodes of the network are heard."""
    currency = Currency()
    assert not currency.require("nonsense")
    assert not currency.require("")
    assert not currency.is_doubtful(0)


def test_whoever_ends_trusts_nothing_any_more() -> None:
    """Whatever comes then: the keeper may be gone that would have told of a purge."""
    known = Currency(lease_s=100.0)
    assert not known.is_doubtful(1.0)
    known.lapse()
    known.is_at(Position.of("a=1a:3"))
    known.heard(50.0)
    assert known.is_doubtful(51.0)
