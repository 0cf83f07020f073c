"""Names under which an origin files its responses, so that many can be purged together.

`Cache-Tag: a, b` and `Surrogate-Key: a b` are in common use without a standard; `Cache-Groups: "a"`
is RFC 9875. All are names of one kind here, compared as they are, within one site.
"""

from collections.abc import Iterator, Sequence
from typing import cast

import http_sf

from edge.fields import split_list
from edge.message import Headers

GROUPS = "cache-groups"
INVALIDATED_GROUPS = "cache-group-invalidation"

MOST_TAGS = 256
"""Of one response, or it is not stored; RFC 9875 2 wants 32 at least. Each costs memory."""

NO_TAGS: frozenset[str] = frozenset()


def tags(headers: Headers) -> frozenset[str]:
    """All tags of a response."""
    found = frozenset(_tags(headers))
    return found or NO_TAGS


def groups(headers: Headers, field: str = GROUPS) -> tuple[str, ...]:
    """The groups that one of RFC 9875's fields names, the first `MOST_TAGS` of them.

    None where it is malformed (RFC 9651 1.1).
    """
    return tuple(dict.fromkeys(_groups(headers, field)))[:MOST_TAGS]


def _tags(headers: Headers) -> Iterator[str]:
    for line in headers.lines("cache-tag"):
        yield from split_list(line)
    for line in headers.lines("surrogate-key"):
        yield from line.split()
    yield from _groups(headers, GROUPS)


def _groups(headers: Headers, field: str) -> Iterator[str]:
    combined = headers.combined(field)
    if not combined:
        return
    try:
        parsed = http_sf.parse(combined.encode("latin-1"), tltype="list")
    except http_sf.StructuredFieldError:
        return
    values = [value for value, _ in cast("Sequence[tuple[object, object]]", parsed)]
    if all(isinstance(value, str) for value in values):  # else it is no list of strings
        yield from cast("Sequence[str]", values)
