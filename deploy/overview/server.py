"""The status page on the supervisor's port.

It serves reads only, to those who know it by its own name, as admin ports do. One view is made and
rendered a tick, for all who watch; nothing is made while nobody does. A listener that is too slow
for a tick gets the whole page's parts with the next one it takes, so nothing queues up.
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

from deploy.node.admin import IDLE_S, guard
from deploy.overview.page import Pages
from deploy.overview.topology import Topology
from deploy.overview.view import View

log = logging.getLogger("midmile.deploy")

TICK_S = 1.0
MOST_LISTENERS = 32
"""Browser tabs that watch at once. Each costs a socket and what it is sent."""
SLOW_S = 10.0
"""A listener that takes nothing for so long is let go; its browser comes again if it lives."""
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
_OURS = frozenset({"", "none", "same-origin"})
"""Values of Sec-Fetch-Site (W3C Fetch Metadata) with which data may be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What was rendered in one tick."""

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
        self._listeners: set[asyncio.Task[object]] = set()
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
        await self._runner.setup()
        await web.SockSite(self._runner, sock).start()

    async def stop(self) -> None:
        """Close the listener and let everybody go."""
        for listener in self._listeners:
            listener.cancel()
        if self._ticks is not None:
            self._ticks.cancel()
        await self._runner.cleanup()

    async def _serve_page(self, _: web.Request) -> web.Response:
        frame = self._current()
        return web.Response(body=frame.page, content_type="text/html", charset="utf-8")

    async def _serve_json(self, request: web.Request) -> web.Response:
        _refuse_strangers(request)
        text = json.dumps(self._view().to_json(), indent=2) + "\n"
        return web.Response(text=text, content_type="application/json")

    async def _serve_events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events (HTML Standard 9.2): each carries parts of the page as JSON."""
        _refuse_strangers(request)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", **_HEADERS}
        )
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        if len(self._listeners) >= MOST_LISTENERS:
            raise web.HTTPServiceUnavailable(
                text=f"{MOST_LISTENERS} watch already\n", headers={"Retry-After": "10"}
            )
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._listeners.add(task)
        try:
            await response.prepare(request)
            await self._feed(response)
        except (ConnectionError, TimeoutError):
            pass  # it has left, or takes nothing
        finally:
            self._listeners.discard(task)
        return response

    async def _feed(self, response: web.StreamResponse) -> None:
        frame = self._current()
        data = f"retry: {RETRY_MS}\n\n".encode() + frame.whole
        if self._ticks is None or self._ticks.done():
            self._ticks = asyncio.create_task(self._tick(), name="status page")
        while True:
            async with asyncio.timeout(SLOW_S):
                await response.write(data)
            before = frame
            frame = await self._next(before)
            data = frame.news if frame.number == before.number + 1 else frame.whole

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
    if request.headers.get("Sec-Fetch-Site", "") not in _OURS:
        raise web.HTTPForbidden(text="only the status page itself may ask for this\n")


async def _serve_health(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _file(path: Path) -> Handler:
    """Serves a file that is read once."""
    body, kind = path.read_bytes(), _TYPES[path.suffix]

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return serve
