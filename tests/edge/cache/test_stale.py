"""When what is no longer fresh is used all the same."""

from dataclasses import replace

import pytest

from edge.cache.directives import Directives, request_directives
from edge.cache.stale import StaleReason, before_asking, instead_of_failure
from edge.cache.status import cache_status
from edge.cache.storable import StoreReason
from edge.cache.verdict import Kind, VerdictReason, decide
from tests.edge.cache.stories import RULES, ask, at, fields, judge, keep, say

WHILE = StaleReason.WHILE_REVALIDATE
TAKEN = StaleReason.MAX_STALE
ERROR = StaleReason.IF_ERROR
NOBODY = StaleReason.UNREACHABLE


@pytest.mark.parametrize(
    ("response", "request_", "after_s", "reason"),
    [
        ("max-age=60, stale-while-revalidate=30", "", 61, WHILE),
        ("max-age=60, stale-while-revalidate=30", "", 89, WHILE),
        ("max-age=60, stale-while-revalidate=30", "", 90, None),
        ("max-age=60, stale-while-revalidate=x", "", 61, None),
        ("s-maxage=60, stale-while-revalidate=30", "", 61, WHILE),
        ("max-age=60, must-revalidate, stale-while-revalidate=30", "", 61, None),
        ("max-age=60, proxy-revalidate, stale-while-revalidate=30", "", 61, None),
        ("max-age=60, stale-while-revalidate=30", "no-cache", 61, None),
        ("max-age=60, stale-while-revalidate=30", "max-age=0", 61, None),
        ("max-age=60, stale-while-revalidate=30", "max-age=62", 61, WHILE),
        ("max-age=60, stale-while-revalidate=30", "min-fresh=0", 61, None),
        ("max-age=60", "max-stale", 9_999, TAKEN),
        ("max-age=60", "max-stale=10", 70, TAKEN),
        ("max-age=60", "max-stale=10", 71, None),
        ("max-age=60", "max-stale=x", 61, None),
        ("max-age=60", "max-age=0, max-stale", 61, TAKEN),
        ("max-age=60", "no-cache, max-stale", 61, None),
        ("s-maxage=60", "max-stale", 61, None),
        ("max-age=60, must-revalidate", "max-stale", 61, None),
    ],
)
def test_before_anybody_is_asked(
    response: str, request_: str, after_s: float, reason: StaleReason | None
) -> None:
    """RFC 5861 3 and RFC 9111 5.2.1.2, within what response and request allow."""
    entry = keep(say(cache_control=response, etag='"a"'))
    wanted = request_directives(fields(cache_control=request_))
    assert before_asking(entry, wanted, at(after_s)) is reason


@pytest.mark.parametrize(
    ("response", "after_s", "answered", "reason"),
    [
        ("max-age=60", 61, False, NOBODY),
        ("max-age=60", 59 + 86_400, False, NOBODY),
        ("max-age=60", 60 + 86_400, False, None),
        ("max-age=60", 30, False, NOBODY),  # fresh, but the client wanted the origin's word
        ("max-age=60", 61, True, None),
        ("max-age=60, stale-if-error=30", 89, True, ERROR),
        ("max-age=60, stale-if-error=30", 89, False, ERROR),
        ("max-age=60, stale-if-error=30", 90, True, None),
        ("max-age=60, stale-if-error=30", 90, False, NOBODY),
        ("s-maxage=60", 61, False, None),
        ("s-maxage=60, stale-if-error=30", 61, False, ERROR),
        ("max-age=60, must-revalidate, stale-if-error=30", 61, False, None),
        ("max-age=60, no-cache", 61, False, None),
    ],
)
def test_in_place_of_a_failure(
    response: str, after_s: float, answered: bool, reason: StaleReason | None
) -> None:
    """RFC 5861 4 where the origin says so; else only where nobody can be asked, for a day."""
    entry = keep(say(cache_control=response, etag='"a"'))
    found = instead_of_failure(entry, Directives(), RULES, at(after_s), answered=answered)
    assert found is reason


def test_a_failure_is_shown_to_who_insists_and_where_the_site_wants_it() -> None:
    """`no-cache` in the request, `stale_ttl = "0s"` at the site."""
    entry = keep(say(cache_control="max-age=60", etag='"a"'))
    insisting = request_directives(fields(pragma="no-cache"))
    never = replace(RULES, stale_ttl_s=0.0)
    for wanted, rules in ((insisting, RULES), (Directives(), never)):
        assert instead_of_failure(entry, wanted, rules, at(61), answered=False) is None


def test_a_verdict_says_that_it_is_stale() -> None:
    """With the same word in Cache-Status, where it is a hit whose time is up (RFC 9211 2.4)."""
    entry = keep(say(cache_control="max-age=60, stale-while-revalidate=30", etag='"a"'))
    verdict = decide(ask(), [entry], at(61), RULES)
    assert (verdict.kind, verdict.reason) == (Kind.STALE, VerdictReason.WHILE_REVALIDATE)
    assert verdict.refreshes
    assert verdict.when_asking().kind is Kind.REVALIDATE
    shown = cache_status("east", verdict, detail=verdict.reason, ttl_s=entry.ttl_s(at(61)))
    assert shown == "east; hit; ttl=-1; detail=stale-while-revalidate"
    assert not decide(ask(cache_control="max-stale"), [entry], at(95), RULES).refreshes


def test_without_a_validator_another_is_fetched() -> None:
    """What is stale is used meanwhile nonetheless."""
    entry = keep(say(cache_control="max-age=60, stale-while-revalidate=30"))
    verdict = decide(ask(), [entry], at(61), RULES)
    assert (verdict.kind, verdict.when_asking().kind) == (Kind.STALE, Kind.MISS)


@pytest.mark.parametrize("name", ["stale-while-revalidate", "stale-if-error"])
def test_what_may_be_used_stale_is_stored_stale(name: str) -> None:
    """Also without a validator, unless that time is over as well."""
    directives = f"max-age=60, {name}=30"
    assert judge(ask(), say(cache_control=directives, age="80")).store
    late = judge(ask(), say(cache_control=directives, age="90"))
    assert late.reason is StoreReason.STALE
