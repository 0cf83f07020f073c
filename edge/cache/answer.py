"""The response that a stored one becomes for one request: 200, 206, 304 or 416, for GET or HEAD."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from edge.cache.entry import Entry
from edge.cache.ranges import Part, Parts, Unsatisfiable, Whole, select_range
from edge.cache.validate import Outcome, evaluate
from edge.message import Headers, Request, Response
from edge.moment import Moment

_NOT_IN_304 = frozenset({"content-encoding", "content-language", "content-length", "content-type"})
"""Metadata of a body that is not sent (RFC 9110 15.4.5)."""
_KEPT_IN_416 = frozenset({"date", "etag", "via", "vary"})
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response and its body; Content-Length is already in the head."""

    response: Response
    body: memoryview

    @property
    def whole(self) -> bytes | None:
        """The body as one object, if it is the whole of one; to write that copies nothing."""
        whole = self.body.obj
        return whole if isinstance(whole, bytes) and len(whole) == len(self.body) else None


def answer(request: Request, entry: Entry, now: Moment, *, validated: bool = False) -> Answer:
    """Answer `request` from `entry`; preconditions first, then ranges (RFC 9110 13.2.2).

    `validated` means that the origin has just confirmed it: then an Age of 0 is left out, which
    would say the opposite (RFC 9111 5.1). Cache-Status is the caller's to add.
    """
    head = _aged(entry, now, validated=validated)
    if head.status != 200:
        return _full(request, head, entry.body)
    received_s = entry.received.wall_s
    outcome = evaluate(request, head.headers, received_s=received_s)
    if outcome is Outcome.NOT_MODIFIED:
        return Answer(response=not_modified(head), body=memoryview(b""))
    size = len(entry.body)
    match select_range(request, head.headers, size, received_s=received_s):
        case Part() as part:
            return _partial(head, entry.body, part)
        case Parts(parts):
            return _of_parts(head, entry, parts)
        case Unsatisfiable():
            return Answer(response=unsatisfiable(head, size), body=memoryview(b""))
        case Whole():
            return _full(request, head, entry.body)


def _aged(entry: Entry, now: Moment, *, validated: bool) -> Response:
    age_s = int(entry.age_s(now))
    headers = entry.response.headers
    return entry.response.with_headers(
        headers if validated and not age_s else headers.put("age", str(age_s))
    )


def _full(request: Request, head: Response, body: bytes) -> Answer:
    sent = b"" if request.method == "HEAD" or head.status in _BODILESS else body
    return Answer(response=whole_head(head, len(body)), body=memoryview(sent))


def whole_head(head: Response, size: int) -> Response:
    """`head` with what a body of `size` bytes adds."""
    headers = head.headers
    if head.status not in _BODILESS:
        headers = headers.put("content-length", str(size))
    if head.status == 200 and "accept-ranges" not in headers:
        headers = headers.add("accept-ranges", "bytes")
    return head.with_headers(headers)


def not_modified(head: Response) -> Response:
    """The 304 instead of a 200 with `head`."""
    headers = head.headers.without(_NOT_IN_304)
    if "etag" in headers:
        headers = headers.without({"last-modified"})
    return _as(head, 304, "Not Modified", headers)


def partial_head(head: Response, part: Part, size: int) -> Response:
    """The 206 with `part` of a representation of `size` bytes, whose 200 would have `head`."""
    headers = head.headers.put("content-range", part.content_range(size))
    headers = headers.put("content-length", str(part.size))
    return _as(head, 206, "Partial Content", headers)


def unsatisfiable(head: Response, size: int) -> Response:
    """The 416 about a representation of `size` bytes (RFC 9110 15.5.17)."""
    kept = [pair for pair in head.headers if pair[0] in _KEPT_IN_416]
    headers = Headers((*kept, ("content-range", f"bytes */{size}"), ("content-length", "0")))
    return _as(head, 416, "Range Not Satisfiable", headers)


def _partial(head: Response, body: bytes, part: Part) -> Answer:
    response = partial_head(head, part, len(body))
    return Answer(response=response, body=memoryview(body)[part.first : part.last + 1])


def _of_parts(head: Response, entry: Entry, parts: Sequence[Part]) -> Answer:
    """RFC 9110 14.6 and 15.3.7.2: each part tells its type and range, the head tells neither."""
    boundary = _boundary(entry)
    kind = head.headers.first("content-type")
    typed = f"Content-Type: {kind}\r\n" if kind is not None else ""
    pieces: list[bytes] = []
    for part in parts:
        told = part.content_range(len(entry.body))
        lines = f"\r\n--{boundary}\r\n{typed}Content-Range: {told}\r\n\r\n"
        pieces += [lines.encode("latin-1"), entry.body[part.first : part.last + 1]]
    body = b"".join([*pieces, f"\r\n--{boundary}--\r\n".encode()])
    headers = head.headers.put("content-type", f"multipart/byteranges; boundary={boundary}")
    headers = headers.put("content-length", str(len(body)))
    response = _as(head, 206, "Partial Content", headers)
    return Answer(response=response, body=memoryview(body))


def _boundary(entry: Entry) -> str:
    """Nothing that an origin can have put into the body: when it came counts."""
    return blake2b(f"{entry.received} {entry.key}".encode(), digest_size=16).hexdigest()


def _as(head: Response, status: int, reason: str, headers: Headers) -> Response:
    return replace(head, status=status, reason=reason, headers=headers)
