"""What messages say to caches: Cache-Control (RFC 9111 5.2) and CDN-Cache-Control (RFC 9213).

Cache-Control is read tolerantly and failing towards caching less. CDN-Cache-Control is strict: what
is not of its grammar counts as not being there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import http_sf

from edge.fields import TOKEN, decimal, split_list, unquote
from edge.message import Headers

INFINITY_S = 2**31
"""What RFC 9111 1.2.2 lets any larger number count as."""

TARGETED = "cdn-cache-control"
"""For caches like ours, whatever Cache-Control says to the others (RFC 9213 3)."""

_SECONDS = frozenset({"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"})
_USUAL_BYTES = 256
"""Of field lines that are remembered."""
_FIELD_NAMES = frozenset({"no-cache", "private"})
"""Directives that may name fields."""


@dataclass(frozen=True, slots=True)
class Directives:
    """The directives of one message: each name with its arguments, in order, None without one."""

    arguments: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    targeted: bool = False
    """Whether they are of CDN-Cache-Control; then Expires says nothing either (RFC 9213 2.2)."""

    def __contains__(self, name: object) -> bool:
        return name in self.arguments

    def seconds(self, name: str) -> int | None:
        """The directive's delta-seconds, None where it is absent.

        Of several the smallest counts, and what is no number counts as 0: most restrictive for a
        lifetime (RFC 9111 4.2.1).
        """
        arguments = self.arguments.get(name)
        if arguments is None:
            return None
        return min(_delta_seconds(argument) for argument in arguments)


def parse_directives(headers: Headers) -> Directives:
    """The Cache-Control of a message, all its lines together."""
    lines = headers.lines("cache-control")
    return (_usual if sum(map(len, lines)) <= _USUAL_BYTES else _parsed)(lines)


def _parsed(lines: tuple[str, ...]) -> Directives:
    found: dict[str, tuple[str | None, ...]] = {}
    for line in lines:
        for member in split_list(line):
            name, equals, argument = member.partition("=")
            # `no-store =x` and `max-age =60` are no directives by the grammar. They are taken for
            # what forbids most: the name counts, the argument is nothing valid.
            stripped = name.rstrip(" \t")
            if stripped != name:
                argument = ""
            if TOKEN.fullmatch(stripped):
                name = stripped.lower()
                found[name] = (*found.get(name, ()), argument if equals else None)
    return Directives(found)


_usual = lru_cache(maxsize=1_024)(_parsed)
"""A site says few different things, and each is looked at several times for a response."""


def response_directives(headers: Headers) -> Directives:
    """What a response says to us: its CDN-Cache-Control if it has a valid one, or Cache-Control."""
    return _targeted(headers) or parse_directives(headers)


def _targeted(headers: Headers) -> Directives | None:
    """None where the field is absent, empty or invalid (RFC 9213 2.1)."""
    combined = headers.combined(TARGETED)
    if not combined:
        return None
    try:
        members = http_sf.parse(combined.encode("latin-1"), tltype="dictionary")
    except http_sf.StructuredFieldError:
        return None
    found: dict[str, tuple[str | None, ...]] = {}
    for name, (value, _) in cast("Mapping[str, tuple[object, object]]", members).items():
        argument = _argument(name, value)
        if argument is None:
            return None
        if value is not False:
            found[name] = (argument or None,)
    return Directives(found, targeted=True) if found else None


def _argument(name: str, value: object) -> str | None:
    """A member's argument as Cache-Control would have it, empty without one; None: wrong type."""
    if isinstance(value, bool):
        return None if name in _SECONDS else ""
    if name in _SECONDS:
        return str(max(0, value)) if isinstance(value, int) else None
    if name in _FIELD_NAMES:
        return value if isinstance(value, str) else None
    return ""  # a directive that we do not know


def request_directives(headers: Headers) -> Directives:
    """As `parse_directives`, for a request; Pragma counts where Cache-Control is absent (5.4)."""
    if "cache-control" not in headers and "pragma" in headers:
        pragmas = (member for line in headers.lines("pragma") for member in split_list(line))
        if any(member.lower() == "no-cache" for member in pragmas):
            return Directives({"no-cache": (None,)})
    return parse_directives(headers)


def _delta_seconds(argument: str | None) -> int:
    if argument is None:
        return 0
    return decimal(unquote(argument), ceiling=INFINITY_S) or 0
