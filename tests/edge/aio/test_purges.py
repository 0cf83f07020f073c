"""Purges in a worker: what is stored, what is ready, and what is being fetched."""

import asyncio
import itertools
from pathlib import Path

from tests.edge.aio.test_hits import FRESH, ready, standing
from tests.kit.talk import Call, Play, Talker

TAGGED = (FRESH, "Cache-Tag: red, big")


def numbered() -> Play:
    """An origin that numbers its answers."""
    numbers = itertools.count()

    async def play(call: Call) -> None:
        await call.answer(FRESH, "Cache-Tag: red, big", body=b"%d" % next(numbers))

    return play


async def came(client: Talker, target: str = "/") -> str:
    """How the edge came by its answer, as Cache-Status has it."""
    return (await client.ask(target)).lines("cache-status")[-1].split("; ")[1]


async def test_a_purge_reaches_what_is_ready(keys: Path) -> None:
    """Whatever its scope; the next answer is the origin's."""
    for wanted in (
        {"url": "http://shop.test/"},
        {"prefix": "http://shop.test"},
        {"tag": "red", "site": "shop"},
        {"site": "shop"},
    ):
        async with standing(keys, numbered()) as (net, client):
            await client.ask()
            assert (await ready(net, client)).body == b"0"
            net.purge(**wanted)
            assert (await client.ask()).body == b"1"
            assert (await ready(net, client)).body == b"1"


async def test_users_are_not_told_tags(keys: Path) -> None:
    """Neither with what is fetched, nor stored, nor ready; the edge has them from its parent."""
    async with standing(keys, numbered()) as (net, client):
        answers = [await client.ask(), await client.ask(), await ready(net, client)]
        assert [answer.lines("cache-tag") for answer in answers] == [[], [], []]
        assert [answer.body for answer in answers] == [b"0"] * 3
        net.purge(tag="red", site="shop")
        assert (await client.ask()).body == b"1"


async def test_a_soft_purge_keeps_nobody_waiting(keys: Path) -> None:
    """The old answer serves once more; meanwhile the new one comes."""
    async with standing(keys, numbered()) as (net, client):
        await client.ask()
        await ready(net, client)
        net.purge(tag="big", site="shop", soft=True)
        stale = await client.ask()
        assert (stale.body, net.edge.log[-1]["verdict"]) == (b"0", "stale")
        async with asyncio.timeout(10):
            while (await client.ask()).body == b"0":
                pass


async def test_what_was_being_fetched_is_not_kept(keys: Path) -> None:
    """Who asked before gets it; it is stored nowhere."""
    gate, begun = asyncio.Event(), asyncio.Event()
    numbers = iter(range(10))

    async def play(call: Call) -> None:
        begun.set()
        await gate.wait()
        await call.answer(*TAGGED, body=b"%d" % next(numbers))

    async with standing(keys, play) as (net, client), net.client() as later:
        client.request("/")
        await begun.wait()
        net.purge(tag="red", site="shop")
        later.request("/")
        gate.set()
        assert {(await each.reply()).body for each in (client, later)} == {b"0", b"1"}
        for node in (net.edge, *net.parents):
            assert node.count("cache_objects") <= 1
        assert (await client.ask()).body == b"1"


async def test_an_unsafe_request_ends_groups(keys: Path) -> None:
    """RFC 9875 3, on the nodes that it passes."""

    async def play(call: Call) -> None:
        if call.method == "POST":
            await call.body()
            await call.answer('Cache-Group-Invalidation: "lists"')
        else:
            await call.answer(FRESH, 'Cache-Groups: "lists", "all"')

    async with standing(keys, play) as (net, client), net.client() as writer:
        await client.ask("/list")
        assert await came(client, "/list") == "hit"
        await writer.ask("/items", method="POST", body=b"x")
        assert await came(client, "/list") != "hit"
        assert await came(client, "/list") == "hit"


async def test_memory_comes_back(keys: Path) -> None:
    """What was purged is swept away, whether anybody asks for it or not."""

    async def play(call: Call) -> None:
        await call.answer(*TAGGED, body=bytes(1_000))

    async with standing(keys, play) as (net, client):
        for number in range(20):
            await client.ask(f"/{number}")
        assert net.edge.count("cache_objects") == 20
        net.purge(tag="red", site="shop")
        async with asyncio.timeout(10):
            while net.edge.count("cache_objects"):
                await client.ask(host="east", target="/.well-known/midmile/health")
        assert net.edge.count("cache_bytes") == 0
