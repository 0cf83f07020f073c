"""HTTP/1.1 connections of clients: aiohttp's `RequestHandler` behind our framer.

The framer cuts and checks every head before aiohttp's parser sees a byte of it. Each request
becomes an `Exchange`, through which a handler answers with the exact bytes it wants. Deadlines
that aiohttp lacks (a slow head, a stalled body, a client that reads nothing) are kept by one sweep
over all connections each second, which is cheaper than timers for each.

What is answered, and from where, is the pipeline's business.
"""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from aiohttp.web_server import Server

from edge.aio.upstream import Relay, Upload
from edge.aio.wire import response_head
from edge.config import Limits
from edge.errors import (
    EdgeError,
    FramingError,
    FramingReason,
    OurReason,
    RequestError,
    RequestReason,
)
from edge.framing import Body, Piece, Raw, Refused, RequestFramer, Waiting
from edge.head import Head
from edge.message import Headers, Request, Response
from edge.metrics import EdgeMetrics, Peer

log = logging.getLogger("midmile.edge.http1")

READ_BUFFER_BYTES = 64 * 1024
"""Of a request body before reading stops."""

SWEEP_S = 1.0

RAW_BUFFER_BYTES = 64 * 1024
"""Of a relayed stream, per direction, before reading stops."""


class _Answered(StreamResponse):
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


class ClientGone(RequestError):  # noqa: N818 - it is no error of anybody's
    """The client's connection is lost."""

    def __init__(self) -> None:
        super().__init__(RequestReason.CLIENT_GONE, "the client closed its connection")


@dataclass(slots=True)
class Counts:
    """What one exchange moved, in bytes on the client's side."""

    received: int = 0
    sent: int = 0


class Exchange:
    """One request of a client and the response that is being written to it.

    A response is `start`, any number of `write`, `end`; or `send` for a whole one. `interim` may
    come before. All raise `ClientGone` when the connection is lost.
    """

    __slots__ = (
        "_aiohttp", "_chunked", "_head_line", "_keep_alive", "_left", "_mute", "_protocol",
        "counts", "ended", "request", "started_s", "status", "upload",
    )  # fmt: skip

    def __init__(self, protocol: "ClientConnection", aiohttp: BaseRequest, head: Head) -> None:
        self._protocol = protocol
        self._aiohttp = aiohttp
        self._keep_alive = head.keep_alive
        self._left: int | None = None
        self._chunked = False
        self._mute = False
        self._head_line: bytes | None = None
        self.request = _request(protocol, head)
        self.counts = Counts(received=len(head.raw))
        self.started_s = time.monotonic()
        self.status = 0
        self.ended = False
        self.upload: Upload | None = None
        if head.has_body:
            self.upload = Upload(chunks=self._body(head), length=head.length)

    @property
    def answered(self) -> bool:
        """Whether the final response has begun."""
        return self.status != 0

    @property
    def keep_alive(self) -> bool:
        """Whether the connection serves another request."""
        return self._keep_alive

    async def _body(self, head: Head) -> AsyncIterator[bytes]:
        content = self._aiohttp.content
        if head.expects_continue and not self.answered and not content.total_bytes:
            self._protocol.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            while chunk := await content.readany():
                self.counts.received += len(chunk)
                yield chunk
        except EdgeError:
            raise
        except OSError as error:
            raise ClientGone from error
        except Exception as error:  # aiohttp's payload errors share no base class
            raise FramingError(FramingReason.CHUNK, "malformed request body") from error

    def interim(self, response: Response) -> None:
        """Pass a 1xx response on; HTTP/1.0 knows none (RFC 9110 15.2)."""
        if not self.answered and self.request.version != "1.0":
            self._protocol.write(response_head(response))

    def start(self, response: Response) -> None:
        """Begin the final response; its head leaves with the first piece of the body."""
        assert not self.answered, "a response has begun already"
        self.status = response.status
        length = response.headers.first("content-length")
        self._mute = self.request.method == "HEAD" or response.status in (204, 304)
        extra = []
        if not self._mute:
            if length is not None:
                self._left = int(length)
            elif self.request.version == "1.0":
                self._keep_alive = False
            else:
                self._chunked = True
                extra.append("Transfer-Encoding: chunked")
        if not self._keep_alive or self._protocol.draining:
            self._keep_alive = False
            extra.append("Connection: close")
        elif self.request.version == "1.0":
            extra.append("Connection: keep-alive")
        self._head_line = response_head(response, *extra)

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body, waiting while the client is slow."""
        pieces = [] if self._head_line is None else [self._head_line]
        self._head_line = None
        if chunk and not self._mute:
            if self._left is not None:  # never more than was announced (RFC 9112 6.3)
                chunk = chunk[: self._left]
                self._left -= len(chunk)
            if self._chunked:
                pieces += (b"%x\r\n" % len(chunk), chunk, b"\r\n")
            elif chunk:
                pieces.append(chunk)
        if pieces:
            data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self.counts.sent += len(data)
            self._protocol.write(data)
        if self._protocol.writing_paused:
            await self._protocol.drained()

    async def end(self) -> None:
        """Complete the response; cuts the connection off where announced bytes are missing."""
        if self._left:
            self.abort()
            return
        if self._chunked:
            tail = b"0\r\n\r\n"
            self.counts.sent += len(tail)
            if self._head_line is not None:
                tail, self._head_line = self._head_line + tail, None
            self._protocol.write(tail)
        elif self._head_line is not None:
            await self.write(b"")
        self.ended = True
        if self._protocol.writing_paused:
            await self._protocol.drained()

    async def send(self, response: Response, body: bytes = b"") -> None:
        """A whole response."""
        self.start(response)
        await self.write(body)
        await self.end()

    def close_after(self) -> None:
        """Let this response be the connection's last."""
        self._keep_alive = False

    def abort(self) -> None:
        """Cut the connection off, so that nobody takes a partial response for a whole one."""
        self._keep_alive = False
        self.ended = True
        self._protocol.cut()

    async def relay(self, response: Response, upstream: Relay) -> None:
        """Answer 101 and pass bytes both ways until either side ends."""
        self.status = 101
        self._keep_alive = False
        head = response_head(response, "Connection: Upgrade")
        self._protocol.write(head)
        self.counts.sent += len(head)
        received = self._protocol.go_raw()

        async def down() -> None:
            while chunk := await upstream.read():
                self.counts.sent += len(chunk)
                self._protocol.write(chunk)
                if self._protocol.writing_paused:
                    await self._protocol.drained()

        async def up() -> None:
            while chunk := await received.readany():
                self.counts.received += len(chunk)
                await upstream.write(chunk)

        pumps = {asyncio.ensure_future(down()), asyncio.ensure_future(up())}
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            upstream.close()
            self.ended = True
            self._protocol.close_softly()


Handler = Callable[[Exchange], Awaitable[None]]
"""Answers an exchange completely, whatever happens; only CancelledError may leave it."""

Refuse = Callable[[Exchange, EdgeError], Awaitable[None]]
"""Answers a request that could not be read."""


Welcome = Callable[[asyncio.BaseTransport], bool]
"""Whether whoever has connected may speak at all; asked after the TLS handshake."""


class ClientConnection(RequestHandler):
    """A client's connection."""

    __slots__ = (
        "_broken", "_framer", "_head_since", "_heads", "_raw", "_received_at", "_server", "_unsent",
    )  # fmt: skip

    def __init__(self, server: "HttpServer", **kwargs: Any) -> None:
        super().__init__(server.aiohttp, **kwargs)
        self._server = server
        self._framer = RequestFramer(server.limits)
        self._heads: list[Head] = []
        self._raw: Any = None
        self._broken = False
        self._received_at = 0.0
        self._head_since = 0.0
        self._unsent = (0, 0.0)  # bytes in the write buffer when last looked at, and since when

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return self._server.scheme

    @property
    def draining(self) -> bool:
        """Whether responses must be the last of their connections."""
        return self._server.draining

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; one too many is told so and let go."""
        super().connection_made(transport)
        self._received_at = time.monotonic()
        welcome = self._server.welcome
        if not self._server.admit(self):
            self._server.metrics.refused(OurReason.BUSY)
            self.write(_OVERLOADED)
            self.force_close()
        elif welcome is not None and not welcome(transport):
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
            return
        self._received_at = time.monotonic()
        if self._raw is not None:
            self._raw.feed_data(data)
            return
        if self._broken or self._force_close:
            return
        self._pass_on(self._framer.feed(data))
        if self._framer.waiting is not Waiting.HEAD:
            self._head_since = 0.0
        elif not self._head_since:
            self._head_since = self._received_at

    def _pass_on(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            match piece:
                case Head():
                    self._heads.append(piece)
                    super().data_received(piece.raw)
                case Body(data):
                    super().data_received(data)
                case Refused(error):
                    self._refuse(error)
                case _:
                    pass

    def _refuse(self, error: EdgeError) -> None:
        """Answer with an error after what was asked before, and read no more."""
        self._broken = True
        upload = self._unfinished_upload()
        if upload is not None:  # whoever reads it answers, or cuts an answer that has begun
            upload.set_exception(error)
            return
        self._messages.append(
            (_ErrInfo(status=error.status, exc=error, message=str(error)), EMPTY_PAYLOAD)
        )
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _unfinished_upload(self) -> Any:
        payloads = [payload for _, payload in self._messages]
        if self._current_request is not None:
            payloads.insert(0, self._current_request.content)
        if payloads and not payloads[-1].is_eof():
            return payloads[-1]
        return None

    def _make_error_handler(self, err_info: _ErrInfo) -> Any:
        async def handler(aiohttp: BaseRequest) -> StreamResponse:
            error = err_info.exc
            if not isinstance(error, EdgeError):  # aiohttp's parser saw what the framer did not
                error = FramingError(FramingReason.FIELD, "malformed request head")
            exchange = self._server.exchange(self, aiohttp, _UNREADABLE)
            exchange.close_after()
            await self._server.refuse(exchange, error)
            return _Answered(keep_alive=False)

        return handler

    def take_head(self) -> Head:
        """The head of the request that aiohttp has just begun to handle."""
        return self._heads.pop(0)

    def write(self, data: bytes) -> None:
        """Hand bytes to the transport."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ClientGone
        transport.write(data)

    async def drained(self) -> None:
        """Wait until the client has taken most of what was written."""
        try:
            await self._drain_helper()
        except ConnectionError as error:
            raise ClientGone from error

    def cut(self) -> None:
        """End the connection without the courtesy of a complete message."""
        if self.transport is not None:
            self.transport.abort()

    def close_softly(self) -> None:
        """End the connection once all that was written is sent."""
        if self.transport is not None:
            self.transport.close()

    def go_raw(self) -> Any:
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

    def sweep(self, now: float) -> None:
        """Keep the deadlines; `now` in monotonic seconds."""
        limits = self._server.limits
        silent_s = now - self._received_at
        if self._stalled_write(now):
            self._server.metrics.refused(RequestReason.WRITE_STALLED)
            self.cut()
        elif self._raw is not None or self._reading_paused or self._buffer_paused or self._broken:
            return
        elif self._framer.waiting is Waiting.HEAD:
            if now - self._head_since > limits.head_timeout_s:
                self._refuse(RequestError(RequestReason.HEAD_TIMEOUT, "the head took too long"))
        elif self._framer.waiting is Waiting.BODY and silent_s > limits.body_stall_s:
            self._refuse(RequestError(RequestReason.BODY_STALLED, "the body stopped coming"))

    def _stalled_write(self, now: float) -> bool:
        """Whether the client has taken nothing of what waits for it, for too long."""
        transport = self.transport
        size = transport.get_write_buffer_size() if transport is not None else 0
        if not size or size < self._unsent[0] or not self._unsent[0]:
            self._unsent = (size, now)
            return False
        self._unsent = (size, self._unsent[1])
        return now - self._unsent[1] > self._server.limits.write_stall_s


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

_OVERLOADED = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
    b"Connection: close\r\n\r\n"
)


class HttpServer:
    """Listeners of one scheme, their connections, and their orderly end."""

    def __init__(
        self,
        *,
        handler: Handler,
        refuse: Refuse,
        metrics: EdgeMetrics,
        limits: Limits,
        scheme: str,
        welcome: Welcome | None = None,
        exchange: type[Exchange] = Exchange,
    ) -> None:
        self.limits = limits
        self.scheme = scheme
        self.draining = False
        self.refuse = refuse
        self.metrics = metrics
        self.welcome = welcome
        self.exchange = exchange
        self.aiohttp = Server(self._handle, handler_cancellation=True)
        self._handler = handler
        self._connections: set[ClientConnection] = set()
        self._listeners: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def listen(
        self, sockets: Sequence[socket.socket], context: ssl.SSLContext | None = None
    ) -> None:
        """Serve on listening sockets."""
        loop = asyncio.get_running_loop()
        for sock in sockets:
            self._listeners.append(
                await loop.create_server(
                    self._connection,
                    sock=sock,
                    ssl=context,
                    ssl_handshake_timeout=self.limits.head_timeout_s if context else None,
                )
            )
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    def _connection(self) -> ClientConnection:
        return ClientConnection(
            self,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=self.limits.idle_timeout_s,
            access_log=None,
            auto_decompress=False,
            read_bufsize=READ_BUFFER_BYTES,
            max_line_size=self.limits.head_bytes,
            max_field_size=self.limits.head_bytes,
            max_headers=self.limits.header_count * 2,
            lingering_time=self.limits.body_stall_s,
        )

    async def _handle(self, aiohttp: BaseRequest) -> StreamResponse:
        connection = aiohttp.protocol
        assert isinstance(connection, ClientConnection)
        head = connection.take_head()
        exchange = self.exchange(connection, aiohttp, head)
        try:
            await self._handler(exchange)
        except ClientGone:
            exchange.abort()
        assert exchange.ended, "a handler left its exchange unanswered"
        return _Answered(
            keep_alive=exchange.keep_alive,
            then=connection.resume_framing if head.websocket and exchange.keep_alive else None,
        )

    def admit(self, connection: ClientConnection) -> bool:
        """Count a connection in; False if it is one too many."""
        self._connections.add(connection)
        self.metrics.connection_opened(Peer.CLIENT)
        return len(self._connections) <= self.limits.connections

    def forget(self, connection: ClientConnection) -> None:
        """Count a connection out."""
        if connection in self._connections:
            self._connections.discard(connection)
            self.metrics.connection_closed(Peer.CLIENT)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = time.monotonic()
            for connection in tuple(self._connections):
                connection.sweep(now)

    @staticmethod
    async def drain_all(servers: "Sequence[HttpServer]", grace_s: float) -> None:
        """Drain several servers at the same time."""
        await asyncio.gather(*(server.drain(grace_s) for server in servers))

    async def drain(self, grace_s: float) -> None:
        """Close the listeners now, connections as they fall idle, and the rest after `grace_s`."""
        self.draining = True
        for listener in self._listeners:
            listener.close()
        until = time.monotonic() + grace_s
        while self._connections and time.monotonic() < until:
            for connection in tuple(self._connections):
                if connection.idle:
                    connection.force_close()
            await asyncio.sleep(0.05)
        if self._connections:
            log.warning(
                "requests were cut off at the end of the drain",
                extra={"event": "drain-cut", "connections": len(self._connections)},
            )
        await self.aiohttp.shutdown(0.5)
        if self._sweeper is not None:
            self._sweeper.cancel()


def _request(connection: ClientConnection, head: Head) -> Request:
    """A head in the pipeline's words."""
    client = connection.peername
    return Request(
        method=head.method,
        scheme=connection.scheme,
        authority=head.authority.host if head.authority is not None else "",
        host_port=str(head.authority) if head.authority is not None else "",
        target=head.target,
        headers=head.headers,
        client=client[0] if isinstance(client, tuple) else "",
        version=head.version,
    )
