"""No request field that nothing selects by decides what is stored: each field, without sockets.

An origin is thought of that puts all it gets into its answer. What a field can do then depends on
three things: whether it leaves the edge, whether the answer is stored, and what selects it there.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.storable import StoreReason, storable
from edge.cache.vary import selecting
from edge.config import Limits, SiteRules
from edge.errors import FramingError
from edge.forwarding import Hop, request_fields
from edge.head import parse_head
from edge.judgement import as_asked
from edge.message import Headers, Request, Response
from edge.moment import Moment
from tests.safety.headers import ATTEMPTS, NAMES, VISITORS, spellings

EDGE = Hop(node="east", cdn_id="midmile-demo")
PARENT = Hop(node="parent-a", cdn_id="midmile-demo", trust=True)
RULES = SiteRules(name="shop", hostnames=frozenset({"shop.test"}), origins=())
NOW = Moment(wall_s=1e9, mono_s=0.0)
VALUES = ("evil.test", "/evil", "DELETE", "1", "evil, 1; q=0.1")
TOKENS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-_!#$%&'*+.^`|~", min_size=1)


def asked(*lines: str) -> Request | None:
    """The request with these field lines as the pipeline has it; None where it is refused."""
    raw = "\r\n".join(["GET /page HTTP/1.1", "Host: shop.test", *lines, "", ""]).encode("latin-1")
    try:
        head = parse_head(raw, Limits())
    except FramingError:
        return None
    return as_asked(head.request(scheme="http", client="192.0.2.1"), EDGE)


def at_the_parent(request: Request) -> Request:
    """The same request as the edge sends it."""
    fields = request_fields(request, EDGE).put("x-request-id", "4f").put("midmile-accept", "zstd")
    return as_asked(request.with_headers(fields), PARENT)


def kept(request: Request, *fields: tuple[str, str], rules: SiteRules = RULES) -> StoreReason:
    """What becomes of a fresh answer with these fields."""
    headers = Headers([("cache-control", "max-age=60"), *fields])
    response = Response(status=200, reason="OK", headers=headers)
    return storable(request, response, rules, sent=NOW, now=NOW).reason


def decides(name: str, value: str) -> bool:
    """Whether an origin that gets `name: value` can answer all others by it."""
    request = asked(f"{name}: {value}")
    if request is None:
        return False
    sent = at_the_parent(request)
    plain = asked()
    assert plain is not None
    if sent.headers == at_the_parent(plain).headers:
        return False
    return StoreReason.STORED in (kept(request), kept(sent))


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_known_field_decides(attempt: str) -> None:
    """Of hundreds that are tried on caches, in every spelling that a server may read alike."""
    deciding = {
        spelt
        for name in ATTEMPTS[attempt]
        for spelt in spellings(name)
        for value in VALUES
        if decides(spelt, value)
    }
    assert {name.lower() for name in deciding} <= VISITORS


@given(name=TOKENS, value=st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_no_unknown_field_decides(name: str, value: str) -> None:
    """Whatever it is called."""
    usual = name in VISITORS or name.startswith(("sec-", "x-datadog-"))
    assert usual or not decides(name, value)


def test_what_visitors_send_anyway_keeps_nothing_out_of_the_cache() -> None:
    """At edge and parent alike, all fields at once; none of them is among the attackers'."""
    request = asked(*(f"{name}: 1" for name in VISITORS - {"authorization", "range"}))
    assert request is not None
    assert kept(request) is StoreReason.STORED
    assert kept(at_the_parent(request)) is StoreReason.STORED
    assert VISITORS.isdisjoint(NAMES)


@pytest.mark.parametrize("name", ["x-app-version", "content-type", "translate"])
def test_a_field_that_vary_names_selects(name: str) -> None:
    """The answer is stored for whoever sends the same."""
    request = asked(f"{name}: 1")
    assert request is not None
    assert kept(request) is StoreReason.UNKEYED
    assert kept(request, ("vary", f"accept, {name.upper()}")) is StoreReason.STORED
    assert dict(selecting((name,), request.headers))[name] == "1"


def test_a_site_may_call_fields_harmless() -> None:
    """`harmless_fields`, with `*` for any run of characters."""
    request = asked("X-App-Version: 1")
    assert request is not None
    for pattern, reason in (
        ("x-app-*", StoreReason.STORED),
        ("*", StoreReason.STORED),
        ("x-app", StoreReason.UNKEYED),
    ):
        rules = SiteRules(
            name="shop",
            hostnames=frozenset({"shop.test"}),
            origins=(),
            harmless_fields=("x-other", pattern),
        )
        assert kept(request, rules=rules) is reason


@pytest.mark.parametrize(
    ("response", "field"),
    [
        (("content-encoding", "br"), "accept-encoding"),
        (("content-encoding", "identity, gzip"), "accept-encoding"),
        (("access-control-allow-origin", "https://evil.test"), "origin"),
        (("access-control-allow-origin", "null"), "origin"),
    ],
)
def test_what_an_answer_shows_to_vary_by_selects_it(response: tuple[str, str], field: str) -> None:
    """Servers often forget Vary: a coding not everybody reads, a right for one page's scripts."""
    request = asked(f"{field}: evil")
    assert request is not None
    headers = Headers([("cache-control", "max-age=60"), response])
    said = Response(status=200, reason="OK", headers=headers)
    decision = storable(request, said, RULES, sent=NOW, now=NOW)
    assert (decision.reason, decision.nominated) == (StoreReason.STORED, (field,))


@pytest.mark.parametrize(
    "response",
    [("content-encoding", "identity"), ("access-control-allow-origin", "*"), ("x-a", "b")],
)
def test_what_is_for_everybody_is_selected_by_nothing(response: tuple[str, str]) -> None:
    """No coding, and leave for all pages."""
    request = asked("Origin: https://shop.test", "Accept-Encoding: gzip")
    assert request is not None
    headers = Headers([("cache-control", "max-age=60"), response])
    said = Response(status=200, reason="OK", headers=headers)
    assert storable(request, said, RULES, sent=NOW, now=NOW).nominated == ()


@pytest.mark.parametrize(
    "lines",
    [
        ["Cookie: " + "a" * 5_000],
        ["User-Agent: " + "a" * 5_000],
        [f"Sec-Fetch-{number}: 1" for number in range(60)],
        ["Referer: \x80\xff"],
        ["Accept-Language: caf\xe9"],
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404, 414, 500, 599])
def test_an_error_that_fields_may_have_caused_is_not_stored(lines: list[str], status: int) -> None:
    """CPDoS: what one visitor's oversized or odd head was refused with, nobody else gets."""
    request = asked(*lines)
    assert request is not None
    headers = Headers([("cache-control", "public, max-age=60")])
    for refused in (request, at_the_parent(request)):
        error = Response(status=status, reason="", headers=headers)
        decision = storable(refused, error, RULES, sent=NOW, now=NOW)
        assert decision.reason is StoreReason.UNKEYED
        assert kept(refused) is StoreReason.STORED


@pytest.mark.parametrize("status", [401, 406, 408, 412, 413, 415, 416, 417, 425, 428, 429, 431])
def test_an_error_that_is_about_the_request_is_never_stored(status: int) -> None:
    """By what the status means, whatever the origin says."""
    request = asked("Accept: a/b;q=0")
    assert request is not None
    headers = Headers([("cache-control", "public, max-age=60")])
    decision = storable(request, Response(status=status, headers=headers), RULES, sent=NOW, now=NOW)
    assert decision.reason is StoreReason.STATUS
