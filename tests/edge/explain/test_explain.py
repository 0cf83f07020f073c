"""What is explained, told as stories: what is stored, what is asked, what is said of it."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from edge.cache.entry import Entry
from edge.cache.storable import StoreReason
from edge.cache.unshared import Unshared
from edge.judgement import Prospect
from tests.edge.cache.stories import NOON, ask, at, keep, say
from tests.edge.explain.stories import ASKING, BARE, GERMAN, MINUTE, PRIVATE, SITE, SWR, told

Row = tuple[float, list[Entry], str, list[str], str, str, str]

ROWS: list[Row] = [
    (0, [], "GET", [], "/", "miss", "nothing-stored"),
    (59, [MINUTE], "GET", [], "/", "hit", "fresh"),
    (59, [MINUTE], "HEAD", [], "/", "hit", "fresh"),
    (60, [MINUTE], "GET", [], "/", "revalidate", "stale"),
    (60, [BARE], "GET", [], "/", "miss", "stale"),
    (61, [SWR], "GET", [], "/", "stale", "stale-while-revalidate"),
    (660, [SWR], "GET", [], "/", "revalidate", "stale"),
    (99, [MINUTE], "GET", ["Cache-Control: max-stale"], "/", "stale", "request-max-stale"),
    (1, [ASKING], "GET", [], "/", "revalidate", "no-cache"),
    (1, [MINUTE], "GET", ["Cache-Control: no-cache"], "/", "revalidate", "request-no-cache"),
    (0, [GERMAN], "GET", ["Accept-Language: DE"], "/", "hit", "fresh"),
    (0, [GERMAN], "GET", ["Accept-Language: en"], "/", "miss", "no-variant"),
    (0, [MINUTE], "GET", ["Range: bytes=0-1"], "/", "hit", "fresh"),
    (0, [], "GET", ["Range: bytes=0-1"], "/", "miss", "nothing-stored"),
    (0, [MINUTE], "GET", ['If-None-Match: "a"'], "/", "hit", "fresh"),
    (0, [MINUTE], "POST", [], "/", "bypass", "method"),
    (0, [MINUTE], "GET", ["Content-Length: 1"], "/", "bypass", "request-body"),
    (0, [], "GET", [], "/cart/7", "bypass", "never-cache"),
    (0, [], "GET", [], "/%63art", "bypass", "never-cache"),
    (0, [MINUTE], "GET", ["Authorization: Basic x"], "/", "hit", "fresh"),
    (0, [], "GET", ["Cache-Control: only-if-cached"], "/", "refuse", "only-if-cached"),
]


@pytest.mark.parametrize(("seconds", "stored", "method", "fields", "path", "kind", "reason"), ROWS)
def test_verdicts(
    seconds: float,
    stored: list[Entry],
    method: str,
    fields: list[str],
    path: str,
    kind: str,
    reason: str,
) -> None:
    """The verdict and its reason, in the words of log and metrics; always with the key."""
    said = told(seconds, stored, f"http://shop.test{path}", *fields, method=method)
    assert (said.verdict, said.reason) == (kind, reason)
    assert said.key == f"shop http shop.test {path}"
    assert (said.answer is not None) == (kind in {"hit", "stale"})
    assert (said.fetch is not None) == (kind in ("miss", "revalidate", "bypass"))
    assert (said.refusal is not None) == (kind == "refuse")
    assert len(said.stored) == len(stored)


@pytest.mark.parametrize(
    ("stored", "trust", "kind", "reason"),
    [
        ([MINUTE], False, "revalidate", "purges-unknown"),
        ([], False, "miss", "nothing-stored"),
        ([MINUTE], True, "bypass", "purges-unknown"),
        ([], True, "bypass", "purges-unknown"),
    ],
)
def test_what_may_have_been_purged(
    stored: list[Entry], trust: bool, kind: str, reason: str
) -> None:
    """An edge asks about it; a parent stands aside, also where it has nothing."""
    said = told(0, stored, trust=trust, doubtful=True)
    assert (said.verdict, said.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("url", "fields", "method", "status", "reason"),
    [
        ("http://other.test/", [], "GET", 421, "unknown-site"),
        ("http://shop.test/", ["CDN-Loop: midmile-demo"], "GET", 508, "loop"),
        ("http://shop.test/", [], "TRACE", 405, "method-not-allowed"),
        ("http://shop.test/", [], "CONNECT", 501, "method-not-implemented"),
        ("http://shop.test/", [], "G T", 400, "bad-request-line"),
        ("http://shop.test/", ["Host: a b"], "GET", 400, "bad-host"),
        ("http://shop.test/", ["Host:"], "GET", 400, "bad-host"),
        ("http://shop.test/", ["Expect: much"], "GET", 417, "expectation-failed"),
        (f"http://shop.test/{'a' * 9_000}", [], "GET", 414, "target-too-long"),
        ("http://shop.test/", ["X: \0"], "GET", 400, "control-character"),
        ("http://shop.test/", ["Cache-Control: only-if-cached"], "GET", 504, "only-if-cached"),
    ],
)
def test_refusals(url: str, fields: list[str], method: str, status: int, reason: str) -> None:
    """Why a client gets an error page, with what is known until then."""
    for trust in (False, True):
        said = told(0, [], url, *fields, method=method, trust=trust)
        assert said.refusal is not None
        assert (said.refusal.status, said.refusal.reason) == (status, reason)
        assert said.refusal.side == "client"


@pytest.mark.parametrize("host", ["SHOP.test", "shop.test.", "shop.test:8080"])
def test_a_host_is_read_as_on_the_wire(host: str) -> None:
    """Case and a trailing dot take no part, the port is part of the key."""
    said = told(0, [], f"http://{host}/")
    assert said.site == "shop"
    assert said.key == f"shop http {host.lower().removesuffix('.')} /"


def test_a_hit_says_what_is_answered() -> None:
    """Status, size and Cache-Status of the response: whole, a part, not modified."""
    for fields, status, size in (
        ((), 200, 10),
        (("Range: bytes=2-4",), 206, 3),
        (('If-None-Match: "a"',), 304, 0),
    ):
        said = told(12, [MINUTE], "http://shop.test/", *fields)
        assert said.answer is not None
        assert (said.answer.status, said.answer.size_bytes) == (status, size)
        assert said.answer.cache_status == "east; hit; ttl=48; detail=fresh"


def test_variants_are_listed() -> None:
    """With the fields they are for, age, freshness, where the lifetime is from, validators."""
    said = told(12, [MINUTE, GERMAN], "http://shop.test/", "Accept-Language: de")
    german = next(each for each in said.stored if each.vary)
    assert german.vary == (("accept-language", "de"),)
    assert (german.age_s, german.fresh_s, german.lifetime_from) == (12, 48, "s-maxage")
    assert german.differs == ()
    english = told(0, [GERMAN], "http://shop.test/", "Accept-Language: en")
    assert english.stored[0].differs == ("accept-language",)
    other = next(each for each in said.stored if not each.vary)
    assert (other.etag, other.size_bytes, other.cache_control) == ('"a"', 10, "max-age=60")
    assert other.stored == "1994-11-06T08:49:37Z"
    assert sum(each.chosen for each in said.stored) == 1


def test_what_users_have_said_stays_theirs() -> None:
    """A variant for a cookie shows a fingerprint of it and not the cookie."""
    said = told(0, [PRIVATE], "http://shop.test/", "Cookie: id=secret")
    assert said.verdict == "hit"
    assert "secret" not in json.dumps(asdict(said))
    [(name, shown)] = said.stored[0].vary
    assert (name, len(shown or "")) == ("cookie", 10)


def test_nobody_can_try_values_against_a_fingerprint() -> None:
    """It is another one in every run, and the same for all workers of one."""
    shown = [
        told(0, [PRIVATE], secret=secret).stored[0].vary[0][1]
        for secret in (b"one run", b"one run", b"another", b"")
    ]
    assert shown[0] == shown[1]
    assert len({*shown}) == 3


@pytest.mark.parametrize(
    ("fields", "stored", "seconds", "expected"),
    [
        ((), [], 0, {"together": True, "not_stored": None, "conditions": ()}),
        (("Range: bytes=0-1",), [], 0,
         {"together": True, "slice": "bytes=0-1048575", "not_stored": None}),
        (("Range: bytes=-1",), [], 0, {"together": False, "slice": None, "not_stored": "range"}),
        (("Cache-Control: no-store",), [], 0, {"together": True, "not_stored": "request-no-store"}),
        (('If-None-Match: "x"',), [], 0, {"together": True, "conditions": ()}),
        ((), [MINUTE], 99, {"together": True, "conditions": (("if-none-match", '"a"'),)}),
        (("Authorization: x",), [], 0,
         {"stored_only_with": ("public", "must-revalidate", "s-maxage"), "not_stored": None}),
    ],
)  # fmt: skip
def test_how_it_is_fetched(
    fields: tuple[str, ...], stored: list[Entry], seconds: float, expected: dict[str, object]
) -> None:
    """Together or alone, with which conditions, and whether its answer may be stored."""
    fetch = told(seconds, stored, "http://shop.test/", *fields).fetch
    assert fetch is not None
    assert {name: getattr(fetch, name) for name in expected} == expected


def test_what_the_last_answer_left() -> None:
    """The reason why it was not stored, and that nobody waits: then conditions go as they are."""
    last = Unshared(reason=StoreReason.NO_STORE, at_s=at(0).mono_s)
    prospect = Prospect(in_vain=True, unshared=last)
    fetch = told(4, [], "shop.test", 'If-None-Match: "x"', prospect=prospect).fetch
    assert fetch is not None
    assert (fetch.last_not_stored, fetch.last_not_stored_ago_s) == ("no-store", 4)
    assert not fetch.together
    assert fetch.conditions == (("if-none-match", '"x"'),)


def test_a_fetch_that_is_under_way_is_waited_for() -> None:
    """By those who may share its answer."""
    prospect = Prospect(under_way=True)
    shared = told(0, [], prospect=prospect).fetch
    alone = told(0, [], "shop.test", "Range: bytes=-1", prospect=prospect).fetch
    assert shared is not None
    assert alone is not None
    assert (shared.under_way, alone.under_way) == (True, False)


def test_rules_and_whom_it_asks() -> None:
    """The rule that fits; parameters that count, and the target without the others; servers."""
    site = replace(SITE, query_parameters=frozenset({"q"}), default_ttl_s=5.0, origin_host="o.test")
    said = told(0, [], "http://shop.test/cart?q=1&utm=2", site=site)
    assert said.rules is not None
    assert (said.rules.never_cache, said.rules.query) == ("/cart*", ("q",))
    assert (said.rules.default_ttl_s, said.rules.origin_host) == (5, "o.test")
    said = told(0, [], "http://shop.test/?q=1&utm=2", site=site)
    assert said.fetch is not None
    assert said.fetch.target == "/?q=1"
    assert {each.name for each in said.upstreams} == {"p", "q"}
    assert set(said.origins) == {"http://192.0.2.1:80", "http://192.0.2.2:80"}


def test_what_a_node_answers_out_of_itself() -> None:
    """Its health, and OPTIONS that must not go further."""
    assert told(0, [], "http://east/.well-known/midmile/health").itself == "health"
    options = told(0, [], "http://shop.test/", "Max-Forwards: 0", method="OPTIONS")
    assert (options.itself, options.verdict) == ("max-forwards", None)


def test_at_a_parent_the_request_is_as_an_edge_brings_it() -> None:
    """What clients may not say is gone, the scheme is the user's, loops are the edge's matter."""
    kept = keep(
        say(cache_control="max-age=60", vary="X-Original-URL"),
        request=replace(ask(scheme="https"), headers=ask().headers),
    )
    said = told(0, [kept], "https://shop.test/", "X-Original-URL: /x", trust=True)
    assert (said.verdict, said.key) == ("hit", "shop https shop.test /")
    assert told(0, [kept], "https://shop.test/", "X-Original-URL: /x").reason == "no-variant"


def test_an_explanation_is_json() -> None:
    """Also with everything in it, and bounded."""
    long = keep(say(cache_control="max-age=60", vary="X", etag="x" * 9_000), request=ask(x="y" * 9))
    said: dict[str, Any] = json.loads(json.dumps(asdict(told(NOON, [long], "shop.test", "X: z"))))
    assert len(said["stored"][0]["etag"]) < 300
