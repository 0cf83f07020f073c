"""A client's connection: aiohttp's `RequestHandler` behind our framer.

The framer cuts and checks every head before aiohttp's parser sees a byte of it. What it refuses is
answered in its turn, behind the requests before it. Deadlines are kept when the server sweeps.
"""

import asyncio
import os
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from aiohttp.web_server import Server

from edge.aio.exchange import ClientGone, Exchange
from edge.aio.hits import Hits
from edge.aio.outstanding import outstanding
from edge.aio.tls_records import pieces
from edge.aio.wire import response_head
from edge.cache.dates import format_date
from edge.config import Limits
from edge.crowd import party_of
from edge.errors import EdgeError, FramingError, FramingReason, RequestError, RequestReason
from edge.framing import Body, End, Piece, Raw, Refused, RequestFramer, Waiting
from edge.head import Head
from edge.message import Headers, Response
from edge.metrics import EdgeMetrics
from edge.pace import Pace, Slowness, Tempo
from edge.ready import Copy

JOINED_BYTES = 16 * 1024
"""A body of at most this size is written in one piece with its head; larger ones are not copied."""

RAW_BUFFER_BYTES = 64 * 1024
"""Of a relayed stream, per direction, before reading stops."""

Refuse = Callable[[Exchange, EdgeError], Awaitable[None]]
"""Answers a request that could not be read."""

Welcome = Callable[[asyncio.BaseTransport], frozenset[str]]
"""The names under which whoever has connected may speak; none: not at all. Asked after the TLS
handshake."""


class Owner(Protocol):
    """The server a connection belongs to, as far as it concerns the connection."""

    limits: Limits
    uploading: Tempo
    """What is asked of requests' bodies."""
    taking: Tempo
    """What is asked of who is sent something."""
    scheme: str
    """`http` or `https`."""
    draining: bool
    """Whether responses must be the last of their connections."""
    metrics: EdgeMetrics
    welcome: Welcome | None
    refuse: Refuse
    exchange: type[Exchange]
    hits: Hits | None
    """The ready responses, where there are any."""
    aiohttp: Server

    def admit(self, connection: "ClientConnection") -> EdgeError | None:
        """Count a connection in, or say why it must go."""

    def forget(self, connection: "ClientConnection") -> None:
        """Count a connection out."""


class Answered(StreamResponse):
    """Tells aiohttp that an exchange has written its own response."""

    def __init__(self, *, keep_alive: bool, then: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._keep_alive = keep_alive
        self._then = then

    async def prepare(self, request: BaseRequest) -> None:
        """Nothing is left to prepare."""

    async def write_eof(self, data: Any = b"") -> None:  # noqa: ARG002
        """Nothing is left to write."""
        if self._then is not None:
            self._then()


class ClientConnection(RequestHandler):
    """A client's connection."""

    __slots__ = (
        "_broken", "_descriptor", "_framer", "_head_since", "_heads", "_hits", "_in_body", "_raw",
        "_received", "_received_at", "_refusal", "_sent", "_server", "_taking", "_unanswered",
        "_uploading", "_wire", "_written", "admitted", "asked", "client", "names",
    )  # fmt: skip

    def __init__(self, server: Owner, **kwargs: Any) -> None:
        super().__init__(server.aiohttp, **kwargs)
        self._server = server
        self._framer = RequestFramer(server.limits)
        self._hits = server.hits  # None also once what was sent is more than plain requests
        self.client = b""
        self.asked = b""  # the hit path's
        self.names = frozenset[str]()  # under which it may speak, where that is asked
        self.admitted = False  # and so counted; perhaps before it is made
        self._heads: list[Head] = []
        self._unanswered = 0  # of the requests that aiohttp was given
        self._in_body = False  # of the last head: whether more of its body must come
        self._raw: Any = None
        self._broken = False  # nothing more is read
        self._refusal: EdgeError | None = None  # still to be told
        self._received = 0  # bytes that the hit path did not take
        self._received_at = 0.0
        self._head_since = 0.0
        self._uploading: Pace | None = None  # of the last head's body, once it is waited for
        self._descriptor = -1
        self._wire: Any = None  # the transport, also when aiohttp has let go of it
        self._written = self._sent = 0  # in all, and of that what waits for nobody any more
        self._taking: Pace | None = None  # while something waits to be taken

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return self._server.scheme

    @property
    def party(self) -> bytes:
        """Whom its client is counted with."""
        return party_of(self.client)

    @property
    def broken(self) -> bool:
        """Whether nothing more is read from it."""
        return self._broken

    @property
    def draining(self) -> bool:
        """Whether responses must be the last of their connections."""
        return self._server.draining

    @property
    def made(self) -> bool:
        """Whether a client is or was there."""
        return self._wire is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; one too many is told so and let go."""
        super().connection_made(transport)
        self._wire = transport
        self._descriptor = transport.get_extra_info("socket").fileno()
        self._received_at = time.monotonic()
        peer = self.peername
        self.client = peer[0].encode() if isinstance(peer, tuple) else b""
        welcome = self._server.welcome
        refusal = self._server.admit(self)
        self.admitted = refusal is None
        if refusal is not None:
            self._server.metrics.refused(refusal.reason)
            self.write(_turned_away(refusal))
            self.force_close()
        elif welcome is not None:
            self.names = welcome(transport)
            if not self.names:
                self._server.metrics.refused(RequestReason.STRANGER)
                self.cut()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone."""
        if self._raw is not None:
            self._raw.feed_eof()
        self._server.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what the framer lets through."""
        if not data:  # aiohttp asks its parser to go on with what it holds
            super().data_received(data)
            self._tell_refusal()
            return
        now = self._received_at = time.monotonic()
        if self._hits is not None and self._between:
            rest = self._hits.serve(self, data, now)
            if len(rest) < len(data):  # for aiohttp the connection was idle all the time
                self._next_keepalive_close_time = now + self._keepalive_timeout
            if not rest:
                return
            data = rest
        if self._raw is not None:
            self._raw.feed_data(data)
            return
        if self._broken or self._force_close:
            return
        self._received += len(data)
        self._pass_on(self._framer.feed(data))
        if not self._head_since and self._framer.waiting is Waiting.HEAD:
            self._head_since = self._received_at

    @property
    def _between(self) -> bool:
        """Whether a response may be written now: each request before it is answered whole.

        aiohttp may still be about to wait for the next one. It writes nothing by itself, and who
        waited for it would have the busiest connections never between two requests.
        """
        transport = self.transport
        return (
            not self._unanswered
            and self._framer.between
            and not self._paused
            and not self._server.draining
            and transport is not None
            and not transport.is_closing()
        )

    def answered(self, exchange: Exchange) -> None:
        """All of a response has been handed over."""
        self._unanswered -= 1
        if not exchange.keep_alive:
            self._hits = None  # it is the connection's last

    def send(
        self, start: bytes, request_id: bytes, body: bytes | memoryview, copy: Copy | None
    ) -> int:
        """Hand a whole response to the transport, whose head ends with the id; gives its size.

        `copy` is one of the body, if there is any.
        """
        transport = self.transport
        assert transport is not None
        if len(body) > JOINED_BYTES and self._server.scheme == "http":
            head = start + request_id + _HEAD_END
            size = len(head) + len(body)
            sent = 0 if copy is None else self._send_now(head, copy.file, len(body))
            if sent < len(head):
                transport.write(head[sent:])
                transport.write(body)
            elif sent < size:
                transport.write(memoryview(body)[sent - len(head) :])
        else:
            whole = b"".join((start, request_id, _HEAD_END, body))
            size = len(whole)
            if self._server.scheme == "https":
                for piece in pieces(whole, 0):
                    transport.write(piece)
            elif (sent := self._send_now(whole)) < size:
                transport.write(whole[sent:])
        self._written += size
        return size

    def _send_now(self, data: bytes, file: int = -1, size: int = 0) -> int:
        """Send bytes, and then so much of a file if there is one, past the transport, for less.

        Gives how many the kernel has taken, which may be none. What is wrong with the connection is
        the transport's to find out.
        """
        if self._wire.get_write_buffer_size():
            return 0  # what waits there comes first
        sent = 0
        with suppress(OSError):
            sent = os.write(self._descriptor, data)
            if file >= 0 and sent == len(data):
                sent += os.sendfile(self._descriptor, file, 0, size)
        return sent

    def _pass_on(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            match piece:
                case Head():
                    if piece.has_body or piece.websocket:
                        self._hits = None  # where the next request begins is not ours to say
                    self._head_since = 0.0
                    self._unanswered += 1
                    self._heads.append(piece)
                    self._in_body = piece.has_body
                    self._uploading = None
                    super().data_received(piece.raw)
                case Body(data):
                    super().data_received(data)
                case End():
                    self._in_body = False
                case Refused(error):
                    self._refuse(error)
                case _:
                    pass

    def _refuse(self, error: EdgeError) -> None:
        """Answer with an error after what was asked before, and read no more."""
        self._broken, self._refusal, self._hits = True, error, None
        self._tell_refusal()

    def _tell_refusal(self) -> None:
        """Put the refusal behind all requests before it, once aiohttp's parser has let them out."""
        if self._refusal is None or len(self._messages) < len(self._heads):
            return
        error, self._refusal = self._refusal, None
        if not self._in_body:
            self._messages.append(
                (_ErrInfo(status=error.status, exc=error, message=error.text), EMPTY_PAYLOAD)
            )
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)
        elif self._messages:
            self._break_off(self._messages[-1][1], error)
        elif self._current_request is not None:
            self._break_off(self._current_request.content, error)
        else:  # it has been answered, and its body was only read to be thrown away
            self.close_softly()

    @staticmethod
    def _break_off(upload: StreamReader, error: EdgeError) -> None:
        """Whoever reads it answers with the error, or cuts an answer that has begun."""
        if upload.exception() is None and not upload.is_eof():
            upload.set_exception(error)

    def _make_error_handler(self, err_info: _ErrInfo) -> Any:
        async def handler(aiohttp: BaseRequest) -> StreamResponse:
            error = err_info.exc
            if not isinstance(error, EdgeError):  # aiohttp's parser saw what the framer did not
                error = FramingError(FramingReason.FIELD, "malformed request head")
            exchange = self._server.exchange(self, aiohttp.content, _UNREADABLE)
            exchange.close_after()
            await self._server.refuse(exchange, error)
            return Answered(keep_alive=False)

        return handler

    def take_head(self) -> Head:
        """The head of the request that aiohttp has just begun to handle."""
        return self._heads.pop(0)

    def write(self, data: bytes | memoryview) -> None:
        """Hand bytes to the transport."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ClientGone
        self._written += len(data)
        transport.write(data)

    async def drained(self) -> None:
        """Wait until the client has taken most of what was written."""
        try:
            await self._drain_helper()
        except ConnectionError as error:
            raise ClientGone from error

    def cut(self) -> None:
        """End the connection by a reset, which no client takes for the end of a message."""
        if self._wire is not None:
            sock = self._wire.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:  # uvloop's abort() alone sends a FIN
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._wire.abort()

    def close_softly(self) -> None:
        """End the connection once all that was written is sent."""
        if self._wire is not None:
            self._wire.close()

    def read_no_more(self, upload: StreamReader) -> None:
        """Wait for no more of a body than came: its connection ends with the answer."""
        self._broken, self._hits = True, None
        if not upload.is_eof():
            upload.feed_eof()

    def note_progress(self) -> None:
        """It is the client's turn from now on."""
        self._received_at = time.monotonic()
        if self._uploading is not None:
            self._uploading.excuse(self._received_at)

    def go_raw(self) -> StreamReader:
        """From now on bytes go to the returned stream and not to the parsers."""
        stream = StreamReader(self, RAW_BUFFER_BYTES, loop=self._loop)
        self._raw = stream
        for piece in self._framer.switch_to_raw():
            if isinstance(piece, Raw):
                stream.feed_data(piece.data)
        return stream

    def resume_framing(self) -> None:
        """An upgrade was not granted: what follows are requests again."""
        if self._framer.waiting is Waiting.DECISION:
            self._pass_on(self._framer.resume())

    @property
    def idle(self) -> bool:
        """Whether it is truly between messages."""
        waiting = self._waiter is not None and not self._waiter.done()
        return waiting and not self._messages and self._framer.waiting is Waiting.IDLE

    def sweep(self, now: float) -> bool:
        """Keep the deadlines, `now` in monotonic seconds; whether one has passed."""
        slow = self._slow_taker(now)
        if slow is not None:
            self._server.metrics.refused(slow)
            self.cut()
            return True
        if self._raw is not None or self._broken:
            return False
        if self._reading_paused or self._buffer_paused:  # it is we who keep the client waiting
            self._received_at = now
            self._head_since = self._head_since and now
            if self._uploading is not None:
                self._uploading.excuse(now)
        elif self._framer.waiting is Waiting.HEAD:
            if now - self._head_since > self._server.limits.head_timeout_s:
                self._refuse(RequestError(RequestReason.HEAD_TIMEOUT, "the head took too long"))
        elif self._framer.waiting is Waiting.BODY:
            self._watch_upload(now)
        return self._broken

    def _slow_taker(self, now: float) -> RequestReason | None:
        """What is wrong with how the client takes what waits for it."""
        if self._written == self._sent:
            return None  # as is most often the case, and costs nothing
        size = self._wire.get_write_buffer_size()
        unsent, taken = outstanding(self._wire) or (0, self._written - size)
        if not size and not unsent:
            self._taking, self._sent = None, self._written
            return None
        tempo = self._server.taking
        if self._taking is None:
            self._taking = Pace(tempo, taken, now)
        slowness = self._taking.look(tempo, taken, now)
        return None if slowness is None else _SLOW_TAKER[slowness]

    def _watch_upload(self, now: float) -> None:
        """Refuse a body that comes too slowly."""
        tempo = self._server.uploading
        if self._uploading is None:
            self._uploading = Pace(tempo, self._received, self._received_at)
        match self._uploading.look(tempo, self._received, now):
            case Slowness.STALLED:
                self._refuse(RequestError(RequestReason.BODY_STALLED, "the body stopped coming"))
            case Slowness.TOO_SLOW:
                self._refuse(RequestError(RequestReason.BODY_SLOW, "the body came too slowly"))


_HEAD_END = b"\r\n\r\n"

_SLOW_TAKER = {
    Slowness.STALLED: RequestReason.WRITE_STALLED,
    Slowness.TOO_SLOW: RequestReason.WRITE_SLOW,
}

_UNREADABLE = Head(
    raw=b"",
    method="-",
    target="-",
    version="1.1",
    scheme=None,
    authority=None,
    headers=Headers(),
    length=0,
    websocket=False,
    expects_continue=False,
    keep_alive=False,
)
"""Stands for a head that could not be read."""

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for no time: close() resets, and the kernel keeps nothing that was not sent."""


def _turned_away(error: EdgeError) -> bytes:
    """The answer to a connection that may not be, before any request."""
    fields = Headers(
        [("content-length", "0"), ("retry-after", "1"), ("date", format_date(time.time()))]
    )
    return response_head(Response(status=error.status, headers=fields), "Connection: close")
