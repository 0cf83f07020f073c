"""What a worker tells its keeper of the store: what to keep, to drop, and what was used.

What is to be dropped must not be overtaken by what was to be kept before, and is not read again
until the keeper has said that it is done.
"""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from edge.aio.disk.journal import Journal

Message = Mapping[str, object]

TOLD_TOGETHER_S = 0.02
"""Records are told in messages so far apart,"""
MOST_MESSAGE_BYTES = 256 * 1024
"""none larger than this."""
PATIENCE_S = 0.25
"""For other workers, when something was dropped; they are on the same machine."""
MOST_PENDING = 10_000
"""Drops that the keeper has not confirmed; with more nothing is read."""


class Outbox:
    """One worker's."""

    def __init__(self, tell: Callable[[Message], object], folder: Path | None) -> None:
        """`folder`: the store's, for what nobody hears; None: there is none."""
        self._tell = tell
        self._folder = folder
        self._me = secrets.token_hex(8)
        self._records: list[str] = []
        self.record_bytes = 0
        """Of records that wait to be told."""
        self._timer: asyncio.TimerHandle | None = None
        self._number = 0
        self._pending: dict[int, tuple[frozenset[bytes | str], Message]] = {}
        """By number: sites, or beginnings of keys, that are to be dropped, and what was told."""
        self._left_to = 0
        """The last of these numbers that is in the journal, if the keeper has not done it."""
        self._settled = asyncio.Event()

    def keep(self, record: bytes) -> None:
        """Have a record stored."""
        self._records.append(b64encode(record).decode())
        self.record_bytes += len(record)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(TOLD_TOGETHER_S, self.flush)

    def flush(self) -> None:
        """Tell what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._records, self.record_bytes = self._records, [], 0
        message: list[str] = []
        size = 0
        for text in waiting:
            if message and size + len(text) > MOST_MESSAGE_BYTES:
                self._tell({"kind": "disk-keep", "records": message})
                message, size = [], 0
            message.append(text)
            size += len(text)
        if message:
            self._tell({"kind": "disk-keep", "records": message})

    def forget_records(self) -> None:
        """There is no store any more to keep them in."""
        self._records, self.record_bytes = [], 0

    def drop(self, beginning: bytes) -> None:
        """Have all records dropped whose keys begin so."""
        told = {"kind": "disk-drop", "records": [beginning.hex()]}
        self._ask(told, frozenset({beginning}))

    def invalidate(self, key: str, beginning: bytes) -> None:
        """Have all processes drop what is stored under a key, whose records begin so."""
        self._ask({"kind": "disk-invalidate", "keys": [key]}, frozenset({beginning}))

    def purge(self, purges: list[dict[str, object]]) -> None:
        """Have all processes purge this."""
        sites = frozenset(str(each["site"]) for each in purges)
        self._ask({"kind": "disk-purge", "purges": purges}, sites)

    def used(self, keys: Iterable[bytes]) -> None:
        """These were asked for."""
        told = [key.hex() for key in keys]
        if told:
            self._tell({"kind": "disk-used", "keys": told})

    def fault(self, error: Exception) -> None:
        """The store cannot be read, or its disk not written to."""
        self._tell({"kind": "disk-fault", "why": str(error) or type(error).__name__})

    def _ask(self, message: Message, concerned: frozenset[bytes | str]) -> None:
        self.flush()
        self._number += 1
        self._pending[self._number] = concerned, message
        self._tell({**message, "number": self._number, "by": self._me})

    def is_own(self, by: object) -> bool:
        """Whether it was told here what the keeper tells all."""
        return by == self._me

    def done(self, numbers: Iterable[int]) -> None:
        """The keeper has done what it was told with these numbers."""
        for number in numbers:
            self._pending.pop(number, None)
        settled, self._settled = self._settled, asyncio.Event()
        settled.set()

    def concerns(self, site: str, place: bytes) -> bool:
        """Whether something is to be dropped under a key of a site, and may not have been yet."""
        if len(self._pending) > MOST_PENDING:
            return True
        return any(
            each == site if isinstance(each, str) else _meet(each, place)
            for concerned, _ in self._pending.values()
            for each in concerned
        )

    async def settled(self) -> None:
        """Wait until every worker knows what was dropped here by now, but not for long."""
        number = self._number
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self._pending and min(self._pending) <= number:
                    await self._settled.wait()
        except TimeoutError:
            self._leave_behind(number)

    def _leave_behind(self, number: int) -> None:
        """Tell the next keeper what this one may never hear."""
        if self._folder is None:
            return
        for each in [each for each in self._pending if self._left_to < each <= number]:
            Journal(self._folder).add(self._pending[each][1])
        self._left_to = max(self._left_to, number)


def _meet(beginning: bytes, other: bytes) -> bool:
    """Whether one is the beginning of the other."""
    return beginning.startswith(other) or other.startswith(beginning)
