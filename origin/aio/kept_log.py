"""A parent's log of purges together with the book in which it is kept."""

import asyncio
import logging
import math
import time
from collections.abc import Collection, Sequence

from edge.purge_log import News, Numbered, Position
from edge.store.purges import Purge
from origin.aio.purge_book import PurgeBook, PurgeBookError
from origin.purges import Change, PurgeLog

log = logging.getLogger("midmile.origin.purges")

ANEW_S = 60.0
"""The log is not begun anew sooner than this after the last time: everybody drops everything each
time, and one node that talks nonsense shall not bring that about as often as it likes."""


class KeptLog:
    """The log, and its changes in order.

    A purge of our own is in the book before anybody hears of it. What others tell we also take in
    if it cannot be written: they have it, and it is written with whatever comes next.
    """

    def __init__(self, book: PurgeBook, log: PurgeLog) -> None:
        self.log = log
        self._book = book
        self._one_at_a_time = asyncio.Lock()
        self._unwritten: set[str] = set()
        """The logs of which the book has not all."""
        self._anew_s = -math.inf
        """When our own was begun anew; monotonic."""

    @classmethod
    async def open(cls, book: PurgeBook, name: str, parents: Collection[str]) -> "KeptLog":
        """The log of the parent called `name`, with what is kept of these other ones.

        On a disk that cannot be used it begins anew each time: followers drop what they have.
        """
        try:
            kept = await book.open()
        except PurgeBookError as error:
            log.error(  # noqa: TRY400 - the disk is at fault
                "%s: the log of purges begins anew, and ends with this process",
                error,
                extra={"event": "purge-book-unusable"},
            )
            kept = await book.open_in_memory()
        purges = PurgeLog(name, kept, parents=parents)
        purges.begin_run(time.time())
        return cls(book, purges)

    async def close(self) -> None:
        """Let go of the book."""
        await self._book.close()

    async def append(self, purge: Purge) -> Numbered:
        """Number a purge and keep it. Raises PurgeBookError; then nothing has happened."""
        async with self._one_at_a_time:
            record = self.log.next(purge)
            change = Change(
                name=record.parent, stamp=record.stamp, number=record.number, records=(record,)
            )
            await self._write([change])
            self.log.append(record)
            return record

    async def take(self, news: News) -> None:
        """Take in what another parent tells. Raises PurgeLogError."""
        async with self._one_at_a_time:
            await self._keep(self.log.take(news))

    async def take_over(self, position: Position) -> None:
        """Count as known what nobody can be asked for any more."""
        async with self._one_at_a_time:
            await self._keep(self.log.take_over(position))

    async def begin_anew(self, position: Position) -> bool:
        """Begin our own log anew where somebody at `position` knows more of it; whether so."""
        async with self._one_at_a_time:
            lately = time.monotonic() - self._anew_s < ANEW_S
            if lately or not self.log.went_back(position):
                return False
            self._anew_s = time.monotonic()
            log.warning(
                "the log of purges is older than what others know of it, and begins anew",
                extra={"event": "purge-log-anew"},
            )
            await self._keep([self.log.begin_anew(time.time(), position)])
            return True

    async def _keep(self, changes: Sequence[Change]) -> None:
        try:
            await self._write(changes)
        except PurgeBookError as error:
            if not self._unwritten:
                log.warning(
                    "purges of other parents cannot be kept: %s",
                    error,
                    extra={"event": "purge-book-unwritten"},
                )
            self._unwritten.update(each.name for each in changes)

    async def _write(self, changes: Sequence[Change]) -> None:
        """Write changes, behind what could not be written before."""
        late = [self.log.snapshot(name) for name in sorted(self._unwritten)]
        await self._book.write([*late, *changes])
        self._unwritten.clear()
