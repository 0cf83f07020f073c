"""What is not answered from the store: asked upstream, alone or together, and stored if it may be.

How requests for one key come together is `flights`; whether a response may be stored and what a
304 means is `edge.cache`. Here these decisions are carried out.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge import forwarding
from edge.aio.asked import Asked
from edge.aio.clocks import now
from edge.aio.fetch import Fetched, Fetcher
from edge.aio.filling import Arrival, Filler
from edge.aio.flights import Ending, Failure, Flight, Flights
from edge.aio.upstream import Interim, Upload
from edge.cache.directives import Directives
from edge.cache.entry import Entry, make_entry
from edge.cache.freshen import Freshened, freshen
from edge.cache.invalidate import invalidated_groups, invalidated_keys
from edge.cache.key import Key
from edge.cache.slices import Slice, as_slice, sliced_size
from edge.cache.stale import ERRORS, instead_of_failure
from edge.cache.storable import StoreDecision, StoreReason, as_get, storable, storable_post
from edge.cache.unshared import EVERYBODY, Unshared, UnsharedAnswers
from edge.cache.validate import CONDITIONS, revalidation
from edge.cache.vary import nominated
from edge.cache.verdict import Kind, Verdict
from edge.errors import UpstreamError
from edge.judgement import Prospect
from edge.message import Request, Response
from edge.metrics import EdgeMetrics
from edge.moment import Moment
from edge.store.memory import MemoryStore, Put
from edge.store.purges import Purge, Scope
from edge.tunnel import REQUEST_ID

UNREACHABLE_S = 5.0
"""For so long after a failure nobody waits for another who can be given something stale."""

MOST_UNREACHABLE = 10_000
"""Keys of which that is remembered; the oldest goes first, at the cost of a wait."""

IN_FLIGHT_SHARE = 4
"""Bodies on their way into the store take at most this part of its budget (one in four)."""

SWEEP_KEYS = 200
"""Looked at in one turn of the event loop: about half a millisecond."""
SWEEP_PAUSE_S = 0.01
"""Between them. What was purged is not used anyway; only its memory waits."""

_ROUNDED_S = 2
"""What Age and min-fresh, whole seconds both, may lose on the way."""

_SAYS_NOTHING_OF_OTHERS = frozenset(
    {StoreReason.AUTHORIZATION, StoreReason.REQUEST_NO_STORE, StoreReason.CROWDED}
    | {StoreReason.COOKIE, StoreReason.UNKEYED}
)
"""Reasons that lie in one request or in us: with them nobody can keep a page out of the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """When a request was sent: what it was answered with may be too old to be stored."""

    mark: int
    """The store's."""
    sent: Moment


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
        self._filler = Filler(
            self._flights, metrics, self._put, self._too_large, most_bytes=store.object_bytes
        )
        self._unshared = UnsharedAnswers()
        self._unreachable: OrderedDict[Key, float] = OrderedDict()
        """Keys that nobody could be asked for, and when that was; monotonic. Oldest first."""
        self._sweeping: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """End what is under way."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._flights.stop()

    async def ask(
        self, asked: Asked, request: Request, upload: Upload | None, interim: Interim
    ) -> Fetched:
        """Send `request` upstream for `asked`, with the fields a proxy owes it."""
        fields = forwarding.request_fields(request, self._hop, websocket=asked.websocket)
        fields = fields.without({"content-length"}).put(REQUEST_ID, asked.request_id)
        return await self._fetcher.fetch(
            asked.site,
            request.with_headers(fields),
            upload,
            lambda response: interim(self.passed(response)),
        )

    def passed(self, response: Response) -> Response:
        """An upstream's response as it is stored and passed on."""
        return response.with_headers(forwarding.response_fields(response.headers, self._hop))

    def waits_in_vain(self, key: Key, request: Request) -> bool:
        """Whether the last response to such a request could not be shared, a short while ago."""
        return self._unshared.find(key, request.headers, time.monotonic()).in_vain

    def concerned_others(self, asked: Asked) -> bool:
        """Whether an answer for one reader alone, just now, says nothing of such a request."""
        alike = self._unshared.find(asked.key, asked.request.headers, time.monotonic())
        return alike.variant != EVERYBODY and not alike.in_vain

    def prospect(self, key: Key, request: Request) -> Prospect:
        """What `request` would find here under `key`; nothing is changed."""
        mono_s = time.monotonic()
        alike = self._unshared.find(key, request.headers, mono_s)
        flight = None if alike.in_vain else self._flights.find(key, alike.variant, mono_s)
        return Prospect(
            in_vain=alike.in_vain, under_way=flight is not None, unshared=alike.unshared
        )

    def drop(self, entry: Entry) -> None:
        """What is stored is of no use any more."""
        self._store.remove(entry)
        self._note_store()

    def began(self) -> Begun:
        """The moment before a request is sent that is not answered together with others."""
        return Begun(mark=self._store.mark(), sent=now())

    def heard(
        self, asked: Asked, entry: Entry | None, fetched: Fetched, begun: Begun
    ) -> "Posted | None":
        """Take what an answer for one request alone says of what is stored.

        An unsafe method drops responses, a HEAD freshens or ends `entry`, and the body of what is
        returned may be stored.
        """
        # Before this answer's own invalidation, which is no reason not to store it.
        outdated = self._store.invalidated_since(asked.key, begun.mark) or self._store.purged_since(
            asked.site.name, begun.mark
        )
        for key in invalidated_keys(asked.request, fetched.response, asked.site):
            self._store.invalidate(key)
            self._flights.close(key)
        groups = invalidated_groups(asked.request, fetched.response)
        if groups:
            site = asked.site.name
            purges = (Purge(site=site, scope=Scope.GROUP, value=group) for group in groups)
            self.purge(*purges, own=True)
        if asked.request.method == "HEAD" and fetched.response.status == 200 and entry is not None:
            self._freshen_by_head(asked, entry, fetched, begun)
        if asked.request.method == "POST" and not outdated:
            return self._posted(asked, fetched, begun.sent)
        return None

    def _freshen_by_head(self, asked: Asked, entry: Entry, fetched: Fetched, begun: Begun) -> None:
        response = self.passed(fetched.response)
        fresh = freshen(entry, asked.request, response, asked.site, sent=begun.sent, received=now())
        self._replace(entry, fresh, begun.mark)
        self._note_store()

    def _replace(self, entry: Entry, fresh: Freshened | None, mark: int) -> bool:
        """Put what was freshened in place of `entry`; whether it is stored now.

        A reason that lies in one request says nothing of `entry`: strangers could drop what they
        like by asking with Authorization or `no-store`.
        """
        if fresh is not None and fresh.decision.reason in _SAYS_NOTHING_OF_OTHERS:
            return False
        if fresh is None or not fresh.decision.store:
            self._store.remove(entry)
            return False
        return self._store.put(fresh.entry, mark, instead=entry) is Put.STORED

    def _posted(self, asked: Asked, fetched: Fetched, sent: Moment) -> "Posted | None":
        received, mark = now(), self._store.mark()
        decision = storable_post(
            asked.request, fetched.response, asked.site, sent=sent, now=received
        )
        if not decision.store or self._flights.crowded:
            return None

        def store(body: bytes) -> None:
            request, response = as_get(asked.request), self.passed(fetched.response)
            entry = make_entry(
                asked.key, request, response, body, decision, sent=sent, received=received
            )
            self._store.put(entry, mark)
            self._note_store()

        return Posted(store, most_bytes=self._store.object_bytes)

    def purge(self, *purges: Purge, own: bool = False) -> None:
        """Let what is purged be used no more, in answers to whoever asks from now on."""
        self._store.purge(purges, now(), own=own)
        for site in {purge.site for purge in purges}:
            self._flights.close_site(site)
        if self._sweeping is None:
            self._sweeping = asyncio.create_task(self._sweep())

    def invalidated(self, key: Key) -> None:
        """Another process of the node has seen that what is stored under `key` is out of date."""
        self._store.invalidated(key)
        self._flights.close(key)

    def clear(self) -> None:
        """Drop all that is stored, and store nothing that is being fetched."""
        self._store.clear()
        self._flights.close_all()
        self._note_store()

    async def _sweep(self) -> None:
        """Make the memory of what was purged free, without keeping anybody waiting."""
        try:
            while self._store.sweep(SWEEP_KEYS):
                self._note_store()
                await asyncio.sleep(SWEEP_PAUSE_S)
            self._note_store()
        finally:
            self._sweeping = None

    def is_unreachable(self, key: Key) -> bool:
        """Whether nobody could be asked for `key` a moment ago: users need not wait for the same.

        Whoever is served something else meanwhile has it asked about, so good news come soon. Of
        other keys it says nothing: one page that breaks its origin must not make a whole site old.
        """
        failed_s = self._unreachable.get(key)
        return failed_s is not None and time.monotonic() < failed_s + UNREACHABLE_S

    def _note_reach(self, key: Key, *, failed: bool) -> None:
        self._unreachable.pop(key, None)
        if failed:
            self._unreachable[key] = time.monotonic()
            if len(self._unreachable) > MOST_UNREACHABLE:
                self._unreachable.popitem(last=False)

    def refresh(self, asked: Asked, verdict: Verdict) -> None:
        """Ask whether a stale response still holds, or for another, while nobody waits for it.

        Not where the last answer was of no use to anybody, a short while ago: such fetches are not
        joined, and each request would begin another.
        """
        if self.waits_in_vain(asked.key, asked.request):
            return
        request = replace(asked.request, method="GET")  # a HEAD has been answered from it too
        flight, joined = self.join(replace(asked, request=request), verdict.when_asking())
        if not joined:
            flight.abandon()

    def refresh_ahead(self, asked: Asked, verdict: Verdict) -> None:
        """Ask about a response that is fresh, but not for long any more.

        A parent's copy is as old as ours: it is of use only if it stays fresh for longer.
        """
        assert verdict.entry is not None
        # Directives of its own would be asked with ours; what is for one reader is of no use here.
        own = {"cache-control", "pragma", "authorization"}
        if self.is_unreachable(asked.key) or any(name in own for name, _ in asked.request.headers):
            return
        longer_s = int(verdict.entry.ttl_s(now())) + _ROUNDED_S
        self.refresh(replace(asked, longer_s=longer_s), verdict)

    def join(self, asked: Asked, verdict: Verdict) -> tuple[Flight, bool]:
        """The flight for a request that may be answered with others, and whether it was there."""
        mono_s = time.monotonic()
        alike = self._unshared.find(asked.key, asked.request.headers, mono_s)
        flight = None if alike.in_vain else self._flights.find(asked.key, alike.variant, mono_s)
        if flight is not None:
            return flight, True
        flight = self._flights.start(
            asked.key,
            alike.variant,
            lambda new: self._fly(new, asked, verdict),
            joinable=not alike.in_vain,
        )
        return flight, False

    async def _fly(self, flight: Flight, asked: Asked, verdict: Verdict) -> None:
        mark, sent = self._store.mark(), now()
        stored = verdict.entry if verdict.kind is Kind.REVALIDATE else None
        answer = await self._answer(flight, asked, stored, verdict.entry)
        if answer is None:
            return
        fetched = answer
        if stored is not None and fetched.response.status == 304:
            if self._freshened(flight, asked, stored, fetched, mark=mark, sent=sent):
                return
            sent = now()
            fetched = await self._ask_for_store(flight, asked, None)
        received = now()
        decision = self._decide_slice(flight, asked, fetched, sent, received)
        flight.decision = decision
        if not decision.store:
            self._not_shared(flight, asked, fetched, stored)
            return
        self._unshared.forget(asked.key, asked.request.headers)
        arrival = Arrival(
            asked=asked,
            fetched=fetched,
            response=self.passed(fetched.response),
            decision=decision,
            mark=mark,
            sent=sent,
            received=received,
        )
        await self._filler.fill(flight, arrival)

    async def _answer(
        self, flight: Flight, asked: Asked, stored: Entry | None, stand_in: Entry | None
    ) -> Fetched | None:
        """Ask; None where that failed and the flight has ended with `stand_in` instead."""
        try:
            fetched = await self._ask_for_store(flight, asked, stored)
        except UpstreamError:
            self._note_reach(asked.key, failed=True)
            nobody = Failure(hop="", status=None, answered=False)
            if self._stood_in(flight, asked, stand_in, nobody):
                return None
            raise
        self._note_reach(asked.key, failed=fetched.failed)
        status = fetched.response.status
        if fetched.failed or status in ERRORS:
            failure = Failure(hop=fetched.hop, status=status, answered=not fetched.failed)
            if self._stood_in(flight, asked, stand_in, failure):
                fetched.close()
                return None
        return fetched

    def _stood_in(
        self, flight: Flight, asked: Asked, entry: Entry | None, failure: Failure
    ) -> bool:
        """End with a stored response in place of a failure, if some client may be given it.

        Each reader has directives of its own, so each decides for itself.
        """
        if entry is None:
            return False
        anybody = Directives()
        answered = failure.answered
        if instead_of_failure(entry, anybody, asked.site, now(), answered=answered) is None:
            return False
        flight.entry, flight.failure, flight.hop = entry, failure, failure.hop
        flight.end_for(Ending.STALE)
        return True

    async def _ask_for_store(self, flight: Flight, asked: Asked, entry: Entry | None) -> Fetched:
        """Ask for a whole response, or whether `entry` still holds."""
        request = asked.request
        if entry is not None:
            request = revalidation(request, entry)
        else:
            request = request.with_headers(
                request.headers.without({*CONDITIONS, "range", "if-range"})
            )
        if asked.slice is not None:
            request = request.with_headers(request.headers.put("range", asked.slice.range))
        if asked.longer_s is not None:
            headers = request.headers.add("cache-control", f"min-fresh={asked.longer_s}")
            request = request.with_headers(headers)
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
        stored = self._replace(entry, fresh, mark)
        if fresh is None:
            return False
        flight.hop, flight.attempts = fetched.hop, fetched.attempts
        flight.decision = fresh.decision
        if fresh.decision.store and not stored:
            flight.decision = replace(fresh.decision, reason=StoreReason.INVALIDATED)
        flight.entry = fresh.entry
        flight.end_for(Ending.VALIDATED)
        return True

    def _decide_slice(
        self, flight: Flight, asked: Asked, fetched: Fetched, sent: Moment, received: Moment
    ) -> StoreDecision:
        """Decide about an answer, which takes the form of a slice if it is one to be stored."""
        if asked.slice is None:
            flight.of_bytes = sliced_size(fetched.response, received_s=received.wall_s)
            return self._decide(asked, fetched.response, sent, received, flight.of_bytes)
        found = as_slice(fetched.response, asked.slice, received_s=received.wall_s)
        if found is None:
            return StoreDecision(reason=StoreReason.RANGE)
        response, size = found
        decision = self._decide(asked, response, sent, received)
        if decision.store:
            fetched.response, flight.of_bytes = response, size
        return decision

    def _decide(
        self,
        asked: Asked,
        response: Response,
        sent: Moment,
        received: Moment,
        sliced: int | None = None,
    ) -> StoreDecision:
        decision = storable(asked.request, response, asked.site, sent=sent, now=received)
        if not decision.store or sliced is not None:
            return decision
        length = response.headers.first("content-length") or "0"
        if length.isdigit() and int(length) > self._store.object_bytes:
            return StoreDecision(reason=StoreReason.TOO_LARGE)
        if self._flights.crowded:
            return StoreDecision(reason=StoreReason.CROWDED)
        return decision

    def _not_shared(
        self, flight: Flight, asked: Asked, fetched: Fetched, stored: Entry | None
    ) -> None:
        """Give the response to who asked first, and let the others go."""
        self._metrics.not_stored(flight.reason)
        # That there is no such slice, or an error, does not say that there are none.
        of_slices = asked.slice is not None and fetched.response.status not in (200, 206)
        silent = flight.reason in _SAYS_NOTHING_OF_OTHERS or asked.longer_s is not None
        if not silent and not of_slices:
            gone = fetched.response.status < 500 and flight.reason is not StoreReason.STATUS
            if stored is not None and gone:
                self._store.remove(stored)  # the origin has something else now
            vary = nominated(fetched.response.headers)
            self._remember(asked, flight.reason, vary or ())  # `*` says as little as no Vary
        elif flight.decision is not None and flight.decision.blamed is not None:
            self._remember_alike(asked, flight.reason, flight.decision.blamed)
        flight.hop, flight.attempts = fetched.hop, fetched.attempts
        flight.hand_over(fetched)

    def _remember_alike(self, asked: Asked, reason: StoreReason, field: str) -> None:
        """Requests with the same in `field` need not wait for one another; others may.

        What is known of the key already stays: strangers send any fields they like.
        """
        alike = self._unshared.find(_noted(asked), asked.request.headers, time.monotonic())
        if asked.longer_s is None and alike.variant == EVERYBODY:
            self._remember(asked, reason, (field,))

    def _remember(self, asked: Asked, reason: StoreReason, vary: tuple[str, ...]) -> None:
        answer = Unshared(reason=reason, at_s=time.monotonic(), vary=vary)
        self._unshared.note(_noted(asked), asked.request.headers, answer)

    def _too_large(self, arrival: Arrival) -> None:
        self._remember(arrival.asked, StoreReason.TOO_LARGE, arrival.decision.nominated)

    def _put(self, entry: Entry, mark: int) -> None:
        result = self._store.put(entry, mark)
        if result is not Put.STORED:
            self._metrics.not_stored(StoreReason(result.value))
        self._note_store()

    def _note_store(self) -> None:
        self._metrics.cache_is(
            size_bytes=self._store.size_bytes,
            objects=self._store.objects,
            evictions=self._store.evictions,
        )


class Posted:
    """Collects a body that is being passed on, and has it stored when it is whole."""

    def __init__(self, store: Callable[[bytes], None], *, most_bytes: int) -> None:
        self._store = store
        self._most_bytes = most_bytes
        self._chunks: list[bytes] | None = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """A piece has come; too many of them are let go."""
        self._size += len(chunk)
        if self._chunks is not None:
            self._chunks.append(chunk)
            if self._size > self._most_bytes:
                self._chunks = None

    def finish(self) -> None:
        """It has come whole."""
        if self._chunks is not None:
            self._store(b"".join(self._chunks))


def _noted(asked: Asked) -> Key:
    """What cannot be had in slices at all is remembered under the first."""
    return Slice(0).key(asked.whole) if asked.slice is not None else asked.key
