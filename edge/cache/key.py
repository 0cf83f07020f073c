"""What stored responses are filed under.

A key holds what is forwarded of the URI: whatever can change the origin's answer is either in the
key, or in Vary, or is not sent, or keeps the answer out of the store (`unkeyed`). Nothing is
decoded and no dot segment is resolved, since servers differ on what those mean. Parts are joined by
spaces, which none of them can contain, so different requests never share a key.
"""

import re

from edge.config import SiteRules
from edge.message import Request

Key = str
"""`SITE SCHEME HOST[:PORT] TARGET`"""

_PORT = re.compile(r":[0-9]*\Z")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def cache_key(request: Request, rules: SiteRules) -> Key:
    """The key of a request.

    Host keeps its port, and the scheme is part of the key, because an origin's redirects tell both.
    """
    return _key(rules, request.scheme, request.host_port, keyed_target(request.target, rules))


def keyed_target(target: str, rules: SiteRules) -> str:
    """The target without the query parameters that do not count for the site.

    This is also what must be forwarded: an origin that saw the others could answer by them.
    """
    counting = rules.query_parameters
    path, mark, query = target.partition("?")
    if counting is None or not mark:
        return target
    kept = [part for part in query.split("&") if part.partition("=")[0] in counting]
    return f"{path}?{'&'.join(kept)}" if kept else path


def keyed_host(scheme: str, host_port: str) -> str:
    """The host, with its port unless that is the usual one.

    This is also what must be forwarded: an origin may redirect those who name the usual port.
    """
    return host_port.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ""))


def sibling_keys(request: Request, rules: SiteRules, target: str) -> tuple[Key, ...]:
    """The keys of `target` on the request's host, over either scheme."""
    kept = keyed_target(target, rules)
    return tuple(_key(rules, scheme, request.host_port, kept) for scheme in ("http", "https"))


def place(host_port: str, target: str) -> str:
    """What a purge by URL names: host and target.

    Users may come to a site by several schemes and ports, of which who purges seldom thinks.
    """
    host = host_port.lower()
    if ":" in host:  # seldom, and a sweep asks for each of a million
        host = _PORT.sub("", host)
    return f"{host}{target}"


def parts(key: Key) -> tuple[str, str, str, str]:
    """Site, scheme, host with its port, and target of a key, also of that of a slice."""
    site, scheme, host, target, *_ = key.split(" ")
    return site, scheme, host, target


def _key(rules: SiteRules, scheme: str, host_port: str, target: str) -> Key:
    return f"{rules.name} {scheme} {keyed_host(scheme, host_port)} {target}"
