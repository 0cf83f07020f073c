"""A node's admin port: `/metrics`, `/healthz`, `/readyz`, `/explain`, `/purge`.

It runs in the keeper, so that it answers whatever the workers do. It serves only those who know it
by its own name: a web page that has rebound a name of its own to our address (DNS rebinding) sends
that name as Host and is turned away. What changes something wants a token too.
"""

import ipaddress
import json
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from deploy.node.explain import Explain
from deploy.node.purge import Purge

log = logging.getLogger("midmile.deploy")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LINE_BYTES = 128 * 1024
"""Of a request line: `/explain` carries a whole request head of 32 KiB, percent-encoded."""
IDLE_S = 15.0
"""For a connection without a whole request: scrapes come every few seconds or on a new one."""
CHANGING = frozenset({"/purge"})
BODY_BYTES = 64 * 1024
_READ = ("GET", "HEAD")
_CHANGE = ("POST",)
_OWN_FETCHES = frozenset({"", "none", "same-origin"})
"""Values of Sec-Fetch-Site with which data may be asked for; none from what is no browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether a node serves, and why (not)."""

    ready: bool
    reason: str
    workers_ready: int
    workers: int


class Admin:
    """The listener on a node's admin address."""

    def __init__(
        self,
        hosts: frozenset[str],
        metrics: Callable[[], bytes],
        readiness: Callable[[], Readiness],
        explain: Explain,
        purge: Purge,
    ) -> None:
        self._metrics = metrics
        self._readiness = readiness
        app = web.Application(middlewares=[guard(hosts, CHANGING)], client_max_size=BODY_BYTES)
        app.router.add_get("/metrics", self._serve_metrics)
        app.router.add_get("/healthz", self._serve_health)
        app.router.add_get("/readyz", self._serve_readiness)
        app.router.add_get("/explain", explain.serve)
        app.router.add_post("/purge", purge.serve)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=IDLE_S,
            max_line_size=LINE_BYTES,
        )

    async def start(self, sock: socket.socket) -> None:
        """Serve on a listening socket."""
        await self._runner.setup()
        await web.SockSite(self._runner, sock).start()

    async def stop(self) -> None:
        """Close the listener and what is connected."""
        await self._runner.cleanup()

    async def _serve_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": CONTENT_TYPE})

    async def _serve_health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _serve_readiness(self, _: web.Request) -> web.Response:
        now = self._readiness()
        body = {
            "ready": now.ready,
            "reason": now.reason,
            "workers_ready": now.workers_ready,
            "workers": now.workers,
        }
        return web.Response(
            status=200 if now.ready else 503,
            text=json.dumps(body) + "\n",
            content_type="application/json",
        )


def guard(hosts: frozenset[str], changing: frozenset[str] = frozenset()) -> Middleware:
    """Refuse foreign names, foreign pages, and methods that change things; no cache may keep it.

    On the paths `changing` POST is let through: to handlers that want a token.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_ours(request.headers.get("Host", ""), hosts):
            response: web.StreamResponse = web.Response(
                status=421, text="this port is not known by that name\n"
            )
        elif request.method not in (methods := _CHANGE if request.path in changing else _READ):
            response = web.Response(status=405, headers={"Allow": ", ".join(methods)})
        elif is_foreign(request.headers) and not _is_navigation(request.headers):
            response = web.Response(status=403, text="another site's page may not ask this port\n")
        else:
            response = await handler(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return check


def is_ours(host: str, hosts: frozenset[str]) -> bool:
    """Whether a Host value names this admin port: loopback, or one of `hosts`."""
    name = _without_port(host.lower())
    if name in hosts or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether another site's page makes a browser ask.

    That page could not read the answer, but could keep us busy. Browsers say so in Sec-Fetch-Site
    (W3C Fetch Metadata), and those that do not know it mostly in Origin (RFC 6454 7), which is
    "null" where a page has none.
    """
    if headers.get("Sec-Fetch-Site", "") not in _OWN_FETCHES:
        return True
    if "Origin" not in headers:
        return False
    site = headers["Origin"].partition("://")[2].lower()
    return not site or site != headers.get("Host", "").lower()


def _is_navigation(headers: Mapping[str, str]) -> bool:
    """Whether somebody has followed a link: a new page in the bar, not a part of the old one."""
    return headers.get("Sec-Fetch-Dest") == "document"


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")
