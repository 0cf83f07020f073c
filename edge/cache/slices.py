"""Large representations in slices, so that a part can be had, stored and sent without the whole.

A slice is kept like a small whole response, under a key of its own, with what it is a slice of
(`Entry.of_bytes`). Slices are put together only if a strong validator says that they are of one
representation (RFC 9111 3.4). Requests are made in whole slices, so that all clients, and the nodes
behind one another, ask for the same ones.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from edge.cache.answer import not_modified, partial_head, unsatisfiable, whole_head
from edge.cache.key import Key
from edge.cache.ranges import Part, applies, is_strong_date
from edge.cache.storable import request_forbids
from edge.cache.validate import CONDITIONS, Outcome, evaluate
from edge.config import SiteRules
from edge.fields import decimal, tokens
from edge.message import Headers, Request, Response
from edge.moment import Moment

SLICE_BYTES = 1024 * 1024
"""At 100 Mbit/s a twelfth of a second: little is fetched in vain, and a request for each is not
much."""

SLICED_FROM_BYTES = 8 * SLICE_BYTES
"""What is larger is stored in slices, also where all of it was asked for."""

_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)", re.IGNORECASE)
_CEILING = 2**62
_OWN = frozenset({"range", "if-range"})
_PRIVATE = frozenset({"authorization"})


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of a representation, by its number from 0."""

    number: int

    @property
    def first(self) -> int:
        """Its first byte."""
        return self.number * SLICE_BYTES

    @property
    def last(self) -> int:
        """Its last byte, if the representation is that long."""
        return self.first + SLICE_BYTES - 1

    def size(self, of_bytes: int | None) -> int:
        """How many bytes it has, in a representation of so many."""
        return min(SLICE_BYTES, (of_bytes or 0) - self.first)

    @property
    def range(self) -> str:
        """The value of Range that asks for it."""
        return f"bytes={self.first}-{self.last}"

    def key(self, whole: Key) -> Key:
        """What it is stored under; no key of anything whole has such a form."""
        return f"{whole} {self.number}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The bytes from `first` to `last`, or to the end where that is None."""

    first: int
    last: int | None
    whole: bool = False
    """Whether no part was asked for, but all there is."""

    def part(self, size: int) -> Part:
        """Of a representation of `size` bytes; `first` lies within."""
        return Part(self.first, size - 1 if self.last is None else min(self.last, size - 1))

    @property
    def slice(self) -> Slice:
        """The slice in which it begins."""
        return Slice(self.first // SLICE_BYTES)


def stretch(request: Request, rules: SiteRules) -> Stretch | None:
    """What `request` wants, if that can be answered in slices: all, or from a given byte on."""
    lines = request.headers.lines("range")
    names = {name for name, _ in request.headers}
    if request_forbids(request, rules) is not None or names & _PRIVATE:
        return None
    if not lines:
        return Stretch(0, None, whole=True)
    match = _RANGE.fullmatch(lines[0].strip(" \t")) if len(lines) == 1 else None
    if match is None or names & CONDITIONS:
        return None
    first, last = decimal(match[1], ceiling=_CEILING), decimal(match[2], ceiling=_CEILING)
    if first is None or (last is not None and last < first):
        return None
    return Stretch(first, last)


def without_range(request: Request) -> Request:
    """`request` for the representation, of which a slice is asked for."""
    return request.with_headers(request.headers.without(_OWN))


def content_range(headers: Headers) -> tuple[int, int, int] | None:
    """First byte, last byte and size of the whole, as Content-Range tells all three."""
    lines = headers.lines("content-range")
    match = _CONTENT_RANGE.fullmatch(lines[0]) if len(lines) == 1 else None
    if match is None:
        return None
    first, last, size = (decimal(digits, ceiling=_CEILING) or 0 for digits in match.groups())
    return (first, last, size) if first <= last < size else None


def as_slice(
    response: Response, wanted: Slice, *, received_s: float
) -> tuple[Response, int] | None:
    """A 206 in the form in which a slice is stored, and the size of the whole; None: it is none.

    It must be exactly what was asked for, and say by a strong validator of what it is a part.
    """
    told = content_range(response.headers) if response.status == 206 else None
    if told is None or told[:2] != (wanted.first, min(wanted.last, told[2] - 1)):
        return None
    if not _is_identified(response.headers, received_s):
        return None
    headers = response.headers.without({"content-range"})
    return replace(response, status=200, reason="OK", headers=headers), told[2]


def sliced_size(response: Response, *, received_s: float) -> int | None:
    """The size of a whole representation that is to be stored in slices; None: it is not.

    Its origin must be able to give parts, since slices may go one by one.
    """
    length = decimal(response.headers.first("content-length") or "", ceiling=_CEILING)
    if response.status != 200 or length is None or length <= SLICED_FROM_BYTES:
        return None
    parts = "bytes" in tokens(response.headers.lines("accept-ranges"))
    return length if parts and _is_identified(response.headers, received_s) else None


class Cutter:
    """Cuts a body into slices as it comes."""

    def __init__(self) -> None:
        self._number = 0
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> Iterator[tuple[Slice, bytes]]:
        """The slices that are whole now."""
        while chunk:
            room = SLICE_BYTES - self._size
            self._chunks.append(chunk[:room])
            self._size += len(self._chunks[-1])
            chunk = chunk[room:]
            if self._size == SLICE_BYTES:
                yield from self.finish()

    def finish(self) -> Iterator[tuple[Slice, bytes]]:
        """The last slice, if the body has not ended with one."""
        if self._chunks:
            yield Slice(self._number), b"".join(self._chunks)
            self._number, self._chunks, self._size = self._number + 1, [], 0


def alike(one: Headers, other: Headers) -> bool:
    """Whether two slices, each with a strong validator, are of one representation."""
    names = ("etag", "last-modified", "content-type", "content-encoding")
    etag = one.first("etag")
    if etag is not None or other.first("etag") is not None:
        return etag == other.first("etag")
    return all(one.lines(name) == other.lines(name) for name in names)


def answer_in_slices(
    request: Request, head: Response, asked: Stretch, size: int, now: Moment
) -> tuple[Response, Part | None]:
    """The head of the answer, and which bytes follow; `head` is that of a 200 with all `size`."""
    if not asked.whole:
        if asked.first >= size:
            return unsatisfiable(head, size), None
        part = asked.part(size)
        return partial_head(head, part, size), part
    if evaluate(request, head.headers, received_s=now.wall_s) is Outcome.NOT_MODIFIED:
        return not_modified(head), None
    return whole_head(head, size), Part(0, size - 1)


def answers(response: Response, asked: Stretch) -> bool:
    """Whether what came for a slice, and may not be stored, is an answer to `asked` as it is."""
    if response.status not in (206, 416):
        return True
    if asked.whole or response.status == 416:
        return not asked.whole
    told = content_range(response.headers)
    if told is None:
        return False
    first, last, size = told
    return Part(first, last) == asked.part(size)


def cut(asked_first: int, asked_last: int, at: int, chunk: bytes) -> bytes:
    """What of `chunk`, whose first byte is the byte `at`, lies in the part that was asked for."""
    return chunk[max(0, asked_first - at) : max(0, asked_last + 1 - at)]


def if_range_holds(request: Request, headers: Headers, received_s: float) -> bool:
    """Whether If-Range lets the part of a representation with these `headers` be sent."""
    return applies(request.headers.lines("if-range"), headers, received_s)


def _is_identified(headers: Headers, received_s: float) -> bool:
    etag = headers.first("etag")
    if etag is not None:
        return not etag.startswith("W/")
    return is_strong_date(headers, received_s)
