"""Requests with one key are one request to the origin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.key import Key, cache_key, keyed_target, parts, place
from edge.cache.slices import Slice
from edge.config import Limits, SiteRules
from edge.errors import FramingError
from edge.forwarding import Hop, request_fields
from edge.head import parse_head
from edge.judgement import as_asked, judge
from edge.message import Request
from edge.moment import Moment

EDGE = Hop(node="east", cdn_id="midmile-demo")
NOW = Moment(wall_s=1e9, mono_s=0.0)
HOSTNAMES = frozenset({"shop.test", "::1"})
ALL = SiteRules(name="shop", hostnames=HOSTNAMES, origins=())
MODES = (
    ALL,
    SiteRules(name="shop", hostnames=HOSTNAMES, origins=(), query_parameters=frozenset()),
    SiteRules(name="shop", hostnames=HOSTNAMES, origins=(), query_parameters=frozenset({"q", "a"})),
)
TARGETS = ("target", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "host")

SPELT_HOSTS = st.sampled_from(
    [
        *("shop.test", "SHOP.test", "shop.test.", "shop.test:80", "shop.test:0080"),
        *("shop.test:443", "shop.test:", "shop.test.:80", "shop.test:8080", "[::1]"),
        *("[0:0::1]:80",),
    ]
)
PIECES = st.sampled_from(
    [
        *("/", "//", "a", "A", ".", "..", "%2e", "%2E", "%2f", "%61", "%", "%25", ";"),
        *(";q=1", "?", "&", "q=1", "q=2", "q", "Q=1", "a=1", "utm=x", "%71=1", "=", "+"),
        *("%20", "\\", "*", "~", ":", "@", "&amp;", "&&", "[]", "q[]=1", "%00", "%0a"),
        *("http://shop.test/",),
    ]
)
PATHS = st.lists(PIECES, max_size=8).map(lambda pieces: "/" + "".join(pieces))


def received(host: str, target: str, scheme: str) -> Request | None:
    """The request as the pipeline has it; None where it is refused."""
    raw = f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")
    try:
        head = parse_head(raw, Limits())
    except FramingError:
        return None
    return as_asked(head.request(scheme=scheme, client="192.0.2.1"), EDGE)


def told(request: Request, rules: SiteRules) -> tuple[Key, tuple[object, ...]]:
    """Its key, and what the origin is told of the URI."""
    judged = judge(request, rules, lambda _: (), NOW)
    fields = request_fields(judged.request, EDGE)
    forwarded = tuple(fields.lines(name) for name in TARGETS[1:])
    return judged.key, (judged.request.target, *forwarded, fields.first("forwarded"))


REQUESTS = st.tuples(
    SPELT_HOSTS,
    PATHS | PATHS.map(lambda path: f"http://shop.test{path}"),
    st.sampled_from(["http", "https"]),
)


@given(one=REQUESTS, other=REQUESTS, rules=st.sampled_from(MODES))
def test_what_has_one_key_is_told_alike(
    one: tuple[str, str, str], other: tuple[str, str, str], rules: SiteRules
) -> None:
    """For all ways to count queries: equal keys, equal targets, hosts, ports and schemes."""
    requests = [received(*one), received(*other)]
    found = [told(request, rules) for request in requests if request is not None]
    if len(found) == 2:
        (key, forwarded), (other_key, other_forwarded) = found
        assert (key == other_key) == (forwarded == other_forwarded)


@given(path=PATHS, rules=st.sampled_from(MODES))
def test_what_does_not_count_is_taken_off_once(path: str, rules: SiteRules) -> None:
    """What is keyed is what is sent; a parent that does the same again changes nothing."""
    kept = keyed_target(path, rules)
    assert keyed_target(kept, rules) == kept
    request = received("shop.test", path, "http")
    assert request is None or told(request, rules)[1][0] == kept


@given(path=PATHS, scheme=st.sampled_from(["http", "https"]), number=st.integers(0, 10**6))
def test_a_key_can_be_taken_apart(path: str, scheme: str, number: int) -> None:
    """No part has a space; a slice's key is no key of anything whole."""
    request = received("shop.test:8080", path, scheme)
    if request is not None:
        key = cache_key(request, ALL)
        assert parts(key) == ("shop", scheme, "shop.test:8080", path)
        assert parts(Slice(number).key(key)) == parts(key)
        assert key.count(" ") == 3


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host", ["shop.test", "SHOP.TEST", "shop.test.", "sHop.test.:", "shop.test:00{port}"]
)
def test_a_host_has_one_spelling(scheme: str, host: str) -> None:
    """Case, a last dot, and the usual port take no part; the origin sees none of them."""
    port = {"http": 80, "https": 443}[scheme]
    request = received(host.format(port=port), "/", scheme)
    assert request is not None
    key, (target, hosts, ports, *_) = told(request, ALL)
    assert key == f"shop {scheme} shop.test /"
    assert (target, hosts, ports) == ("/", ("shop.test",), (str(port),))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a", "/A"),
        ("/a", "/%61"),
        ("/%2f", "/%2F"),
        ("/a/b", "/a%2fb"),
        ("/a", "//a"),
        ("/a", "/./a"),
        ("/a", "/b/../a"),
        ("/a", "/a;b"),
        ("/a", "/a?"),
        ("/a", "/a/"),
        ("/a?q=1&q=2", "/a?q=2&q=1"),
        ("/a?q=1", "/a?q=%31"),
        ("/a?q=+", "/a?q=%20"),
        ("/a?q=1;a=1", "/a?q=1&a=1"),
        ("/a?q=1", "/a?Q=1"),
    ],
)
def test_targets_that_servers_may_read_differently_differ(one: str, other: str) -> None:
    """Nothing is decoded, folded or put in order."""
    requests = [received("shop.test", target, "http") for target in (one, other)]
    keys = {cache_key(request, ALL) for request in requests if request is not None}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/s?q=1&utm=x", "/s?q=1"),
        ("/s?utm=x&q=1", "/s?q=1"),
        ("/s?utm=x", "/s"),
        ("/s?utm=x;q=evil", "/s"),
        ("/s?q=1;utm=x", "/s?q=1;utm=x"),  # a server may read it as one parameter: all of it counts
        ("/s?q=1&q=evil", "/s?q=1&q=evil"),
        ("/s?%71=evil&q=1", "/s?q=1"),
        ("/s?q%00=evil&q=1", "/s?q=1"),
        ("/s? q=evil".replace(" ", "+") + "&q=1", "/s?q=1"),
        ("/s?q[]=evil&q=1", "/s?q=1"),
        ("/s?q", "/s?q"),
        ("/s?Q=evil", "/s"),
        ("/s?x=1?q=evil", "/s"),
        ("/s?&&", "/s"),
        ("/s?_method=DELETE&q=1", "/s?q=1"),
    ],
)
def test_parameters_cannot_be_cloaked(target: str, sent: str) -> None:
    """The origin never sees a parameter in any spelling that is not in the key letter by letter."""
    rules = SiteRules(
        name="shop", hostnames=HOSTNAMES, origins=(), query_parameters=frozenset({"q"})
    )
    request = received("shop.test", target, "http")
    assert request is not None
    key, (forwarded, *_) = told(request, rules)
    assert (key, forwarded) == (f"shop http shop.test {sent}", sent)


@pytest.mark.parametrize(
    "host", ["shop.test", "Shop.Test:8080", "shop.test:443", "shop.test:", "[::1]", "[::1]:8080"]
)
def test_a_purge_names_no_port(host: str) -> None:
    """Users may come by several; an address keeps its colons."""
    assert place(host, "/a:80") == ("[::1]/a:80" if host[0] == "[" else "shop.test/a:80")
