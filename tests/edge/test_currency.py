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


def test_nonsense_is_no_news() -> None:
    """Only nodes of the network are heard."""
    currency = Currency()
    assert not currency.require("nonsense")
    assert not currency.require("")
    assert not currency.is_doubtful(0)
