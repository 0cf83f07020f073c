"""Reading responses off one upstream connection: aiohttp's client protocol, fed as we want it.

Its bounds on heads and on framing without a body stand here; what a head may say is
`edge/response_head`, and which request it answers is the exchange's business (`upstream`).
"""

import asyncio
from collections.abc import Callable

from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import _EXC_SENTINEL
from aiohttp.http_exceptions import HttpProcessingError

from edge.config import Limits
from edge.message import Request

READ_BUFFER_BYTES = 64 * 1024
"""Of a response body before reading stops: what a fast path carries in a few milliseconds."""

INTERIM_ROOM_BYTES = 8 * 1024
"""For 1xx heads before the final one, all together."""

FRUITLESS_BYTES = 1024 * 1024
"""Of chunk extensions or trailers on end; more than one read that meets a full buffer."""

BEGIN_BYTES = 8
"""Of a head, kept for whoever must say that it is none."""

CLOSED = "closed the connection before it answered"

OnConnection = Callable[[bool], None]
"""Told True when a connection stands, False when it is gone."""

OnBytes = Callable[[int, int], None]
"""Told how many bytes were received and how many were sent."""


def uncounted(_received: int, _sent: int) -> None:
    """Nobody wants to know."""


class ResponseProtocol(ResponseHandler):
    """aiohttp's client protocol, fed so that every head is a call of its own.

    llhttp fails the whole call in which it meets an error; with the head in an earlier call, bytes
    behind a complete body cost the connection and not the response.
    """

    _in_head = False
    _seen = b""
    _head_room = 0
    _fruitless = 0
    began = b""
    """The first bytes of the head that was read last."""
    may_switch = False
    """Whether 101 would answer what was asked."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_connection: OnConnection,
        on_bytes: OnBytes = uncounted,
    ) -> None:
        super().__init__(loop)
        self._on_connection = on_connection
        self._on_bytes = on_bytes
        self._counted = False

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count out."""
        super().connection_lost(exc)
        if self._counted:
            self._counted = False
            self._on_connection(False)

    def expect_response(self, request: Request, limits: Limits) -> None:
        """Prepare for the answer to the request that is about to be sent."""
        if not self._counted:
            # Not when it is made: uvloop never tells the end of one whose maker was just cancelled.
            self._counted = True
            self._on_connection(True)
        self._in_head, self._seen, self.began = True, b"", b""
        self._head_room = limits.head_bytes + INTERIM_ROOM_BYTES
        self._fruitless = 0
        self.may_switch = "upgrade" in request.headers
        self.set_response_params(
            skip_payload=request.method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=limits.read_stall_s,
            read_bufsize=READ_BUFFER_BYTES,
            max_line_size=limits.head_bytes,
            max_field_size=limits.head_bytes,
            max_headers=limits.header_count * 2,
        )

    def data_received(self, data: bytes) -> None:
        """Hand `data` to the parser, cut behind each head in it."""
        if data:
            self._on_bytes(len(data), 0)
        while self._in_head and data:
            if len(self.began) < BEGIN_BYTES:
                self.began += data[: BEGIN_BYTES - len(self.began)]
            end = (self._seen + data).find(b"\r\n\r\n")
            cut = end + 4 - len(self._seen) if end >= 0 else len(data)
            self._head_room -= cut
            if self._head_room < 0:
                self.set_exception(HttpProcessingError(message="response head too large"))
                self.abort_transport()
                return
            if end < 0:
                self._seen = (self._seen + data)[-3:]
                break
            head, data = data[:cut], data[cut:]
            self._seen = b""
            super().data_received(head)
            status = self._last_status()
            self._in_head = 100 <= status < 200 and status != 101
            if self._in_head:
                if self.exception() is None:
                    self.began = b""
                self._drop_timeout()  # for bodies; the answer has its own, behind the upload
            self._upgraded = self._upgraded or status == 101  # without `Connection: upgrade` too
        if data or not self._in_head:
            self._feed_body(data)

    def _feed_body(self, data: bytes) -> None:
        """Framing that goes on and on brings no byte of a body: that is no answer."""
        before = self._payload.total_bytes if self._payload is not None else 0
        super().data_received(data)
        if self._payload is None or self._payload.total_bytes != before:
            self._fruitless = 0
            return
        self._fruitless += len(data)
        if self._fruitless > FRUITLESS_BYTES and self._payload_parser is None:
            self.set_exception(HttpProcessingError(message="framing without a body"))
            self.abort_transport()

    def abort_transport(self) -> None:
        """End the connection; unlike `abort` it keeps what readers are to be told."""
        if self.transport is not None:
            self.transport.abort()

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        """Tell the reader of an unfinished body too: the parser's errors do not reach it."""
        super().set_exception(exc, exc_cause)
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(exc, exc_cause)

    def send(self, *pieces: bytes) -> None:
        """Hand bytes to the transport."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError(CLOSED)
        self._on_bytes(0, sum(map(len, pieces)))
        transport.writelines(pieces)

    async def sent(self) -> None:
        """Wait until the peer has taken most of what was sent."""
        if self.writing_paused:
            await self._drain_helper()

    def _last_status(self) -> int:
        if not self._buffer:
            return 0
        (message, _payload), _size = self._buffer[-1]
        return int(message.code)
