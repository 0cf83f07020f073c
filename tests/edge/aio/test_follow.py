"""Following the parents' purges, and what an edge's keeper makes of them; real sockets and TLS."""

import asyncio
import gzip
import json
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from edge.aio import tls
from edge.aio.disk.keeper import DiskKeeper
from edge.aio.keeper import EdgeKeeper
from edge.config import EdgeSettings, ParentAddress
from edge.metrics import DiskMetrics, PurgeMetrics
from edge.purge_log import (
    LEASE_S,
    MOST_AT_ONCE,
    MOST_CHARACTERS,
    PATH,
    News,
    Numbered,
    Position,
)
from edge.store.purges import Purge, Scope
from tests.edge.aio.test_hits import until
from tests.kit.delivery import identity
from tests.kit.talk import PATIENCE_S

Message = Mapping[str, Any]


class Parent:
    """What answers followers: news as a test hands them out, one piece a question."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.asked: asyncio.Queue[str] = asyncio.Queue()
        self.waits: list[bool] = []
        """Whether each who asked would wait for news."""
        self.news: asyncio.Queue[News | int | bytes | web.Response | None] = asyncio.Queue()
        self.cut = asyncio.Event()
        """Somebody would not take all that there was."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Tell the next news, an error's status, nonsense, or something that does not end."""
        assert (request.host, request.path) == (self.name, PATH)
        question = await request.json()
        self.asked.put_nowait(question["position"])
        self.waits.append(question["waits"])
        match await self.news.get():
            case News() as news:
                return web.json_response(news.as_json())
            case int(status):
                return web.Response(status=status)
            case bytes(nonsense):
                return web.Response(body=nonsense)
            case web.Response() as response:
                return response
        return await self._talk_on(request)

    async def _talk_on(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65_536)
        except ConnectionError:
            self.cut.set()
        return response

    async def position(self) -> str:
        """Where who asks next says to be."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.asked.get()


class Workers:
    """A keeper's workers, which do what they are told, or not."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.done: list[Message] = []
        self.lazy: set[int] = set()
        self.fault: Exception | None = None

    def tell(self, message: Message, worker: int | None = None) -> None:
        """Remember it."""
        assert worker is None
        self.told.append(message)

    async def have_done(self, task: Message) -> frozenset[int]:
        """Remember it too."""
        if self.fault is not None:
            raise self.fault
        self.done.append(task)
        return frozenset(self.lazy)


@asynccontextmanager
async def parent(keys: Path, name: str, identity_of: str = "") -> AsyncIterator[Parent]:
    """A parent of this name, perhaps with the certificate of another node."""
    fake = Parent(name)
    app = web.Application()
    app.router.add_post(PATH, fake.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    context = tls.tunnel_server(identity(keys, identity_of or name))
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    fake.port = runner.addresses[0][1]
    try:
        yield fake
    finally:
        await runner.cleanup()


@asynccontextmanager
async def following(
    keys: Path, *parents: Parent, lost_s: float = LEASE_S
) -> AsyncIterator[tuple[EdgeKeeper, Workers]]:
    """An edge's keeper that follows these."""
    settings = EdgeSettings(
        node="east",
        cdn_id="midmile-demo",
        sites=(),
        parents=tuple(
            ParentAddress(
                name=each.name,
                host="127.0.0.1",
                port=each.port,
                identity=f"{each.name}.parent.demo.midmile",
            )
            for each in parents
        ),
        identity=identity(keys, "east"),
    )
    workers = Workers()
    registry = CollectorRegistry()
    disk = DiskKeeper(None, DiskMetrics(registry), workers)
    keeper = EdgeKeeper(settings, PurgeMetrics(registry), workers, disk, lost_s=lost_s)
    await keeper.start()
    try:
        yield keeper, workers
    finally:
        await keeper.stop()


def news(
    text: str, *numbers: int, everything: bool = False, site: str = "shop", value: str = "red"
) -> News:
    """Purges of parent-a's log, with these numbers."""
    purge = Purge(site=site, scope=Scope.TAG, value=value)
    records = tuple(
        Numbered(parent="parent-a", stamp="1a", number=each, purge=purge) for each in numbers
    )
    return News(position=Position.of(text), records=records, everything=everything)


def moved(path: str, to: str) -> str:
    """Move a file; gives where it is now."""
    return str(Path(path).rename(to))


async def test_each_question_says_what_is_done(keys: Path) -> None:
    """Everything first, since nothing is known; then purge by purge."""
    async with parent(keys, "parent-a") as a, following(keys, a) as (keeper, workers):
        assert keeper.greeting() is None
        assert await a.position() == ""
        a.news.put_nowait(news("parent-a=1a:4", everything=True))
        assert await a.position() == "parent-a=1a:4"
        a.news.put_nowait(news("parent-a=1a:6", 5, 6))
        assert await a.position() == "parent-a=1a:6"
        assert a.waits == [False, True, True]  # what is stored waits for the first word
        first, second = workers.done
        assert (first["everything"], first["purges"]) == (True, [])
        assert (second["everything"], len(second["purges"])) == (False, 2)
        greeting = keeper.greeting()
        assert greeting is not None
        assert greeting["position"] == "parent-a=1a:6"
        assert [each["kind"] for each in workers.told] == ["heard", "heard"]


async def test_what_workers_have_not_done_is_told_again(keys: Path) -> None:
    """The parent must not take it for done; a new worker begins behind it all the same."""
    async with parent(keys, "parent-a") as a, following(keys, a) as (keeper, workers):
        await a.position()
        a.news.put_nowait(news("parent-a=1a:4", everything=True))
        await a.position()
        workers.lazy = {1}
        a.news.put_nowait(news("parent-a=1a:5", 5))
        assert await a.position() == "parent-a=1a:4"
        greeting = keeper.greeting()
        assert greeting is not None
        assert greeting["position"] == "parent-a=1a:5"
        assert [each["kind"] for each in workers.told] == ["heard"]
        workers.lazy = set()
        a.news.put_nowait(news("parent-a=1a:5", 5))
        assert await a.position() == "parent-a=1a:5"


async def test_a_part_of_the_news_is_no_reason_to_trust(keys: Path) -> None:
    """Only after the last of it nothing is missed any more."""
    async with parent(keys, "parent-a") as a, following(keys, a) as (_, workers):
        await a.position()
        a.news.put_nowait(news("parent-a=1a:4", everything=True))
        await a.position()
        a.news.put_nowait(replace(news("parent-a=1a:6", 5, 6), more=True))
        assert await a.position() == "parent-a=1a:6"
        assert [each["kind"] for each in workers.told] == ["heard"]
        a.news.put_nowait(news("parent-a=1a:7", 7))
        assert await a.position() == "parent-a=1a:7"
        assert [each["kind"] for each in workers.told] == ["heard"] * 2


async def test_any_parent_tells_it_all(keys: Path) -> None:
    """What both tell is done once."""
    async with (
        parent(keys, "parent-a") as a,
        parent(keys, "parent-b") as b,
        following(keys, a, b) as (_, workers),
    ):
        await a.position()
        await b.position()
        b.news.put_nowait(news("parent-a=1a:4, parent-b=2b:0", everything=True))
        assert await b.position() == "parent-a=1a:4, parent-b=2b:0"
        b.news.put_nowait(news("parent-a=1a:5", 5))
        assert await b.position() == "parent-a=1a:5, parent-b=2b:0"
        a.news.put_nowait(news("parent-a=1a:5", 5))
        assert await a.position() == "parent-a=1a:5, parent-b=2b:0"
        assert len(workers.done) == 2


NONSENSE = (
    503,
    302,
    b"",
    b"{}",
    b"[",
    b"[" * 100_000,
    b'{"position": 1}',
    json.dumps({"position": "a=1a:" + "9" * 5_000}).encode(),
    json.dumps(news("a=1a:1", *[1] * (MOST_AT_ONCE + 1)).as_json()).encode(),
    json.dumps(news("a=1a:2", 1, 2, value="x" * MOST_CHARACTERS).as_json()).encode(),
    json.dumps(news("a=1a:1", 1, site="x" * 256).as_json()).encode(),
)


@pytest.mark.parametrize("answer", NONSENSE)
async def test_a_parent_that_talks_nonsense_is_asked_again(
    keys: Path, answer: int | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told once that it does, and once that it does no more."""
    caplog.set_level("INFO")
    async with parent(keys, "parent-a") as a, following(keys, a) as (_, workers):
        for _ in range(2):
            await a.position()
            a.news.put_nowait(answer)
        assert await a.position() == ""
        assert not workers.told
        a.news.put_nowait(news("parent-a=1a:4", everything=True))
        await a.position()
    events = [getattr(each, "event", "") for each in caplog.records]
    assert [each for each in events if each.startswith("purges-")] == [
        "purges-unheard",
        "purges-heard",
    ]


async def test_it_does_not_listen_for_ever(keys: Path) -> None:
    """To a parent that does not come to an end, and does not say how much will come."""
    async with parent(keys, "parent-a") as a, following(keys, a) as (_, workers):
        await a.position()
        a.news.put_nowait(None)
        async with asyncio.timeout(PATIENCE_S):
            await a.cut.wait()
        assert await a.position() == ""
        assert workers.done == []


async def test_nothing_is_larger_than_it_looks(keys: Path) -> None:
    """What was not asked to be compressed is not taken so."""
    said = gzip.compress(json.dumps(news("parent-a=1a:4", everything=True).as_json()).encode())
    async with parent(keys, "parent-a") as a, following(keys, a) as (_, workers):
        await a.position()
        a.news.put_nowait(web.Response(body=said, headers={"Content-Encoding": "gzip"}))
        assert await a.position() == ""
        assert workers.done == []


async def test_a_parent_that_knows_too_many(keys: Path) -> None:
    """Nobody could be asked with such a position: what tells of it is not heeded."""
    first = ", ".join(f"parent-{number:050}=1a:1" for number in range(50))
    second = ", ".join(f"parent-{number:050}=1a:1" for number in range(50, 100))
    async with parent(keys, "parent-a") as a, following(keys, a) as (_, workers):
        await a.position()
        a.news.put_nowait(news(first, everything=True))
        assert await a.position() == first
        a.news.put_nowait(news(second))
        assert await a.position() == first
        assert len(workers.done) == 1


async def test_the_others_do_it_while_a_worker_hangs(keys: Path) -> None:
    """What comes meanwhile as well; but nobody is told that all is done, nor that all is well."""
    async with parent(keys, "parent-a") as a, following(keys, a) as (_, workers):
        await a.position()
        a.news.put_nowait(news("parent-a=1a:4", everything=True))
        await a.position()
        workers.lazy = {1}
        for last in (5, 6, 7):
            a.news.put_nowait(news(f"parent-a=1a:{last}", *range(5, last + 1)))
            assert await a.position() == "parent-a=1a:4"
            assert len(workers.done[-1]["purges"]) == last - 4
        assert [each["kind"] for each in workers.told].count("heard") == 1
        workers.lazy = set()
        a.news.put_nowait(news("parent-a=1a:7", 5, 6, 7))
        assert await a.position() == "parent-a=1a:7"


async def test_nobody_else_is_believed(keys: Path) -> None:
    """A node with another name in its certificate is told nothing and asked nothing."""
    async with (
        parent(keys, "parent-a", identity_of="parent-b") as stranger,
        parent(keys, "parent-b") as b,
        following(keys, stranger, b) as (_, workers),
    ):
        await b.position()
        b.news.put_nowait(news("parent-b=2b:0", everything=True))
        await b.position()
        assert stranger.asked.empty()
        assert len(workers.done) == 1


async def test_it_hurries_where_somebody_knows_more(keys: Path) -> None:
    """Who was not heard is asked at once, and not after the usual pause."""
    async with parent(keys, "parent-a") as a, following(keys, a) as (keeper, _):
        for _ in range(4):  # pauses grow
            await a.position()
            a.news.put_nowait(503)
        await a.position()
        a.news.put_nowait(503)
        keeper.receive(0, {"kind": "behind", "position": "parent-a=1a:9"})
        assert await a.position() == ""


async def test_a_parent_that_says_nothing_in_haste_is_asked_in_peace(keys: Path) -> None:
    """Its word counts, but it shall not be asked as fast as it can say nothing."""
    async with parent(keys, "parent-a") as a, following(keys, a) as (_, workers):
        await a.position()
        a.news.put_nowait(news("parent-a=1a:4", everything=True))
        await a.position()
        began_s = time.monotonic()
        for _ in range(2):
            a.news.put_nowait(news("parent-a=1a:3"))
            assert await a.position() == "parent-a=1a:4"
        assert time.monotonic() - began_s > 0.25
        assert [each["kind"] for each in workers.told] == ["heard"] * 3


async def test_a_fault_of_ours_does_not_end_it(
    keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, nothing is acknowledged, and the parent is asked again."""
    async with parent(keys, "parent-a") as a, following(keys, a) as (_, workers):
        await a.position()
        workers.fault = RuntimeError("a bug")
        a.news.put_nowait(news("parent-a=1a:4", everything=True))
        assert await a.position() == ""
        workers.fault = None
        a.news.put_nowait(news("parent-a=1a:4", everything=True))
        assert await a.position() == "parent-a=1a:4"
    assert [getattr(each, "event", "") for each in caplog.records] == ["fault"]


async def test_keys_may_be_on_their_way(
    keys: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While they are replaced nobody can be asked; it goes on as soon as they are there."""
    state = tmp_path / "state"
    shutil.copytree(keys, state)
    key = identity(state, "east").key
    aside = moved(key, f"{key}.aside")
    async with parent(keys, "parent-a") as a, following(state, a):
        await asyncio.sleep(0)  # it tries, and cannot
        assert [getattr(each, "event", "") for each in caplog.records] == ["purges-unheard"]
        moved(aside, key)
        assert await a.position() == ""


async def test_what_nobody_tells_is_done_without(keys: Path) -> None:
    """Whoever knew of it may be lost for good: everything is dropped once, and no more asked."""
    async with (
        parent(keys, "parent-a") as a,
        following(keys, a, lost_s=0.05) as (keeper, workers),
    ):
        await a.position()
        a.news.put_nowait(news("parent-a=1a:4", everything=True))
        await a.position()
        keeper.receive(0, {"kind": "behind", "position": "parent-a=1a:4, parent-b=2b:9"})
        a.news.put_nowait(news("parent-a=1a:5", 5))
        await until(lambda: workers.done[-1]["position"] == "parent-a=1a:5, parent-b=2b:9")
        assert [each["everything"] for each in workers.done].count(True) == 2
