"""Work that many ask for: a few pieces at a time, the newest wish first, nothing for nobody.

What the work is, is not here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


class BusyError(Exception):
    """So much waits already that one more would wait in vain."""


@dataclass(slots=True, eq=False)
class _Wish(Generic[T]):
    make: Callable[[], T]
    made: asyncio.Future[T] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    waiting: int = 0


class Queue(Generic[T]):
    """Wishes by their names, of which `hands` are fulfilled at a time, each in a thread.

    The newest comes first: who has waited longest is the likeliest to have gone.
    """

    def __init__(self, *, hands: int, most: int) -> None:
        """`most`: how many may wait that nobody has begun."""
        self._hands = hands
        self._most = most
        self._waiting: dict[str, _Wish[T]] = {}
        self._begun: dict[str, _Wish[T]] = {}
        self._workers: set[asyncio.Task[None]] = set()

    async def get(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returns. Who asks for what somebody else has asked for waits for that one.

        Raises BusyError where too much waits. A wish that nobody waits for any more is dropped,
        unless it is begun.
        """
        wish = self._begun.get(name) or self._waiting.get(name)
        if wish is None:
            if len(self._waiting) >= self._most:
                raise BusyError
            wish = self._waiting[name] = _Wish(make)
            self._take_on()
        wish.waiting += 1
        try:
            # Shielded: who goes away takes the picture from nobody else.
            return await asyncio.shield(wish.made)
        finally:
            wish.waiting -= 1
            if not wish.waiting and self._waiting.get(name) is wish:
                del self._waiting[name]

    def _take_on(self) -> None:
        if len(self._workers) < self._hands:
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        while self._waiting:
            name, wish = self._waiting.popitem()
            self._begun[name] = wish
            try:
                made = await asyncio.to_thread(wish.make)
            except Exception as error:  # noqa: BLE001 (whoever waits is told)
                wish.made.set_exception(error)
            else:
                wish.made.set_result(made)
            finally:
                del self._begun[name]
