"""Byte ranges of a stored, whole representation (RFC 9110 14).

One range is served as 206, several as a 206 of several parts. Those are a way to make a server
work, so 14.2 lets us send the whole instead: where they are many, overlap, or are long, which no
reader of documents asks for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from edge.cache.dates import parse_date
from edge.cache.validate import strong_match
from edge.fields import decimal, split_list
from edge.message import Headers, Request

_UNIT = re.compile(r"bytes=", re.IGNORECASE)
_ONE_RANGE = re.compile(r"(?:([0-9]+)-([0-9]*)|-([0-9]+))")
_CEILING = 2**62

MOST_RANGES = 16
"""In one request; PDF readers, which are the ones that ask for several, ask for fewer."""
MOST_PARTS_BYTES = 1024 * 1024
"""In an answer of several parts, which is put together in memory."""


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


@dataclass(frozen=True, slots=True)
class Parts:
    """Send these, at least two, in this order."""

    each: tuple[Part, ...]


Selection = Whole | Part | Parts | Unsatisfiable


def select_range(
    request: Request, representation: Headers, size: int, *, received_s: float
) -> Selection:
    """What `request` wants of a representation of `size` bytes that would be sent with 200."""
    lines = request.headers.lines("range")
    if request.method != "GET" or len(lines) != 1:
        return Whole()
    if not applies(request.headers.lines("if-range"), representation, received_s):
        return Whole()
    unit = _UNIT.match(lines[0])
    if unit is None:
        return Whole()
    ranges = list(split_list(lines[0][unit.end() :]))
    if not 0 < len(ranges) <= MOST_RANGES:
        return Whole()
    return _together([_one(each, size) for each in ranges])


def _one(text: str, size: int) -> Whole | Part | Unsatisfiable:
    match = _ONE_RANGE.fullmatch(text)
    if match is None:
        return Whole()  # 14.2: an invalid Range is ignored
    first, last, suffix = match.groups()
    return _suffix(suffix, size) if suffix else _interval(first, last, size)


def _together(found: Sequence[Whole | Part | Unsatisfiable]) -> Selection:
    """What several ranges come to; those that lie outside do not count beside others (15.5.17)."""
    if any(isinstance(each, Whole) for each in found):
        return Whole()
    parts = tuple(each for each in found if isinstance(each, Part))
    if len(parts) < 2:
        return parts[0] if parts else Unsatisfiable()
    in_order = sorted(parts, key=lambda part: part.first)
    apart = all(one.last < other.first for one, other in pairwise(in_order))
    short = sum(part.size for part in parts) <= MOST_PARTS_BYTES
    return Parts(parts) if apart and short else Whole()


def _interval(first_digits: str, last_digits: str, size: int) -> Whole | Part | Unsatisfiable:
    first = decimal(first_digits, ceiling=_CEILING) or 0
    last = decimal(last_digits, ceiling=_CEILING)
    if last is not None and last < first:
        return Whole()  # 14.1.1: invalid, and 14.2 lets us ignore it
    if first >= size:
        return Unsatisfiable()
    return Part(first, size - 1 if last is None else min(last, size - 1))


def _suffix(digits: str, size: int) -> Whole | Part | Unsatisfiable:
    length = decimal(digits, ceiling=_CEILING) or 0
    if not length:
        return Unsatisfiable()
    # Satisfiable even where there is nothing to send, but no Content-Range can say so (14.1.2).
    return Part(max(0, size - length), size - 1) if size else Whole()


def applies(conditions: tuple[str, ...], representation: Headers, received_s: float) -> bool:
    """If-Range (13.1.5): an exact, strong match, or the client gets the whole."""
    if not conditions:
        return True
    condition = conditions[0]
    if len(conditions) > 1:
        return False
    if '"' in condition[:3]:
        return strong_match(condition, representation.first("etag") or "")
    return condition == representation.first("last-modified") and is_strong_date(
        representation, received_s
    )


def is_strong_date(representation: Headers, received_s: float) -> bool:
    """8.8.2.2: changed at least a second before it was sent, so not twice within that second."""
    modified_s = parse_date(representation.first("last-modified") or "", received_s)
    date_s = parse_date(representation.first("date") or "", received_s)
    return modified_s is not None and date_s is not None and date_s - modified_s >= 1
