"""The gate before any HTTP parser: a byte stream cut into request heads and bodies.

`RequestFramer` is a filter: bytes in, pieces out. It decides where each message begins and ends,
and refuses whatever could be read in two ways (`head` and `chunked` hold the rules). The pieces
that are to be handed on hold the client's own bytes, unchanged. It has no clock: whoever feeds it
watches `waiting` and keeps the deadlines.
"""

from dataclasses import dataclass
from enum import StrEnum

from edge.chunked import ChunkedBody
from edge.config import Limits
from edge.errors import FramingError, FramingReason
from edge.head import Head, parse_head

_TOKEN_BYTES = frozenset(
    b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
_TLS_HANDSHAKE = 0x16
_CR, _LF = b"\r\n"


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes of a body as they came, chunk framing included."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes that must not be handed on: an empty line before a request, or trailer fields."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The request's last byte has been seen."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes of the protocol that follows an upgrade."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The last piece there will be: answer with the error's status, then close."""

    error: FramingError


Piece = Head | Body | Skipped | End | Raw | Refused


class Waiting(StrEnum):
    """What the framer waits for, and so which deadline counts."""

    IDLE = "idle"
    """The first byte of a request."""
    HEAD = "head"
    """The rest of a head."""
    BODY = "body"
    """The rest of a body."""
    DECISION = "decision"
    """Our side: whether a WebSocket handshake is accepted."""
    RAW = "raw"
    """Nothing: bytes pass."""
    NOTHING = "nothing"
    """The stream has been refused."""


class RequestFramer:
    """Cuts one connection's bytes into pieces.

    After a `Head` with `websocket` it holds further bytes until `switch_to_raw` or `resume`. After
    `Refused` it swallows everything. Cost is linear in the bytes fed, however small the pieces.
    """

    __slots__ = ("_blank", "_body", "_buffer", "_left", "_limits", "_scanned", "waiting")

    def __init__(self, limits: Limits) -> None:
        self.waiting = Waiting.IDLE
        self._limits = limits
        self._buffer = bytearray()  # of an unfinished head, or held back by DECISION
        self._scanned = 0
        self._blank = 0  # bytes seen of the one empty line allowed before a request
        self._body: ChunkedBody | None = None
        self._left = 0

    @property
    def between(self) -> bool:
        """Whether what comes next is the first byte of a request, or an empty line before it."""
        return self.waiting is Waiting.IDLE and not self._blank

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that `data` completes. Never raises; the last piece may be `Refused`."""
        out: list[Piece] = []
        at = 0
        try:
            while at < len(data):
                at = self._step(data, at, out)
        except FramingError as error:
            self._flush(out)
            self.waiting = Waiting.NOTHING
            self._buffer.clear()
            out.append(Refused(error))
        else:
            self._flush(out)
        return out

    def switch_to_raw(self) -> list[Piece]:
        """The handshake was accepted: all that follows is another protocol's."""
        assert self.waiting is Waiting.DECISION
        self.waiting = Waiting.RAW
        return [Raw(held)] if (held := self._take_buffer()) else []

    def resume(self) -> list[Piece]:
        """The handshake was declined: HTTP goes on."""
        assert self.waiting is Waiting.DECISION
        self.waiting = Waiting.IDLE
        return self.feed(self._take_buffer())

    def _step(self, data: bytes, at: int, out: list[Piece]) -> int:
        match self.waiting:
            case Waiting.BODY if self._body is None:
                return self._known_length(data, at, out)
            case Waiting.BODY:
                return self._chunked(data, at, out)
            case Waiting.HEAD:
                return self._head(data, at, out)
            case Waiting.IDLE:
                return self._start(data, at, out)
            case Waiting.DECISION:
                self._hold(data, at)
            case Waiting.RAW:
                out.append(Raw(data[at:]))
            case Waiting.NOTHING:
                pass
        return len(data)

    def _start(self, data: bytes, at: int, out: list[Piece]) -> int:
        """Before a request: at most one empty line (RFC 9112 2.2), then a token."""
        byte = data[at]
        if (byte, self._blank) in ((_CR, 0), (_LF, 1)):
            self._blank += 1
            if self._blank == 2:
                out.append(Skipped(b"\r\n"))
            return at + 1
        if byte == _TLS_HANDSHAKE and not self._blank:
            raise FramingError(FramingReason.TLS, "this port speaks plain HTTP, not TLS")
        if byte not in _TOKEN_BYTES or self._blank == 1:
            raise FramingError(FramingReason.START, "this is not the beginning of a request")
        self._blank = 0
        self.waiting = Waiting.HEAD
        return at

    def _head(self, data: bytes, at: int, out: list[Piece]) -> int:
        held = len(self._buffer)
        self._buffer += data[at : at + self._limits.head_bytes - held]
        # An empty line may have begun in an earlier piece.
        end = self._buffer.find(b"\r\n\r\n", max(0, self._scanned - 3))
        if end < 0:
            self._check_unfinished()
            self._scanned = len(self._buffer)
            return at + len(self._buffer) - held
        size = end + 4
        del self._buffer[size:]
        head = parse_head(self._take_buffer(), self._limits)
        out.append(head)
        self._begin_body(head, out)
        return at + size - held

    def _check_unfinished(self) -> None:
        """What is wrong already: a client that ends lines with LF would wait for ever."""
        at = self._scanned
        while (at := self._buffer.find(b"\n", at)) >= 0:
            if at == 0 or self._buffer[at - 1] != _CR:
                raise FramingError(FramingReason.LINE_END, "a line ends with a bare CR or LF")
            at += 1
        if len(self._buffer) < self._limits.head_bytes:
            return
        if b"\n" not in self._buffer:
            raise FramingError(FramingReason.TARGET_LENGTH, "request line too long", status=414)
        raise FramingError(FramingReason.HEAD_LENGTH, "request head too large", status=431)

    def _begin_body(self, head: Head, out: list[Piece]) -> None:
        if head.websocket:
            out.append(End())
            self.waiting = Waiting.DECISION
        elif head.length is None:
            self._body = ChunkedBody(self._limits)
            self.waiting = Waiting.BODY
        elif head.length:
            self._left = head.length
            self.waiting = Waiting.BODY
        else:
            self._end(out)

    def _known_length(self, data: bytes, at: int, out: list[Piece]) -> int:
        stop = min(len(data), at + self._left)
        out.append(Body(data[at:stop]))
        self._left -= stop - at
        if not self._left:
            self._end(out)
        return stop

    def _chunked(self, data: bytes, at: int, out: list[Piece]) -> int:
        assert self._body is not None
        trailers = len(self._body.trailers)
        at = self._body.advance(data, at)
        if len(self._body.trailers) > trailers:
            self._flush(out)
            out.append(Skipped(bytes(self._body.trailers[trailers:])))
        if self._body.done:
            self._flush(out)
            self._body = None
            self._end(out)
        return at

    def _flush(self, out: list[Piece]) -> None:
        """One piece for all chunks that one feed brought, however many they are."""
        if self._body is not None and self._body.passed:
            out.append(Body(bytes(self._body.passed)))
            self._body.passed.clear()

    def _end(self, out: list[Piece]) -> None:
        out.append(End())
        self.waiting = Waiting.IDLE

    def _hold(self, data: bytes, at: int) -> None:
        # RFC 6455 4.1: a client waits for the answer before it sends anything.
        if len(self._buffer) + len(data) - at > self._limits.head_bytes:
            raise FramingError(FramingReason.UPGRADE, "data before the handshake's answer")
        self._buffer += data[at:]

    def _take_buffer(self) -> bytes:
        held = bytes(self._buffer)
        self._buffer.clear()
        self._scanned = 0
        return held
