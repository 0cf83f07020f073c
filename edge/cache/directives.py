"""Cache-Control, read tolerantly and failing towards caching less (RFC 9111 5.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.fields import TOKEN, decimal, split_list, unquote
from edge.message import Headers

INFINITY_S = 2**31
"""What RFC 9111 1.2.2 lets any larger number count as."""


@dataclass(frozen=True, slots=True)
class Directives:
    """The directives of one message: each name with its arguments, in order, None without one."""

    arguments: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)

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
    found: dict[str, tuple[str | None, ...]] = {}
    for line in headers.lines("cache-control"):
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
