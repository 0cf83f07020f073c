"""A parent's worker process: the tunnel's end, pipeline, and the way to the origins."""

import asyncio
import logging
import socket
from collections.abc import Mapping

from edge.aio import tls
from edge.aio.descriptors import fitted
from edge.aio.http1 import HttpServer
from edge.aio.pipeline import Pipeline
from edge.aio.questions import answer_question
from edge.crowd import Crowd
from edge.forwarding import Hop
from edge.metrics import EdgeMetrics
from edge.trail import AccessLog
from origin.aio.tunnel import TunnelExchange
from origin.aio.upstream import OriginFetcher
from origin.config import ParentSettings

log = logging.getLogger("midmile.origin")


class ParentWorker:
    """Serves the network's edges, and nobody else, over the tunnel."""

    def __init__(
        self, settings: ParentSettings, metrics: EdgeMetrics, access_log: AccessLog
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._access_log = access_log

    async def start(self, sockets: Mapping[str, list[socket.socket]]) -> None:
        """Serve on the sockets named `tunnel`."""
        settings = self._settings
        limits = fitted(settings.limits)
        self._fetcher = OriginFetcher(settings.sites, limits, self._metrics)
        self._context = tls.Renewable(tls.tunnel_server(settings.identity))
        self._pipeline = Pipeline(
            hop=Hop(node=settings.node, cdn_id=settings.cdn_id, trust=True),
            rules=settings.sites,
            cache_bytes=settings.cache_bytes,
            limits=limits.roomier(),
            fetcher=self._fetcher,
            metrics=self._metrics,
            access_log=self._access_log,
        )
        self._server = HttpServer(
            handler=self._pipeline.answer,
            refuse=self._pipeline.refuse,
            metrics=self._metrics,
            crowd=Crowd(limits.patient()),
            scheme="https",
            welcome=self._welcome,
            exchange=TunnelExchange,
        )
        await self._server.listen(sockets["tunnel"], self._context.listening)

    def _welcome(self, transport: asyncio.BaseTransport) -> bool:
        """Let in edges of this network; every other node of it has a certificate too."""
        names = tls.peer_names(transport.get_extra_info("ssl_object"))
        if names & self._settings.edges:
            return True
        log.warning(
            "a caller that is no edge was turned away",
            extra={"event": "stranger", "names": sorted(names)},
        )
        return False

    async def drain(self, grace_s: float) -> None:
        """Finish what is in flight."""
        self._pipeline.draining = True
        await HttpServer.drain_all([self._server], grace_s)
        await self._pipeline.stop()
        await self._fetcher.close()

    def receive(self, message: Mapping[str, object]) -> None:
        """Nothing is said to parent workers yet."""

    def respond(self, question: Mapping[str, object]) -> Mapping[str, object] | None:
        """Explain what would be done with a request."""
        return answer_question(question, self._pipeline, self._settings.limits)

    async def reload_keys(self) -> None:
        """Use the certificates as they are on disk now, for new connections."""
        self._context.renew(tls.tunnel_server(self._settings.identity))
