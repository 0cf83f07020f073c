"""One request of a client and the response that is written to it, with the exact bytes we want.

Where its bytes go, and the deadlines, are the connection's business; what is answered is the
pipeline's.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from aiohttp.streams import StreamReader

from edge.aio.relay import Relay
from edge.aio.tls_records import pieces
from edge.aio.upstream import Upload
from edge.aio.wire import response_head
from edge.errors import (
    EdgeError,
    FramingError,
    FramingReason,
    RequestError,
    RequestReason,
)
from edge.fields import media_type
from edge.head import Head
from edge.message import Response


class ClientGone(RequestError):  # noqa: N818 - it is no error of anybody's
    """The client's connection is lost."""

    def __init__(self) -> None:
        super().__init__(RequestReason.CLIENT_GONE, "the client closed its connection")


class Client(Protocol):
    """The connection an exchange is on, as far as it concerns the exchange."""

    @property
    def scheme(self) -> str:
        """`http` or `https`."""

    @property
    def peername(self) -> object:
        """The peer's address as the socket tells it."""

    @property
    def draining(self) -> bool:
        """Whether responses must be the last of their connections."""

    @property
    def broken(self) -> bool:
        """Whether what it sent was refused, and nothing more is read from it."""

    @property
    def writing_paused(self) -> bool:
        """Whether the client has yet to take what was written."""

    def write(self, data: bytes | memoryview) -> None:
        """Hand bytes to the transport."""

    async def drained(self) -> None:
        """Wait until the client has taken most of what was written."""

    def note_progress(self) -> None:
        """It is the client's turn from now on."""

    def go_raw(self) -> StreamReader:
        """From now on bytes go to the returned stream and not to the parsers."""

    def cut(self) -> None:
        """End the connection without the courtesy of a complete message."""

    def close_softly(self) -> None:
        """End the connection once all that was written is sent."""


@dataclass(slots=True)
class Counts:
    """What one exchange moved, in bytes on the client's side."""

    received: int = 0
    sent: int = 0
    heads: int = 0
    """Those of `sent` that were in heads, interim ones too."""


class Exchange:
    """One request of a client and the response that is being written to it.

    A response is `start`, any number of `write`, `end`; or `send` for a whole one. `interim` may
    come before. All raise `ClientGone` when the connection is lost.
    """

    __slots__ = (
        "_chunked", "_content", "_head_line", "_keep_alive", "_left", "_mute", "_protocol",
        "counts", "ended", "media_type", "raw_head", "request", "started_s", "status", "upload",
        "websocket",
    )  # fmt: skip

    def __init__(self, protocol: Client, content: StreamReader, head: Head) -> None:
        self._protocol = protocol
        self._content = content
        self.raw_head = head.raw
        self._keep_alive = head.keep_alive
        self._left: int | None = None
        self._chunked = False
        self._mute = False
        self._head_line: bytes | None = None
        peer = protocol.peername
        self.request = head.request(
            scheme=protocol.scheme, client=peer[0] if isinstance(peer, tuple) else ""
        )
        self.counts = Counts(received=len(head.raw))
        self.started_s = time.monotonic()
        self.status = 0
        self.media_type = ""
        self.ended = False
        self.websocket = head.websocket
        self.upload: Upload | None = None
        if head.has_body:
            self.upload = Upload(chunks=self._body(head), length=head.length)

    def bound_body(self, most_bytes: int) -> None:
        """Let the request have a body of so many bytes at most.

        Raises RequestError, here or where the body is read.
        """
        if self.upload is None:
            return
        if self.upload.length is None:
            bounded = _bounded(self.upload.chunks, most_bytes)
            self.upload = Upload(chunks=bounded, length=None)
        elif self.upload.length > most_bytes:
            raise _too_large(most_bytes)

    @property
    def answered(self) -> bool:
        """Whether the final response has begun."""
        return self.status != 0

    @property
    def complete(self) -> bool:
        """Whether the client has been sent all that was announced to it."""
        return self.ended or self._left == 0

    @property
    def keep_alive(self) -> bool:
        """Whether the connection serves another request."""
        return self._keep_alive

    async def _body(self, head: Head) -> AsyncIterator[bytes]:
        content = self._content
        if head.expects_continue and not self.answered and not content.total_bytes:
            self._write_head(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._protocol.note_progress()
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
            self._write_head(response_head(response))

    def start(self, response: Response) -> None:
        """Begin the final response; its head leaves with the first piece of the body."""
        assert not self.answered, "a response has begun already"
        self.status = response.status
        self.media_type = media_type(response.headers.first("content-type") or "")
        length = response.headers.first("content-length")
        self._mute = self.request.method == "HEAD" or response.status in (204, 304)
        if response.status == 204:  # RFC 9110 8.6
            response = response.with_headers(response.headers.without({"content-length"}))
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

    def hasten(self) -> None:
        """Let the head go alone if the body is not there at once: who waits for it can begin."""
        asyncio.get_running_loop().call_soon(self._send_head)

    def _send_head(self) -> None:
        if self._head_line is not None and not self.ended:
            head, self._head_line = self._head_line, None
            with suppress(ClientGone):  # whoever writes next is told
                self._write_head(head)

    def _write_head(self, head: bytes) -> None:
        self.counts.heads += len(head)
        self._put(head)

    def _put(self, data: bytes) -> None:
        """Hand bytes to the connection."""
        sent = self.counts.sent
        self.counts.sent += len(data)
        if self._protocol.scheme == "https":
            for piece in pieces(data, sent):
                self._protocol.write(piece)
        else:
            self._protocol.write(data)

    def _take_head(self) -> bytes:
        """The response's head, counted as one, for whoever sends it; empty if it is on its way."""
        head, self._head_line = self._head_line or b"", None
        self.counts.heads += len(head)
        return head

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body, waiting while the client is slow."""
        head = self._take_head()
        pieces = [head] if head else []
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
            self._put(data)
        if self._protocol.writing_paused:
            await self._protocol.drained()

    async def end(self) -> None:
        """Complete the response; cuts the connection off where announced bytes are missing."""
        if self._left:
            self.abort()
            return
        if self._chunked:
            tail = self._take_head() + b"0\r\n\r\n"
            self._put(tail)
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

    def withdraw(self) -> bool:
        """Take back a response of which no byte has left; False where it is too late for that."""
        if self._head_line is None or self.ended:
            return False
        self.status, self._head_line = 0, None
        self._left, self._chunked, self._mute = None, False, False
        return True

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
        if self._protocol.broken:  # it did not wait for the answer (RFC 6455 4.1)
            upstream.close()
            raise FramingError(FramingReason.UPGRADE, "data before the handshake's answer")
        self.status = 101
        self._keep_alive = False
        self._write_head(response_head(response, "Connection: Upgrade"))
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


async def _bounded(chunks: AsyncIterator[bytes], most_bytes: int) -> AsyncIterator[bytes]:
    left = most_bytes
    async for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise _too_large(most_bytes)
        yield chunk


def _too_large(most_bytes: int) -> RequestError:
    text = f"a request body may have {most_bytes} bytes here"
    return RequestError(RequestReason.BODY_TOO_LARGE, text)
