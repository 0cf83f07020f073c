"""Taking in a response that may be stored: to its readers as it comes, and into the store.

What is large goes into the store slice by slice, so that little of it is ever held; anything else
when it is whole.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edge.aio.asked import Asked
from edge.aio.fetch import Fetched
from edge.aio.flights import Flight, Flights
from edge.cache.directives import response_directives
from edge.cache.entry import Entry, make_entry
from edge.cache.freshness import initial_age
from edge.cache.key import Key
from edge.cache.slices import Cutter, Slice
from edge.cache.storable import StoreDecision, StoreReason
from edge.cache.vary import selecting
from edge.message import Response
from edge.metrics import EdgeMetrics
from edge.moment import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A response that has begun to come and may be stored."""

    asked: Asked
    fetched: Fetched
    response: Response
    """Its head as it is passed on."""
    decision: StoreDecision
    mark: int
    """The store's, from before the request was sent."""
    sent: Moment
    received: Moment

    def entry(self, key: Key, body: bytes, of_bytes: int | None = None) -> Entry:
        """What is stored; `body` is all of it, or a slice of so many bytes."""
        return make_entry(
            key,
            self.asked.request,
            self.response,
            body,
            self.decision,
            sent=self.sent,
            received=self.received,
            of_bytes=of_bytes,
        )


class Filler:
    """Fills the store of one worker."""

    def __init__(
        self,
        flights: Flights,
        metrics: EdgeMetrics,
        put: Callable[[Entry, int], None],
        too_large: Callable[[Arrival], None],
        *,
        most_bytes: int,
    ) -> None:
        """`put` stores, `too_large` hears of what is larger than `most_bytes`."""
        self._flights = flights
        self._metrics = metrics
        self._put = put
        self._too_large = too_large
        self._most_bytes = most_bytes

    async def fill(self, flight: Flight, arrival: Arrival) -> None:
        """Stream the body to all readers and into the store."""
        sliced = flight.of_bytes is not None and arrival.asked.slice is None
        take = self._in_slices if sliced else self._whole
        try:
            await take(flight, arrival)
        finally:
            arrival.fetched.close()

    async def _whole(self, flight: Flight, arrival: Arrival) -> None:
        _share(flight, arrival)
        async for chunk in arrival.fetched.chunks():
            if flight.kept:
                self._mind_size(flight, arrival, len(chunk))
            await flight.put(chunk)
        body = flight.finish()
        if body is None:
            return
        asked = arrival.asked
        if asked.slice is None or flight.of_bytes is None:
            self._put(arrival.entry(asked.key, body), arrival.mark)
        elif len(body) != asked.slice.size(flight.of_bytes):
            self._metrics.not_stored(StoreReason.INCOMPLETE)
        elif len(body) == flight.of_bytes:  # all there is answers every request
            self._put(arrival.entry(asked.whole, body), arrival.mark)
        else:
            self._put(arrival.entry(asked.key, body, flight.of_bytes), arrival.mark)

    async def _in_slices(self, flight: Flight, arrival: Arrival) -> None:
        """Who reads it now gets it as it comes; who comes later gets slices."""
        flight.stop_keeping()
        self._flights.withdraw(arrival.asked.key, flight)
        _share(flight, arrival)
        cutter = Cutter()
        async for chunk in arrival.fetched.chunks():
            self._put_slices(cutter.add(chunk), flight, arrival)
            await flight.put(chunk)
        self._put_slices(cutter.finish(), flight, arrival)
        flight.finish()

    def _put_slices(
        self, slices: Iterable[tuple[Slice, bytes]], flight: Flight, arrival: Arrival
    ) -> None:
        for each, body in slices:
            key = each.key(arrival.asked.key)
            self._put(arrival.entry(key, body, flight.of_bytes), arrival.mark)

    def _mind_size(self, flight: Flight, arrival: Arrival, more_bytes: int) -> None:
        """Give up storing a body that turns out too large, or for which there is no room."""
        reason = StoreReason.CROWDED if self._flights.crowded else None
        if flight.size + more_bytes > self._most_bytes:
            reason = StoreReason.TOO_LARGE
            self._too_large(arrival)
        if reason is not None:
            self._metrics.not_stored(reason)
            flight.stop_keeping()
            self._flights.withdraw(arrival.asked.key, flight)


def _share(flight: Flight, arrival: Arrival) -> None:
    """Let the readers begin."""
    response, received = arrival.response, arrival.received
    flight.hop, flight.attempts = arrival.fetched.hop, arrival.fetched.attempts
    flight.received_s = received.mono_s
    flight.initial_age_s = initial_age(response.headers, arrival.sent, received)
    if "no-cache" not in response_directives(response.headers):
        left_s = arrival.decision.lifetime.seconds - flight.initial_age_s
        flight.fresh_until_s = received.mono_s + left_s
    flight.selecting = selecting(arrival.decision.nominated, arrival.asked.request.headers)
    flight.share(response)
