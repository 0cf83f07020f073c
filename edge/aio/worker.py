"""An edge's worker process: listeners, pipeline, and the way to the parents."""

import math
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from edge.aio.descriptors import fitted
from edge.aio.fetch import TunnelFetcher
from edge.aio.http1 import HttpServer
from edge.aio.pipeline import Pipeline
from edge.aio.questions import Message, answer_question, take_word, tell_behind
from edge.aio.stores import worker_stores
from edge.aio.tls import SiteContexts
from edge.config import EdgeSettings
from edge.crowd import Crowd
from edge.currency import Currency
from edge.forwarding import Hop
from edge.metrics import EdgeMetrics
from edge.trail import AccessLog


class EdgeWorker:
    """Serves users over HTTP and HTTPS."""

    def __init__(
        self,
        settings: EdgeSettings,
        metrics: EdgeMetrics,
        access_log: AccessLog,
        tell: Callable[[Message], None] | None = None,
    ) -> None:
        """`tell` reaches the keeper, which follows the parents' purges; None: there is none."""
        self._settings = settings
        self._tell = tell
        self._currency = Currency()
        if tell is not None:
            # Until the keeper has heard of a parent, nobody knows what was purged.
            self._currency = Currency(lease_s=-math.inf, behind=partial(tell_behind, tell))
        self._metrics = metrics
        self._access_log = access_log
        self._servers: list[HttpServer] = []

    async def start(self, sockets: Mapping[str, list[socket.socket]]) -> None:
        """Serve on the sockets named `http` and `https`."""
        settings = self._settings
        limits = fitted(settings.limits)
        self._fetcher = TunnelFetcher(
            replace(settings, limits=limits), self._metrics, self._currency
        )
        self._contexts: SiteContexts | None = None
        if sockets.get("https"):
            self._contexts = SiteContexts(settings.sites, settings.site_certificates)
        hop = Hop(node=settings.node, cdn_id=settings.cdn_id)
        self._pipeline = Pipeline(
            hop=hop,
            rules=settings.sites,
            stores=worker_stores(
                settings.cache_bytes,
                settings.disk,
                self._tell,
                hop=hop,
                limits=limits,
                metrics=self._metrics,
            ),
            limits=limits,
            fetcher=self._fetcher,
            metrics=self._metrics,
            access_log=self._access_log,
            currency=self._currency,
        )
        crowd = Crowd(limits)
        for scheme in ("http", "https"):
            server = HttpServer(
                handler=self._pipeline.answer,
                refuse=self._pipeline.refuse,
                metrics=self._metrics,
                crowd=crowd,
                scheme=scheme,
                hits=self._pipeline.hits[scheme],
            )
            context = self._contexts if scheme == "https" else None
            await server.listen(sockets.get(scheme, ()), context.listening if context else None)
            self._servers.append(server)

    async def drain(self, grace_s: float) -> None:
        """Finish what is in flight."""
        self._pipeline.draining = True
        self._currency.lapse()
        await HttpServer.drain_all(self._servers, grace_s)
        await self._pipeline.stop()
        await self._fetcher.close()

    def receive(self, message: Message) -> None:
        """Heed what the keeper tells of the store, and has heard of purges."""
        self._pipeline.hear_of_disk(message)
        take_word(message, self._pipeline, self._currency)

    def respond(self, question: Message) -> Message | None:
        """Explain what would be done with a request, or purge."""
        self._pipeline.hear_of_disk(question)
        return answer_question(question, self._pipeline, self._settings.limits)

    async def reload_keys(self) -> None:
        """Use the certificates as they are on disk now, for new connections."""
        if self._contexts is not None:
            self._contexts.renew(self._settings.site_certificates)
        self._fetcher.reload_keys()
