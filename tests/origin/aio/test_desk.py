"""What a parent's worker does for nodes that follow its purges, and what it tells edges of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from edge.metrics import EdgeMetrics
from edge.purge_log import PATH, News, Position
from origin.aio.desk import MOST_BYTES
from origin.aio.worker import ParentWorker
from tests.kit.delivery import QUICK, Listening, Records, listening, port_of, site_rules
from tests.kit.talk import Talker, origin, saying
from tests.origin.aio.test_keeper import settings
from tests.origin.test_parent import calling, context_of

Message = Mapping[str, object]
FRESH = "Cache-Control: max-age=60"
NEWS = News(position=Position.of("parent-a=10:3"), everything=True)
BEGIN = {
    "kind": "position",
    "position": "parent-a=10:0",
    "released": "parent-a=10:0",
    "heard_s": None,
}


class Keeper:
    """What the worker tells its keeper."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self.tell = self._told.put_nowait

    async def hears(self) -> Message:
        """The next message."""
        async with asyncio.timeout(20):
            return await self._told.get()


@asynccontextmanager
async def standing(
    keys: Path, *origins: Listening
) -> AsyncIterator[tuple[ParentWorker, Keeper, int]]:
    """A worker of `parent-a`, its keeper, and the tunnel's port."""
    keeper, sock = Keeper(), listening()
    wanted = replace(settings(keys, Path()), sites=site_rules(*origins), limits=QUICK)
    metrics = EdgeMetrics(CollectorRegistry(), "origin")
    worker = ParentWorker(wanted, metrics, Records(), keeper.tell)
    await worker.start({"tunnel": [sock]})
    worker.receive(BEGIN)
    try:
        yield worker, keeper, port_of(sock)
    finally:
        await worker.drain(1.0)


def ask(caller: Talker, body: object) -> None:
    """Ask for news."""
    caller.request(PATH, method="POST", host="parent-a", body=json.dumps(body).encode())


@pytest.mark.parametrize("node", ["east", "parent-b"])
async def test_the_keeper_answers(keys: Path, node: str) -> None:
    """It is told who asks and how far that node is; what it says goes out as it is."""
    async with (
        standing(keys) as (worker, keeper, port),
        calling(port, context_of(keys, node)) as caller,
    ):
        for position in ("", "parent-a=10:1"):
            ask(caller, {"position": position})
            question = await keeper.hears()
            role = "edge" if node == "east" else "parent"
            assert question["node"] == f"{node}.{role}.demo.midmile"
            assert (question["kind"], question["position"]) == ("follow", position)
            worker.receive({"kind": "news", "id": question["id"], "news": NEWS.as_json()})
            reply = await caller.reply()
            assert (reply.status, News.of(json.loads(reply.body))) == (200, NEWS)


async def test_parents_are_told_purges_only(keys: Path) -> None:
    """Edges get what is stored here; strangers get nothing."""
    async with (
        origin(saying(FRESH)) as shop,
        standing(keys, shop) as (_, _, port),
        calling(port, context_of(keys, "east")) as edge,
    ):
        assert (await edge.ask()).status == 200
        for target, host in (("/", "shop.test"), (PATH, "shop.test"), ("/", "parent-a")):
            async with calling(port, context_of(keys, "parent-b")) as other:
                assert (await other.ask(target, host=host)).status == 403
        assert len(shop.calls) == 1


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("GET", b"", 405),
        ("PUT", b'{"position": ""}', 405),
        ("POST", b"", 400),
        ("POST", b"position", 400),
        ("POST", b"[" * 5_000, 400),
        ("POST", b'{"position": 3}', 400),
        ("POST", b'{"position": "nonsense"}', 400),
        ("POST", b" " * (MOST_BYTES + 1), 413),
    ],
)
async def test_what_is_no_question(keys: Path, method: str, body: bytes, status: int) -> None:
    """It is refused, and the keeper not asked."""
    async with (
        standing(keys) as (_, keeper, port),
        calling(port, context_of(keys, "east")) as caller,
    ):
        fields = [] if body or method == "GET" else ["Content-Length: 0"]
        reply = await caller.ask(PATH, *fields, method=method, host="parent-a", body=body)
        assert reply.status == status
        assert keeper._told.empty()


async def test_a_worker_that_drains_keeps_nobody_waiting(keys: Path) -> None:
    """Who follows asks elsewhere meanwhile."""
    async with AsyncExitStack() as stack:
        async with standing(keys) as (_, keeper, port):
            caller = await stack.enter_async_context(calling(port, context_of(keys, "east")))
            ask(caller, {"position": ""})
            await keeper.hears()
        assert (await caller.reply()).status == 503


async def test_an_answer_that_nobody_waits_for(keys: Path) -> None:
    """Who asked has left: it is dropped, and the next who asks gets its own."""
    async with standing(keys) as (worker, keeper, port):
        async with calling(port, context_of(keys, "east")) as caller:
            ask(caller, {"position": ""})
            question = await keeper.hears()
        worker.receive({"kind": "news", "id": question["id"], "news": NEWS.as_json()})
        worker.receive({"kind": "news", "id": 99, "news": NEWS.as_json()})
        async with calling(port, context_of(keys, "east")) as caller:
            ask(caller, {"position": ""})
            later = await keeper.hears()
            worker.receive(
                {"kind": "news", "id": later["id"], "news": News(position=Position()).as_json()}
            )
            assert News.of(json.loads((await caller.reply()).body)) == News(position=Position())


async def test_responses_tell_edges_how_far_they_should_be(keys: Path) -> None:
    """As far as purges are released."""
    async with (
        origin(saying(FRESH)) as shop,
        standing(keys, shop) as (worker, _, port),
        calling(port, context_of(keys, "east")) as edge,
    ):
        assert (await edge.ask()).one("midmile-purges") == "parent-a=10:0"
        worker.receive({"kind": "released", "position": "parent-a=10:1"})
        assert (await edge.ask()).one("midmile-purges") == "parent-a=10:1"


async def test_an_edge_that_knows_more(keys: Path) -> None:
    """What is stored may be purged: the origin is asked, until the purge is done here too."""
    async with (
        origin(saying(FRESH)) as shop,
        standing(keys, shop) as (worker, keeper, port),
        calling(port, context_of(keys, "east")) as edge,
    ):
        for _ in range(2):
            await edge.ask("/", "Midmile-Purges: parent-a=10:0")
        assert len(shop.calls) == 1
        for _ in range(2):
            await edge.ask("/", "Midmile-Purges: parent-a=10:1")
        assert len(shop.calls) == 3
        assert await keeper.hears() == {"kind": "behind", "position": "parent-a=10:1"}
        purges = {"kind": "purges", "everything": False, "purges": []}
        assert worker.respond({**purges, "position": "parent-a=10:1"}) == {"done": True}
        await edge.ask("/", "Midmile-Purges: parent-a=10:1")
        assert len(shop.calls) == 3
