"""How a request is answered: with a stored response, a shared one, or one of its own.

Each way writes a whole response to the exchange, and says in Cache-Status and in the trail how it
came about. Which way is taken is the pipeline's choice.
"""

import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from edge.aio.clocks import now
from edge.aio.exchange import Exchange
from edge.aio.fetch import Fetched
from edge.aio.flights import Flight
from edge.aio.misses import Posted
from edge.aio.slices import Opened
from edge.cache.answer import Answer, answer
from edge.cache.dates import format_date
from edge.cache.entry import Entry
from edge.cache.stale import StaleReason
from edge.cache.status import cache_status, with_cache_status
from edge.cache.validate import Outcome, evaluate
from edge.cache.verdict import Kind, Verdict
from edge.forwarding import Hop, client_fields
from edge.message import Request, Response
from edge.trail import Trail
from edge.tunnel import REQUEST_ID

PIECE_BYTES = 256 * 1024
"""A stored body is written in pieces of this size, so that a slow client holds no copy of it."""

_IDS_AT_ONCE = 256
_OF_A_BODY = frozenset({"content-length", "content-type", "content-encoding"})
"""Fields that a 304 made from a whole response leaves out (RFC 9110 15.4.5)."""


def new_request_id() -> str:
    """An id that finds a request in the logs of every node it passed: a name, and no secret."""
    return f"{random.getrandbits(64):016x}"


def request_ids() -> Iterator[bytes]:
    """The same without end, made many at once: each then costs a third."""
    while True:
        many = random.randbytes(8 * _IDS_AT_ONCE).hex().encode()  # noqa: S311
        for at in range(0, len(many), 16):
            yield many[at : at + 16]


def told(response: Response, member: str, request_id: str, hop: Hop) -> Response:
    """`response` as it is sent, with `member` in Cache-Status."""
    headers = with_cache_status(client_fields(response.headers, hop), member)
    return signed(response.with_headers(headers), request_id)


def signed(response: Response, request_id: str) -> Response:
    """`response` with what every response of ours carries."""
    headers = response.headers.put(REQUEST_ID, request_id)
    if "date" not in headers:  # RFC 9110 6.6.1
        headers = headers.add("date", format_date(now().wall_s))
    return response.with_headers(headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one request; one of its methods is called, once.

    `collapsed` says whether the request has waited for another's; None where it had no reason to.
    All raise `ClientGone` when the client's connection is lost.
    """

    hop: Hop
    """Who answers, and whom."""
    exchange: Exchange
    trail: Trail
    request: Request
    """As it was asked, and forwarded if it was."""
    verdict: Verdict

    async def from_entry(self, entry: Entry, *, collapsed: bool | None = None) -> Answer:
        """Answer with a stored response, which has just been validated unless it was a hit.

        Gives what was sent, but for what all responses carry.
        """
        moment = now()
        validated = self.verdict.kind not in (Kind.HIT, Kind.STALE)
        member = cache_status(
            self.hop.node,
            self.verdict,
            detail=self.verdict.reason,
            ttl_s=entry.ttl_s(moment),
            forward_status=304 if validated else None,
            stored=validated,
            collapsed=collapsed,
        )
        found = answer(self.request, entry, moment, validated=validated)
        await self._send(found, member)
        return found

    async def instead_of(self, flight: Flight, reason: StaleReason) -> None:
        """Answer with a stored response because asking upstream has failed."""
        assert flight.entry is not None
        assert flight.failure is not None
        moment = now()
        self.trail.verdict, self.trail.reason = Kind.STALE, reason
        self.trail.upstream_status = flight.failure.status or 0
        member = cache_status(
            self.hop.node,
            self.verdict,
            detail=reason,
            ttl_s=flight.entry.ttl_s(moment),
            forward_status=flight.failure.status,
        )
        await self._send(answer(self.request, flight.entry, moment), member)

    async def _send(self, found: Answer, member: str) -> None:
        self._start(found.response, member)
        for start in range(0, len(found.body), PIECE_BYTES):
            await self._write(bytes(found.body[start : start + PIECE_BYTES]))
        await self.exchange.end()

    async def from_flight(self, flight: Flight, *, collapsed: bool) -> None:
        """Answer with a response that is being stored, as its body comes. Raises its failure."""
        assert flight.response is not None
        assert flight.decision is not None
        moment = now()
        response = flight.response
        self.trail.upstream_status = response.status
        outcome = evaluate(self.request, response.headers, received_s=moment.wall_s)
        age_s = flight.initial_age_s + max(0.0, moment.mono_s - flight.received_s)
        member = cache_status(
            self.hop.node,
            self.verdict,
            detail=self.verdict.reason,
            ttl_s=flight.decision.lifetime.seconds - age_s,
            stored=True,
            collapsed=collapsed or None,
        )
        if collapsed and age_s >= 1:
            response = response.with_headers(response.headers.put("age", str(int(age_s))))
        if response.status == 200 and outcome is Outcome.NOT_MODIFIED:
            kept = response.headers.without(_OF_A_BODY)
            self._start(Response(status=304, headers=kept), member)
            await self.exchange.end()
            return
        self._start(response, member)
        self.exchange.hasten()
        async for chunk in flight.read():
            await self._write(chunk)
        await self.exchange.end()

    async def in_slices(
        self, opened: Opened, response: Response, chunks: AsyncGenerator[bytes] | None
    ) -> None:
        """Answer with `response`, made of the slice `opened` and others, as their bytes come.

        Raises UpstreamError where they do not.
        """
        member = cache_status(
            self.hop.node,
            opened.verdict,
            detail=opened.verdict.reason,
            ttl_s=opened.ttl_s,
            stored=opened.flight is not None,
        )
        self._start(response, member)
        if chunks is not None:
            self.exchange.hasten()
            async with aclosing(chunks) as closing:
                async for chunk in closing:
                    await self._write(chunk)
        await self.exchange.end()

    async def pass_on(
        self,
        fetched: Fetched,
        response: Response,
        detail: str,
        *,
        collapsed: bool | None = None,
        posted: Posted | None = None,
    ) -> None:
        """Answer with what was fetched for this request alone, as it comes, and close it.

        `response` is its head as it may be passed on; `posted` gets the body too. Raises
        UpstreamError where the body breaks.
        """
        self.trail.upstream_status = fetched.response.status
        member = cache_status(
            self.hop.node,
            self.verdict,
            detail=detail,
            stored=posted is not None,
            collapsed=collapsed,
        )
        try:
            if fetched.relay is not None:
                upgrade = response.with_headers(response.headers.put("upgrade", "websocket"))
                await self.exchange.relay(self._told(upgrade, member), fetched.relay)
                return
            self._start(response, member)
            self.exchange.hasten()
            async for chunk in fetched.chunks():
                if posted is not None:
                    posted.add(chunk)
                await self._write(chunk)
            if posted is not None:
                posted.finish()
            await self.exchange.end()
        finally:
            fetched.close()

    def _start(self, response: Response, member: str) -> None:
        self.exchange.start(self._told(response, member))

    def _told(self, response: Response, member: str) -> Response:
        return told(response, member, self.trail.request_id, self.hop)

    async def _write(self, chunk: bytes) -> None:
        self.trail.mark("first_byte", now().mono_s)
        await self.exchange.write(chunk)
