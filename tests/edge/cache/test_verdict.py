"""What is done with a request, told as stories: what is stored, what is asked, when."""

from dataclasses import replace

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.entry import Entry
from edge.cache.invalidate import invalidated_keys
from edge.cache.key import cache_key, keyed_target
from edge.cache.status import cache_status, with_cache_status
from edge.cache.verdict import Kind, Verdict, VerdictReason, decide, select
from edge.message import Headers, Request
from tests.edge.cache.stories import LATER, RULES, ask, at, fields, keep, say

MINUTE = keep(say(cache_control="max-age=60", etag='"a"'))
BARE = keep(say(cache_control="max-age=60"))
ASKING = keep(say(cache_control="no-cache, max-age=60", etag='"a"'))
GERMAN = keep(
    say(cache_control="max-age=60", vary="Accept-Language"), request=ask(accept_language="de")
)

ROWS: list[tuple[float, list[Entry], Request, Kind, VerdictReason]] = [
    (0, [], ask(), Kind.MISS, VerdictReason.NOTHING_STORED),
    (59, [MINUTE], ask(), Kind.HIT, VerdictReason.FRESH),
    (59, [MINUTE], ask(method="HEAD"), Kind.HIT, VerdictReason.FRESH),
    (60, [MINUTE], ask(), Kind.REVALIDATE, VerdictReason.STALE),
    (60, [BARE], ask(), Kind.MISS, VerdictReason.STALE),
    (1, [ASKING], ask(), Kind.REVALIDATE, VerdictReason.NO_CACHE),
    (1, [MINUTE], ask(cache_control="no-cache"), Kind.REVALIDATE, VerdictReason.REQUEST_NO_CACHE),
    (1, [MINUTE], ask(pragma="no-cache"), Kind.REVALIDATE, VerdictReason.REQUEST_NO_CACHE),
    (1, [MINUTE], ask(pragma="no-cache", cache_control="x"), Kind.HIT, VerdictReason.FRESH),
    (9, [MINUTE], ask(cache_control="max-age=9"), Kind.HIT, VerdictReason.FRESH),
    (9, [BARE], ask(cache_control="max-age=8"), Kind.MISS, VerdictReason.REQUEST_MAX_AGE),
    (9, [MINUTE], ask(cache_control="max-age=x"), Kind.REVALIDATE, VerdictReason.REQUEST_MAX_AGE),
    (9, [MINUTE], ask(cache_control="min-fresh=51"), Kind.HIT, VerdictReason.FRESH),
    (9, [BARE], ask(cache_control="min-fresh=52"), Kind.MISS, VerdictReason.REQUEST_MIN_FRESH),
    (9, [MINUTE], ask(cache_control="no-store"), Kind.HIT, VerdictReason.FRESH),
    (9, [MINUTE], ask(cache_control="only-if-cached"), Kind.HIT, VerdictReason.FRESH),
    (60, [MINUTE], ask(cache_control="only-if-cached"), Kind.REFUSE, VerdictReason.ONLY_IF_CACHED),
    (0, [], ask(cache_control="only-if-cached"), Kind.REFUSE, VerdictReason.ONLY_IF_CACHED),
    (0, [GERMAN], ask(), Kind.MISS, VerdictReason.NO_VARIANT),
    (0, [GERMAN], ask(accept_language=" DE "), Kind.HIT, VerdictReason.FRESH),
    (0, [GERMAN], ask(accept_language="de, en"), Kind.MISS, VerdictReason.NO_VARIANT),
    (0, [MINUTE], ask(method="POST"), Kind.BYPASS, VerdictReason.METHOD),
    (0, [MINUTE], ask(method="get"), Kind.BYPASS, VerdictReason.METHOD),
    (0, [MINUTE], ask(content_length="1"), Kind.BYPASS, VerdictReason.REQUEST_BODY),
    (0, [MINUTE], ask(content_length="0"), Kind.HIT, VerdictReason.FRESH),
    (0, [MINUTE], ask(upgrade="websocket"), Kind.BYPASS, VerdictReason.UPGRADE),
]


@pytest.mark.parametrize(("seconds", "stored", "request_", "kind", "reason"), ROWS)
def test_verdicts(
    seconds: float, stored: list[Entry], request_: Request, kind: Kind, reason: VerdictReason
) -> None:
    """RFC 9111 4, row by row."""
    verdict = decide(request_, stored, at(seconds), RULES)
    assert (verdict.kind, verdict.reason) == (kind, reason)
    if kind in (Kind.HIT, Kind.REVALIDATE):
        assert verdict.entry in stored


def test_a_rule_keeps_the_cache_out() -> None:
    """`never_cache` holds for what is stored already too."""
    rules = replace(RULES, never_cache=("/*",))
    assert decide(ask(), [MINUTE], at(0), rules).reason is VerdictReason.NEVER_CACHE


def test_of_several_matching_responses_the_latest_by_date_is_used() -> None:
    """RFC 9111 4: the origin's Date decides, not the order of storing."""
    newer = keep(say(cache_control="max-age=9999", date=LATER))
    assert select([newer, MINUTE], ask()) is newer


VARIED = "Accept-Encoding, X-Plain"


@pytest.mark.parametrize(
    ("stored", "asked", "same"),
    [
        ({"accept_encoding": "gzip, br"}, {"accept_encoding": "BR,gzip"}, True),
        ({"accept_encoding": "gzip;q=1.0"}, {"accept_encoding": "gzip; q=1.0"}, True),
        ({"accept_encoding": ""}, {}, False),
        ({}, {"accept_encoding": "gzip"}, False),
        ({"x_plain": "a"}, {"x_plain": " a\t"}, True),
        ({"x_plain": "a"}, {"x_plain": "A"}, False),
        ({"x_plain": "a,b"}, {"x_plain": "a, b"}, True),
        ({"x_plain": "a b"}, {"x_plain": "a  b"}, False),
        ({"referer": "a"}, {"referer": "b"}, True),
    ],
)
def test_vary_matches_what_means_the_same(
    stored: dict[str, str], asked: dict[str, str], same: bool
) -> None:
    """RFC 9111 4.1: as far as the meaning is known; of any field only space at commas is not."""
    entry = keep(say(cache_control="max-age=60", vary=VARIED), request=ask("/", **stored))
    assert (select([entry], ask("/", **asked)) is entry) is same


def test_lines_of_one_field_are_joined_before_they_are_compared() -> None:
    """RFC 9111 4.1: several lines equal one with a list."""
    entry = keep(say(cache_control="max-age=60", vary="x-plain"), request=ask(x_plain="a, b"))
    lines = ask().with_headers(Headers([("x-plain", "a"), ("x-plain", "b")]))
    assert select([entry], lines) is entry


def test_keys_differ_where_the_origin_could_answer_differently() -> None:
    """Scheme, host, port, case, encoding, dot segments and slashes all make another key."""
    targets = ["/a", "/A", "/%61", "/./a", "//a", "/a/", "/a?", "/a?b", "/a?B", "/a%3Fb", "/a;b"]
    keys = {
        cache_key(ask(target, scheme=s), RULES) for target in targets for s in ("http", "https")
    }
    hosts = {
        cache_key(replace(ask(), host_port=host), replace(RULES, name=name))
        for host in ("shop.test", "shop.test:8080", "other.test", "shop.test:443")
        for name in ("shop", "other")
    }
    assert (len(keys), len(hosts)) == (22, 8)


def test_a_default_port_and_the_hosts_case_make_no_other_key() -> None:
    """`Host: SHOP.test:80` over http is the same as without port."""
    assert cache_key(replace(ask(), host_port="SHOP.test:80"), RULES) == cache_key(ask(), RULES)


@pytest.mark.parametrize(
    ("counting", "target", "kept"),
    [
        (None, "/?b=1&a=2&b=3", "/?b=1&a=2&b=3"),
        (frozenset(), "/?b=1", "/"),
        (frozenset({"a", "q"}), "/p?b=1&a=2&q&a=3&%61=4", "/p?a=2&q&a=3"),
        (frozenset({"a"}), "/p", "/p"),
        (frozenset({"a"}), "/p?A=1", "/p"),
    ],
)
def test_only_counting_parameters_are_kept(
    counting: frozenset[str] | None, target: str, kept: str
) -> None:
    """What does not count is neither in the key nor forwarded; names are compared undecoded."""
    assert keyed_target(target, replace(RULES, query_parameters=counting)) == kept


def invalidated(request: Request, status: int = 200, **named: str) -> set[str]:
    """The targets that are dropped."""
    keys = invalidated_keys(request, say(status, **named), RULES)
    return {key.rpartition(" ")[2] for key in keys}


def test_unsafe_methods_invalidate_what_they_name() -> None:
    """RFC 9111 4.4: target, Location and Content-Location, over both schemes."""
    for method in ("POST", "PUT", "DELETE", "PATCH", "M-SEARCH"):
        assert invalidated(ask("/a", method=method)) == {"/a"}
    assert len(invalidated_keys(ask("/a", method="PUT"), say(), RULES)) == 2
    named = invalidated(
        ask("/a", method="POST"), 303, location="/b#x", content_location="http://shop.test:80/c?d"
    )
    assert named == {"/a", "/b", "/c?d"}


def test_nothing_else_invalidates() -> None:
    """Neither safe methods, nor errors, nor names on other origins."""
    for method in ("GET", "HEAD", "OPTIONS", "TRACE"):
        assert not invalidated(ask(method=method))
    assert not invalidated(ask(method="POST"), 404)
    for foreign in (
        "//other.test/b",
        "http://other.test/b",
        "http://shop.test:81/b",
        "b",
        "ftp://x/",
    ):
        assert invalidated(ask("/a", method="POST"), location=foreign) == {"/a"}


@pytest.mark.parametrize(
    ("verdict", "facts", "member"),
    [
        (
            Verdict(Kind.HIT, VerdictReason.FRESH),
            {"ttl_s": 59.5},
            "east; hit; ttl=59; detail=fresh",
        ),
        (
            Verdict(Kind.MISS, VerdictReason.NOTHING_STORED),
            {"stored": True, "ttl_s": 60.0, "collapsed": False},
            "east; fwd=uri-miss; stored; collapsed=?0; ttl=60; detail=nothing-stored",
        ),
        (
            Verdict(Kind.REVALIDATE, VerdictReason.STALE),
            {"forward_status": 304, "collapsed": True, "ttl_s": -0.5},
            "east; fwd=stale; fwd-status=304; collapsed; ttl=-1; detail=stale",
        ),
        (Verdict(Kind.BYPASS, VerdictReason.METHOD), {}, "east; fwd=method; detail=method"),
    ],
)
def test_cache_status(verdict: Verdict, facts: dict[str, float | bool], member: str) -> None:
    """RFC 9211: `hit` or `fwd`, never both, and the real reason as detail."""
    assert cache_status("east", verdict, detail=verdict.reason, **facts) == member  # type: ignore[arg-type]


def test_odd_names_become_strings() -> None:
    """RFC 9211 2: a name is a Token where it can be one, else a String."""
    verdict = Verdict(Kind.HIT, VerdictReason.FRESH)
    assert cache_status('1 "é', verdict, detail="a b") == '"1 \\"?"; hit; detail="a b"'


def test_members_stand_in_the_order_of_the_caches() -> None:
    """RFC 9211 2: the cache nearest to the user comes last."""
    headers = with_cache_status(fields(cache_status="parent; hit"), "east; hit")
    assert headers.combined("cache-status") == "parent; hit, east; hit"


def test_every_verdict_has_a_forward_reason() -> None:
    """No reason for going forward is left without its word in RFC 9211."""
    stays = {
        *(VerdictReason.FRESH, VerdictReason.ONLY_IF_CACHED),
        *(VerdictReason.WHILE_REVALIDATE, VerdictReason.REQUEST_MAX_STALE),
        VerdictReason.UNREACHABLE,
    }
    for reason in VerdictReason:
        member = cache_status("e", Verdict(Kind.MISS, reason), detail=reason)
        if reason not in stays:
            assert "fwd=miss" not in member


@given(node=st.text(max_size=20), detail=st.text(max_size=20), ttl_s=st.floats(-1e9, 1e9))
def test_any_member_is_a_structured_field(node: str, detail: str, ttl_s: float) -> None:
    """RFC 9211 2: whatever a node is called, tools can read the list."""
    verdict = Verdict(Kind.MISS, VerdictReason.STALE)
    member = cache_status(node, verdict, detail=detail, ttl_s=ttl_s, stored=True, collapsed=False)
    members = http_sf.parse(f"parent; hit, {member}".encode(), tltype="list")
    assert isinstance(members, list)
    assert len(members) == 2
