"""What a proxy takes from and adds to the fields that pass through it."""

import pytest

from edge.forwarding import (
    Hop,
    loops,
    may_forward,
    request_fields,
    response_fields,
    without_hop_by_hop,
    without_named,
)
from edge.message import Headers, Request

EDGE = Hop(node="east", cdn_id="midmile-demo")
PARENT = Hop(node="parent-a", cdn_id="midmile-demo", trust=True)


def ask(*pairs: tuple[str, str], method: str = "GET", client: str = "192.0.2.1") -> Request:
    """A request with these fields, as it came from a client."""
    return Request(
        method=method,
        scheme="https",
        authority="shop.test",
        host_port="shop.test:8443",
        target="/",
        headers=Headers((("host", "SHOP.test:8443"), *pairs)),
        client=client,
        version="1.0",
    )


def test_the_client_is_described_by_us() -> None:
    """Forwarded and its older kin say what we know, in place of what came."""
    fields = request_fields(ask(("x-forwarded-for", "6.6.6.6"), ("x-real-ip", "6.6.6.6")), EDGE)
    assert fields.pairs == (
        ("host", "shop.test:8443"),
        ("forwarded", 'for=192.0.2.1;host="shop.test:8443";proto=https'),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "shop.test:8443"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "8443"),
        ("x-real-ip", "192.0.2.1"),
        ("cdn-loop", "midmile-demo"),
        ("via", "1.0 east"),
    )


def test_an_ipv6_client_is_quoted() -> None:
    """RFC 7239 6: an IPv6 address stands in brackets and quotes."""
    forwarded = request_fields(ask(client="2001:db8::1"), EDGE).first("forwarded")
    assert forwarded is not None
    assert forwarded.startswith('for="[2001:db8::1]";')


@pytest.mark.parametrize(
    "name",
    [
        *("x-original-url", "x-rewrite-url", "x-http-method-override", "x-method-override"),
        *("x-forwarded-host", "x-forwarded-scheme", "forwarded", "x-host", "true-client-ip"),
        *("x-forwarded-prefix", "midmile-position", "x_original_url", "x-original_url", "proxy"),
        *("x-envoy-original-path", "x-original-method", "x-host-override", "x-real-host"),
        *("x-forwarded-https", "x-azure-clientip", "x-http-destinationurl", "x_ssl", "https"),
        *("x-backend-host", "x-proxy-url", "cf-visitor", "x-accel-redirect", "request-uri"),
        *("x-invoke-path", "x-invoke-status", "x-now-route-matches", "x-ms-original-url"),
        *("x-tunneled-method", "x-original-scheme", "x-forward-for", "x_waws_unencoded_url"),
        *("midmile_position", "x-middleware-subrequest", "front-end-https", "expect", "te"),
        *("connection", "keep-alive", "proxy-authorization", "upgrade", "trailer"),
    ],
)
def test_what_a_client_may_not_say_is_dropped(name: str) -> None:
    """Fields by which an origin could answer another question than the one we keyed."""
    fields = request_fields(ask((name, "evil")), EDGE)
    assert "evil" not in {value for _, value in fields}


def test_what_connection_names_is_dropped() -> None:
    """RFC 9110 7.6.1, but not where it would undo routing, framing or loop detection."""
    request = ask(
        ("connection", "X-Hop, close"),
        ("connection", "CDN-Loop, Host, Content-Length, Via, Cache-Control, X-Forwarded-For"),
        ("x-hop", "1"),
        ("x-end", "2"),
        ("content-length", "3"),
        ("cache-control", "no-cache"),
        ("cdn-loop", "other"),
    )
    fields = request_fields(request, EDGE)
    assert "x-hop" not in fields
    assert fields.first("x-end") == "2"
    assert fields.first("content-length") == "3"
    assert fields.first("cache-control") == "no-cache"
    assert fields.lines("cdn-loop") == ("other", "midmile-demo")
    assert fields.first("x-forwarded-for") == "192.0.2.1"


@pytest.mark.parametrize(
    ("named", "left"),
    [
        (["X-Hop, accept-language"], {"connection", "te", "host", "vary"}),
        (
            ["x-hop", "te, Host, Vary, upgrade"],
            {"connection", "te", "host", "vary", "accept-language"},
        ),
        (["close"], {"connection", "te", "host", "vary", "accept-language", "x-hop"}),
    ],
)
def test_what_connection_names_is_not_read_either(named: list[str], left: set[str]) -> None:
    """But what concerns the connection itself is, and what must always pass."""
    others = [(name, "1") for name in ("x-hop", "accept-language", "te", "host", "vary")]
    headers = Headers([*(("connection", value) for value in named), *others])
    assert {name for name, _ in without_named(headers)} == left | {"connection"}


def test_a_parent_keeps_what_the_edge_said() -> None:
    """It adds itself to Via, and nothing else; fields between our nodes end with the hop."""
    by_edge = request_fields(ask(), EDGE).add("midmile-position", "7")
    fields = request_fields(ask().with_headers(by_edge), PARENT)
    assert fields.pairs == (*request_fields(ask(), EDGE).pairs, ("via", "1.0 parent-a"))


def test_an_upgrade_is_asked_for_only_when_told() -> None:
    """Upgrade is the hop's: the client's is dropped, ours is put in its place."""
    request = ask(("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "k"))
    assert "upgrade" not in request_fields(request, EDGE)
    fields = request_fields(request, EDGE, websocket=True)
    assert (fields.first("connection"), fields.first("upgrade")) == ("Upgrade", "websocket")
    assert fields.first("sec-websocket-key") == "k"


@pytest.mark.parametrize(
    ("lines", "looping"),
    [
        ([], False),
        (["other, another; a=b"], False),
        (["midmile-demo"], True),
        (["other, MidMile-Demo ; a=b"], True),
        (["other", 'x; t="a, b", midmile-demo'], True),
        (["midmile-demo2, xmidmile-demo"], False),
        (['other; t="midmile-demo, midmile-demo"'], False),
        ([""], False),
    ],
)
def test_loops_are_seen(lines: list[str], looping: bool) -> None:
    """RFC 8586 2: our name as a member of the list, not inside a parameter or another name."""
    assert loops(Headers(("cdn-loop", line) for line in lines), "midmile-demo") is looping


def test_our_own_request_loops() -> None:
    """What we send is seen when it comes back."""
    assert loops(request_fields(ask(), EDGE), EDGE.cdn_id)


def test_responses_lose_the_hop() -> None:
    """Hop-by-hop fields, fields between our nodes, and Alt-Svc go; Via is added at the end."""
    headers = Headers(
        [
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("alt-svc", 'h3=":443"'),
            ("midmile-position", "7"),
            ("via", "1.1 origin"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
        ]
    )
    assert response_fields(headers, EDGE, version="1.0").pairs == (
        ("via", "1.1 origin"),
        ("set-cookie", "a=b"),
        ("set-cookie", "c=d"),
        ("via", "1.0 east"),
    )


@pytest.mark.parametrize(
    ("method", "value", "forwards", "sent"),
    [
        ("OPTIONS", "0", False, None),
        ("OPTIONS", "1", True, "0"),
        ("OPTIONS", "9" * 5000, True, "254"),
        ("OPTIONS", "-1", True, None),
        ("GET", "0", True, None),
    ],
)
def test_max_forwards(method: str, value: str, forwards: bool, sent: str | None) -> None:
    """RFC 9110 7.6.2: counted down for OPTIONS and TRACE, answered here at nought."""
    request = ask(("max-forwards", value), method=method)
    assert may_forward(request) is forwards
    if forwards:
        assert request_fields(request, EDGE).first("max-forwards") == sent


def test_fields_without_connection_are_left_alone() -> None:
    """Order and repetition stay as they came."""
    headers = Headers([("b", "1"), ("a", "2"), ("b", "3")])
    assert without_hop_by_hop(headers) == headers
