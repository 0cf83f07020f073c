"""What a parent does once per node: it numbers purges, tells who follows it, and follows others.

A purge is done by the parents first, and by the edges when all parents that are there have done it,
or a second later: until then they ask for what is purged, and shall be given the new one.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from edge.aio.disk.keeper import DiskKeeper
from edge.aio.follow import Follower, Link
from edge.aio.keeper import note, purges_task
from edge.purge_log import (
    LEASE_S,
    Caught,
    News,
    Numbered,
    Position,
    PurgeLogError,
    catch_up,
)
from edge.purging import PurgeError, wanted_purge
from edge.sites import Sites
from edge.store.purges import Purge
from origin.aio.kept_log import KeptLog
from origin.aio.polls import Poll, Polls
from origin.aio.purge_book import BOOK, PurgeBook, PurgeBookError
from origin.config import ParentSettings
from origin.followers import Followers
from origin.metrics import PurgeLogMetrics

log = logging.getLogger("midmile.origin.keeper")

MOST_VALUE = 16 * 1024
"""Characters of what is purged: twice the longest target that is served."""

Message = Mapping[str, object]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long others are waited for."""

    parents_s: float = 1.0
    """For parents, before edges are told."""
    all_s: float = 3.0
    """For everybody, before who asked for a purge is answered."""
    lost_s: float = LEASE_S
    """For what somebody else knows of and nobody tells."""
    retry_s: float = 1.0
    """Before workers that have not done a purge are asked again."""


_PATIENCE = Patience()


class ParentKeeper:
    """A parent's keeper."""

    def __init__(
        self,
        settings: ParentSettings,
        metrics: PurgeLogMetrics,
        link: Link,
        disk: DiskKeeper,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._link = link
        self._disk = disk
        self._patience = patience
        self._sites = Sites(settings.sites)
        self._parents = tuple(each.name for each in settings.parents)
        edges = sorted(settings.nodes[name] for name in settings.edges)
        self._nodes = (*self._parents, *edges)
        self._book = PurgeBook(Path(settings.home) / BOOK, settings.node)
        self._polls = Polls(link, self._news)
        self._follower = Follower(
            settings.parents,
            settings.identity,
            lambda: self._done,
            self._apply,
            lambda _: metrics.heard(),
        )
        self._kept: KeptLog | None = None
        self._followers = Followers(self._nodes, time.monotonic())
        self._done = Position()
        """What all workers have done."""
        self._told = ""
        """The position that workers give edges."""
        self._needed = Position()
        """Somebody is there: we must be, too."""
        self._doing = asyncio.Lock()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._mending: asyncio.Task[None] | None = None
        self._catching_up: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the log, and begin to follow the other parents."""
        kept = await KeptLog.open(self._book, self._settings.node, self._parents)
        await self._disk.start()
        await kept.begin_anew(self._disk.position)  # if what is stored has heard of more
        self._kept = kept
        self._done = kept.log.position
        self._told = str(kept.log.released)
        self._followers = Followers(self._nodes, time.monotonic())
        self._bring_up_disk(kept)
        greeting = self.greeting()
        assert greeting is not None
        self._link.tell(greeting)  # some may have been ready before
        await self._follower.start()

    async def stop(self) -> None:
        """End; what is under way is dropped, but for what is in the book."""
        await self._follower.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._polls.close()
        await self._disk.stop()
        await self._book.close()

    def worker_died(self, how: str) -> None:
        """A worker has ended without being asked."""
        self._disk.worker_died(how)

    def greeting(self) -> Message | None:
        """Where a new worker, which has stored nothing, begins."""
        if self._kept is None:
            return None
        return {
            "kind": "position",
            "position": str(self._kept.log.position),
            "released": self._told,
            "heard_s": None,
            "disk": self._disk.greeting(),
        }

    def receive(self, worker: int, message: Message) -> None:
        """A worker was asked for news, has heard of more than we know, or speaks of the store."""
        if self._disk.receive(worker, message) or self._kept is None:
            return
        try:
            match message:
                case {
                    "kind": "follow",
                    "id": int(number),
                    "node": str(identity),
                    "position": str(position),
                    "waits": bool(waits),
                }:
                    at = Position.of(position)
                    if (node := self._follower_named(identity)) is not None:
                        asked = Poll(
                            node=node, position=at, worker=worker, number=number, waits=waits
                        )
                        self._asked(self._kept, asked)
                case {"kind": "behind", "position": str(position)}:
                    self._heard_of(self._kept, Position.of(position))
        except PurgeLogError as error:
            log.warning("a position was not understood: %s", error, extra={"event": "no-position"})

    async def purge(self, asked: Message) -> Message | None:
        """Have all nodes purge what an operator wants, and say which of them have done it."""
        if self._kept is None:
            return {"error": "this parent is not ready yet", "fault": True}
        try:
            wanted = wanted_purge(asked, self._sites)
        except PurgeError as error:
            return {"error": str(error), "fault": False}
        if len(wanted.value) > MOST_VALUE:
            return {"error": f"nothing so long is stored: {wanted.value[:40]}...", "fault": False}
        # Whoever asked may leave: a purge that is in the log must reach everybody all the same.
        return await asyncio.shield(self._spawn(self._purge(self._kept, wanted)))

    async def _purge(self, kept: KeptLog, wanted: Purge) -> Message:
        began_s = time.monotonic()
        try:
            record = await kept.append(wanted)
        except PurgeBookError as error:
            self._metrics.refused()
            return {"error": f"it cannot be kept, so it was not done: {error}", "fault": True}
        self._spawn(self._bring_up(kept))
        self._polls.answer_news()
        await self._until(
            lambda: not self._awaited(record, self._parents), self._patience.parents_s
        )
        self._release(kept, Position({record.parent: record.place}))
        left_s = self._patience.all_s - (time.monotonic() - began_s)
        await self._until(lambda: not self._awaited(record, self._nodes), left_s)
        return self._outcome(record)

    def _outcome(self, record: Numbered) -> Message:
        missing = dict(self._followers.lacking(record, time.monotonic()))
        if not self._done.has(record.parent, record.place):
            missing[self._settings.node] = "a worker has not done it in time"
        if missing:
            log.warning(
                "a purge was not done by %s",
                ", ".join(sorted(missing)),
                extra={"event": "purge-incomplete", "number": record.number},
            )
        self._note_followers()
        return {
            "purged": asdict(record.purge),
            "number": record.number,
            "done": [name for name in (self._settings.node, *self._nodes) if name not in missing],
            "missing": missing,
        }

    def _awaited(self, record: Numbered, nodes: Collection[str]) -> bool:
        """Whether we have not done a purge, or any of these that are there."""
        awaited = self._followers.awaited(record, time.monotonic())
        return not self._done.has(record.parent, record.place) or not awaited.isdisjoint(nodes)

    def _follower_named(self, identity: str) -> str | None:
        """Who has a certificate of that name, if it is to follow us."""
        node = self._settings.nodes.get(identity)
        return node if node in self._nodes else None

    def _asked(self, kept: KeptLog, poll: Poll) -> None:
        """A follower wants to know what is new; and says what it has done."""
        if not kept.log.went_back(poll.position):  # else it speaks of another log than ours
            self._followers.heard(poll.node, poll.position, time.monotonic())
        self._note_followers()
        self._changed.set()
        self._heard_of(kept, poll.position)
        self._polls.ask(poll)

    def _news(self, poll: Poll) -> News:
        assert self._kept is not None
        return self._kept.log.since(poll.position, released=poll.node not in self._parents)

    def _heard_of(self, kept: KeptLog, position: Position) -> None:
        """Somebody is at this position: get there."""
        if kept.log.went_back(position):
            self._spawn(self._begin_anew(kept, position))
        if kept.log.lacks(position):
            self._needed = self._needed.joined(kept.log.lacks(position))
            self._follower.hurry()
            if self._catching_up is None or self._catching_up.done():
                self._catching_up = self._spawn(self._catch_up(kept))

    async def _begin_anew(self, kept: KeptLog, position: Position) -> None:
        if await kept.begin_anew(position):
            await self._bring_up(kept)

    async def _catch_up(self, kept: KeptLog) -> None:
        """Wait for the other parents to tell what we need, and in the end do without."""
        while needed := kept.log.lacks(self._needed):
            reached = partial(_has, kept, needed)
            await self._until(reached, self._patience.lost_s)
            if not reached():
                log.warning(
                    "purges that others know of are told by nobody: all that is stored is dropped",
                    extra={"event": "purges-lost", "position": str(needed)},
                )
                await kept.take_over(needed)
                await self._bring_up(kept)

    async def _apply(self, caught: Caught) -> bool:
        """Take in what another parent tells, and have it done."""
        assert self._kept is not None
        known = self._done.places
        new = {name: at for name, at in caught.position.places.items() if at != known.get(name)}
        news = News(position=Position(new), records=caught.records, everything=caught.everything)
        if self._kept.log.went_back(news.position):
            await self._begin_anew(self._kept, news.position)
        await self._kept.take(news)
        return await self._bring_up(self._kept)

    async def _bring_up(self, kept: KeptLog) -> bool:
        """Have all workers do what is in the log; whether they have."""
        async with self._doing:
            while not self._done.covers(kept.log.position):
                caught = self._next_step(kept)
                left = await self._link.have_done(purges_task(caught, self._disk.purge(caught)))
                if left:
                    self._mend(kept, left)
                    return False
                self._done = caught.position
                note(log, self._metrics, caught)
        self._changed.set()
        own = self._settings.node
        others = {name: at for name, at in self._done.places.items() if name != own}
        self._release(kept, Position(others))
        return True

    def _bring_up_disk(self, kept: KeptLog) -> None:
        """Purge what is stored of what came into the log after it was purged last."""
        while not self._disk.position.covers(kept.log.position):
            position = self._disk.position
            self._disk.purge(catch_up(position, kept.log.since(position, released=False)))

    def _next_step(self, kept: KeptLog) -> Caught:
        """What the workers have to do next."""
        caught = catch_up(self._done, kept.log.since(self._done, released=False))
        if caught.position == self._done:  # a log has given way to one that looks older
            return Caught(position=kept.log.position, records=(), everything=True)
        return caught

    def _mend(self, kept: KeptLog, left: frozenset[int]) -> None:
        """Try again, until all workers have done what they are told."""
        log.warning(
            "workers %s have not purged",
            ", ".join(map(str, sorted(left))),
            extra={"event": "purge-not-done"},
        )
        if self._mending is None or self._mending.done():
            self._mending = self._spawn(self._mend_later(kept))

    async def _mend_later(self, kept: KeptLog) -> None:
        done = False
        while not done:
            await asyncio.sleep(self._patience.retry_s)
            done = await self._bring_up(kept)

    def _release(self, kept: KeptLog, position: Position) -> None:
        """Let edges know all up to there."""
        kept.log.release(position)
        released = str(kept.log.released)
        if released != self._told:
            self._told = released
            self._link.tell({"kind": "released", "position": released})
        self._polls.answer_news()

    def _note_followers(self) -> None:
        assert self._kept is not None
        last, now_s = self._kept.log.last, time.monotonic()
        behind = () if last is None else self._followers.lacking(last, now_s)
        self._metrics.followers(behind=len(behind))

    async def _until(self, reached: Callable[[], bool], within_s: float) -> None:
        """Wait for what others do, but not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, within_s)):
                while not reached():
                    self._changed.clear()
                    await self._changed.wait()

    def _spawn(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a purge has failed", exc_info=error, extra={"event": "fault"})


def _has(kept: KeptLog, position: Position) -> bool:
    return not kept.log.lacks(position)
