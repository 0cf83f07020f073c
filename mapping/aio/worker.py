"""A DNS node's worker: its listeners, and one tier's decisions behind them."""

import logging
import random
import socket
import time
from collections.abc import Mapping

from mapping.aio.server import DnsServer, Limits
from mapping.config import MappingSettings
from mapping.lowlevel import LowLevel
from mapping.metrics import MappingMetrics
from mapping.reply import Transport
from mapping.responder import Responder, failed
from mapping.toplevel import TopLevel

_log = logging.getLogger("midmile.mapping")


class MappingWorker:
    """What a DNS node does in each of its worker processes."""

    def __init__(
        self, settings: MappingSettings, metrics: MappingMetrics, limits: Limits | None = None
    ) -> None:
        """Lay out the zones; settings that DNS cannot serve are a `SettingsError`."""
        self._tier = settings.tier
        self._metrics = metrics
        self._low = LowLevel(settings, random.SystemRandom()) if settings.tier == "low" else None
        self._responder = Responder(self._low or TopLevel(settings))
        self._server = DnsServer(
            self.answer, on_connections=metrics.tcp_connections.set, limits=limits
        )

    async def start(self, sockets: Mapping[str, list[socket.socket]]) -> None:
        """Serve on the sockets called `dns-udp` and `dns-tcp`."""
        await self._server.start(sockets["dns-udp"], sockets["dns-tcp"])

    async def drain(self, grace_s: float) -> None:
        """Stop listening; connections may finish the query they have begun."""
        await self._server.drain(grace_s)

    def receive(self, message: Mapping[str, object]) -> None:
        """The keeper tells which edges are down."""
        down = message.get("down")
        if self._low is not None and message.get("kind") == "fleet" and isinstance(down, list):
            self._low.mark_down(str(name) for name in down)

    def respond(self, question: Mapping[str, object]) -> None:
        """No question about this role is known yet."""

    async def reload_keys(self) -> None:
        """DNS uses no keys."""

    def answer(self, wire: bytes, client: str, transport: Transport) -> bytes | None:
        """The answer to any bytes, counted; our own failures become SERVFAIL."""
        began = time.perf_counter()
        try:
            reply = self._responder.respond(wire, client, transport)
        except Exception:  # noqa: BLE001 - others must not lose their server
            _log.exception("a query broke the responder", extra={"event": "dns-servfail"})
            reply = failed(wire)
        self._metrics.answered(self._tier, transport, reply, time.perf_counter() - began)
        return reply.wire
