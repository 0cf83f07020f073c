"""What a parent's worker does for nodes that follow its purges, and what it tells edges of them."""

import asyncio
import itertools
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from edge.aio import tls
from edge.aio.tls import peer_names
from edge.metrics import EdgeMetrics
from edge.purge_log import PATH, News, Position
from origin.aio.desk import MOST_BYTES
from origin.aio.worker import ParentWorker
from tests.edge.aio.test_hits import until
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
        for position, waits in (("", {"waits": False}), ("parent-a=10:1", {})):
            ask(caller, {"position": position, **waits})
            question = await keeper.hears()
            assert question["waits"] is not bool(waits)
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
        ("POST", b'{"position": "parent-a=%s:1"}' % (b"f" * 100), 400),
        ("POST", b'{"position": "parent-a=10:%s"}' % (b"9" * 100), 400),
        ("POST", b'{"position": "", "more": %s}' % (b"9" * 5_000), 400),
        ("POST", b'{"position": "\xff"}', 400),
        ("POST", b'{"position": "%s"}' % b", ".join([b"parent-a=10:1"] * 400), 400),
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


async def test_strangers_cannot_even_ask(keys: Path) -> None:
    """Nor can who has another node's role."""
    async with standing(keys) as (_, keeper, port):
        for node in ("top-a", None):
            with suppress(ConnectionError, ssl.SSLError):
                async with calling(port, context_of(keys, node)) as caller:
                    ask(caller, {"position": ""})
                    assert await caller.rest() == b""
        assert keeper._told.empty()


async def test_a_certificate_is_read_once(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its bearer connects, and not for each request."""
    read = list[frozenset[str]]()

    def names(connection: ssl.SSLObject | None) -> frozenset[str]:
        read.append(peer_names(connection))
        return read[-1]

    monkeypatch.setattr(tls, "peer_names", names)
    async with (
        origin(saying(FRESH)) as shop,
        standing(keys, shop) as (_, _, port),
        calling(port, context_of(keys, "east")) as edge,
    ):
        for _ in range(3):
            assert (await edge.ask()).status == 200
    assert read == [{"east.edge.demo.midmile"}]


async def test_who_never_says_what_it_asks(keys: Path) -> None:
    """It is cut off, as anybody else who sends a body too slowly."""
    async with (
        standing(keys) as (worker, keeper, port),
        calling(port, context_of(keys, "east")) as caller,
    ):
        caller.say(f"POST {PATH} HTTP/1.1\r\nHost: parent-a\r\nContent-Length: 9\r\n\r\n".encode())
        await until(lambda: any(not each.idle for each in worker._server._connections))
        await until_cut(worker)
        assert (await caller.rest()).startswith(b"HTTP/1.1 408 ")
        assert keeper._told.empty()


async def test_who_does_not_read_its_answer(keys: Path) -> None:
    """It holds up nobody."""
    async with (
        standing(keys) as (worker, keeper, port),
        calling(port, context_of(keys, "east")) as slow,
        calling(port, context_of(keys, "parent-b")) as other,
    ):
        slow.stop_reading()
        ask(slow, {"position": ""})
        question = await keeper.hears()
        worker.receive({"kind": "news", "id": question["id"], "news": "x" * 32_000_000})
        ask(other, {"position": ""})
        later = await keeper.hears()
        worker.receive({"kind": "news", "id": later["id"], "news": NEWS.as_json()})
        assert (await other.reply()).status == 200
        assert worker._desk._open == {}


async def test_a_keeper_that_does_not_answer(keys: Path) -> None:
    """However many ask: each is told so after a while, and nothing is left of them."""
    async with AsyncExitStack() as stack:
        worker, keeper, port = await stack.enter_async_context(standing(keys))
        worker._desk._patience_s = 0.1
        callers = [
            await stack.enter_async_context(calling(port, context_of(keys, "east")))
            for _ in range(20)
        ]
        for caller in callers:
            ask(caller, {"position": "parent-a=10:1"})
        numbers = [(await keeper.hears())["id"] for _ in callers]
        assert len(set(numbers)) == len(callers)
        assert {(await caller.reply()).status for caller in callers} == {503}
        assert worker._desk._open == {}


async def until_cut(worker: ParentWorker) -> None:
    """Let time go on, for its connections, until none is left."""
    minutes = itertools.count(1)

    def swept() -> bool:
        now_s = time.monotonic() + 60 * next(minutes)
        for connection in tuple(worker._server._connections):
            connection.sweep(now_s)
        return not worker._server._connections

    await until(swept)


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
