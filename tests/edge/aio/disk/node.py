"""One node's store on disk: a keeper and workers that talk at once, in one process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

import lmdb
from prometheus_client import CollectorRegistry

from edge.aio.clocks import now
from edge.aio.disk.index import Index
from edge.aio.disk.keeper import DiskKeeper
from edge.aio.disk.shelf import Shelf, heed
from edge.cache.entry import Entry
from edge.cache.key import Key
from edge.config import DiskSettings
from edge.metrics import DiskMetrics
from edge.purge_log import Caught, Numbered, Position
from edge.store.purges import SOFT_S, Purge, Scope
from tests.edge.cache.stories import ask, keep, say

Message = Mapping[str, object]

BUDGET_BYTES = 10_000_000


def entry(path: str = "a", size: int = 100, *, fill: bytes = b"b", variant: str = "") -> Entry:
    """A response of `size` bytes, received just now."""
    response = say(cache_control="max-age=600", vary="x-v", cache_tag="tag", etag='"x"')
    made = keep(response, fill * size, ask("/", x_v=variant))
    return replace(made, key=f"shop http shop.test /{path}", received=now())


async def until(condition: Callable[[], object]) -> None:
    """Wait for what comes soon."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)


class Borrowed:
    """An index that somebody else will close."""

    def __init__(self, index: Index) -> None:
        self._index: Index | None = index

    def __getattr__(self, name: str) -> object:
        if self._index is None:
            raise lmdb.Error("closed")
        return getattr(self._index, name)

    def close(self) -> None:
        """Use it no more."""
        self._index = None


class Worker:
    """What a worker has of the store, and what it was told to do."""

    def __init__(
        self,
        settings: DiskSettings,
        tell: Callable[[Message], object],
        opens: Callable[[Path], Index],
    ) -> None:
        self.found: list[str] = []
        self.invalidated: list[Key] = []
        self.purged: list[Purge] = []
        self.shelf = Shelf(settings, tell, served_s=SOFT_S, found=self.found.append, opens=opens)

    def take(self, message: Message) -> None:
        """A message from the keeper."""
        heed(message, self.shelf, self.invalidated.append, self._purge)

    def _purge(self, *purges: Purge) -> None:
        self.purged.extend(purges)


class Node:
    """A keeper and its workers, until one is killed."""

    def __init__(
        self,
        folder: Path,
        workers: int = 1,
        budget_bytes: int = BUDGET_BYTES,
        *,
        distrusted: bool = False,
        without: bool = False,
    ) -> None:
        """`without`: it has no store on disk."""
        self.registry = CollectorRegistry()
        settings = DiskSettings(folder=str(folder), budget_bytes=budget_bytes)
        self.keeper = DiskKeeper(
            None if without else settings,
            DiskMetrics(self.registry),
            self,
            distrusted=distrusted,
        )
        self.deaf = False
        """Whether the keeper hears nothing."""
        self.workers = [
            Worker(settings, self._telling(number), self._borrow) for number in range(workers)
        ]
        self.heard: list[Message] = []
        """What workers have said."""

    @property
    def shelf(self) -> Shelf:
        """The first worker's."""
        return self.workers[0].shelf

    def _borrow(self, _: Path) -> Index:
        """The keeper's own index: LMDB is to be opened once in a process."""
        index = self.keeper._index  # what processes share, these share so
        assert index is not None
        return cast("Index", Borrowed(index))

    def _telling(self, number: int) -> Callable[[Message], object]:
        def tell(message: Message) -> None:
            self.heard.append(message)
            if self.deaf:
                return
            asyncio.get_running_loop().call_soon(self.keeper.receive, number, message)

        return tell

    def tell(self, message: Message, worker: int | None = None) -> None:
        """The keeper tells its workers."""
        for each in self.workers if worker is None else [self.workers[worker]]:
            asyncio.get_running_loop().call_soon(each.take, message)

    async def have_done(self, task: Message) -> frozenset[int]:
        """The keeper of the store asks for nothing."""
        raise NotImplementedError(task)

    async def start(self) -> None:
        """The keeper first, as workers begin with its greeting."""
        await self.keeper.start()
        self.greet()

    def greet(self) -> None:
        """Workers are ready."""
        for each in self.workers:
            each.take({"kind": "position", "disk": self.keeper.greeting()})

    async def stop(self) -> None:
        """In good order."""
        for each in self.workers:
            each.shelf.stop()
        await asyncio.sleep(0)  # what they have just told is heard
        await self.keeper.stop()

    def count(self, name: str) -> float | None:
        """One of the keeper's metrics."""
        return self.registry.get_sample_value(f"midmile_edge_disk_{name}")

    async def holds(self, objects: int) -> None:
        """Wait until so many are stored."""
        await until(lambda: self.count("objects") == objects)

    def purge(self, *purges: Purge, position: str = "", everything: bool = False) -> None:
        """Parents tell of purges, and all workers hear of them."""
        records = tuple(
            Numbered(parent="p", stamp="1a", number=number, purge=purge)
            for number, purge in enumerate(purges, 1)
        )
        at = Position.of(position)
        event = self.keeper.purge(Caught(position=at, records=records, everything=everything))
        told = [asdict(purge) for purge in purges]
        for each in self.workers:
            each.take({"kind": "purges", "event": event, "purges": told})


@asynccontextmanager
async def node(
    folder: Path, workers: int = 1, budget_bytes: int = BUDGET_BYTES
) -> AsyncIterator[Node]:
    """A node that is stopped in good order."""
    running = Node(folder, workers, budget_bytes)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


TAG = Purge(site="shop", scope=Scope.TAG, value="tag")
