"""What can go wrong with a request, and what each fault means for the answer.

An error knows its side (whose fault), its HTTP status, and whether the request may be sent again.
The pages that are made of errors, and the mapping of foreign exceptions, live in `aio/`.
"""

from enum import StrEnum
from typing import ClassVar

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""RFC 9110 9.2.2."""


class Side(StrEnum):
    """Whose fault it is."""

    CLIENT = "client"
    """The one who asks."""
    UPSTREAM = "upstream"
    """A parent or an origin."""
    OURS = "ours"
    """This node."""


class Retry(StrEnum):
    """Whether a request that met this error may be sent to another server."""

    NEVER = "never"
    """The answer would be the same, or part of it has already been passed on."""
    IDEMPOTENT = "idempotent"
    """The server may have acted on it: only methods that bear repeating (RFC 9110 9.2.2)."""
    ALWAYS = "always"
    """No byte of it has reached a server."""


class FramingReason(StrEnum):
    """Why the framer refuses what a client sent."""

    TLS = "tls-on-plain-port"
    """A TLS ClientHello where plain HTTP is spoken."""
    START = "bad-start"
    """The first byte cannot begin a request, or more than one empty line stands before it."""
    REQUEST_LINE = "bad-request-line"
    """Not exactly `method SP target SP HTTP/x.y` (RFC 9112 3)."""
    METHOD = "method-not-implemented"
    """CONNECT, or one that we do not know (`head.METHODS`)."""
    VERSION = "version-not-supported"
    """Neither HTTP/1.0 nor HTTP/1.1, such as the preface of HTTP/2."""
    TARGET = "bad-target"
    """A form the method does not have, a fragment, user information, a byte that is not ASCII."""
    TARGET_LENGTH = "target-too-long"
    """More bytes than `Limits.target_bytes`."""
    HEAD_LENGTH = "head-too-large"
    """More bytes than `Limits.head_bytes`."""
    FIELD_COUNT = "too-many-fields"
    """More field lines than `Limits.header_count`."""
    LINE_END = "bad-line-end"
    """A bare LF or a bare CR (RFC 9112 2.2)."""
    CONTROL = "control-character"
    """NUL or another control character in the head."""
    FOLD = "obsolete-line-folding"
    """A field line that begins with white space (RFC 9112 5.2)."""
    FIELD = "bad-field-line"
    """No colon, or a name that is no token; white space before the colon is one case of it."""
    DISGUISED = "disguised-framing-field"
    """`content_length` and the like, which servers behind CGI read as the real field."""
    HOST = "bad-host"
    """None or several on HTTP/1.1, an invalid value, or another than the target's authority."""
    REPEATED = "repeated-field"
    """A field that has one value, such as Content-Type, given more than once."""
    LENGTH = "bad-content-length"
    """Repeated, not plain decimal digits, or absurdly large."""
    CODING = "bad-transfer-encoding"
    """Anything but one `chunked`, or any at all on HTTP/1.0."""
    BOTH_LENGTHS = "length-and-transfer-encoding"
    """Content-Length together with Transfer-Encoding (RFC 9112 6.3)."""
    CHUNK = "bad-chunk"
    """Chunk framing that is not exactly RFC 9112 7.1."""
    CHUNK_LENGTH = "chunk-line-too-long"
    """A chunk's size line, or all chunk extensions of one body, exceed their bound."""
    TRAILER = "bad-trailer"
    """A trailer section that is malformed, too large, or holds framing fields."""
    UPGRADE = "bad-upgrade"
    """A WebSocket handshake with a body, a wrong method, or data before its answer."""
    EXPECTATION = "expectation-failed"
    """An Expect other than `100-continue` (RFC 9110 10.1.1)."""


class RequestReason(StrEnum):
    """Why a well-framed request is refused, or why its client is given up."""

    UNKNOWN_SITE = "unknown-site"
    """No site has this hostname."""
    LOOP = "loop"
    """The request has already passed through this network (RFC 8586)."""
    METHOD_NOT_ALLOWED = "method-not-allowed"
    """TRACE: it would show a client the fields that we add."""
    ONLY_IF_CACHED = "only-if-cached"
    """The client wanted a stored response and there is none it may have."""
    BODY_TOO_LARGE = "body-too-large"
    """More than may be taken."""
    HEAD_TIMEOUT = "head-timeout"
    """The head took longer than `Limits.head_timeout_s`."""
    BODY_STALLED = "body-stalled"
    """No piece of the request's body came for `Limits.body_stall_s`."""
    BODY_SLOW = "body-too-slow"
    """The request's body came at less than `Limits.least_bytes_s`."""
    WRITE_STALLED = "write-stalled"
    """The client took nothing of its answer for `Limits.write_stall_s`."""
    WRITE_SLOW = "write-too-slow"
    """The client took its answer at less than `Limits.least_bytes_s`."""
    CROWD = "too-many-connections"
    """Its address has `Limits.connections_per_client` already."""
    STRANGER = "stranger"
    """On the tunnel: a caller that is no edge of this network."""
    CLIENT_GONE = "client-gone"
    """The client closed before it had its answer; the status is for the log only."""


class UpstreamReason(StrEnum):
    """How an upstream failed us."""

    CONNECT_FAILED = "connect-failed"
    """No connection: refused, unreachable, no such name."""
    CONNECT_TIMEOUT = "connect-timeout"
    """No connection within `Limits.connect_timeout_s`."""
    WRONG_IDENTITY = "wrong-identity"
    """The certificate is not the one this upstream must have."""
    CLOSED = "closed-before-answer"
    """The connection ended before the head of an answer."""
    ANSWER_TIMEOUT = "answer-timeout"
    """No head of an answer within `Limits.answer_timeout_s`."""
    BAD_ANSWER = "bad-answer"
    """What came is not an HTTP response."""
    BROKEN_BODY = "broken-body"
    """The body ended before its declared end."""
    BODY_STALLED = "body-stalled"
    """No piece of the body came for `Limits.read_stall_s`."""
    NO_UPSTREAM = "no-upstream"
    """None is left to ask."""


class OurReason(StrEnum):
    """How this node fails a request."""

    BUSY = "busy"
    """Every allowed connection is in use."""
    DRAINING = "draining"
    """The node is stopping."""
    INTERNAL = "internal"
    """A fault in our code."""


Reason = FramingReason | RequestReason | UpstreamReason | OurReason


class EdgeError(Exception):
    """A fault with its side, HTTP status, reason, and leave to try again.

    `str()` of it is one line that may be shown to the client.
    """

    side: ClassVar[Side]

    def __init__(self, reason: Reason, text: str, *, status: int, retry: Retry) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.status = status
        self.retry = retry

    def may_retry(self, method: str) -> bool:
        """Whether a request with this method may be sent to another server."""
        if self.retry is Retry.IDEMPOTENT:
            return method in IDEMPOTENT_METHODS
        return self.retry is Retry.ALWAYS


class FramingError(EdgeError):
    """What a client sent is no HTTP/1.1 request that can be read in one way only."""

    side = Side.CLIENT

    def __init__(self, reason: FramingReason, text: str, *, status: int = 400) -> None:
        super().__init__(reason, text, status=status, retry=Retry.NEVER)


_REQUEST_STATUS = {
    RequestReason.UNKNOWN_SITE: 421,
    RequestReason.LOOP: 508,
    RequestReason.METHOD_NOT_ALLOWED: 405,
    RequestReason.ONLY_IF_CACHED: 504,
    RequestReason.BODY_TOO_LARGE: 413,
    RequestReason.HEAD_TIMEOUT: 408,
    RequestReason.BODY_STALLED: 408,
    RequestReason.BODY_SLOW: 408,
    RequestReason.WRITE_STALLED: 499,
    RequestReason.WRITE_SLOW: 499,
    RequestReason.CROWD: 429,
    RequestReason.STRANGER: 403,
    RequestReason.CLIENT_GONE: 499,
}


class RequestError(EdgeError):
    """A request that is refused, or whose client is given up."""

    side = Side.CLIENT

    def __init__(self, reason: RequestReason, text: str) -> None:
        super().__init__(reason, text, status=_REQUEST_STATUS[reason], retry=Retry.NEVER)


_UPSTREAM_MEANING = {
    UpstreamReason.CONNECT_FAILED: (502, Retry.ALWAYS),
    UpstreamReason.CONNECT_TIMEOUT: (504, Retry.ALWAYS),
    UpstreamReason.WRONG_IDENTITY: (502, Retry.ALWAYS),
    UpstreamReason.CLOSED: (502, Retry.IDEMPOTENT),
    # The user has waited long enough; a second server is given no second minute.
    UpstreamReason.ANSWER_TIMEOUT: (504, Retry.NEVER),
    UpstreamReason.BAD_ANSWER: (502, Retry.IDEMPOTENT),
    UpstreamReason.BROKEN_BODY: (502, Retry.IDEMPOTENT),
    UpstreamReason.BODY_STALLED: (504, Retry.NEVER),
    UpstreamReason.NO_UPSTREAM: (503, Retry.NEVER),
}


class UpstreamError(EdgeError):
    """A parent or an origin failed."""

    side = Side.UPSTREAM

    def __init__(self, reason: UpstreamReason, text: str) -> None:
        status, retry = _UPSTREAM_MEANING[reason]
        super().__init__(reason, text, status=status, retry=retry)


class OurError(EdgeError):
    """This node failed."""

    side = Side.OURS

    def __init__(self, reason: OurReason, text: str) -> None:
        status = 500 if reason is OurReason.INTERNAL else 503
        super().__init__(reason, text, status=status, retry=Retry.NEVER)
