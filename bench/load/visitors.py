"""A client of our own for who is served beside an attack: asks at fixed rates, come what may.

Its requests do not wait for each other, so a server that stops for a second is seen by all who come
in that second. They come from an address of their own, which neither wrk nor h2load can be told.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter

from bench.errors import LoadError
from bench.load.keepalive import HEAD, read_answer
from bench.load.latencies import Latencies
from bench.place import HOST, Address

ADDRESS = "127.68.1.1"
"""Where they come from."""
_KEPT = 8
"""Connections, each opened by the first who uses it: too few of all to count among the slowest."""
_ANSWER_S = 10.0
"""Whoever waits longer leaves."""

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitors:
    """Some who ask the same way."""

    path: str
    per_s: float
    kept: bool = False
    """Whether over connections that stay open, or each over one of its own."""


@dataclass(slots=True, kw_only=True)
class Served:
    """What became of them."""

    times_ms: list[float] = field(default_factory=list)
    """Of those who were answered, from connecting on where they had to."""
    failed: int = 0
    """Those who were refused, cut off, answered with anything but 200, or not answered."""

    @property
    def failed_percent(self) -> float:
        """Of all who asked."""
        return 100 * self.failed / (self.failed + len(self.times_ms))

    def percentile_ms(self, percent: float) -> float | None:
        """The time within which this share of the answers came; None: there was none."""
        return Latencies.of(self.times_ms).percentile_ms(percent) if self.times_ms else None


def visit(where: Address, who: Mapping[str, Visitors], seconds: float) -> dict[str, Served]:
    """Have all of them ask for so long; what became of each kind."""
    return asyncio.run(_visit(where, who, seconds))


async def _visit(where: Address, who: Mapping[str, Visitors], seconds: float) -> dict[str, Served]:
    kinds = [_Kind(where, visitors) for visitors in who.values()]
    await asyncio.gather(*(kind.come(seconds) for kind in kinds))
    return {name: kind.served for name, kind in zip(who, kinds, strict=True)}


class _Kind:
    """Those of one kind."""

    def __init__(self, where: Address, visitors: Visitors) -> None:
        self.served = Served()
        self._where = where
        self._visitors = visitors
        self._request = HEAD.format(method="GET", path=visitors.path, host=HOST).encode()
        self._free: asyncio.Queue[_Connection | None] = asyncio.Queue()
        for _ in range(_KEPT):
            self._free.put_nowait(None)

    async def come(self, seconds: float) -> None:
        """One after the other, whether those before have left or not."""
        began = perf_counter()
        async with asyncio.TaskGroup() as there:
            for number in range(max(1, round(self._visitors.per_s * seconds))):
                await asyncio.sleep(began + number / self._visitors.per_s - perf_counter())
                there.create_task(self._come_and_go())
        while not self._free.empty():
            if (connection := self._free.get_nowait()) is not None:
                connection[1].close()

    async def _come_and_go(self) -> None:
        began = perf_counter()
        try:
            async with asyncio.timeout(_ANSWER_S):
                await (self._ask_kept() if self._visitors.kept else self._ask_anew())
        except (LoadError, OSError, EOFError, ValueError):
            self.served.failed += 1
        else:
            self.served.times_ms.append(1e3 * (perf_counter() - began))

    async def _ask_kept(self) -> None:
        connection = await self._free.get()
        try:
            connection = connection or await self._connect()
            await self._ask(connection)
        except BaseException:
            if connection is not None:
                connection[1].close()
            connection = None
            raise
        finally:
            self._free.put_nowait(connection)

    async def _ask_anew(self) -> None:
        connection = await self._connect()
        try:
            await self._ask(connection)
        finally:
            connection[1].close()

    async def _ask(self, connection: _Connection) -> None:
        reader, writer = connection
        writer.write(self._request)
        await read_answer(reader, body=True)

    async def _connect(self) -> _Connection:
        return await asyncio.open_connection(*self._where, local_addr=(ADDRESS, 0))
