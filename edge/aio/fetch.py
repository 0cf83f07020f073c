"""Fetching: which hop to ask for a site's content, in which order, and when to ask another.

`Fetcher` does what edges and parents share. An edge's hops are parents behind the tunnel
(`TunnelFetcher`); a parent's hops are origin servers (`origin/aio/upstream.py`).
"""

import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Protocol

from edge import tunnel
from edge.aio import tls
from edge.aio.pool import NextHop
from edge.aio.relay import Relay
from edge.aio.upstream import Answer, Interim, Upload, Upstream
from edge.config import EdgeSettings, Limits, SiteRules
from edge.currency import Currency
from edge.encoding.codecs import Decoder
from edge.errors import IDEMPOTENT_METHODS, UpstreamError, UpstreamReason
from edge.message import Request, Response
from edge.metrics import Direction, EdgeMetrics, Peer
from edge.servers import Servers, Standing

log = logging.getLogger("midmile.edge.fetch")

TUNNEL_IDLE_S = 60.0
"""Less than a parent keeps an idle connection, so that it is seldom the parent who closes."""


class Fetched(Protocol):
    """A response head, and its body as it comes."""

    response: Response
    relay: Relay | None
    hop: str
    attempts: int
    failed: bool
    """Whether it only tells that nobody could be asked."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body; raises UpstreamError where it ends too soon."""

    def close(self) -> None:
        """Leave: what has not come is not wanted."""


class Fetcher:
    """Asks the hops of a site one after the other until one answers."""

    def __init__(
        self, limits: Limits, metrics: EdgeMetrics, *, idle_s: float, tunnel: bool = False
    ) -> None:
        """`idle_s`, `tunnel`: as `Pool` has them."""
        self._upstream = Upstream(limits, self._count, self._moved, idle_s=idle_s, tunnel=tunnel)
        self._metrics = metrics
        self._servers = Servers()

    def hops(self, site: SiteRules) -> Mapping[str, NextHop]:
        """The hops for `site`, by name."""
        raise NotImplementedError

    def standings(self, site: SiteRules) -> list[Standing]:
        """The hops for `site` in the order in which they would be asked, and how each does."""
        return self._servers.standings(site.name, self.hops(site), time.monotonic())

    def reusable(self, request: Request) -> bool:
        """Whether a kept connection may serve; one that just died costs the request an answer."""
        return request.method in IDEMPOTENT_METHODS

    async def fetch(
        self, site: SiteRules, request: Request, upload: Upload | None, interim: Interim
    ) -> Fetched:
        """The first answer that any hop gives. Raises UpstreamError, or the upload's own error."""
        hops = self.hops(site)
        error = UpstreamError(UpstreamReason.NO_UPSTREAM, "no upstream server is configured")
        order = self._servers.order(site.name, hops, time.monotonic())
        for attempts, name in enumerate(order, 1):
            try:
                answer = await self._upstream.exchange(
                    hops[name], request, upload, interim, reuse=self.reusable(request)
                )
                fetched = self.wrap(name, answer, attempts)
                if _announces_a_body(request, fetched.response):
                    # Whoever is gone before the first bytes of it can still be replaced.
                    await answer.begin()
            except UpstreamError as failure:
                self._note_failure(name, failure)
                error = failure
                if not self._may_ask_another(request, upload, failure):
                    break
            else:
                recovered = self._servers.answered(name)
                self._metrics.upstream_answered(name, recovered=recovered)
                return fetched
        raise error

    def wrap(self, name: str, answer: Answer, attempts: int) -> Fetched:
        """What the pipeline gets of an answer."""
        return PlainFetched(name, answer, attempts)

    def _may_ask_another(
        self, request: Request, upload: Upload | None, failure: UpstreamError
    ) -> bool:
        """RFC 9110 9.2.2; and a body that has begun to flow cannot be had twice."""
        if upload is not None and failure.reason not in _BEFORE_THE_BODY:
            return False
        return failure.may_retry(request.method)

    def _note_failure(self, name: str, failure: UpstreamError) -> None:
        if self._servers.failed(name, time.monotonic()):
            log.warning(
                "%s failed: %s",
                name,
                failure.text,
                extra={"event": "upstream-failed", "upstream": name, "reason": failure.reason},
            )
        self._metrics.upstream_failed(name, failure.reason)

    def _count(self, opened: bool) -> None:
        if opened:
            self._metrics.connection_opened(Peer.UPSTREAM)
        else:
            self._metrics.connection_closed(Peer.UPSTREAM)

    def _moved(self, received: int, sent: int) -> None:
        if received:
            self._metrics.moved(Direction.UPSTREAM_IN, received)
        if sent:
            self._metrics.moved(Direction.UPSTREAM_OUT, sent)

    async def close(self) -> None:
        """Close every connection."""
        await self._upstream.close()


def _announces_a_body(request: Request, response: Response) -> bool:
    """Whether so many bytes are said to follow the head; a stream may have none for hours."""
    return (
        request.method != "HEAD"
        and response.status not in (101, 204, 304)
        and (response.headers.first("content-length") or "0") != "0"
    )


_BEFORE_THE_BODY = frozenset(
    {
        UpstreamReason.CONNECT_FAILED,
        UpstreamReason.CONNECT_TIMEOUT,
        UpstreamReason.WRONG_IDENTITY,
    }
)


class PlainFetched:
    """An answer as it is."""

    def __init__(self, hop: str, answer: Answer, attempts: int) -> None:
        self.hop = hop
        self.attempts = attempts
        self.failed = False
        self.response = answer.response
        self.relay = answer.relay
        self._answer = answer

    def chunks(self) -> AsyncIterator[bytes]:
        """The body."""
        return self._answer.chunks()

    def close(self) -> None:
        """Leave."""
        self._answer.close()


class TunnelFetched(PlainFetched):
    """An answer from a parent, with the tunnel's coding taken off."""

    def __init__(self, hop: str, answer: Answer, attempts: int) -> None:
        super().__init__(hop, answer, attempts)
        self._coded = tunnel.coding(answer.response.headers) == tunnel.ZSTD
        self.failed = tunnel.FAILED in answer.response.headers
        self.response = tunnel.restore(answer.response)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as the parent had it."""
        if not self._coded:
            async for chunk in self._answer.chunks():
                yield chunk
            return
        decoder, size = Decoder(), 0
        announced = self.response.headers.first("content-length")
        async for coded in self._answer.chunks():
            for chunk in decoder.feed(coded):
                size += len(chunk)
                if announced is not None and size > int(announced):
                    raise UpstreamError(UpstreamReason.BROKEN_BODY, "more than was announced")
                yield chunk
        decoder.finish()
        if announced is not None and size < int(announced):
            raise UpstreamError(UpstreamReason.BROKEN_BODY, "less than was announced")


class TunnelFetcher(Fetcher):
    """An edge's way to the parents."""

    def __init__(
        self,
        settings: EdgeSettings,
        metrics: EdgeMetrics,
        currency: Currency | None = None,
    ) -> None:
        """`currency`: as the pipeline has it."""
        super().__init__(_patient(settings).roomier(), metrics, idle_s=TUNNEL_IDLE_S, tunnel=True)
        self._settings = settings
        self._currency = currency or Currency()
        self._hops: dict[str, NextHop] = {}
        self.reload_keys()

    def reload_keys(self) -> None:
        """Use the node's certificate files as they are now."""
        context = tls.tunnel_client(self._settings.identity)
        self._hops = {
            parent.name: NextHop(
                name=parent.name,
                url=f"https://{_bracketed(parent.host)}:{parent.port}",
                context=context,
                server_name=parent.identity,
            )
            for parent in self._settings.parents
        }
        self._upstream.forget_hops()

    def hops(self, site: SiteRules) -> Mapping[str, NextHop]:  # noqa: ARG002 - each parent serves all
        """Every parent."""
        return self._hops

    def reusable(self, request: Request) -> bool:  # noqa: ARG002
        """Always: the parent keeps idle connections longer than we do."""
        return True

    def wrap(self, name: str, answer: Answer, attempts: int) -> Fetched:
        """Take the tunnel's coding off, and heed how far the parent knows the purges."""
        theirs = answer.response.headers.first(tunnel.PURGES)
        if theirs is not None:
            self._currency.require(theirs)
        return TunnelFetched(name, answer, attempts)

    async def fetch(
        self, site: SiteRules, request: Request, upload: Upload | None, interim: Interim
    ) -> Fetched:
        """As `Fetcher.fetch`, saying what the tunnel may do."""
        headers = request.headers.put(tunnel.ACCEPT, tunnel.ZSTD)
        if self._currency.text:
            headers = headers.put(tunnel.PURGES, self._currency.text)
        return await super().fetch(site, request.with_headers(headers), upload, interim)


def _patient(settings: EdgeSettings) -> Limits:
    """A parent must have the time to say that no origin answers: it is well itself."""
    limits = settings.limits
    origins = max((len(site.origins) for site in settings.sites), default=0)
    longer_s = limits.answer_timeout_s + (origins + 1) * limits.connect_timeout_s
    return replace(limits, answer_timeout_s=longer_s)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
