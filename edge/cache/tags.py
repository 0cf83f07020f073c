"""Names under which an origin files its responses, so that many can be purged together.

`Cache-Tag: a, b` and `Surrogate-Key: a b` are in common use without a standard; `Cache-Groups: "a"`
is RFC 9875. All are names of one kind here, compared as they are, within one site.
"""

from collections.abc import Iterator

import http_sf

from edge.fields import split_list
from edge.message import Headers

GROUPS = "cache-groups"
INVALIDATED_GROUPS = "cache-group-invalidation"

NO_TAGS: frozenset[str] = frozenset()


def tags(headers: Headers) -> frozenset[str]:
    """All tags of a response."""
    found = frozenset(_tags(headers))
    return found or NO_TAGS


def invalidated_groups(headers: Headers) -> tuple[str, ...]:
    """The groups that an answer to an unsafe request invalidates (RFC 9875 3)."""
    return tuple(_groups(headers, INVALIDATED_GROUPS))


def _tags(headers: Headers) -> Iterator[str]:
    for line in headers.lines("cache-tag"):
        yield from split_list(line)
    for line in headers.lines("surrogate-key"):
        yield from line.split()
    yield from _groups(headers, GROUPS)


def _groups(headers: Headers, field: str) -> Iterator[str]:
    """The strings of a list; nothing of a field that is anything else (RFC 9651 1.1)."""
    combined = headers.combined(field)
    if not combined:
        return
    try:
        members = http_sf.parse(combined.encode("latin-1"), tltype="list")
    except http_sf.StructuredFieldError:
        return
    values = [value for value, _ in members]
    if all(isinstance(value, str) for value in values):  # else it is no list of strings
        yield from values
