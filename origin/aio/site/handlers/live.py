"""Responses that take their time: events, a WebSocket, a slow page, early hints, an upload.

Each ends by itself, is bounded, and ends early when the site drains (`Closing`).
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from aiohttp import WSCloseCode, WSMsgType, web

from origin.aio.site.http.forms import whole_number

SLOWEST_MS = 30_000
"""Longer than any client waits for a page, shorter than any node's answer time-out."""
EVENTS_LIMIT = 3_600
"""An event stream ends after an hour of ticks; a browser's EventSource then comes again."""
MESSAGE_BYTES = 64 * 1024
UPLOAD_LIMIT = 1024 * 1024 * 1024
UPLOAD_STALL_S = 30.0
HEARTBEAT_S = 30.0
NO_STORE = {"Cache-Control": "no-store"}


class Closing:
    """Tells what runs on and on that the site is being drained."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._sockets: set[web.WebSocketResponse] = set()

    async def tell(self, _app: web.Application) -> None:
        """End event streams after their current tick and say goodbye on every WebSocket."""
        self._told.set()
        goodbyes = (
            socket.close(code=WSCloseCode.GOING_AWAY, message=b"draining")
            for socket in tuple(self._sockets)
        )
        await asyncio.gather(*goodbyes, return_exceptions=True)

    async def within(self, seconds: float) -> bool:
        """Wait `seconds`; True as soon as the site is being drained."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()
        return self._told.is_set()

    @contextlib.contextmanager
    def watching(self, socket: web.WebSocketResponse) -> Iterator[None]:
        """Have `socket` closed when the site is drained meanwhile."""
        self._sockets.add(socket)
        try:
            yield
        finally:
            self._sockets.discard(socket)


CLOSING = web.AppKey("closing", Closing)
TICK_S = web.AppKey("tick_s", float)


async def events(request: web.Request) -> web.StreamResponse:
    """`/events`: server-sent events, one tick a second."""
    headers = {"Content-Type": "text/event-stream; charset=utf-8", **NO_STORE}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    await response.write(b"retry: 2000\n\n")
    for number in range(1, EVENTS_LIMIT + 1):
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        data = f'{{"tick": {number}, "at": "{at}"}}'
        await response.write(f"id: {number}\nevent: tick\ndata: {data}\n\n".encode())
        if await request.app[CLOSING].within(request.app[TICK_S]):
            break
    return response


async def websocket_echo(request: web.Request) -> web.StreamResponse:
    """`/ws/echo`: sends every message back as it came."""
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_BYTES)
    if not socket.can_prepare(request).ok:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", **NO_STORE}
        return web.Response(status=426, text="This speaks WebSocket only.\n", headers=headers)
    await socket.prepare(request)
    with request.app[CLOSING].watching(socket):
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
    return socket


async def slow(request: web.Request) -> web.Response:
    """`/slow?ms=250`: answers after that many milliseconds, or when the site drains."""
    asked = whole_number(request.query.get("ms", "1000"), least=0, most=SLOWEST_MS)
    if asked is None:
        text = f"ms wants a whole number from 0 to {SLOWEST_MS}.\n"
        return web.Response(status=400, text=text, headers=NO_STORE)
    if await request.app[CLOSING].within(asked / 1000):
        return web.Response(text="This was cut short: the shop closes.\n", headers=NO_STORE)
    return web.Response(text=f"This took {asked} ms.\n", headers=NO_STORE)


def send_early_hints(request: web.Request, link: str) -> None:
    """Write a 103 response (RFC 8297) with this Link field, before the real response is begun."""
    # A client that speaks HTTP/1.0 does not expect interim responses (RFC 9110 15.2).
    if request.version >= (1, 1) and request.transport is not None:
        request.transport.write(f"HTTP/1.1 103 Early Hints\r\nLink: {link}\r\n\r\n".encode())


async def upload(request: web.Request) -> web.Response:
    """`/upload`: reads a body of any length up to a bound and tells its length and hash."""
    length, digest = 0, hashlib.sha256()
    pieces = request.content.iter_any()
    while True:
        try:
            async with asyncio.timeout(UPLOAD_STALL_S):
                piece = await anext(pieces, b"")
        except TimeoutError:
            return _refusal(408, "the body stalled")
        if not piece:
            break
        length += len(piece)
        if length > UPLOAD_LIMIT:
            return _refusal(413, f"more than {UPLOAD_LIMIT} bytes")
        digest.update(piece)
    return web.json_response({"length": length, "sha256": digest.hexdigest()}, headers=NO_STORE)


def _refusal(status: int, reason: str) -> web.Response:
    response = web.json_response({"error": reason}, status=status, headers=NO_STORE)
    response.force_close()
    return response
