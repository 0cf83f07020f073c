"""How many bodies of one address may be under way to the next hop at a time.

Each takes a connection of ours, which a client that sends a byte a second would have for as little
as that. What is whole needs no turn, so only who sends slowly waits for who sends slowly.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.streams import StreamReader


class Uploads:
    """Those of one server's clients; whoever is one too many waits, and nothing is refused."""

    def __init__(self, most: int) -> None:
        """`most`: of one party."""
        self._most = most
        self._under_way: defaultdict[bytes, int] = defaultdict(int)
        self._waiting: defaultdict[bytes, deque[asyncio.Future[None]]] = defaultdict(deque)

    @asynccontextmanager
    async def turn(self, party: bytes, body: StreamReader) -> AsyncIterator[None]:
        """Wait until a body may be passed on, is whole, or is broken; its reader tells which."""
        if body.is_eof() or not await self._have(party, body):
            yield
            return
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                self._leave(party)

        body.on_eof(leave)
        try:
            yield
        finally:
            leave()

    async def _have(self, party: bytes, body: StreamReader) -> bool:
        """Whether a place was taken for it."""
        if self._under_way[party] < self._most:
            self._under_way[party] += 1
            return True
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[party].append(place)
        whole = asyncio.ensure_future(body.wait_eof())
        try:
            await asyncio.wait((place, whole), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if place.done():
                self._leave(party)
            raise
        finally:
            place.cancel()
            whole.cancel()
            await asyncio.gather(whole, return_exceptions=True)
        return not place.cancelled()

    def _leave(self, party: bytes) -> None:
        """Give the place to whoever has waited longest, if anybody does."""
        waiting = self._waiting.get(party)
        while waiting:
            place = waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._waiting.pop(party, None)
        self._under_way[party] -= 1
        if not self._under_way[party]:
            del self._under_way[party]
