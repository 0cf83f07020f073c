"""Answering a request for a part of something large: slice by slice, from the store or upstream.

The slice after the one that is sent is asked for already, so that no round trip stands between
them; more is never held for one request. What a slice is, `edge.cache.slices` says.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from edge.aio.asked import Asked
from edge.aio.clocks import now
from edge.aio.fetch import Fetched
from edge.aio.flights import Ending, Flight
from edge.aio.misses import Misses
from edge.aio.upstream import Interim
from edge.cache.entry import Entry
from edge.cache.freshness import Lifetime
from edge.cache.key import Key
from edge.cache.ranges import Part
from edge.cache.slices import Slice, alike, cut, without_range
from edge.cache.vary import selects
from edge.cache.verdict import Kind, Verdict, decide
from edge.errors import UpstreamError, UpstreamReason
from edge.message import Response

PIECE_BYTES = 256 * 1024
"""A stored slice is written in pieces of this size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A slice that can be sent: stored, or on its way."""

    number: int
    verdict: Verdict
    response: Response
    """Its head, as one of a whole, with the Age it has now."""
    of_bytes: int
    ttl_s: float
    entry: Entry | None = None
    flight: Flight | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes; raises what the fetch failed with."""
        if self.entry is not None:
            body = memoryview(self.entry.body)
            for start in range(0, len(body), PIECE_BYTES):
                yield bytes(body[start : start + PIECE_BYTES])
            return
        assert self.flight is not None
        async for chunk in self.flight.read():
            yield chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A slice that has been looked for, and is being fetched if it was not there."""

    asked: Asked
    verdict: Verdict
    flight: Flight | None = None
    joined: bool = False

    def abandon(self) -> None:
        """It is not wanted any more. What can be shared is stored all the same."""
        if self.flight is not None and not self.joined:
            self.flight.abandon()


class Slices:
    """The slices that answer one request."""

    def __init__(
        self,
        asked: Asked,
        misses: Misses,
        stored: Callable[[Key], Sequence[Entry]],
        interim: Interim,
    ) -> None:
        """`asked` is the request for a part; `stored` gives what is stored under a key."""
        self._asked = replace(asked, request=without_range(asked.request), whole=asked.key)
        self._misses = misses
        self._stored = stored
        self._interim = interim

    async def open(self, slice_: Slice) -> Opened | Fetched | None:
        """A slice, or an answer that is for this request alone; None: another's was not for it.

        Raises UpstreamError.
        """
        return await self._land(self._begin(slice_))

    async def body(self, first: Opened, part: Part) -> AsyncGenerator[bytes]:
        """The bytes of `part`, which begins in the slice `first`.

        Raises UpstreamError where a slice cannot be had, or is of another representation by now.
        """
        opened, at = first, Slice(first.number).first
        ahead: _Begun | None = None
        try:
            while True:
                following = Slice(opened.number + 1)
                ahead = self._begin(following) if following.first <= part.last else None
                async for chunk in opened.chunks():
                    wanted = cut(part.first, part.last, at, chunk)
                    at += len(chunk)
                    if wanted:
                        yield wanted
                if at != min(following.first, first.of_bytes):
                    raise UpstreamError(UpstreamReason.BROKEN_BODY, "a slice came short")
                if ahead is None:
                    return
                begun, ahead = ahead, None
                opened = await self._next(begun, following, first)
        finally:
            if ahead is not None:
                ahead.abandon()

    async def _next(self, begun: _Begun, slice_: Slice, first: Opened) -> Opened:
        """The slice that was begun, or another of that number if it does not go with `first`."""
        opened = await self._land(begun)
        if isinstance(opened, Opened) and not _goes_with(opened, first):
            if opened.entry is not None:
                self._misses.drop(opened.entry)
            opened = await self.open(slice_)
        if isinstance(opened, Opened) and _goes_with(opened, first):
            return opened
        if opened is not None and not isinstance(opened, Opened):
            opened.close()
        raise UpstreamError(UpstreamReason.BROKEN_BODY, "it changed while it was sent")

    def _begin(self, slice_: Slice) -> _Begun:
        key = slice_.key(self._asked.whole)
        asked = replace(self._asked, key=key, slice=slice_)
        verdict = decide(
            asked.request, self._stored(key), now(), asked.site, doubtful=asked.doubtful
        )
        if verdict.kind is Kind.STALE and verdict.refreshes:
            self._misses.refresh(asked, verdict)
        if verdict.kind in (Kind.HIT, Kind.STALE):
            return _Begun(asked=asked, verdict=verdict)
        flight, joined = self._misses.join(asked, verdict)
        return _Begun(asked=asked, verdict=verdict, flight=flight, joined=joined)

    async def _land(self, begun: _Begun) -> Opened | Fetched | None:
        if begun.flight is None:
            assert begun.verdict.entry is not None
            return _of_entry(begun, begun.verdict.entry)
        try:
            ending = await begun.flight.landing(self._interim)
        except BaseException:
            begun.abandon()
            raise
        return _landed(begun, begun.flight, ending)


def _landed(begun: _Begun, flight: Flight, ending: Ending) -> Opened | Fetched | None:
    headers = begun.asked.request.headers
    if ending is Ending.ALONE and not begun.joined:
        return flight.take()
    if ending in (Ending.VALIDATED, Ending.STALE):
        assert flight.entry is not None
        takes = (
            begun.asked.takes_validated(flight, joined=begun.joined)
            if ending is Ending.VALIDATED
            else begun.asked.takes_instead(flight) is not None
        )
        return _of_entry(begun, flight.entry) if takes else None
    if ending is not Ending.SHARED or flight.of_bytes is None:
        return None
    if not flight.begins or not selects(flight.selecting, headers):
        return None
    return _of_flight(begun, flight)


def _of_entry(begun: _Begun, entry: Entry) -> Opened:
    moment = now()
    assert begun.asked.slice is not None
    headers = entry.response.headers.put("age", str(int(entry.age_s(moment))))
    return Opened(
        number=begun.asked.slice.number,
        verdict=begun.verdict,
        response=entry.response.with_headers(headers),
        of_bytes=entry.of_bytes or len(entry.body),
        ttl_s=entry.ttl_s(moment),
        entry=entry,
    )


def _of_flight(begun: _Begun, flight: Flight) -> Opened:
    assert flight.response is not None
    assert flight.of_bytes is not None
    assert begun.asked.slice is not None
    lifetime = flight.decision.lifetime if flight.decision is not None else Lifetime.none()
    age_s = flight.initial_age_s + max(0.0, now().mono_s - flight.received_s)
    return Opened(
        number=begun.asked.slice.number,
        verdict=begun.verdict,
        response=flight.response,
        of_bytes=flight.of_bytes,
        ttl_s=lifetime.seconds - age_s,
        flight=flight,
    )


def _goes_with(opened: Opened, first: Opened) -> bool:
    same_size = opened.of_bytes == first.of_bytes
    return same_size and alike(opened.response.headers, first.response.headers)
