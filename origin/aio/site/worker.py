"""The demo site's worker process: the shop on the sockets that the shell hands over.

The role has nothing to do once per node, so there is no keeper beside it.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Mapping

from aiohttp import web

from origin.aio.site.app import make_app
from origin.config import SiteSettings
from origin.metrics import SiteMetrics

log = logging.getLogger("midmile.origin.site")

KEEPALIVE_S = 300.0
"""Longer than any parent keeps an idle connection, so that it is the parent who closes."""
LINE_BYTES = 16_384
FIELD_BYTES = 32_768
"""What an edge lets through must not be refused behind it."""


class SiteWorker:
    """Serves the shop; see `deploy/roles.py` for the protocol."""

    def __init__(self, settings: SiteSettings, metrics: SiteMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._runner: web.AppRunner | None = None

    async def start(self, sockets: Mapping[str, list[socket.socket]]) -> None:
        """Serve on the sockets named `http`, which are listening already."""
        app = make_app(self._settings)
        app.on_response_prepare.append(self._count)
        runner = web.AppRunner(
            app,
            access_log=None,  # the edge writes one line a request; twice would be noise
            handler_cancellation=True,  # who leaves a slow page frees it at once
            auto_decompress=False,  # `/upload` tells what was sent, not what it unpacks to
            keepalive_timeout=KEEPALIVE_S,
            max_line_size=LINE_BYTES,
            max_field_size=FIELD_BYTES,
            # Only what `drain` could not end in its time; 0 would mean to wait for ever.
            shutdown_timeout=0.1,
        )
        self._runner = runner
        await runner.setup()
        for listener in sockets.get("http", []):
            await web.SockSite(runner, listener).start()
        log.info("serving", extra={"event": "serving", "node": self._settings.node})

    async def _count(self, request: web.Request, response: web.StreamResponse) -> None:
        if request.transport is None or request.transport.is_closing():
            return  # nothing of it will be sent
        self._metrics.answered(response.status)

    async def drain(self, grace_s: float) -> None:
        """Stop listening, let requests finish for at most `grace_s` seconds, then cut them off."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for site in runner.sites:
            await site.stop()
        server = runner.server
        assert server is not None, "drained before it was started"
        server.pre_shutdown()
        await runner.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await server.shutdown(grace_s)
        await runner.cleanup()

    def receive(self, message: Mapping[str, object]) -> None:
        """Nothing that a keeper could say concerns the shop."""

    def respond(self, question: Mapping[str, object]) -> None:
        """No question about the shop is known."""

    async def reload_keys(self) -> None:
        """The shop speaks plain HTTP to its parents and holds no keys."""
