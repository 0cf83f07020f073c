"""Byte ranges of a stored, whole representation (RFC 9110 14).

One range is served as 206. Several in one request get the whole, which 14.2 allows: browsers and
players do not ask for them, and multipart answers are a way to make a server work.
"""

import re
from dataclasses import dataclass

from edge.cache.dates import parse_date
from edge.cache.validate import strong_match
from edge.fields import decimal
from edge.message import Headers, Request

_ONE_RANGE = re.compile(r"bytes=[ \t]*(?:([0-9]+)-([0-9]*)|-([0-9]+))[ \t]*", re.IGNORECASE)
_CEILING = 2**62


@dataclass(frozen=True, slots=True)
class Whole:
    """Send all of it: no range was asked for, or none that we serve."""


@dataclass(frozen=True, slots=True)
class Part:
    """Send the bytes from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many bytes it is."""
        return self.last - self.first + 1

    def content_range(self, size: int) -> str:
        """Content-Range of a representation of `size` bytes."""
        return f"bytes {self.first}-{self.last}/{size}"


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """416: the range lies outside."""


Selection = Whole | Part | Unsatisfiable


def select_range(
    request: Request, representation: Headers, size: int, *, received_s: float
) -> Selection:
    """What `request` wants of a representation of `size` bytes that would be sent with 200."""
    lines = request.headers.lines("range")
    if request.method != "GET" or len(lines) != 1:
        return Whole()
    if not _applies(request.headers.lines("if-range"), representation, received_s):
        return Whole()
    match = _ONE_RANGE.fullmatch(lines[0])
    if match is None:
        return Whole()
    first, last, suffix = match.groups()
    return _suffix(suffix, size) if suffix else _interval(first, last, size)


def _interval(first_digits: str, last_digits: str, size: int) -> Selection:
    first = decimal(first_digits, ceiling=_CEILING) or 0
    last = decimal(last_digits, ceiling=_CEILING)
    if last is not None and last < first:
        return Whole()  # 14.1.1: invalid, and 14.2 lets us ignore it
    if first >= size:
        return Unsatisfiable()
    return Part(first, size - 1 if last is None else min(last, size - 1))


def _suffix(digits: str, size: int) -> Selection:
    length = decimal(digits, ceiling=_CEILING) or 0
    if not length:
        return Unsatisfiable()
    # Satisfiable even where there is nothing to send, but no Content-Range can say so (14.1.2).
    return Part(max(0, size - length), size - 1) if size else Whole()


def _applies(conditions: tuple[str, ...], representation: Headers, received_s: float) -> bool:
    """If-Range (13.1.5): an exact, strong match, or the client gets the whole."""
    if not conditions:
        return True
    condition = conditions[0]
    if len(conditions) > 1:
        return False
    if '"' in condition[:3]:
        return strong_match(condition, representation.first("etag") or "")
    return condition == representation.first("last-modified") and _is_strong_date(
        representation, received_s
    )


def _is_strong_date(representation: Headers, received_s: float) -> bool:
    """8.8.2.2: changed at least a second before it was sent, so not twice within that second."""
    modified_s = parse_date(representation.first("last-modified") or "", received_s)
    date_s = parse_date(representation.first("date") or "", received_s)
    return modified_s is not None and date_s is not None and date_s - modified_s >= 1
