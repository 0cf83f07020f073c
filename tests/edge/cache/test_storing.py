"""Which responses are stored, and for how long they are fresh."""

from dataclasses import replace

import pytest

from edge.cache.freshness import LifetimeSource, initial_age
from edge.cache.storable import StoreReason
from edge.message import Headers, Request, Response
from tests.edge.cache.stories import (
    DATE,
    EARLIER,
    LATER,
    RULES,
    ask,
    at,
    fields,
    judge,
    keep,
    say,
)

FRESH = {"cache_control": "max-age=60"}

ROWS: list[tuple[Request, Response, StoreReason]] = [
    (ask(), say(**FRESH), StoreReason.STORED),
    (ask(), say(cache_control="s-maxage=60, max-age=0"), StoreReason.STORED),
    (ask(), say(expires=LATER), StoreReason.STORED),
    (ask(), say(404, **FRESH), StoreReason.STORED),
    (ask(), say(599, **FRESH), StoreReason.STORED),
    (ask(), say(cache_control="no-cache", etag='"a"'), StoreReason.STORED),
    (ask(), say(cache_control="max-age=0", etag='"a"'), StoreReason.STORED),
    (ask(cookie="a=b"), say(**FRESH), StoreReason.STORED),
    (ask(range="bytes=0-1"), say(**FRESH), StoreReason.STORED),
    (ask(method="HEAD"), say(**FRESH), StoreReason.METHOD),
    (ask(method="POST"), say(**FRESH), StoreReason.METHOD),
    (ask(content_length="3"), say(**FRESH), StoreReason.REQUEST_BODY),
    (ask(transfer_encoding="chunked"), say(**FRESH), StoreReason.REQUEST_BODY),
    (ask(), say(206, **FRESH), StoreReason.STATUS),
    (ask(), say(304, **FRESH), StoreReason.STATUS),
    (ask(), say(103, **FRESH), StoreReason.STATUS),
    (ask(), say(412, **FRESH), StoreReason.STATUS),
    (ask(), say(429, **FRESH), StoreReason.STATUS),
    (ask(range="bytes=0-1"), say(404, **FRESH), StoreReason.RANGE),
    (ask(), say(content_range="bytes 0-1/2", **FRESH), StoreReason.STORED),
    (ask(range="bytes=0-1"), say(content_range="bytes 0-1/2", **FRESH), StoreReason.RANGE),
    (ask(cache_control="no-store"), say(**FRESH), StoreReason.REQUEST_NO_STORE),
    (ask(), say(cache_control="max-age=60, No-Store"), StoreReason.NO_STORE),
    (ask(), say(cache_control="max-age=60, no-store =x"), StoreReason.NO_STORE),
    (ask(), say(cache_control='max-age=60, no-store="'), StoreReason.NO_STORE),
    (ask(), say(cache_control="private, max-age=60"), StoreReason.PRIVATE),
    (ask(), say(cache_control='private="x", max-age=60'), StoreReason.PRIVATE),
    (ask(authorization="x"), say(**FRESH), StoreReason.AUTHORIZATION),
    (ask(authorization="x"), say(cache_control="public, max-age=60"), StoreReason.STORED),
    (ask(authorization="x"), say(cache_control="s-maxage=60"), StoreReason.STORED),
    (ask(authorization="x"), say(cache_control="must-revalidate,max-age=9"), StoreReason.STORED),
    (ask(), say(set_cookie="a=b", **FRESH), StoreReason.SET_COOKIE),
    (ask(), say(vary="Accept, *", **FRESH), StoreReason.VARY),
    (ask(), say(vary="X-Forwarded-For", **FRESH), StoreReason.VARY),
    (ask(), say(vary=",".join(f"x{n}" for n in range(17)), **FRESH), StoreReason.VARY),
    (ask(), say(), StoreReason.NO_FRESHNESS),
    (ask(), say(etag='"a"'), StoreReason.NO_FRESHNESS),
    (ask(), say(cache_control='x="max-age=60"'), StoreReason.NO_FRESHNESS),
    (ask(), say(cache_control="no-cache"), StoreReason.STALE),
    (ask(), say(cache_control="max-age=0"), StoreReason.STALE),
    (ask(), say(cache_control="max-age=x"), StoreReason.STALE),
    (ask(), say(cache_control="max-age=60", age="60"), StoreReason.STALE),
    (ask(), say(expires="0"), StoreReason.STALE),
    (ask(), say(expires=EARLIER), StoreReason.STALE),
    (ask(), say(expires=LATER.replace("GMT", "UTC")), StoreReason.STALE),
    (ask(), say(cache_control="no-store, must-understand, max-age=60"), StoreReason.STORED),
    (ask(), say(599, cache_control="must-understand, max-age=60"), StoreReason.STATUS),
    (ask(), say(299, cache_control="no-store, must-understand, max-age=60"), StoreReason.STATUS),
    # RFC 9213: a valid CDN-Cache-Control is all that counts, an invalid one is not there.
    (ask(), say(cdn_cache_control="max-age=60"), StoreReason.STORED),
    (ask(), say(cdn_cache_control="max-age=60", cache_control="no-store"), StoreReason.STORED),
    (ask(), say(cdn_cache_control="max-age=60", expires="0"), StoreReason.STORED),
    (ask(), say(cdn_cache_control="x, max-age=60, y=1.5;z"), StoreReason.STORED),
    (ask(), say(cdn_cache_control="no-store", **FRESH), StoreReason.NO_STORE),
    (ask(), say(cdn_cache_control="private", **FRESH), StoreReason.PRIVATE),
    (ask(), say(cdn_cache_control='private="set-cookie"', **FRESH), StoreReason.PRIVATE),
    (ask(), say(cdn_cache_control="no-cache", **FRESH), StoreReason.STALE),
    (ask(), say(cdn_cache_control="max-age=0", expires=LATER), StoreReason.STALE),
    (ask(), say(cdn_cache_control="max-age=-1", **FRESH), StoreReason.STALE),
    (ask(), say(cdn_cache_control="x", expires=LATER), StoreReason.NO_FRESHNESS),
    (ask(), say(cdn_cache_control="no-store=?0, max-age=60"), StoreReason.STORED),
    (ask(), say(cdn_cache_control="no-store, &&", **FRESH), StoreReason.STORED),
    (ask(), say(cdn_cache_control="No-Store", **FRESH), StoreReason.STORED),
    (ask(), say(cdn_cache_control="max-age =60", cache_control="no-store"), StoreReason.NO_STORE),
    (ask(), say(cdn_cache_control='max-age="60"', cache_control="no-store"), StoreReason.NO_STORE),
    (ask(), say(cdn_cache_control="max-age=1.5", cache_control="no-store"), StoreReason.NO_STORE),
    (ask(), say(cdn_cache_control="max-age", cache_control="no-store"), StoreReason.NO_STORE),
    (ask(), say(cdn_cache_control="private=(a b)", **FRESH), StoreReason.STORED),
    (ask(), say(cdn_cache_control="", **FRESH), StoreReason.STORED),
]


@pytest.mark.parametrize(("request_", "response", "reason"), ROWS)
def test_storing(request_: Request, response: Response, reason: StoreReason) -> None:
    """RFC 9111 3, row by row; where it leaves a choice, less is stored."""
    assert judge(request_, response).reason is reason


def test_a_site_may_share_cookies_that_the_origin_lets_live() -> None:
    """`store_set_cookie` needs a lifetime that the origin itself gave."""
    rules = replace(RULES, store_set_cookie=True, default_ttl_s=60.0)
    given = say(set_cookie="a=b", cache_control="max-age=60")
    assert judge(ask(), given, rules).store
    assert judge(ask(), say(set_cookie="a=b"), rules).reason is StoreReason.SET_COOKIE


def test_the_sites_default_holds_only_where_a_status_allows_it() -> None:
    """`default_ttl` never makes an origin's 500 live."""
    rules = replace(RULES, default_ttl_s=60.0)
    decision = judge(ask(), say(), rules)
    assert (decision.lifetime.seconds, decision.lifetime.source) == (60.0, LifetimeSource.SITE)
    assert judge(ask(), say(500), rules).reason is StoreReason.NO_FRESHNESS
    assert judge(ask(), say(cache_control="max-age=0"), rules).reason is StoreReason.STALE


def test_errors_have_a_lifetime_of_their_own() -> None:
    """`negative_ttl` is for errors that state none, whatever else the site would give them."""
    rules = replace(RULES, default_ttl_s=60.0, heuristic_ttl_s=3_600.0, negative_ttl_s=5.0)
    for status in (404, 405, 410, 414, 501):
        found = judge(ask(), say(status, last_modified=EARLIER), rules).lifetime
        assert (found.seconds, found.source) == (5.0, LifetimeSource.NEGATIVE)
        stated = judge(ask(), say(status, cache_control="max-age=9"), rules).lifetime
        assert stated.source is LifetimeSource.MAX_AGE
    assert judge(ask(), say(), rules).lifetime.source is LifetimeSource.SITE
    assert judge(ask(), say(500), rules).reason is StoreReason.NO_FRESHNESS
    never = replace(rules, negative_ttl_s=0.0)
    assert judge(ask(), say(404), never).reason is StoreReason.NO_FRESHNESS


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (say(last_modified=EARLIER), 297.7),  # a tenth of 2,977 s
        (say(404, last_modified=EARLIER), 297.7),
        (say(599, last_modified=EARLIER, cache_control="public"), 297.7),
        (say(last_modified="Sun, 06 Nov 1984 08:00:00 GMT"), 3_600),  # no longer than allowed
        (say(last_modified=LATER), None),  # younger than its Date: nothing is left
        (say(500, last_modified=EARLIER), None),
        (say(last_modified="yesterday"), None),
        (say(last_modified=EARLIER, set_cookie="a=b"), None),
        (say(last_modified=EARLIER, expires="0"), 0),
        (say(last_modified=EARLIER, cache_control="max-age=5"), 5),
        (say(last_modified=EARLIER, cdn_cache_control="x"), 297.7),
    ],
)
def test_a_site_may_have_lifetimes_guessed(response: Response, seconds: float | None) -> None:
    """`heuristic_ttl`: a tenth of the time since Last-Modified, if nothing is stated."""
    decision = judge(ask(), response, replace(RULES, heuristic_ttl_s=3_600.0))
    if seconds is None:
        assert decision.lifetime.seconds == 0
    else:
        assert decision.lifetime.seconds == pytest.approx(seconds)


def test_no_lifetime_is_guessed_for_a_visitor_or_without_leave() -> None:
    """A page for who has cookies may be his own; and by default nothing is guessed at all."""
    guessing = replace(RULES, heuristic_ttl_s=3_600.0)
    response = say(last_modified=EARLIER)
    assert judge(ask(cookie="a=b"), response, guessing).reason is StoreReason.NO_FRESHNESS
    assert judge(ask(), response).reason is StoreReason.NO_FRESHNESS
    both = replace(guessing, default_ttl_s=5.0)
    assert judge(ask(), response, both).lifetime.source is LifetimeSource.HEURISTIC
    assert judge(ask(cookie="a=b"), response, both).reason is StoreReason.COOKIE


def test_the_sites_maximum_shortens_any_lifetime() -> None:
    """`max_ttl` bounds what the origin says."""
    rules = replace(RULES, max_ttl_s=10.0)
    assert (
        judge(ask(), say(cache_control="max-age=99999999999999999999"), rules).lifetime.seconds
        == 10
    )


@pytest.mark.parametrize(
    "path",
    [
        *("/account/me", "/account/", "//account/me", "/x/../account/me", "/%61ccount/me"),
        *("/account%2fme", "/account;x/me", "/%2561ccount/x.css", "\\account\\me"),
    ],
)
def test_a_path_that_is_never_cached_cannot_be_disguised(path: str) -> None:
    """However a path is spelt that the origin may read as `/account/...`, it is not stored."""
    rules = replace(RULES, never_cache=("/account/*",))
    assert judge(ask(path), say(**FRESH), rules).reason is StoreReason.NEVER_CACHE


def test_never_cache_leaves_other_paths_alone() -> None:
    """A pattern fits the whole path."""
    rules = replace(RULES, never_cache=("/a*c/*.html", "/exact"))
    for path, kept in (("/abc/x.html", False), ("/abc/x.htm", True), ("/exact", False)):
        assert judge(ask(path), say(**FRESH), rules).store is kept
    assert judge(ask("/exact/x"), say(**FRESH), rules).store


@pytest.mark.parametrize(
    ("headers", "delay_s", "age_s"),
    [
        (fields(date=DATE), 0.0, 0.0),
        (fields(date=DATE), 2.0, 2.0),
        (fields(date=EARLIER), 0.0, 2977.0),
        (fields(date=LATER), 0.0, 0.0),
        (fields(date=DATE, age="7"), 0.5, 7.5),
        (fields(date=DATE, age="7, 9"), 0.0, 7.0),
        (fields(date=DATE, age="-7"), 0.0, 0.0),
        (fields(date=DATE, age="7.5"), 0.0, 0.0),
        (fields(date="nonsense", age="7"), 0.0, 7.0),
        (fields(date=DATE, age="9" * 5000), 0.0, 2.0**31),
    ],
)
def test_age_on_arrival(headers: Headers, delay_s: float, age_s: float) -> None:
    """RFC 9111 4.2.3: the larger of what Date and what Age say; odd Ages count as none."""
    assert initial_age(headers, at(-delay_s), at(0)) == pytest.approx(age_s)


def test_a_step_of_the_clock_changes_no_age() -> None:
    """Resident time is monotonic."""
    entry = keep(say(**FRESH))
    later = at(30)._replace(wall_s=at(0).wall_s - 1e6)
    assert entry.age_s(later) == 30
    assert entry.ttl_s(later) == 30


def test_an_entry_lacks_what_is_about_the_hop() -> None:
    """Hop-by-hop fields, Age, Cache-Status and Content-Length are not stored; Via is."""
    response = say(
        connection="X-Hop",
        x_hop="1",
        keep_alive="x",
        age="1",
        cache_status="o; hit",
        content_length="10",
        proxy_authenticate="x",
        via="1.1 o",
        x_kept="1",
        **FRESH,
    )
    names = {name for name, _ in keep(response).response.headers}
    assert names == {"date", "via", "x-kept", "cache-control"}


def test_an_undated_response_gets_a_date() -> None:
    """RFC 9110 6.6.1: the time it was received."""
    entry = keep(Response(status=200, headers=fields(cache_control="max-age=1")))
    assert entry.response.headers.first("date") == DATE
