"""The chunked coding of a request's body, followed byte by byte but not undone (RFC 9112 7.1).

It says where the body ends, and lets nothing pass that two servers could read differently.
"""

import re
from enum import Enum, auto

from edge.config import Limits
from edge.errors import FramingError, FramingReason
from edge.head import clean, parse_fields

MAX_LINE_BYTES = 512
"""A chunk's size line with its extensions; nobody is known to send any."""
MAX_EXTENSION_BYTES = 8_192
"""Of one body: one-byte chunks with long extensions cost us much and the sender little."""
MAX_TRAILER_BYTES = 8_192
MAX_TRAILER_FIELDS = 32

# At most eight digits: a chunk of four gigabytes is more than anybody buffers, and no number
# overflows. White space, which RFC 9112 lets a recipient skip, has no honest use.
_SIZE_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,8})"
    rb'((?:;[!#$%&\'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&\'*+\-.^_`|~0-9A-Za-z]+|"[\x20\x21\x23-\x5b'
    rb'\x5d-\x7e]*"))?)*)\r\n'
)
_TRAILERS_NEVER = frozenset(
    {"authorization", "connection", "content-encoding", "content-length", "content-range"}
    | {"content-type", "cookie", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Fields for framing, routing and authentication, which RFC 9110 6.5.1 forbids in trailers."""


class _Part(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    DONE = auto()


class ChunkedBody:
    """Where a chunked body is.

    `advance` moves checked bytes to `passed`, which are to be handed on, and whole trailer field
    lines to `trailers`, which are not: nobody behind us needs them, and servers differ on them.
    """

    __slots__ = (
        "_extensions",
        "_left",
        "_line",
        "_most",
        "_part",
        "_trailers",
        "passed",
        "trailers",
    )

    def __init__(self, limits: Limits) -> None:
        self.passed = bytearray()
        self.trailers = bytearray()
        self._part = _Part.SIZE
        self._line = bytearray()
        self._left = 0
        self._extensions = 0
        self._trailers = 0
        self._most = min(MAX_TRAILER_FIELDS, limits.header_count)

    @property
    def done(self) -> bool:
        """Whether the body has ended."""
        return self._part is _Part.DONE

    def advance(self, data: bytes, at: int) -> int:
        """Follow `data` from `at` on through one part of the body; where to go on.

        Raises:
            FramingError: the body is malformed from here on; `passed` is still good.
        """
        match self._part:
            case _Part.DATA:
                return self._data(data, at)
            case _Part.SIZE:
                at, line = self._take_line(data, at)
                if line:
                    self._size(line)
            case _Part.DATA_END:
                return self._data_end(data, at)
            case _Part.TRAILER:
                at, line = self._take_line(data, at, most=MAX_TRAILER_BYTES)
                if line:
                    self._trailer(line)
            case _Part.DONE:
                raise AssertionError("the body has ended")
        return at

    def _take_line(self, data: bytes, at: int, most: int = MAX_LINE_BYTES) -> tuple[int, bytes]:
        """A whole line with its LF, or nothing yet; half a line is kept, never passed on."""
        room = most - len(self._line)
        end = data.find(b"\n", at, at + room)
        stop = end + 1 if end >= 0 else min(len(data), at + room)
        self._line += data[at:stop]
        if end < 0:
            if len(self._line) >= most:
                raise FramingError(
                    FramingReason.CHUNK_LENGTH, "a line in a chunked body is too long"
                )
            return stop, b""
        line = bytes(self._line)
        self._line.clear()
        return stop, line

    def _size(self, line: bytes) -> None:
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise FramingError(FramingReason.CHUNK, "malformed chunk size")
        self._extensions += len(match[2])
        if self._extensions > MAX_EXTENSION_BYTES:
            raise FramingError(FramingReason.CHUNK_LENGTH, "too many chunk extensions")
        self._left = int(match[1], 16)
        self._part = _Part.DATA if self._left else _Part.TRAILER
        self.passed += line

    def _data(self, data: bytes, at: int) -> int:
        stop = min(len(data), at + self._left)
        self.passed += data[at:stop]
        self._left -= stop - at
        if not self._left:
            self._part = _Part.DATA_END
        return stop

    def _data_end(self, data: bytes, at: int) -> int:
        self._line.append(data[at])
        if not b"\r\n".startswith(self._line):
            raise FramingError(FramingReason.CHUNK, "chunk data does not end where its size says")
        if len(self._line) == 2:
            self._line.clear()
            self._part = _Part.SIZE
            self.passed += b"\r\n"
        return at + 1

    def _trailer(self, line: bytes) -> None:
        if line == b"\r\n":
            self._part = _Part.DONE
            self.passed += line
            return
        self.trailers += line
        self._trailers += 1
        if (
            not line.endswith(b"\r\n")
            or not clean(line[:-2])
            or len(self.trailers) > MAX_TRAILER_BYTES
            or self._trailers > self._most
            or any(name in _TRAILERS_NEVER for name, _ in parse_fields([line[:-2]], 1))
        ):
            raise FramingError(FramingReason.TRAILER, "bad trailer section")
