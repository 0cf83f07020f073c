"""One exchange at a time with the next hop, over HTTP/1.1.

aiohttp's connector and parser own sockets, TLS, the pool and the syntax of responses. Heads are
written and answers read here and not by aiohttp's client, which (3.14.5, measured) swallows 1xx
responses, fails a response whose body exceeds its Content-Length, sends idempotent requests again
by itself, drops the `?` of an empty query and re-encodes field values.

Which hop to ask, and whether to ask another, is decided by the callers; connections are `pool`'s.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http import HttpVersion11, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from edge.aio.failures import no_answer, too_late
from edge.aio.pool import NextHop, Pool, cut
from edge.aio.relay import Relay
from edge.aio.response_protocol import CLOSED, OnBytes, OnConnection, ResponseProtocol, uncounted
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

MOST_INTERIM = 16
"""1xx responses to one request that are passed on: a hint or two are usual, and they wait for no
slow client."""

LENGTHY_SHARE = 2
"""Uploads and WebSockets, which clients can hold as long as they like, get one connection in two:
the others stay for those who only ask."""

Interim = Callable[[Response], None]
"""Told each 1xx response but 100 and 101; it cannot wait."""

_Final = tuple[Response, StreamReader]
"""The head of a final response, and its body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A request body on its way: `length` in bytes, None where only its end will tell."""

    chunks: AsyncIterator[bytes]
    length: int | None


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
        self._first = b""
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

    async def begin(self) -> None:
        """Wait for the body's first bytes. Raises UpstreamError."""
        try:
            self._first = await self._read()
        except BaseException:
            self.close()
            raise

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes; raises UpstreamError where it ends too soon."""
        try:
            if self._first:
                yield self._first
            while chunk := await self._read():
                yield chunk
        finally:
            self.close()

    async def _read(self) -> bytes:
        try:
            return await self._payload.readany()
        except TimeoutError as error:
            raise UpstreamError(UpstreamReason.BODY_STALLED, "the body stopped coming") from error
        except (aiohttp.ClientError, OSError, HttpProcessingError) as error:
            raise UpstreamError(UpstreamReason.BROKEN_BODY, "the body ended too soon") from error

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
            cut(self._connection)


class Upstream:
    """Pooled connections to next hops, and exchanges over them."""

    def __init__(
        self,
        limits: Limits,
        on_connection: OnConnection,
        on_bytes: OnBytes = uncounted,
        *,
        idle_s: float,
        tunnel: bool = False,
    ) -> None:
        """`idle_s`, `tunnel`: as `Pool` has them."""
        self._limits = limits
        self._pool = Pool(limits, on_connection, on_bytes, idle_s=idle_s, tunnel=tunnel)
        self._most_lengthy = max(1, limits.upstream_connections // LENGTHY_SHARE)
        self._lengthy = 0  # exchanges whose end is the client's to say

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    def forget_hops(self) -> None:
        """Drop what is remembered of hops: their contexts have changed."""
        self._pool.forget_hops()

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
        one more try here, and anything else its answer. Raises UpstreamError, OurError where there
        is no room, and what `upload` raises.
        """
        lengthy = upload is not None or "upgrade" in request.headers
        if lengthy and self._lengthy >= self._most_lengthy:
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
            connection, reused = await self._pool.connect(hop, keep=reuse, fresh=fresh)
            try:
                return await self._speak(connection, request, upload, interim)
            except UpstreamError as error:
                cut(connection)
                if not (reused and again and error.reason is UpstreamReason.CLOSED):
                    raise
            except BaseException:
                cut(connection)
                raise
        raise UpstreamError(UpstreamReason.CLOSED, CLOSED)

    async def _speak(
        self, connection: Connection, request: Request, upload: Upload | None, interim: Interim
    ) -> Answer:
        protocol = connection.protocol
        assert isinstance(protocol, ResponseProtocol)
        if protocol.should_close:  # it has said something that nobody asked for
            raise UpstreamError(UpstreamReason.CLOSED, CLOSED)
        protocol.expect_response(request, self._limits)
        try:
            protocol.send(request_head(request, upload.length if upload else 0))
        except OSError as error:
            raise UpstreamError(UpstreamReason.CLOSED, CLOSED) from error
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
    ) -> _Final:
        """Wait for the final head: as long as the upload lasts, then for the answer timeout."""
        if sender is None:
            return await self._in_time(self._read_final(protocol, interim))
        early = asyncio.ensure_future(self._read_final(protocol, interim))
        early.add_done_callback(_heard)
        try:
            await asyncio.wait({early, sender}, return_when=asyncio.FIRST_COMPLETED)
            if not early.done() and sender.done() and not sender.cancelled():
                failure = sender.exception()
                if failure is not None and not isinstance(failure, OSError):
                    raise failure
            return await self._in_time(early)
        finally:
            early.cancel()

    async def _in_time(self, final: Awaitable[_Final]) -> _Final:
        try:
            async with asyncio.timeout(self._limits.answer_timeout_s):
                return await final
        except TimeoutError as error:
            text = too_late(self._limits.answer_timeout_s)
            raise UpstreamError(UpstreamReason.ANSWER_TIMEOUT, text) from error

    async def _read_final(self, protocol: ResponseProtocol, interim: Interim) -> _Final:
        for left in range(MOST_INTERIM, -1, -1):
            try:
                message, payload = await protocol.read()
            except HttpProcessingError as error:
                text = no_answer(error, protocol.began)
                raise UpstreamError(UpstreamReason.BAD_ANSWER, text) from error
            except aiohttp.SocketTimeoutError as error:
                text = too_late(self._limits.read_stall_s)
                raise UpstreamError(UpstreamReason.ANSWER_TIMEOUT, text) from error
            except (aiohttp.ClientError, OSError) as error:
                raise UpstreamError(UpstreamReason.CLOSED, CLOSED) from error
            response = _response(message)
            if response.status == 101 and not (protocol.may_switch and _is_websocket(response)):
                raise UpstreamError(UpstreamReason.BAD_ANSWER, "switched protocols unasked")
            if response.status >= 200 or response.status == 101:
                return response, payload
            # 100 is ours to answer: the body is on its way already. One too many is not passed on,
            # or whoever is before us would count as many and take it for our fault.
            if left and response.status != 100:
                interim(response)
        raise UpstreamError(UpstreamReason.BAD_ANSWER, "too many interim responses")


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


def _is_websocket(response: Response) -> bool:
    """The only protocol we ever ask for (RFC 9110 15.2.2: 101 names what it switches to)."""
    return (response.headers.first("upgrade") or "").lower() == "websocket"
