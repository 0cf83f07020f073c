"""One exchange at a time with the next hop, over HTTP/1.1.

aiohttp's connector and parser own sockets, TLS, the pool and the syntax of responses. Heads are
written and answers read here and not by aiohttp's client, which (3.14.5, measured) swallows 1xx
responses, fails a response whose body exceeds its Content-Length, sends idempotent requests again
by itself, drops the `?` of an empty query and re-encodes field values. tests/edge/aio hold the
private parts that are named here against the pinned version.

Which hop to ask, and whether to ask another, is decided by the callers.
"""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import ClientTimeout, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.helpers import _EXC_SENTINEL
from aiohttp.http import HttpVersion11, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from yarl import URL

from edge.aio.wire import decode_pairs, request_head
from edge.config import Limits
from edge.errors import (
    IDEMPOTENT_METHODS,
    EdgeError,
    OurError,
    OurReason,
    UpstreamError,
    UpstreamReason,
)
from edge.message import Headers, Request, Response
from edge.response_head import checked

READ_BUFFER_BYTES = 64 * 1024
"""Of a response body before reading stops: what a fast path carries in a few milliseconds."""

MOST_INTERIM = 16
"""1xx responses to one request: a hint or two are usual, and they wait for no slow client."""

HOP_ROOM_BYTES = 8 * 1024
"""For what the hops between us and the origin add to a head, and for 1xx heads before it."""

LENGTHY_SHARE = 2
"""Uploads and WebSockets, which clients can hold as long as they like, get one connection in two:
the others stay for those who only ask."""

FRUITLESS_BYTES = 1024 * 1024
"""Of chunk extensions or trailers on end; more than one read that meets a full buffer."""

LINGER_S = 5.0
"""For what was written last to a relay that ends."""

_CLOSED = "closed the connection before it answered"
_TOO_LATE = "did not answer in time"

Interim = Callable[[Response], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHop:
    """Where a request goes next."""

    name: str
    url: str
    """`scheme://host:port`."""
    context: ssl.SSLContext | None = None
    server_name: str | None = None
    """The name its certificate must carry; None: the host of `url`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A request body on its way: `length` in bytes, None where only its end will tell."""

    chunks: AsyncIterator[bytes]
    length: int | None


OnConnection = Callable[[bool], None]
"""Told True when a connection stands, False when it is gone."""

OnBytes = Callable[[int, int], None]
"""Told how many bytes were received and how many were sent."""


def _uncounted(_received: int, _sent: int) -> None:
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
    may_switch = False
    """Whether 101 would answer what was asked."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_connection: OnConnection,
        on_bytes: OnBytes = _uncounted,
    ) -> None:
        super().__init__(loop)
        self._on_connection = on_connection
        self._on_bytes = on_bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count in."""
        super().connection_made(transport)
        self._on_connection(True)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count out."""
        super().connection_lost(exc)
        self._on_connection(False)

    def expect_response(self, request: Request, limits: Limits) -> None:
        """Prepare for the answer to the request that is about to be sent."""
        self._in_head, self._seen = True, b""
        self._head_room = limits.head_bytes + HOP_ROOM_BYTES
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
            raise ConnectionResetError(_CLOSED)
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


class Relay:
    """The raw byte stream behind a 101 response (RFC 9110 7.8)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        protocol = connection.protocol
        assert isinstance(protocol, ResponseProtocol)
        self._protocol = protocol
        self._received = StreamReader(protocol, READ_BUFFER_BYTES)
        protocol.read_timeout = None  # both ends may have nothing to say for hours
        protocol.set_parser(self, self._received)

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Called by aiohttp's protocol with what arrives."""
        self._received.feed_data(data)
        return False, b""

    def feed_eof(self) -> None:
        """Called by aiohttp's protocol when the connection ends."""
        self._received.feed_eof()

    async def read(self) -> bytes:
        """Some bytes; none at the end."""
        with suppress(aiohttp.ClientError, OSError):
            return await self._received.readany()
        return b""

    async def write(self, data: bytes) -> None:
        """Send, waiting while the peer is slow."""
        self._protocol.send(data)
        await self._protocol.sent()

    def close(self) -> None:
        """End the connection once the peer has taken what was written, or not soon."""
        transport = self._protocol.transport
        if transport is not None:
            asyncio.get_running_loop().call_later(LINGER_S, transport.abort)
        self._connection.close()


class Answer:
    """A response head, and its body as it comes."""

    def __init__(
        self,
        response: Response,
        payload: StreamReader,
        connection: Connection,
        sender: "asyncio.Task[None] | None",
    ) -> None:
        self.response = response
        self.relay: Relay | None = None
        self._payload = payload
        self._connection = connection
        self._sender = sender
        self._when_closed: Callable[[], None] | None = None
        if response.status == 101:
            self.relay = Relay(connection)
        if sender is not None:
            sender.add_done_callback(self._upload_ended)

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, when the exchange is over."""
        self._when_closed = callback

    def _upload_ended(self, sender: "asyncio.Task[None]") -> None:
        """A request body that fails while the answer comes takes the answer with it."""
        failure = None if sender.cancelled() else sender.exception()
        if isinstance(failure, EdgeError) and not self._payload.is_eof():
            self._payload.set_exception(failure)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes; raises UpstreamError where it ends too soon."""
        try:
            while chunk := await self._payload.readany():
                yield chunk
        except TimeoutError as error:
            raise UpstreamError(UpstreamReason.BODY_STALLED, "the body stopped coming") from error
        except (aiohttp.ClientError, OSError, HttpProcessingError) as error:
            raise UpstreamError(UpstreamReason.BROKEN_BODY, "the body ended too soon") from error
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back if the exchange is complete, else cut it off."""
        if self._when_closed is not None:
            callback, self._when_closed = self._when_closed, None
            callback()
        if self.relay is not None:
            self.relay.close()
            return
        sent = self._sender is None or self._sender.done()
        if self._sender is not None:
            self._sender.cancel()
        if sent and self._payload.is_eof():
            self._connection.release()
        else:
            _cut(self._connection)


class Upstream:
    """Pooled connections to next hops, and exchanges over them."""

    def __init__(
        self,
        limits: Limits,
        on_connection: OnConnection,
        on_bytes: OnBytes = _uncounted,
        *,
        idle_s: float,
    ) -> None:
        """`idle_s`: how long an idle connection is kept (less than the hop keeps it)."""
        self._limits = limits
        self._pooled = _connector(limits, on_connection, on_bytes, idle_s)
        self._single = _connector(limits, on_connection, on_bytes, 0.0)
        self._keys: dict[NextHop, ClientRequest] = {}
        self._lengthy = 0  # exchanges whose end is the client's to say
        self._timeout = ClientTimeout(
            connect=limits.connect_timeout_s, sock_connect=limits.connect_timeout_s
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._pooled.close()
        await self._single.close()

    def forget_hops(self) -> None:
        """Drop what is remembered of hops: their contexts have changed."""
        self._keys.clear()

    async def exchange(
        self,
        hop: NextHop,
        request: Request,
        upload: Upload | None,
        interim: Interim,
        *,
        reuse: bool,
    ) -> Answer:
        """Send `request`, return the head of the final response.

        1xx responses (other than 100 and 101) go to `interim`. With `reuse` a kept connection may
        serve; one that the peer has just closed then costs what may be sent twice (RFC 9110 9.2.2)
        one more try here, and anything else its answer. Raises UpstreamError.
        """
        lengthy = upload is not None or "upgrade" in request.headers
        if lengthy and self._lengthy >= self._limits.upstream_connections // LENGTHY_SHARE:
            raise OurError(OurReason.BUSY, "too many uploads and WebSockets at once")
        self._lengthy += lengthy
        try:
            answer = await self._exchange(hop, request, upload, interim, reuse=reuse)
        except BaseException:
            self._lengthy -= lengthy
            raise
        if lengthy:
            answer.on_close(self._lengthy_ended)
        return answer

    def _lengthy_ended(self) -> None:
        self._lengthy -= 1

    async def _exchange(
        self,
        hop: NextHop,
        request: Request,
        upload: Upload | None,
        interim: Interim,
        *,
        reuse: bool,
    ) -> Answer:
        again = upload is None and request.method in IDEMPOTENT_METHODS
        for fresh in (False, True) if reuse else (True,):
            connection, reused = await self._connect(hop, pooled=reuse, fresh=fresh)
            try:
                return await self._speak(connection, request, upload, interim)
            except UpstreamError as error:
                _cut(connection)
                if not (reused and again and error.reason is UpstreamReason.CLOSED):
                    raise
            except BaseException:
                _cut(connection)
                raise
        raise UpstreamError(UpstreamReason.CLOSED, _CLOSED)

    async def _connect(self, hop: NextHop, *, pooled: bool, fresh: bool) -> tuple[Connection, bool]:
        connector = self._pooled if pooled else self._single
        key = self._key(hop)
        if fresh and pooled:
            _drop_idle(connector, key)
        reused = bool(connector._conns.get(key.connection_key))
        full = connector._available_connections(key.connection_key) <= 0
        try:
            return await connector.connect(key, [], self._timeout), reused
        except TimeoutError as error:
            if full:  # our own want of room is not the hop's failure
                raise OurError(OurReason.BUSY, "all upstream connections are in use") from error
            raise UpstreamError(
                UpstreamReason.CONNECT_TIMEOUT, f"{hop.name}: no connection in time"
            ) from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise UpstreamError(UpstreamReason.WRONG_IDENTITY, f"{hop.name}: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError(UpstreamReason.CONNECT_FAILED, f"{hop.name}: {error}") from error

    def _key(self, hop: NextHop) -> ClientRequest:
        """What aiohttp's connector wants to know; made once, for it costs more than a request."""
        key = self._keys.get(hop)
        if key is None:
            key = self._keys[hop] = ClientRequest(
                "GET",
                URL(hop.url),
                loop=asyncio.get_running_loop(),
                ssl=hop.context if hop.context is not None else True,
                server_hostname=hop.server_name,
            )
        return key

    async def _speak(
        self, connection: Connection, request: Request, upload: Upload | None, interim: Interim
    ) -> Answer:
        protocol = connection.protocol
        assert isinstance(protocol, ResponseProtocol)
        if protocol.should_close:  # it has said something that nobody asked for
            raise UpstreamError(UpstreamReason.CLOSED, _CLOSED)
        protocol.expect_response(request, self._limits)
        try:
            protocol.send(request_head(request, upload.length if upload else 0))
        except OSError as error:
            raise UpstreamError(UpstreamReason.CLOSED, _CLOSED) from error
        sender = None
        if upload is not None:
            sender = asyncio.create_task(_send(protocol, upload, self._limits.write_stall_s))
        try:
            response, payload = await self._final(protocol, sender, interim)
        except BaseException:
            if sender is not None:
                sender.cancel()
                sender.add_done_callback(_heard)
            raise
        return Answer(response, payload, connection, sender)

    async def _final(
        self, protocol: ResponseProtocol, sender: "asyncio.Task[None] | None", interim: Interim
    ) -> tuple[Response, StreamReader]:
        """Wait for the final head: as long as the upload lasts, then for the answer timeout."""
        if sender is not None:
            early = asyncio.ensure_future(self._read_final(protocol, interim))
            early.add_done_callback(_heard)
            try:
                await asyncio.wait({early, sender}, return_when=asyncio.FIRST_COMPLETED)
                if not early.done() and sender.done() and not sender.cancelled():
                    failure = sender.exception()
                    if failure is not None and not isinstance(failure, OSError):
                        raise failure
                async with asyncio.timeout(self._limits.answer_timeout_s):
                    return await early
            except TimeoutError as error:
                raise UpstreamError(UpstreamReason.ANSWER_TIMEOUT, _TOO_LATE) from error
            finally:
                early.cancel()
        try:
            async with asyncio.timeout(self._limits.answer_timeout_s):
                return await self._read_final(protocol, interim)
        except TimeoutError as error:
            raise UpstreamError(UpstreamReason.ANSWER_TIMEOUT, _TOO_LATE) from error

    async def _read_final(
        self, protocol: ResponseProtocol, interim: Interim
    ) -> tuple[Response, StreamReader]:
        for _ in range(MOST_INTERIM):
            try:
                message, payload = await protocol.read()
            except HttpProcessingError as error:
                raise UpstreamError(UpstreamReason.BAD_ANSWER, error.message) from error
            except aiohttp.SocketTimeoutError as error:
                raise UpstreamError(UpstreamReason.ANSWER_TIMEOUT, _TOO_LATE) from error
            except (aiohttp.ClientError, OSError) as error:
                raise UpstreamError(UpstreamReason.CLOSED, _CLOSED) from error
            if message.code == 101 and not protocol.may_switch:
                raise UpstreamError(UpstreamReason.BAD_ANSWER, "switched protocols unasked")
            response = _response(message)
            if response.status >= 200 or response.status == 101:
                return response, payload
            if response.status != 100:  # ours to answer: the body is on its way already
                interim(response)
        raise UpstreamError(UpstreamReason.BAD_ANSWER, "too many interim responses")


def _connector(
    limits: Limits, on_connection: OnConnection, on_bytes: OnBytes, idle_s: float
) -> TCPConnector:
    connector = TCPConnector(
        limit=limits.upstream_connections,
        ttl_dns_cache=10,
        **({"keepalive_timeout": idle_s} if idle_s else {"force_close": True}),
    )
    connector._factory = functools.partial(  # type: ignore[assignment]
        ResponseProtocol,
        loop=asyncio.get_running_loop(),
        on_connection=on_connection,
        on_bytes=on_bytes,
    )
    return connector


def _drop_idle(connector: TCPConnector, key: ClientRequest) -> None:
    """Close a hop's idle connections: one of them was dead, so all are suspect."""
    for protocol, _ in connector._conns.pop(key.connection_key, ()):
        protocol.close()


def _cut(connection: Connection) -> None:
    """End a connection at once: what it still holds may never be taken."""
    if connection.protocol is not None:
        connection.protocol.abort()
    connection.close()


async def _send(protocol: ResponseProtocol, upload: Upload, stall_s: float) -> None:
    """Send a body; an OSError of the peer's side is told by the missing answer."""
    chunked = upload.length is None
    async for chunk in upload.chunks:
        protocol.send(*((b"%x\r\n" % len(chunk), chunk, b"\r\n") if chunked else (chunk,)))
        try:
            async with asyncio.timeout(stall_s):
                await protocol.sent()
        except TimeoutError as error:
            text = "takes nothing of the request's body"
            raise UpstreamError(UpstreamReason.ANSWER_TIMEOUT, text) from error
    if chunked:
        protocol.send(b"0\r\n\r\n")


def _heard(task: "asyncio.Task[Any]") -> None:
    """Its failure, if any, is told elsewhere: asyncio need not report it as lost."""
    if not task.cancelled():
        task.exception()


def _response(message: RawResponseMessage) -> Response:
    """A message in our words: aiohttp reads its reason as UTF-8, escaping what is none."""
    reason = message.reason.encode("utf-8", "surrogateescape").decode("latin-1")
    headers = Headers(decode_pairs(message.raw_headers))
    version = "1.0" if message.version < HttpVersion11 else "1.1"
    return checked(Response(status=message.code, reason=reason, headers=headers), version=version)
