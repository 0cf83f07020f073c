"""A parent's keeper: who is told of a purge, in which order, and what the operator hears."""

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from edge.aio.disk.keeper import DiskKeeper
from edge.config import ParentAddress
from edge.metrics import DiskMetrics
from edge.purge_log import Caught, News, Numbered, Position, age, catch_up
from edge.store.purges import Purge, Scope
from origin.aio.keeper import MOST_VALUE, ParentKeeper, Patience
from origin.aio.purge_book import BOOK
from origin.config import ParentSettings
from origin.metrics import PurgeLogMetrics
from tests.kit.delivery import identity, listening, port_of, site_rules

Message = Mapping[str, object]
ALL = {"site": "shop"}
QUICK = Patience(parents_s=0.1, all_s=0.3, lost_s=0.1, retry_s=0.01)
"""For who is waited for in vain."""
PATIENT = Patience(parents_s=20, all_s=20, lost_s=20, retry_s=0.01)
"""For who will come."""


@dataclass
class Workers:
    """The workers of a node, which do what they are told, but for those that `fail`."""

    fail: frozenset[int] = frozenset()
    done: list[Message] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)
    answers: dict[int, asyncio.Future[News]] = field(default_factory=dict)
    something: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, message: Message, worker: int | None = None) -> None:
        """Take a message."""
        if message["kind"] == "news":
            assert worker == 0
            answer = self.answers.pop(cast("int", message["id"]))
            if not answer.done():  # who asked may have left
                answer.set_result(News.of(message["news"]))
        else:
            self.told.append(message)
        self.something.set()

    async def have_done(self, task: Message) -> frozenset[int]:
        """Do something."""
        self.something.set()
        if not self.fail:
            self.done.append(task)
        return self.fail


@dataclass
class Node:
    """A node that follows the parent."""

    name: str
    keeper: ParentKeeper
    workers: Workers
    position: Position = field(default_factory=Position)
    heard: list[tuple[str, int]] = field(default_factory=list)
    """Who heard of which purge, of all nodes in order."""
    everything: int = 0

    async def ask(self) -> News:
        """What is new to it."""
        number = next(_NUMBERS)
        answer = self.workers.answers[number] = asyncio.get_running_loop().create_future()
        self.keeper.receive(0, follow(number, self.name, str(self.position)))
        news: News = await answer
        return news

    async def step(self) -> None:
        """Ask, and do what it is told."""
        caught = catch_up(self.position, await self.ask())
        self.position = caught.position
        self.everything += caught.everything
        self.heard += [(self.name, each.number) for each in caught.records]
        self.workers.something.set()

    async def follow(self) -> None:
        """Ask, and ask again."""
        while True:
            await self.step()


_NUMBERS = itertools.count(1)


def follow(number: int, name: str, position: str) -> Message:
    """What a worker tells of a follower's question."""
    role = "parent" if name.startswith("parent") else "edge"
    dns = f"{name}.{role}.demo.midmile"
    return {"kind": "follow", "id": number, "node": dns, "position": position, "waits": True}


def settings(keys: Path, home: Path) -> ParentSettings:
    """Of a parent that another one and an edge follow; the other one does not answer."""
    with listening() as sock:
        port = port_of(sock)
    names = {f"{name}.parent.demo.midmile": name for name in ("parent-a", "parent-b")}
    return ParentSettings(
        node="parent-a",
        cdn_id="midmile-demo",
        sites=site_rules(),
        edges=frozenset({"east.edge.demo.midmile"}),
        identity=identity(keys, "parent-a"),
        home=str(home),
        parents=(
            ParentAddress(
                name="parent-b",
                host="127.0.0.1",
                port=port,
                identity="parent-b.parent.demo.midmile",
            ),
        ),
        nodes={**names, "east.edge.demo.midmile": "east"},
    )


@dataclass
class Stage:
    """A keeper, its workers, and what it counts."""

    keeper: ParentKeeper
    workers: Workers
    registry: CollectorRegistry

    @property
    def position(self) -> Position:
        """Where a new worker begins."""
        greeting = self.keeper.greeting()
        assert greeting is not None
        return Position.of(str(greeting["position"]))

    @asynccontextmanager
    async def followed(self, *names: str) -> AsyncIterator[list[Node]]:
        """These nodes follow, and have heard all that was said before."""
        heard = list[tuple[str, int]]()
        nodes = [Node(name, self.keeper, self.workers, heard=heard) for name in names]
        for node in nodes:
            await node.step()
        tasks = [asyncio.create_task(node.follow()) for node in nodes]
        try:
            yield nodes
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def purge(self, **asked: object) -> Mapping[str, object]:
        """What an operator hears."""
        said = await self.keeper.purge(asked or ALL)
        assert said is not None
        return said

    async def until(self, reached: Callable[[], object]) -> None:
        """Wait for what workers and nodes do."""
        async with asyncio.timeout(20):
            while not reached():
                self.workers.something.clear()
                await self.workers.something.wait()

    def released(self) -> Position:
        """What edges may know, as workers were told last."""
        last = self.workers.told[-1]
        return Position.of(str(last.get("released", last["position"])))


@asynccontextmanager
async def keeping(
    keys: Path, home: Path, patience: Patience = PATIENT, *, stored: str = ""
) -> AsyncIterator[Stage]:
    """A keeper of `parent-a`; what its node has stored was purged up to that position."""
    workers, registry = Workers(), CollectorRegistry()
    disk = DiskKeeper(None, DiskMetrics(registry, "origin"), workers)
    disk._position = Position.of(stored)
    keeper = ParentKeeper(settings(keys, home), PurgeLogMetrics(registry), workers, disk, patience)
    assert keeper.greeting() is None
    await keeper.start()
    try:
        yield Stage(keeper, workers, registry)
    finally:
        await keeper.stop()


async def test_parents_first_then_edges(keys: Path, tmp_path: Path) -> None:
    """Its own workers too; and whoever asked hears that all have done it."""
    async with (
        keeping(keys, tmp_path) as stage,
        stage.followed("east", "parent-b") as (east, _),
    ):
        for number in (1, 2):
            said = await stage.purge(site="shop")
            assert said == {
                "purged": {"site": "shop", "scope": "site", "value": "", "soft": False},
                "number": number,
                "done": ["parent-a", "parent-b", "east"],
                "missing": {},
            }
            assert len(stage.workers.done) == number
        assert east.heard == [("parent-b", 1), ("east", 1), ("parent-b", 2), ("east", 2)]
        assert east.everything == 1  # when it began
        counted = stage.registry.get_sample_value("midmile_origin_purges_total", {"scope": "site"})
        assert counted == 2


async def test_whoever_is_silent_is_listed(keys: Path, tmp_path: Path) -> None:
    """And is not waited for beyond the time that there is: the others do it."""
    async with (
        keeping(keys, tmp_path, QUICK) as stage,
        stage.followed("east") as (east,),
    ):
        said = await stage.purge()
        assert said["done"] == ["parent-a", "east"]
        assert list(cast("Message", said["missing"])) == ["parent-b"]
        assert east.heard == [("east", 1)]
        behind = stage.registry.get_sample_value("midmile_origin_purge_followers_behind")
        assert behind == 1


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"site": "bank"}, "no site 'bank'"),
        ({"tag": "x" * (MOST_VALUE + 1), "site": "shop"}, "so long"),
    ],
)
async def test_what_cannot_be_purged(
    keys: Path, tmp_path: Path, asked: dict[str, object], text: str
) -> None:
    """It is refused, and numbered by nobody."""
    async with keeping(keys, tmp_path) as stage:
        before = stage.position
        said = await stage.purge(**asked)
        assert said["fault"] is False
        assert text in str(said["error"])
        assert stage.position == before


async def test_a_purge_that_cannot_be_kept_is_not_done(keys: Path, tmp_path: Path) -> None:
    """Nobody hears of it; and the next has its number, once there is room again."""
    async with keeping(keys, tmp_path, QUICK) as stage, stage.followed("parent-b") as (other,):
        book = stage.keeper._book

        def allow(writing: str) -> None:
            assert isinstance(book._database, sqlite3.Connection)
            book._database.execute(f"PRAGMA query_only = {writing}")

        await book._do(lambda: allow("ON"))
        said = await stage.purge()
        assert (said["fault"], stage.workers.done, other.heard) == (True, [], [])
        assert str(said["error"]).endswith("purges.sqlite: it cannot be written to")
        await book._do(lambda: allow("OFF"))
        assert (await stage.purge())["number"] == 1
        assert other.heard == [("parent-b", 1)]


async def test_a_worker_that_has_not_done_it(keys: Path, tmp_path: Path) -> None:
    """The node is listed, and tries again until the worker has."""
    async with keeping(keys, tmp_path, QUICK) as stage, stage.followed("east") as (east,):
        stage.workers.fail = frozenset({1})
        said = await stage.purge()
        assert "parent-a" in cast("Message", said["missing"])
        assert east.heard == [("east", 1)]
        stage.workers.fail = frozenset()
        await stage.until(lambda: stage.workers.done)
        assert [len(cast("list[object]", each["purges"])) for each in stage.workers.done] == [1]


async def test_numbers_go_on_after_a_restart(keys: Path, tmp_path: Path) -> None:
    """Who followed before drops nothing, and what it missed it is told."""
    async with keeping(keys, tmp_path, QUICK) as stage, stage.followed("east") as (east,):
        await stage.purge()
        position = east.position
        (before,) = stage.workers.done
    async with keeping(keys, tmp_path, QUICK) as stage:
        assert str(stage.position) == before["position"]
        assert (await stage.purge())["number"] == 2
        late = Node("east", stage.keeper, stage.workers, position)
        await late.step()
        assert (late.heard, late.everything) == ([("east", 2)], 0)


async def test_whoever_asked_may_leave(keys: Path, tmp_path: Path) -> None:
    """The purge reaches everybody all the same."""
    async with keeping(keys, tmp_path, QUICK) as stage, stage.followed("east") as (east,):
        asking = asyncio.create_task(stage.purge())
        await stage.until(lambda: stage.workers.done)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await stage.until(lambda: stage.released() == stage.position)
        await stage.until(lambda: east.heard)
        assert east.heard == [("east", 1)]


def of_another(number: int, stamp: str = "20") -> Caught:
    """What the other parent tells: one purge."""
    record = Numbered(
        parent="parent-b", stamp=stamp, number=number, purge=Purge(site="shop", scope=Scope.SITE)
    )
    position = Position.of(f"parent-b={stamp}:{number}")
    return Caught(position=position, records=(record,), everything=False)


async def test_what_another_parent_tells(keys: Path, tmp_path: Path) -> None:
    """It is done, edges are told, and it is there after a restart."""
    async with keeping(keys, tmp_path) as stage, stage.followed("east") as (east,):
        assert await stage.keeper._apply(of_another(1))
        assert stage.position.covers(of_another(1).position)
        (task,) = stage.workers.done
        assert task["everything"] is False
        await stage.until(lambda: stage.released() == stage.position)
        await stage.until(lambda: east.heard)
        position = stage.position
    async with keeping(keys, tmp_path) as stage:
        assert stage.position == position


async def test_what_another_parent_tells_waits_for_our_workers(keys: Path, tmp_path: Path) -> None:
    """It is not acknowledged before, nor are edges told; then they are."""
    async with keeping(keys, tmp_path) as stage, stage.followed("east"):
        stage.workers.fail = frozenset({0})
        assert not await stage.keeper._apply(of_another(1))
        assert "parent-b" not in stage.keeper._done.places
        assert "parent-b" not in stage.released().places
        stage.workers.fail = frozenset()
        await stage.until(lambda: stage.released() == stage.position)
        assert stage.keeper._done == stage.position


async def test_what_nobody_tells(keys: Path, tmp_path: Path) -> None:
    """Somebody knows of it, and its parent is gone: all is dropped, as if it were all."""
    async with keeping(keys, tmp_path, QUICK) as stage:
        stage.keeper.receive(0, {"kind": "behind", "position": "parent-b=20:7"})
        own = str(stage.position)
        await stage.until(lambda: str(stage.released()) == f"{own}, parent-b=20:7")
        (task,) = stage.workers.done
        assert (task["everything"], task["purges"]) == (True, [])


async def test_what_is_told_in_time(keys: Path, tmp_path: Path) -> None:
    """Somebody knew of it before us: nothing is dropped."""
    async with keeping(keys, tmp_path) as stage:
        stage.keeper.receive(0, {"kind": "behind", "position": "parent-b=20:1"})
        assert await stage.keeper._apply(of_another(1))
        assert [task["everything"] for task in stage.workers.done] == [False]
        catching_up = stage.keeper._catching_up
        assert catching_up is not None
        await catching_up


async def test_a_log_that_was_put_back_from_a_backup(keys: Path, tmp_path: Path) -> None:
    """An edge knows more of it: it begins anew, and everybody drops everything."""
    async with keeping(keys, tmp_path) as stage:
        (place,) = stage.position.places.values()
        east = Node("east", stage.keeper, stage.workers)
        east.position = Position.of(f"parent-a={place.stamp}:9")
        await east.step()
        (new,) = east.position.places.values()
        assert int(new.stamp, 16) > int(place.stamp, 16)
        assert (new.number, east.everything) == (1, 1)
        assert stage.position == east.position


async def test_numbers_that_were_given_twice(keys: Path, tmp_path: Path) -> None:
    """A backup was put back, and went on before anybody could say that it is one.

    An edge is at the very number that is given again: it has not done what that means now.
    """
    book = tmp_path / BOOK
    async with keeping(keys, tmp_path, QUICK) as stage, stage.followed("east"):
        await stage.purge()
    backup = book.read_bytes()
    async with keeping(keys, tmp_path, QUICK) as stage, stage.followed("east") as (east,):
        await stage.purge()
        position = east.position
    book.write_bytes(backup)
    async with keeping(keys, tmp_path, QUICK) as stage:
        late = Node("east", stage.keeper, stage.workers, position)
        said = await stage.purge()
        assert (said["number"], "east" in cast("Message", said["missing"])) == (2, True)
        await late.step()
        assert late.everything == 1
        await stage.until(lambda: stage.position.places["parent-a"].number == 1)
        await late.step()
        assert late.position == stage.position


async def test_what_is_stored_knows_of_more(keys: Path, tmp_path: Path) -> None:
    """Than the log, which is from a backup: it begins anew, and nothing stored is used."""
    async with keeping(keys, tmp_path) as stage:
        before = stage.position.places["parent-a"]
    knows = f"parent-a={age(before.stamp) + 1:x}:7"
    async with keeping(keys, tmp_path, stored=knows) as stage:
        place = stage.position.places["parent-a"]
        assert (place.number, age(place.stamp) > age(before.stamp) + 1) == (1, True)
        assert stage.keeper._disk.position == stage.position


async def test_one_that_talks_nonsense(keys: Path, tmp_path: Path) -> None:
    """Its word makes the log begin anew once, and not as often as it likes."""
    async with keeping(keys, tmp_path) as stage:
        for later in (1, 2, 3):
            east = Node("east", stage.keeper, stage.workers)
            stamp = age(stage.position.places["parent-a"].stamp) + later
            east.position = Position.of(f"parent-a={stamp:x}:9")
            stage.keeper.receive(0, {"kind": "behind", "position": str(east.position)})
            await asyncio.gather(*stage.keeper._tasks)
        assert [task["everything"] for task in stage.workers.done] == [True]


async def test_who_is_no_parent_has_no_log(keys: Path, tmp_path: Path) -> None:
    """Whatever an edge tells of it: nothing is waited for, dropped, or kept."""
    async with keeping(keys, tmp_path, QUICK) as stage:
        before = stage.position
        stage.keeper.receive(0, {"kind": "behind", "position": "parent-z=20:7"})
        assert stage.keeper._catching_up is None
        assert (stage.workers.done, stage.position) == ([], before)


async def test_many_ask_at_once(keys: Path, tmp_path: Path) -> None:
    """Each node has one question that waits, however often it asks, and all are answered."""
    async with keeping(keys, tmp_path) as stage:
        nodes = [Node(name, stage.keeper, stage.workers) for name in ("east", "parent-b")]
        for node in nodes:
            await node.step()
        asked = [asyncio.create_task(node.ask()) for _ in range(200) for node in nodes]
        await asyncio.gather(*asked[:-2])
        assert len(stage.keeper._polls._held) == 2
        purging = asyncio.create_task(stage.purge())
        assert len((await asked[-1]).records) == 1
        purging.cancel()
        await asyncio.gather(*asked, purging, return_exceptions=True)


async def test_a_stranger_is_not_counted(keys: Path, tmp_path: Path) -> None:
    """A node that is not in the network file, or a position that is none: no answer."""
    async with keeping(keys, tmp_path) as stage:
        told = len(stage.workers.told)
        for name, position in (("north", ""), ("parent-a", ""), ("east", "nonsense")):
            stage.keeper.receive(0, follow(next(_NUMBERS), name, position))
        assert len(stage.workers.told) == told
        assert stage.workers.answers == {}


async def test_a_node_that_asks_again_has_its_first_answer(keys: Path, tmp_path: Path) -> None:
    """One question of each node waits at a time."""
    async with keeping(keys, tmp_path) as stage:
        east = Node("east", stage.keeper, stage.workers)
        await east.step()
        first = asyncio.create_task(east.ask())
        await asyncio.sleep(0)
        second = asyncio.create_task(east.ask())
        news = await first
        assert (str(news.position), news.records, news.everything) == ("", (), False)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
