"""What is not answered from the store: asked upstream, alone or together, and stored if it may be.

How requests for one key come together is `flights`; whether a response may be stored and what a
304 means is `edge.cache`. Here these decisions are carried out.
"""

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, replace

from edge import forwarding
from edge.aio.fetch import Fetched, Fetcher
from edge.aio.flights import Ending, Flight, Flights
from edge.aio.upstream import Interim, Upload
from edge.cache.entry import Entry, make_entry
from edge.cache.freshen import freshen
from edge.cache.key import Key
from edge.cache.storable import StoreDecision, StoreReason, storable
from edge.cache.validate import CONDITIONS, revalidation
from edge.cache.vary import selecting
from edge.cache.verdict import Kind, Verdict
from edge.config import SiteRules
from edge.fields import tokens
from edge.message import Request, Response
from edge.metrics import EdgeMetrics
from edge.moment import Moment
from edge.store.memory import MemoryStore, Put
from edge.tunnel import REQUEST_ID

ALONE_S = 10.0
"""For so long requests for a key whose response was not shareable do not wait for each other."""

MOST_ALONE = 10_000
"""Keys remembered for that; the oldest goes first, at the cost of one wait."""

IN_FLIGHT_SHARE = 4
"""Bodies on their way into the store take at most this part of its budget (one in four)."""


def now() -> Moment:
    """This instant."""
    return Moment(wall_s=time.time(), mono_s=time.monotonic())


def new_request_id() -> str:
    """An id that finds a request in the logs of every node it passed."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that goes upstream, and what is known of it."""

    site: SiteRules
    request: Request
    """As received, with the target that is keyed and forwarded."""
    key: Key
    request_id: str


class Misses:
    """Upstream requests of one worker."""

    def __init__(
        self,
        *,
        hop: forwarding.Hop,
        store: MemoryStore,
        fetcher: Fetcher,
        metrics: EdgeMetrics,
    ) -> None:
        self._hop = hop
        self._store = store
        self._fetcher = fetcher
        self._metrics = metrics
        self._flights = Flights(most_bytes=store.budget_bytes // IN_FLIGHT_SHARE)
        self._alone: OrderedDict[Key, float] = OrderedDict()

    async def stop(self) -> None:
        """End what is under way."""
        await self._flights.stop()

    async def ask(
        self, asked: Asked, request: Request, upload: Upload | None, interim: Interim
    ) -> Fetched:
        """Send `request` upstream for `asked`, with the fields a proxy owes it."""
        websocket = "websocket" in tokens(request.headers.lines("upgrade"))
        fields = forwarding.request_fields(request, self._hop, websocket=websocket)
        fields = fields.without({"content-length"}).put(REQUEST_ID, asked.request_id)
        return await self._fetcher.fetch(asked.site, request.with_headers(fields), upload, interim)

    def passed(self, response: Response) -> Response:
        """An upstream's response as it is stored and passed on."""
        return response.with_headers(forwarding.response_fields(response.headers, self._hop))

    def waits_in_vain(self, key: Key) -> bool:
        """Whether the last response for `key` could not be shared, a short while ago."""
        return self._alone.get(key, 0.0) > time.monotonic()

    def join(self, asked: Asked, verdict: Verdict) -> tuple[Flight, bool]:
        """The flight for a request that may be answered with others, and whether it was there."""
        flight = self._flights.find(asked.key)
        if flight is not None:
            return flight, True
        return self._flights.start(asked.key, lambda new: self._fly(new, asked, verdict)), False

    async def _fly(self, flight: Flight, asked: Asked, verdict: Verdict) -> None:
        mark, sent = self._store.mark(), now()
        stored = verdict.entry if verdict.kind is Kind.REVALIDATE else None
        fetched = await self._ask_for_store(flight, asked, stored)
        if stored is not None and fetched.response.status == 304:
            if self._freshened(flight, asked, stored, fetched, mark=mark, sent=sent):
                return
            sent = now()
            fetched = await self._ask_for_store(flight, asked, None)
        received = now()
        decision = self._decide(asked, fetched.response, sent, received)
        flight.decision = decision
        if not decision.store:
            self._not_shared(flight, asked.key, fetched, stored)
            return
        await self._fill(flight, asked, fetched, decision, mark=mark, sent=sent, received=received)

    async def _ask_for_store(self, flight: Flight, asked: Asked, entry: Entry | None) -> Fetched:
        """Ask for a whole response, or whether `entry` still holds."""
        request = asked.request
        if entry is not None:
            request = revalidation(request, entry)
        else:
            request = request.with_headers(
                request.headers.without({*CONDITIONS, "range", "if-range"})
            )
        return await self.ask(asked, request, None, flight.interim)

    def _freshened(
        self,
        flight: Flight,
        asked: Asked,
        entry: Entry,
        fetched: Fetched,
        *,
        mark: int,
        sent: Moment,
    ) -> bool:
        """Take a 304; False where it is about something else and the request must go again."""
        fetched.close()
        fresh = freshen(
            entry, asked.request, fetched.response, asked.site, sent=sent, received=now()
        )
        self._store.remove(entry)
        if fresh is None:
            return False
        flight.hop = fetched.hop
        flight.decision = fresh.decision
        if fresh.decision.store and self._store.put(fresh.entry, mark) is not Put.STORED:
            flight.decision = replace(fresh.decision, reason=StoreReason.INVALIDATED)
        flight.entry = fresh.entry
        flight.end_for(Ending.VALIDATED)
        return True

    def _decide(
        self, asked: Asked, response: Response, sent: Moment, received: Moment
    ) -> StoreDecision:
        decision = storable(asked.request, response, asked.site, sent=sent, now=received)
        if not decision.store:
            return decision
        length = response.headers.first("content-length") or "0"
        if length.isdigit() and int(length) > self._store.object_bytes:
            return StoreDecision(reason=StoreReason.TOO_LARGE)
        if self._flights.crowded:
            return StoreDecision(reason=StoreReason.CROWDED)
        return decision

    def _not_shared(self, flight: Flight, key: Key, fetched: Fetched, stored: Entry | None) -> None:
        """Give the response to who asked first, and let the others go."""
        self._metrics.not_stored(flight.reason)
        if stored is not None and fetched.response.status < 500:
            self._store.remove(stored)  # the origin has something else now
        self._alone[key] = time.monotonic() + ALONE_S
        self._alone.move_to_end(key)
        if len(self._alone) > MOST_ALONE:
            self._alone.popitem(last=False)
        flight.hop = fetched.hop
        flight.hand_over(fetched)

    async def _fill(
        self,
        flight: Flight,
        asked: Asked,
        fetched: Fetched,
        decision: StoreDecision,
        *,
        mark: int,
        sent: Moment,
        received: Moment,
    ) -> None:
        """Stream the body to all readers and into the store."""
        self._alone.pop(asked.key, None)
        response = self.passed(fetched.response)
        flight.hop = fetched.hop
        flight.selecting = selecting(decision.nominated, asked.request.headers)
        flight.share(response)
        try:
            async for chunk in fetched.chunks():
                if flight.kept and flight.size + len(chunk) > self._store.object_bytes:
                    self._metrics.not_stored(StoreReason.TOO_LARGE)
                    flight.stop_keeping()
                    self._flights.close(asked.key, flight)
                await flight.put(chunk)
        finally:
            fetched.close()
        body = flight.finish()
        if body is not None:
            entry = make_entry(
                asked.key, asked.request, response, body, decision, sent=sent, received=received
            )
            result = self._store.put(entry, mark)
            if result is not Put.STORED:
                self._metrics.not_stored(StoreReason(result.value))
        self._metrics.cache_is(
            size_bytes=self._store.size_bytes,
            objects=self._store.objects,
            evictions=self._store.evictions,
        )
