"""What an edge does once per node: it follows the parents' purges and has its workers do them."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import asdict

from edge.aio.disk.keeper import DiskKeeper
from edge.aio.follow import Follower, Link
from edge.config import EdgeSettings
from edge.metrics import PurgeMetrics
from edge.purge_log import LEASE_S, Caught, News, Position

log = logging.getLogger("midmile.edge.keeper")

Message = Mapping[str, object]


class EdgeKeeper:
    """An edge's keeper."""

    def __init__(
        self,
        settings: EdgeSettings,
        metrics: PurgeMetrics,
        link: Link,
        disk: DiskKeeper,
        *,
        lost_s: float = LEASE_S,
    ) -> None:
        """`lost_s`: how long what somebody knows of is waited for before all is dropped instead."""
        self._lost_s = lost_s
        self._needed = Position()
        """Somebody is there: we must be, too."""
        self._giving_up: asyncio.Task[None] | None = None
        self._metrics = metrics
        self._link = link
        self._disk = disk
        self._position = Position()
        self._coming = Position()
        """Where the workers are as soon as they have done what they were told last."""
        self._heard_s: float | None = None
        self._follower = Follower(
            settings.parents,
            settings.identity,
            lambda: self._position,
            self._apply,
            self._note_heard,
        )

    async def start(self) -> None:
        """Open the store, and begin to follow from where it was left."""
        await self._disk.start()
        self._position = self._coming = self._disk.position
        if (greeting := self.greeting()) is not None:
            self._link.tell(greeting)  # some may have been ready before
        await self._follower.start()

    async def stop(self) -> None:
        """Follow no more."""
        if self._giving_up is not None:
            self._giving_up.cancel()
        await self._follower.stop()
        await self._disk.stop()

    def worker_died(self, how: str) -> None:
        """A worker has ended without being asked."""
        self._disk.worker_died(how)

    def receive(self, worker: int, message: Message) -> None:
        """A worker has a word about the store, or has seen that somebody knows more than we do."""
        if self._disk.receive(worker, message):
            return
        match message:
            case {"kind": "behind", "position": str(position)}:
                self._needed = self._needed.joined(Position.of(position))
                self._follower.hurry()
                if self._giving_up is None or self._giving_up.done():
                    self._giving_up = asyncio.create_task(self._give_up())

    async def _give_up(self) -> None:
        """Do without what nobody tells: its parent may be lost for good."""
        while not self._position.covers(self._needed):
            needed = self._needed  # of what comes meanwhile nobody has had the time to tell
            await asyncio.sleep(self._lost_s)
            try:
                if not self._position.covers(needed):
                    await self._follower.carry_out(News(position=needed, everything=True))
            except Exception:
                # Whoever ends here would doubt what it has stored for ever.
                log.exception("doing without unknown purges failed", extra={"event": "fault"})

    def greeting(self) -> Message | None:
        """Where a new worker, which has nothing in memory, begins."""
        disk = self._disk.greeting()
        if not self._coming and disk is None:
            return None
        return {
            "kind": "position",
            "position": str(self._coming),
            "released": "",
            "heard_s": self._heard_s,
            "disk": disk,
        }

    async def purge(self, asked: Message) -> Message | None:  # noqa: ARG002
        """Purges are numbered by parents."""
        return None

    async def _apply(self, caught: Caught) -> bool:
        self._coming = caught.position
        left = await self._link.have_done(purges_task(caught, self._disk.purge(caught)))
        if left:
            log.warning(
                "workers %s have not purged",
                ", ".join(map(str, sorted(left))),
                extra={"event": "purge-not-done"},
            )
            return False
        self._position = caught.position
        note(log, self._metrics, caught)
        return True

    def _note_heard(self, heard_s: float) -> None:
        self._heard_s = max(heard_s, self._heard_s or heard_s)
        self._metrics.heard()
        self._link.tell({"kind": "heard", "heard_s": self._heard_s})


def purges_task(caught: Caught, event: int) -> Message:
    """What workers are to do; `event`: the number that the store has given the first purge."""
    return {
        "kind": "purges",
        "everything": caught.everything,
        "purges": [asdict(each.purge) for each in caught.records],
        "position": str(caught.position),
        "event": event,
    }


def note(log: logging.Logger, metrics: PurgeMetrics, caught: Caught) -> None:
    """Tell of what was done."""
    if caught.everything:
        log.info(
            "all that was stored is dropped: what was purged before is not known here",
            extra={"event": "purged-everything", "position": str(caught.position)},
        )
    for each in caught.records:
        metrics.purged(each.purge.scope)
        log.info(
            "purged",
            extra={
                "event": "purged",
                "purge": asdict(each.purge),
                "parent": each.parent,
                "number": each.number,
            },
        )
