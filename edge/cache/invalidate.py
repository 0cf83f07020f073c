"""What a successful change of state drops from the store (RFC 9111 4.4)."""

from edge.authority import Authority, parse_authority
from edge.cache.key import Key, keyed_host, sibling_keys
from edge.cache.tags import INVALIDATED_GROUPS, groups
from edge.config import SiteRules
from edge.message import Headers, Request, Response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""RFC 9110 9.2.1; a method we do not know may change anything."""


def invalidated_keys(request: Request, response: Response, rules: SiteRules) -> tuple[Key, ...]:
    """Keys to drop after `response` to `request`; empty for safe methods and for errors.

    Besides the target these are Location and Content-Location, of the same host only, since one
    site must not empty another's cache. Either scheme is dropped: it is one resource.
    """
    if request.method in SAFE_METHODS or not 200 <= response.status < 400:
        return ()
    named = (_same_host(request, response.headers, name) for name in _NAMING)
    targets = dict.fromkeys([request.target, *(target for target in named if target)])
    return tuple(key for target in targets for key in sibling_keys(request, rules, target))


def is_about_itself(request: Request, response: Response) -> bool:
    """Whether Content-Location names the request's own target: the response is what a GET gets."""
    return _same_host(request, response.headers, "content-location") == request.target


def invalidated_groups(request: Request, response: Response) -> tuple[str, ...]:
    """Groups of the request's origin that `response` to an unsafe request ends (RFC 9875 3).

    Each with the scheme and host of the origin before it, as `Scope.GROUP` wants them.
    """
    if request.method in SAFE_METHODS or not 200 <= response.status < 400:
        return ()
    origin = f"{request.scheme} {keyed_host(request.scheme, request.host_port)}"
    return tuple(f"{origin} {group}" for group in groups(response.headers, INVALIDATED_GROUPS))


_NAMING = ("location", "content-location")


def _same_host(request: Request, headers: Headers, name: str) -> str | None:
    """The target in origin-form that the field names on the request's own host."""
    value = (headers.first(name) or "").partition("#")[0]
    if value.startswith("/") and not value.startswith("//"):
        return value
    scheme, separator, rest = value.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        return None  # relative to the target's path: rare, and invalidating it is our choice
    host, slash, path = rest.partition("/")
    named, own = parse_authority(host), parse_authority(request.host_port)
    if named is None or own is None or named.host != own.host:
        return None
    # The port is part of an origin (RFC 9110 4.3.1); a default one may be left out.
    if named.port != own.port and _port(named, scheme) != _port(own, request.scheme):
        return None
    return f"{slash}{path}" or "/"


def _port(authority: Authority, scheme: str) -> int:
    return authority.port or (443 if scheme.lower() == "https" else 80)
