"""Collapsing: concurrent requests for one key share one fetch.

The first request for a key starts a *flight*: a task of its own that fetches, so that it goes on
when the client that started it leaves. Everyone, that client included, is a reader. The flight
decides at the response's head how it ends for its readers:

* `SHARED`: the response may be stored; readers stream what has arrived and will arrive.
* `VALIDATED`: the stored response still holds (304); readers get it.
* `STALE`: nobody could be asked, or an error came; readers get the stored response all the same.
* `ALONE`: the response is for one reader only, who takes it over; the others fetch for themselves,
  all at once and not one after the other.

A flight that fails raises the same error for all its readers. Once its response has come it can
be joined only while that is fresh: a late reader gets no more than a cache may give. Where it is
known by which request fields a key's answers differ, only requests alike in them come together.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from edge.aio.fetch import Fetched
from edge.aio.upstream import Interim
from edge.cache.entry import Entry
from edge.cache.key import Key
from edge.cache.storable import StoreDecision, StoreReason
from edge.cache.unshared import EVERYBODY, Variant
from edge.cache.vary import Selecting
from edge.errors import RequestError
from edge.message import Response

WINDOW_BYTES = 1024 * 1024
"""Of a body that turned out too large to store: how far the fastest reader may be ahead."""


class Ending(StrEnum):
    """How a flight ends for its readers."""

    SHARED = "shared"
    """Everyone gets this response."""
    VALIDATED = "validated"
    """Everyone gets the stored response."""
    STALE = "stale"
    """Everyone who takes it gets the stored response, which could not be validated."""
    ALONE = "alone"
    """The reader who started it gets this response, the others fetch for themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What came instead of an answer that is worth having."""

    hop: str
    """Who told, if anybody did."""
    status: int | None
    """Of the answer, if there was one."""
    answered: bool
    """Whether it was the origin's; else nobody could be asked."""


class Flight:
    """One fetch and those who read from it."""

    def __init__(self, variant: Variant = EVERYBODY) -> None:
        self.variant = variant
        """Which of its key's requests it is for."""
        self.head: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.response: Response | None = None
        self.entry: Entry | None = None
        """With VALIDATED: the stored response, updated; with STALE: as it is."""
        self.failure: Failure | None = None
        """With STALE: what happened upstream."""
        self.decision: StoreDecision | None = None
        self.selecting: Selecting = ()
        """With SHARED: the request fields the response was chosen by."""
        self.hop = ""
        """Who answered."""
        self.attempts = 0
        """How often somebody was asked."""
        self.received_s = 0.0
        """With SHARED: when the head came; monotonic, as is `fresh_until_s`."""
        self.initial_age_s = 0.0
        """With SHARED: the response's age then."""
        self.fresh_until_s = 0.0
        """With SHARED: from then on it answers no new request."""
        self.of_bytes: int | None = None
        """With SHARED: of a slice, the size of the whole."""
        self.kept = True
        """Whether the body is kept from its first byte (late readers can join)."""
        self._chunks: list[bytes] = []
        self._first = 0
        self._size = 0
        self._done = False
        self._error: Exception | None = None
        self._waiting = 0  # for the head; each of them may become a reader
        self._readers: dict[object, int] = {}
        self._moved = asyncio.Event()
        self._listeners: list[Interim] = []
        self._fetched: Fetched | None = None
        self._abandoned = False

    @property
    def reason(self) -> StoreReason:
        """Why its response is stored or not."""
        return self.decision.reason if self.decision is not None else StoreReason.INCOMPLETE

    async def landing(self, listener: Interim) -> Ending:
        """Wait for the head; 1xx responses that come before it go to `listener`."""
        self._listeners.append(listener)
        self._waiting += 1
        try:
            # A waiter that is cancelled must not cancel what the others wait for.
            return await asyncio.shield(self.head)
        finally:
            self._waiting -= 1
            self._listeners.remove(listener)
            self._wake()

    def interim(self, response: Response) -> None:
        """A 1xx response has come."""
        for listener in tuple(self._listeners):
            with suppress(RequestError):  # that client is gone
                listener(response)

    def hand_over(self, fetched: Fetched) -> None:
        """End with a response for the first reader alone."""
        if self._abandoned:
            fetched.close()
        self._fetched = fetched
        self.head.set_result(Ending.ALONE)

    def take(self) -> Fetched:
        """With ALONE: the response, for the reader who started the flight."""
        assert self._fetched is not None
        fetched, self._fetched = self._fetched, None
        return fetched

    def abandon(self) -> None:
        """The reader who started the flight is gone."""
        self._abandoned = True
        if self._fetched is not None:
            self._fetched.close()

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._size

    def joinable(self, mono_s: float) -> bool:
        """Whether a request that comes now may be answered by it."""
        return self.kept and (not self.head.done() or mono_s < self.fresh_until_s)

    def share(self, response: Response) -> None:
        """Begin to stream `response` to all readers."""
        self.response = response
        self.head.set_result(Ending.SHARED)

    def end_for(self, ending: Ending) -> None:
        """Let the readers go at the head."""
        self.head.set_result(ending)

    def fail(self, error: Exception) -> None:
        """End with an error, before or behind the head."""
        if not self.head.done():
            self.head.set_exception(error)
            self.head.exception()  # readers may all be gone: that is no unhandled error
        self._error, self._done = error, True
        self._wake()

    @property
    def begins(self) -> bool:
        """Whether who reads now gets the body from its first byte."""
        return self._first == 0 and self._error is None

    def stop_keeping(self) -> None:
        """The body is too large to store: from now on hold only what readers still need."""
        self.kept = False

    async def put(self, chunk: bytes) -> None:
        """Add a piece of the body; waits for the slowest reader if the body is not kept."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        self._wake()
        while not self.kept and self._trimmed() > WINDOW_BYTES and self._wanted:
            await self._wait()
        if not self.kept and not self._wanted:
            raise asyncio.CancelledError  # nobody reads and nothing will be stored

    def finish(self) -> bytes | None:
        """The body is complete; returns it whole if it was kept."""
        self._done = True
        self._wake()
        return b"".join(self._chunks) if self.kept else None

    async def read(self) -> AsyncIterator[bytes]:
        """The body, as it comes."""
        me = object()
        self._readers[me] = self._first
        try:
            while True:
                at = self._readers[me]
                if at - self._first < len(self._chunks):
                    chunk = self._chunks[at - self._first]
                    self._readers[me] = at + 1
                    self._wake()
                    yield chunk
                elif self._error is not None:
                    raise self._error
                elif self._done:
                    return
                else:
                    await self._wait()
        finally:
            del self._readers[me]
            self._wake()

    @property
    def _wanted(self) -> bool:
        return bool(self._readers) or self._waiting > 0

    def _trimmed(self) -> int:
        """Drop what every reader has had; returns the bytes still held."""
        if self._waiting:  # whoever waited for the head begins with the first byte
            return self._size
        slowest = min(self._readers.values(), default=self._first + len(self._chunks))
        gone, self._chunks = (
            self._chunks[: slowest - self._first],
            self._chunks[slowest - self._first :],
        )
        self._first = slowest
        self._size -= sum(map(len, gone))
        return self._size

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def _wait(self) -> None:
        await self._moved.wait()


class Flights:
    """The flights of one worker, by key and variant."""

    def __init__(self, *, most_bytes: int) -> None:
        """`most_bytes`: held by all flights together before new ones no longer keep bodies."""
        self._most_bytes = most_bytes
        self._flights: dict[Key, dict[Variant, Flight]] = {}
        self._tasks: dict[asyncio.Task[None], Flight] = {}

    @property
    def crowded(self) -> bool:
        """Whether bodies in flight hold so much memory that new ones must not be kept."""
        return sum(flight.size for flight in self._tasks.values()) > self._most_bytes

    def find(self, key: Key, variant: Variant, mono_s: float) -> Flight | None:
        """The flight one can join for these requests."""
        flight = self._flights.get(key, {}).get(variant)
        return flight if flight is not None and flight.joinable(mono_s) else None

    def start(
        self,
        key: Key,
        variant: Variant,
        run: Callable[[Flight], Coroutine[None, None, None]],
        *,
        joinable: bool = True,
    ) -> Flight:
        """A new flight for these requests, run by `run(flight)`."""
        flight = Flight(variant)
        if joinable:
            self._flights.setdefault(key, {})[variant] = flight
        task = asyncio.create_task(self._run(flight, run))
        self._tasks[task] = flight

        def landed(task: asyncio.Task[None]) -> None:
            del self._tasks[task]
            self.withdraw(key, flight)

        task.add_done_callback(landed)
        return flight

    async def _run(
        self, flight: Flight, run: Callable[[Flight], Coroutine[None, None, None]]
    ) -> None:
        try:
            await run(flight)
        except Exception as error:  # noqa: BLE001 - readers raise it where it is dealt with
            flight.fail(error)
        except asyncio.CancelledError:
            flight.fail(ConnectionAbortedError("the fetch was cancelled"))
            raise

    def close(self, key: Key) -> None:
        """Let nobody else join any flight for `key`."""
        self._flights.pop(key, None)

    def close_site(self, site: str) -> None:
        """Let nobody else join any flight of a site."""
        for key in [key for key in self._flights if key.startswith(f"{site} ")]:
            self.close(key)

    def close_all(self) -> None:
        """Let nobody else join any flight."""
        self._flights.clear()

    def withdraw(self, key: Key, flight: Flight) -> None:
        """Let nobody else join this flight for `key`."""
        flights = self._flights.get(key, {})
        if flights.get(flight.variant) is flight:
            del flights[flight.variant]
            if not flights:
                del self._flights[key]

    async def stop(self) -> None:
        """Cancel what is still in the air."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
