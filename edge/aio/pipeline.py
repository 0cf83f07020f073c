"""The way of a request: site, verdict, then hit, shared fetch, or pass; and its trail.

Edge and parent run the same pipeline with another `Fetcher` behind it. Each step is a short method
that either answers the exchange completely or raises an EdgeError, which becomes an error page.
What an answer is made of is `reply`'s business.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from edge import forwarding
from edge.aio.asked import Asked
from edge.aio.clocks import now
from edge.aio.disk.shelf import heed
from edge.aio.exchange import ClientGone, Exchange
from edge.aio.fetch import Fetched, Fetcher
from edge.aio.flights import Ending
from edge.aio.hits import Hits
from edge.aio.misses import Misses
from edge.aio.reply import Reply, new_request_id, signed
from edge.aio.slices import Opened, Slices
from edge.aio.stores import Stores
from edge.cache.entry import Entry
from edge.cache.invalidate import SAFE_METHODS
from edge.cache.refresh import refresh_due
from edge.cache.slices import (
    Stretch,
    answer_in_slices,
    answers,
    if_range_holds,
)
from edge.cache.storable import StoreReason
from edge.cache.vary import selects
from edge.cache.verdict import Kind, Verdict, VerdictReason
from edge.config import Limits, SiteRules
from edge.currency import Currency
from edge.error_page import error_page
from edge.errors import (
    EdgeError,
    FramingError,
    OurError,
    OurReason,
    RequestError,
    RequestReason,
    Side,
)
from edge.explain.explain import View, explain
from edge.explain.explanation import Explanation
from edge.explain.question import Question
from edge.judgement import (
    Judgement,
    admit,
    as_asked,
    asks_for_health,
    concerns_others,
    in_slices,
    judge,
    site_of,
)
from edge.message import Headers, Request, Response
from edge.metrics import Direction, EdgeMetrics
from edge.purge_log import Position
from edge.sites import Sites
from edge.store.purges import Purge
from edge.trail import AccessLog, Trail
from edge.tunnel import FAILED, PURGES, REQUEST_ID

log = logging.getLogger("midmile.edge")

_COUNTED = frozenset(
    {RequestReason.HEAD_TIMEOUT, RequestReason.BODY_STALLED, RequestReason.BODY_SLOW}
)


class Pipeline:
    """Answers exchanges."""

    def __init__(
        self,
        *,
        hop: forwarding.Hop,
        rules: tuple[SiteRules, ...],
        stores: Stores,
        limits: Limits,
        fetcher: Fetcher,
        metrics: EdgeMetrics,
        access_log: AccessLog,
        currency: Currency | None = None,
    ) -> None:
        """`currency`: None where nobody numbers purges."""
        self._hop = hop
        self._sites = Sites(rules)
        self._currency = currency or Currency()
        self._store, self._shelf = stores.memory, stores.shelf
        self.hits = {
            scheme: Hits(
                scheme=scheme,
                hop=hop,
                limits=limits,
                store=self._store,
                copies=stores.copies,
                currency=self._currency,
                metrics=metrics,
                access_log=access_log,
            )
            for scheme in (() if hop.trust else ("http", "https"))
        }
        """By scheme; empty at a parent, where edges say the id and the client of each request."""
        self._fetcher = fetcher
        self._metrics = metrics
        self._access_log = access_log
        self._misses = Misses(hop=hop, store=self._store, fetcher=fetcher, metrics=metrics)
        self.draining = False

    async def stop(self) -> None:
        """End the fetches that are still under way."""
        await self._misses.stop()
        if self._shelf is not None:
            self._shelf.stop()

    async def answer(self, exchange: Exchange) -> None:
        """Answer an exchange, whatever happens."""
        request = exchange.request
        if asks_for_health(request, self._hop.node):
            await exchange.send(_health(draining=self.draining))
            return
        request = as_asked(request, self._hop)
        trail = self._begin(exchange, request)
        try:
            await self._route(exchange, request, trail)
        except asyncio.CancelledError:  # aiohttp cancels the handler when the client leaves
            if not exchange.complete:
                gone = ClientGone()
                trail.fail(gone.reason, gone.side)
                trail.status = exchange.status or gone.status
            exchange.abort()
            raise
        except EdgeError as error:
            await self._fail(exchange, trail, error)
        except Exception:
            log.exception(
                "a request failed", extra={"event": "fault", "request_id": trail.request_id}
            )
            await self._fail(exchange, trail, OurError(OurReason.INTERNAL, "internal error"))
        finally:
            self._end(exchange, trail)

    def purge(self, purges: Sequence[Purge], position: Position, *, everything: bool) -> None:
        """Carry purges out, or drop all that is stored: we are at `position` then."""
        if everything:
            self._misses.clear()
        self._misses.purge(*purges)
        self._currency.is_at(position)

    def hear_of_disk(self, message: Mapping[str, object]) -> None:
        """Heed what the keeper tells of the store on disk, if it does."""
        if self._shelf is not None:
            heed(message, self._shelf, self._misses.invalidated, self._misses.purge)

    def explain(self, question: Question, limits: Limits, secret: bytes) -> Explanation:
        """What would be done with a request whose head is held to `limits`; nothing is done."""
        view = View(
            hop=self._hop,
            sites=self._sites,
            limits=limits,
            stored=self._store.peek,
            prospect=self._misses.prospect,
            standings=self._fetcher.standings,
            doubtful=self._currency.is_doubtful(now().mono_s),
            secret=secret,
        )
        return explain(question, view, now())

    async def refuse(self, exchange: Exchange, error: EdgeError) -> None:
        """Answer what could not be read as a request."""
        trail = self._begin(exchange, exchange.request)
        try:
            await self._fail(exchange, trail, error)
        finally:
            self._end(exchange, trail)

    def _begin(self, exchange: Exchange, request: Request) -> Trail:
        trusted = request.headers.first(REQUEST_ID) if self._hop.trust else None
        self._metrics.request_began()
        return Trail(
            request_id=trusted or new_request_id(),
            started_s=exchange.started_s,
            client=request.client,
            method=request.method,
            scheme=request.scheme,
            host=request.host_port,
            target=request.target,
            http_version=request.version,
        )

    def _end(self, exchange: Exchange, trail: Trail) -> None:
        ended_s = now().mono_s
        trail.status = exchange.status or trail.status
        trail.request_bytes = exchange.counts.received
        trail.response_bytes = exchange.counts.sent
        trail.body_bytes = exchange.counts.sent - exchange.counts.heads
        trail.media_type = exchange.media_type
        self._metrics.request_ended(
            site=trail.site,
            status=trail.status,
            verdict=trail.verdict,
            seconds=trail.seconds(ended_s),
        )
        self._metrics.moved(Direction.CLIENT_IN, exchange.counts.received)
        self._metrics.moved(Direction.CLIENT_OUT, exchange.counts.sent)
        self._access_log(trail.record(ended_s))

    async def _fail(self, exchange: Exchange, trail: Trail, error: EdgeError) -> None:
        """Show an error, or cut off a response whose first bytes have left."""
        trail.fail(error.reason, error.side)
        if isinstance(error, FramingError) or error.reason in _COUNTED:
            self._metrics.refused(error.reason)
        if exchange.answered and not exchange.withdraw():
            if not exchange.ended:
                exchange.abort()
            return
        if exchange.upload is not None:
            exchange.close_after()  # the rest of the body is not wanted
        response, body = error_page(
            error, exchange.request, node=self._hop.node, request_id=trail.request_id
        )
        if self._hop.trust and error.side is not Side.CLIENT:
            failed = response.headers.put(FAILED, error.reason)
            response = response.with_headers(failed)
        try:
            await exchange.send(signed(response, trail.request_id), body)
        except ClientGone:
            exchange.abort()

    async def _route(self, exchange: Exchange, request: Request, trail: Trail) -> None:
        site = site_of(request, self._sites)
        trail.site = site.name
        admit(request, self._hop)
        exchange.bound_body(site.body_bytes)
        if not forwarding.may_forward(request):
            await exchange.send(signed(_LAST, trail.request_id))
            return
        self._note_position(request)
        moment = now()
        doubtful = self._currency.is_doubtful(moment.mono_s)
        judged = judge(
            request,
            site,
            self._store.get,
            moment,
            doubtful=doubtful,
            stands_aside=self._hop.trust,
        )
        trail.verdict, trail.reason = judged.verdict.kind, judged.verdict.reason
        asked = Asked(
            site=site,
            request=judged.request,
            key=judged.key,
            request_id=trail.request_id,
            websocket=exchange.websocket,
            doubtful=doubtful,
        )
        reply = Reply(
            hop=self._hop,
            exchange=exchange,
            trail=trail,
            request=judged.request,
            verdict=judged.verdict,
        )
        await self._carry_out(reply, asked)

    def _note_position(self, request: Request) -> None:
        """An edge says how far it knows the purges: what it knows we have to know too."""
        theirs = request.headers.first(PURGES) if self._hop.trust else None
        if theirs is not None:
            self._currency.require(theirs)

    async def _carry_out(self, reply: Reply, asked: Asked) -> None:
        verdict = self._unless_unreachable(asked, reply.verdict)
        if verdict is not reply.verdict:
            reply.trail.verdict, reply.trail.reason = verdict.kind, verdict.reason
            reply = replace(reply, verdict=verdict)
        match verdict.kind:
            case Kind.HIT:
                assert verdict.entry is not None
                await self._hit(reply, asked, verdict.entry)
            case Kind.STALE:
                assert verdict.entry is not None
                if verdict.refreshes:
                    self._misses.refresh(asked, verdict)
                await reply.from_entry(verdict.entry)
            case Kind.REFUSE:
                raise RequestError(RequestReason.ONLY_IF_CACHED, "nothing stored that may be used")
            case Kind.BYPASS:
                await self._pass(reply, asked)
            case Kind.MISS | Kind.REVALIDATE:
                in_vain = self._misses.waits_in_vain(asked.key, asked.request)
                if (wanted := self._in_slices(asked, verdict)) is not None:
                    await self._stretch(reply, asked, wanted)
                elif concerns_others(asked.request, verdict, in_vain=in_vain):
                    await self._together(reply, asked)
                else:
                    await self._pass(reply, asked)

    async def _hit(self, reply: Reply, asked: Asked, entry: Entry) -> None:
        """Answer from the store, and keep the answer ready for the next like it."""
        found = await reply.from_entry(entry)
        if refresh_due(entry, self._hop.node, now()):
            self._misses.refresh_ahead(asked, reply.verdict)
        if (hits := self.hits.get(reply.request.scheme)) is not None:
            hits.prepare(reply.exchange.raw_head, reply.request, entry, found, reply.trail)

    async def _together(self, reply: Reply, asked: Asked, *, again: bool = False) -> None:
        """Fetch for all who want this key now, or read what another request is fetching.

        `again`: it has waited already for what turned out to be another visitor's own.
        """
        trail = reply.trail
        flight, joined = self._misses.join(asked, reply.verdict)
        trail.mark("asked", now().mono_s)
        try:
            ending = await flight.landing(reply.exchange.interim)
        except BaseException:
            if not joined:
                flight.abandon()
            raise
        trail.mark("answered", now().mono_s)
        trail.upstream, trail.attempts = flight.hop, flight.attempts
        match ending:
            case Ending.SHARED if not joined or selects(flight.selecting, asked.request.headers):
                self._note_collapsed(trail, joined)
                await reply.from_flight(flight, collapsed=joined)
            case Ending.VALIDATED if asked.takes_validated(flight, joined=joined):
                assert flight.entry is not None
                self._note_collapsed(trail, joined)
                await reply.from_entry(flight.entry, collapsed=joined or None)
            case Ending.STALE if (stale := asked.takes_instead(flight)) is not None:
                await reply.instead_of(flight, stale)
            case Ending.ALONE if not joined:
                trail.not_stored = flight.reason
                fetched = flight.take()
                passed = self._misses.passed(fetched.response)
                await reply.pass_on(fetched, passed, flight.reason)
            case Ending.ALONE if not again and self._misses.concerned_others(asked):
                await self._together(reply, asked, again=True)
            case _:
                await self._pass(reply, asked, collapsed=False)

    def _in_slices(self, asked: Asked, verdict: Verdict) -> Stretch | None:
        judged = Judgement(request=asked.request, key=asked.key, verdict=verdict)
        in_vain, stored = self._misses.waits_in_vain, self._store.heads
        return in_slices(judged, asked.site, in_vain=in_vain, stored=stored)

    async def _stretch(self, reply: Reply, asked: Asked, wanted: Stretch) -> None:
        """Answer from slices, if the origin gives such as may be stored."""
        trail = reply.trail
        slices = Slices(asked, self._misses, self._store.get, reply.exchange.interim)
        trail.mark("asked", now().mono_s)
        opened = await slices.open(wanted.slice)
        trail.mark("answered", now().mono_s)
        if opened is None:
            await self._pass(reply, asked, collapsed=False)
        elif not isinstance(opened, Opened):
            await self._alone(reply, asked, wanted, opened)
        elif not if_range_holds(asked.request, opened.response.headers, now().wall_s):
            await self._pass(reply, asked)
        else:
            if opened.flight is not None:
                trail.upstream, trail.attempts = opened.flight.hop, opened.flight.attempts
            trail.verdict, trail.reason = opened.verdict.kind, opened.verdict.reason
            head, part = answer_in_slices(
                asked.request, opened.response, wanted, opened.of_bytes, now()
            )
            chunks = None if part is None else slices.body(opened, part)
            await reply.in_slices(opened, head, chunks)

    async def _alone(self, reply: Reply, asked: Asked, wanted: Stretch, fetched: Fetched) -> None:
        """Pass on the answer to a request for a slice that may not be stored, if it fits."""
        if not answers(fetched.response, wanted):
            fetched.close()
            await self._pass(reply, asked)
            return
        reply.trail.upstream, reply.trail.attempts = fetched.hop, fetched.attempts
        reply.trail.not_stored = StoreReason.RANGE
        passed = self._misses.passed(fetched.response)
        await reply.pass_on(fetched, passed, StoreReason.RANGE)

    def _unless_unreachable(self, asked: Asked, verdict: Verdict) -> Verdict:
        """The verdict, or to use what is stored where asking has just failed."""
        asks = verdict.kind in (Kind.MISS, Kind.REVALIDATE)
        entry = verdict.entry
        if not asks or entry is None or not self._misses.is_unreachable(asked.key):
            return verdict
        if asked.takes_stale(entry, answered=False) is None:
            return verdict
        return Verdict(Kind.STALE, VerdictReason.UNREACHABLE, entry)

    def _note_collapsed(self, trail: Trail, joined: bool) -> None:
        if joined:
            trail.collapsed = True
            self._metrics.collapsed()

    async def _pass(self, reply: Reply, asked: Asked, *, collapsed: bool | None = None) -> None:
        """Fetch for this request alone."""
        exchange, trail = reply.exchange, reply.trail
        begun = self._misses.began()
        trail.mark("asked", begun.sent.mono_s)
        fetched = await self._misses.ask(asked, asked.request, exchange.upload, exchange.interim)
        trail.mark("answered", now().mono_s)
        trail.upstream, trail.attempts = fetched.hop, fetched.attempts
        posted = self._misses.heard(asked, reply.verdict.entry, fetched, begun)
        if self._shelf is not None and asked.request.method not in SAFE_METHODS:
            # Whoever has changed something must not be shown by another worker what it was.
            await self._shelf.outbox.settled()
        passed = self._misses.passed(fetched.response)
        await reply.pass_on(
            fetched, passed, reply.verdict.reason, collapsed=collapsed, posted=posted
        )


def _health(*, draining: bool) -> Response:
    fields = [("content-length", "0"), ("cache-control", "no-store")]
    return Response(status=503 if draining else 200, headers=Headers(fields))


_LAST = Response(
    status=200,
    headers=Headers(
        [("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"), ("content-length", "0")]
    ),
)
"""To OPTIONS with `Max-Forwards: 0` (RFC 9110 7.6.2)."""
