"""The status page on the supervisor's port.

It serves reads only, to those who know it by its own name, as admin ports do. One view is made and
rendered a tick, for all who watch; nothing is made while nobody does. A listener that is too slow
for a tick gets the whole page's parts with the next one it takes, so nothing queues up but what the
kernel keeps for it, which is told to keep little.
"""

import asyncio
import json
import logging
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from deploy.node.admin import IDLE_S, guard, is_foreign
from deploy.overview.page import Pages
from deploy.overview.topology import Topology
from deploy.overview.view import View

log = logging.getLogger("midmile.deploy")

TICK_S = 1.0
MOST_LISTENERS = 32
"""Browser tabs that watch at once. Each costs a socket and what it is sent. For one more the oldest
is let go: it may be one that only holds its place, and a browser comes again."""
SLOW_S = 10.0
"""A listener that takes nothing for so long is let go; its browser comes again if it lives."""
KEPT_BYTES = 64 * 1024
"""What the kernel keeps for a listener that takes nothing; by itself it keeps minutes of events."""
RETRY_MS = 2000

STATIC = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What was rendered in one tick."""

    view: View
    number: int
    made_at: float
    """Monotonic seconds."""
    page: bytes
    whole: bytes
    """The event that carries every part."""
    news: bytes
    """The event that carries the parts that differ from the frame before."""
    parts: Mapping[str, str]


class StatusPage:
    """The listener on the status address."""

    def __init__(self, hosts: frozenset[str], topology: Topology, view: Callable[[], View]) -> None:
        """`hosts`: names besides the loopback ones under which it may be asked."""
        self._pages = Pages(topology)
        self._view = view
        self._frame: Frame | None = None
        self._ticked = asyncio.Condition()
        self._ticks: asyncio.Task[None] | None = None
        self._json: tuple[Frame, bytes] | None = None
        self._listeners: dict[asyncio.Task[object], asyncio.Transport] = {}
        """The oldest first."""
        app = web.Application(middlewares=[guard(hosts), _armour])
        app.router.add_get("/", self._serve_page)
        app.router.add_get("/events", self._serve_events)
        app.router.add_get("/status.json", self._serve_json)
        app.router.add_get("/healthz", _serve_health)
        for file in sorted(STATIC.iterdir()):
            app.router.add_get(f"/static/{file.name}", _file(file))
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=IDLE_S,
            shutdown_timeout=1.0,
        )

    @property
    def listeners(self) -> int:
        """How many watch."""
        return len(self._listeners)

    async def start(self, sock: socket.socket) -> None:
        """Serve on a listening socket."""
        # Accepted sockets inherit both.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SLOW_S * 1000))
        await self._runner.setup()
        await web.SockSite(self._runner, sock).start()

    async def stop(self) -> None:
        """Close the listener and let everybody go."""
        for listener in tuple(self._listeners):
            listener.cancel()
        if self._ticks is not None:
            self._ticks.cancel()
        await self._runner.cleanup()

    async def _serve_page(self, _: web.Request) -> web.Response:
        frame = self._current()
        return web.Response(body=frame.page, content_type="text/html", charset="utf-8")

    async def _serve_json(self, request: web.Request) -> web.Response:
        _refuse_strangers(request)
        frame = self._current()
        if self._json is None or self._json[0] is not frame:
            self._json = frame, f"{json.dumps(frame.view.to_json(), indent=2)}\n".encode()
        return web.Response(body=self._json[1], content_type="application/json", charset="utf-8")

    async def _serve_events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events (HTML Standard 9.2): each carries parts of the page as JSON."""
        _refuse_strangers(request)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", **_HEADERS}
        )
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        task, transport = asyncio.current_task(), request.transport
        if task is None or transport is None:
            raise ConnectionResetError("it has left")
        if len(self._listeners) >= MOST_LISTENERS:
            self._let_go(next(iter(self._listeners)))
        self._listeners[task] = transport
        try:
            await response.prepare(request)
            await self._feed(response, transport)
        except (ConnectionError, TimeoutError):
            self._let_go(task)  # it has left, or takes nothing
        finally:
            self._listeners.pop(task, None)
        return response

    def _let_go(self, listener: asyncio.Task[object]) -> None:
        if transport := self._listeners.pop(listener, None):
            transport.abort()
            if listener is not asyncio.current_task():
                listener.cancel()

    async def _feed(self, response: web.StreamResponse, transport: asyncio.Transport) -> None:
        """Send what is new until it has left; TimeoutError where it takes nothing for too long."""
        frame = sent = self._current()
        data = f"retry: {RETRY_MS}\n\n".encode() + frame.whole
        if self._ticks is None or self._ticks.done():
            self._ticks = asyncio.create_task(self._tick(), name="status page")
        while True:
            # What waits before the kernel is waited for here, with one event at most behind it.
            if not transport.get_write_buffer_size():
                async with asyncio.timeout(SLOW_S):
                    await response.write(data)
                sent = frame
            elif frame.made_at - sent.made_at > SLOW_S:
                raise TimeoutError
            frame = await self._next(frame)
            data = frame.news if frame.number == sent.number + 1 else frame.whole

    async def _next(self, before: Frame) -> Frame:
        """The newest frame, once there is one after `before`."""
        async with self._ticked:
            await self._ticked.wait_for(
                lambda: self._frame is not None and self._frame is not before
            )
        assert self._frame is not None  # noqa: S101
        return self._frame

    async def _tick(self) -> None:
        """Render once a tick while anybody watches."""
        while self._listeners:
            await asyncio.sleep(TICK_S)
            try:
                self._frame = self._render()
            except Exception:
                log.exception("the status page cannot be made", extra={"event": "page-failed"})
                continue
            async with self._ticked:
                self._ticked.notify_all()

    def _current(self) -> Frame:
        """The last frame if it is of this tick, else a new one."""
        frame = self._frame
        if frame is None or time.monotonic() - frame.made_at >= TICK_S:
            frame = self._frame = self._render()
        return frame

    def _render(self) -> Frame:
        view, before = self._view(), self._frame
        parts = self._pages.parts(view)
        known = before.parts if before is not None else {}
        news = {name: html for name, html in parts.items() if known.get(name) != html}
        return Frame(
            view=view,
            number=before.number + 1 if before is not None else 0,
            made_at=time.monotonic(),
            page=self._pages.page(view, parts).encode(),
            whole=_event(parts),
            news=_event(news),
            parts=parts,
        )


def _event(parts: Mapping[str, str]) -> bytes:
    # JSON in ASCII has no line end in it, which would end the event.
    return f"data: {json.dumps(parts)}\n\n".encode()


@web.middleware
async def _armour(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What browsers are to be strict about."""
    response = await handler(request)
    response.headers.update(_HEADERS)
    return response


def _refuse_strangers(request: web.Request) -> None:
    """Another site's page could not read the answer, but it could take up all listeners' places."""
    if is_foreign(request.headers):
        raise web.HTTPForbidden(text="only the status page itself may ask for this\n")


async def _serve_health(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _file(path: Path) -> Handler:
    """Serves a file that is read once."""
    body, kind = path.read_bytes(), _TYPES[path.suffix]

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return serve
