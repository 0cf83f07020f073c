"""Conditional requests: evaluating those we get, and making our own (RFC 9110 13, RFC 9111 4.3).

What a 304 does to the stored response is in `freshen`.
"""

from enum import StrEnum

from edge.cache.dates import parse_date
from edge.cache.entry import Entry
from edge.fields import split_list
from edge.message import Headers, Request

CONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})


class Outcome(StrEnum):
    """What the preconditions of a request come to."""

    PROCEED = "proceed"
    """Answer as if there were none."""
    NOT_MODIFIED = "not-modified"
    """304: the client has it already."""
    FAILED = "failed"
    """412: it is not what the client thinks."""


def weak_match(one: str, other: str) -> bool:
    """RFC 9110 8.8.3.2: the same opaque tag, weak or not."""
    return one.removeprefix("W/") == other.removeprefix("W/")


def strong_match(one: str, other: str) -> bool:
    """RFC 9110 8.8.3.2: the same tag, and neither is weak."""
    return one == other and not one.startswith("W/")


def evaluate(
    request: Request, representation: Headers, *, received_s: float, as_origin: bool = False
) -> Outcome:
    """The preconditions of `request`, in the order of RFC 9110 13.2.2.

    `representation` is the header of the 2xx response that would be sent, `received_s` (wall
    clock) when we got it. If-Match and If-Unmodified-Since count only `as_origin` (RFC 9111 4.3.2).
    """
    if as_origin and _fails(request.headers, representation, received_s):
        return Outcome.FAILED
    lines = request.headers.lines("if-none-match")
    reads = request.method in ("GET", "HEAD")
    if lines:
        if not _listed(lines, representation.first("etag"), strong=False):
            return Outcome.PROCEED
        return Outcome.NOT_MODIFIED if reads else Outcome.FAILED
    if reads and _unmodified(
        request.headers, "if-modified-since", _modified_s(representation, received_s), received_s
    ):
        return Outcome.NOT_MODIFIED
    return Outcome.PROCEED


def revalidation(request: Request, entry: Entry) -> Request:
    """`request` made conditional on `entry` alone: 304 means that `entry` still holds (4.3.1).

    The client's own conditions and range are left out; they are for the response that we give it.
    """
    headers = request.headers.without({*CONDITIONS, "range", "if-range"})
    if entry.etag is not None:
        headers = headers.add("if-none-match", entry.etag)
    if entry.last_modified is not None:
        headers = headers.add("if-modified-since", entry.last_modified)
    return request.with_headers(headers)


def _fails(asked: Headers, representation: Headers, now_s: float) -> bool:
    lines = asked.lines("if-match")
    if lines:
        return not _listed(lines, representation.first("etag"), strong=True)
    modified_s = parse_date(representation.first("last-modified") or "", now_s)
    return _unmodified(asked, "if-unmodified-since", modified_s, now_s) is False


def _listed(lines: tuple[str, ...], etag: str | None, *, strong: bool) -> bool:
    """Whether `*` or one of the entity tags stands for a representation with this `etag`."""
    match = strong_match if strong else weak_match
    listed = [member for line in lines for member in split_list(line, escapes=False)]
    if listed == ["*"]:
        return True
    return etag is not None and any(match(member, etag) for member in listed)


def _unmodified(asked: Headers, field: str, modified_s: float | None, now_s: float) -> bool | None:
    """Whether `modified_s` is at or before the date in `field`; None where it does not count."""
    lines = asked.lines(field)
    since_s = parse_date(lines[0], now_s) if len(lines) == 1 else None
    if since_s is None or modified_s is None:
        return None
    return modified_s <= since_s


def _modified_s(representation: Headers, received_s: float) -> float:
    """RFC 9111 4.3.2: Last-Modified, without it Date, without that the time of receipt."""
    for field in ("last-modified", "date"):
        parsed = parse_date(representation.first(field) or "", received_s)
        if parsed is not None:
            return parsed
    return received_s
