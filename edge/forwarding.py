"""What a proxy does to header fields on their way through (RFC 9110 7.6, 7239, 8586).

A request leaves with what we know of the client and without what the client pretends to know; a
response leaves without what concerned only the hop it came on. Interim responses and upgrades are
relayed in `aio/`.
"""

from dataclasses import dataclass

from edge.authority import parse_authority
from edge.fields import decimal, split_list, tokens
from edge.message import Headers, Request

OURS_PREFIX = "midmile-"
"""Fields of one hop between two nodes of the network: read on arrival, added after all else."""

HOP_BY_HOP = frozenset(
    # RFC 9110 7.6.1. Trailers are not passed on, so neither is their announcement.
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"proxy-connection", "proxy-authorization", "proxy-authenticate"}
    | {"proxy-authentication-info", "http2-settings"}
)
_NEVER_BY_REQUEST = frozenset(
    # Named in Connection these would undo loop detection, routing or framing (RFC 8586 3), or take
    # from everybody what RFC 9111 5.2 says must pass.
    {"cache-control", "cdn-loop", "content-length", "host", "via", "set-cookie", "vary"}
)
CLIENT_FIELDS = frozenset({"forwarded", "x-forwarded-for", "x-real-ip"})
"""What we tell the origin of the client."""
TARGET_FIELDS = frozenset({"x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"})
"""What we tell the origin of the URI the client asked for; all of it is in the cache key."""
_CLIENTS_MAY_NOT_SAY = (CLIENT_FIELDS | TARGET_FIELDS) | frozenset(
    # Another target than the one we routed and keyed by.
    {"x-original-url", "x-original-uri", "x-original-host", "x-original-path", "x-rewrite-url"}
    | {"x-host", "x-forwarded-server", "x-forwarded-path", "x-forwarded-prefix", "x-forwarded-uri"}
    | {"x-forwarded-url", "x-http-host-override", "x-http-path-override", "x-script-name"}
    | {"x-envoy-original-path", "x-host-override", "x-real-host", "x-backend-host"}
    | {"x-http-destinationurl", "x-forwarded-context", "x-forwarded-request-uri", "x-proxy-url"}
    | {"proxy-host", "proxy-url", "base-url", "http-url", "request-uri", "x-request-uri"}
    | {"unencoded-url", "x-waws-unencoded-url", "x-ms-original-url", "x-replaced-path"}
    | {"x-orig-host", "x-client-host", "x-invoke-path", "x-invoke-query", "x-now-route-matches"}
    # Another method than the one we judged.
    | {"x-http-method-override", "x-http-method", "x-method-override", "x-forwarded-method"}
    | {"x-original-method", "x-original-http-command", "x-override-method", "x-tunneled-method"}
    # Another status, for who asks a framework for its own error page.
    | {"x-http-status-code-override", "x-use-http-status-code-override", "x-invoke-status"}
    # Another scheme.
    | {"x-forwarded-scheme", "x-forwarded-protocol", "x-forwarded-ssl", "x-url-scheme"}
    | {"front-end-https", "x-scheme", "x-forwarded", "x-forwarded-https", "x-ssl", "https"}
    | {"cf-visitor", "cloudfront-forwarded-proto", "forwarded-proto", "ssl-https", "x-arr-ssl"}
    | {"x-client-scheme", "x-forward-proto", "x-original-proto", "x-original-scheme"}
    | {"x-originally-forwarded-proto", "x-remote-protocol"}
    # Another client.
    | {"true-client-ip", "x-client-ip", "x-cluster-client-ip", "client-ip", "x-remote-ip"}
    | {"x-remote-addr", "x-originating-ip", "x-forwarded-by", "forwarded-for", "x-forwarded-user"}
    | {"cf-connecting-ip", "fastly-client-ip", "x-azure-clientip", "x-proxyuser-ip"}
    | {"cf-connecting-ipv6", "incap-client-ip", "real-ip", "x-azure-socketip", "x-clientip"}
    | {"x-forward-for", "x-forwarded-for-original", "x-forwarder-for", "x-original-forwarded-for"}
    | {"x-original-remote-addr", "x-originally-forwarded-for", "x-user-ip"}
    # Known to switch off checks or redirect traffic in what runs behind proxies.
    | {"proxy", "x-middleware-subrequest", "x-accel-redirect", "x-sendfile"}
)
_FOR_CACHES = frozenset({"cache-tag", "surrogate-key"})
"""Meant for caches that the operator can purge. RFC 9875's groups are for browsers too."""
_DEFAULT_PORT = {"http": 80, "https": 443}

REFUSED_METHODS = frozenset({"TRACE"})
"""Answered 405: it would show the client the fields that we add (RFC 9110 9.3.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Who forwards, and whether whoever is before it is one of ours."""

    node: str
    """Our name in Via."""
    cdn_id: str
    """The network's name in CDN-Loop."""
    trust: bool = False
    """True at a parent: what the edge says of the client is kept."""


def client_may_say(name: str) -> bool:
    """Whether a field of this name goes upstream as the client sent it, if any such field does."""
    # What runs behind CGI-like gateways cannot tell `_` from `-`.
    return name.replace("_", "-") not in _CLIENTS_MAY_NOT_SAY


def without_named(headers: Headers) -> Headers:
    """Without the end-to-end fields that Connection names; its own kind stay to be read."""
    named = tokens(headers.lines("connection")) - _NEVER_BY_REQUEST - HOP_BY_HOP
    return headers.without(named) if named else headers


def without_hop_by_hop(headers: Headers) -> Headers:
    """Without the fields that concern one connection, and those that Connection names."""
    named = tokens(headers.lines("connection")) - _NEVER_BY_REQUEST
    return headers.without(HOP_BY_HOP | named)


def _forwardable(headers: Headers) -> Headers:
    return Headers(
        pair
        for pair in without_hop_by_hop(headers)
        if not pair[0].replace("_", "-").startswith(OURS_PREFIX)
    )


def request_fields(request: Request, hop: Hop, *, websocket: bool = False) -> Headers:
    """The fields to send upstream with `request`, Host among them.

    Expect is dropped, since whoever receives a body from a client answers it himself.
    """
    kept = _forwardable(request.headers).without({"expect", "host", "max-forwards"})
    pairs = [("host", request.host_port)]
    if hop.trust:
        pairs += kept
    else:
        pairs += (pair for pair in kept if client_may_say(pair[0]))
        pairs += _forwarded(request)
        pairs.append(("cdn-loop", hop.cdn_id))
    pairs.append(("via", f"{request.version} {hop.node}"))
    if websocket:
        pairs += [("connection", "Upgrade"), ("upgrade", "websocket")]
    if (left := _forwards_left(request)) is not None:
        pairs.append(("max-forwards", str(left - 1)))
    return Headers(pairs)


def response_fields(headers: Headers, hop: Hop, *, version: str = "1.1") -> Headers:
    """The fields of an upstream's response to pass on or store; `version` is the upstream's.

    Alt-Svc goes: it would send our clients to a server of the origin's by our name.
    """
    return _forwardable(headers).without({"alt-svc"}).add("via", f"{version} {hop.node}")


def client_fields(headers: Headers, hop: Hop) -> Headers:
    """The fields of a response as `hop` tells them: to users not what only caches have use for.

    Tags say how a site files its content, and whoever knows them knows what to purge.
    """
    return headers if hop.trust else headers.without(_FOR_CACHES)


def loops(headers: Headers, cdn_id: str) -> bool:
    """Whether a request has passed through the network `cdn_id` already (RFC 8586 2)."""
    wanted = cdn_id.lower()
    return any(
        member.partition(";")[0].strip(" \t").lower() == wanted
        for line in headers.lines("cdn-loop")
        for member in split_list(line)
    )


def may_forward(request: Request) -> bool:
    """False where Max-Forwards says that we are the last (RFC 9110 7.6.2): answer it ourselves."""
    return _forwards_left(request) != 0


def _forwards_left(request: Request) -> int | None:
    if request.method not in ("OPTIONS", "TRACE"):
        return None
    return decimal(request.headers.first("max-forwards") or "", ceiling=255)


def _forwarded(request: Request) -> list[tuple[str, str]]:
    host = parse_authority(request.host_port)
    port = host.port if host is not None else None
    return [
        ("forwarded", _rfc7239(request)),
        ("x-forwarded-for", request.client),
        ("x-forwarded-host", request.host_port),
        ("x-forwarded-proto", request.scheme),
        ("x-forwarded-port", str(port or _DEFAULT_PORT[request.scheme])),
        ("x-real-ip", request.client),
    ]


def _rfc7239(request: Request) -> str:
    client = f'"[{request.client}]"' if ":" in request.client else request.client
    parts = [f"for={client or 'unknown'}", f"proto={request.scheme}"]
    if request.host_port:
        parts.insert(1, f'host="{request.host_port}"')
    return ";".join(parts)
