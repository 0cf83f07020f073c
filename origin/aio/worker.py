"""A parent's worker process: the tunnel's end, pipeline, and the way to the origins."""

import asyncio
import logging
import math
import socket
from collections.abc import Callable, Mapping
from functools import partial

from edge.aio import tls
from edge.aio.congestion import tunnel_listeners
from edge.aio.descriptors import fitted
from edge.aio.exchange import Exchange
from edge.aio.http1 import HttpServer
from edge.aio.pipeline import Pipeline
from edge.aio.questions import Message, answer_question, take_word, tell_behind
from edge.aio.stores import worker_stores
from edge.crowd import Crowd
from edge.currency import Currency
from edge.errors import EdgeError, RequestError, RequestReason
from edge.forwarding import Hop
from edge.metrics import EdgeMetrics
from edge.trail import AccessLog
from origin.aio.desk import Desk
from origin.aio.tunnel import TunnelExchange
from origin.aio.upstream import OriginFetcher
from origin.config import ParentSettings

log = logging.getLogger("midmile.origin")


class ParentWorker:
    """Serves the network's edges over the tunnel; other parents may ask for purges, and no more."""

    def __init__(
        self,
        settings: ParentSettings,
        metrics: EdgeMetrics,
        access_log: AccessLog,
        tell: Callable[[Message], None] | None = None,
    ) -> None:
        """`tell` reaches the keeper, which has the log of purges; None: there is none."""
        self._settings = settings
        self._tell = tell
        self._nodes = settings.edges | {parent.identity for parent in settings.parents}
        # The keeper says where we are; edges say if that is not enough, so it holds for ever.
        self._currency = Currency()
        if tell is not None:
            self._currency = Currency(
                lease_s=-math.inf,
                behind=partial(tell_behind, tell),
                parents={settings.node, *(parent.name for parent in settings.parents)},
            )
        self._desk = Desk(settings.node, tell or (lambda _: None))
        self._metrics = metrics
        self._access_log = access_log

    async def start(self, sockets: Mapping[str, list[socket.socket]]) -> None:
        """Serve on the sockets named `tunnel`."""
        settings = self._settings
        limits = fitted(settings.limits)
        self._fetcher = OriginFetcher(settings.sites, limits, self._metrics)
        self._context = tls.Renewable(tls.tunnel_server(settings.identity))
        hop = Hop(node=settings.node, cdn_id=settings.cdn_id, trust=True)
        self._pipeline = Pipeline(
            hop=hop,
            rules=settings.sites,
            stores=worker_stores(
                settings.cache_bytes,
                settings.disk,
                self._tell,
                hop=hop,
                limits=limits.roomier(),
                metrics=self._metrics,
            ),
            limits=limits.roomier(),
            fetcher=self._fetcher,
            metrics=self._metrics,
            access_log=self._access_log,
            currency=self._currency,
        )
        self._server = HttpServer(
            handler=self._answer,
            refuse=self._pipeline.refuse,
            metrics=self._metrics,
            crowd=Crowd(limits.patient()),
            scheme="https",
            welcome=self._welcome,
            exchange=TunnelExchange,
        )
        tunnel_listeners(sockets["tunnel"])
        await self._server.listen(sockets["tunnel"], self._context.listening)

    def _welcome(self, transport: asyncio.BaseTransport) -> frozenset[str]:
        """Let in edges and parents of this network; its other nodes have certificates too."""
        names = tls.peer_names(transport.get_extra_info("ssl_object"))
        if not names & self._nodes:
            log.warning(
                "a caller that is neither edge nor parent was turned away",
                extra={"event": "stranger", "names": sorted(names)},
            )
        return names & self._nodes

    async def _answer(self, exchange: Exchange) -> None:
        assert isinstance(exchange, TunnelExchange)
        exchange.currency = self._currency
        try:
            if self._desk.is_for(exchange.request):
                await self._desk.answer(exchange, min(exchange.caller))
            elif exchange.caller & self._settings.edges:
                await self._pipeline.answer(exchange)
            else:
                raise RequestError(RequestReason.STRANGER, "parents are told purges, and no more")
        except EdgeError as error:
            await self._pipeline.refuse(exchange, error)

    async def drain(self, grace_s: float) -> None:
        """Finish what is in flight."""
        self._pipeline.draining = True
        self._currency.lapse()
        self._desk.close()
        await HttpServer.drain_all([self._server], grace_s)
        await self._pipeline.stop()
        await self._fetcher.close()

    def receive(self, message: Message) -> None:
        """Heed what the keeper tells of the store, and of purges, to us or to who asked."""
        if message.get("kind") == "news":
            self._desk.take(message)
            return
        self._pipeline.hear_of_disk(message)
        take_word(message, self._pipeline, self._currency)
        if message.get("kind") == "position":
            self._currency.heard(math.inf)

    def respond(self, question: Message) -> Message | None:
        """Explain what would be done with a request, or purge."""
        self._pipeline.hear_of_disk(question)
        return answer_question(question, self._pipeline, self._settings.limits)

    async def reload_keys(self) -> None:
        """Use the certificates as they are on disk now, for new connections."""
        self._context.renew(tls.tunnel_server(self._settings.identity))
