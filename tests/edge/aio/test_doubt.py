"""What may have been purged is not used: at an edge that is cut off, at a parent that is behind."""

import itertools
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from edge.aio.pipeline import Pipeline
from edge.purge_log import LEASE_S
from edge.tunnel import PURGES
from tests.edge.aio.test_hits import FRESH, ready, standing
from tests.kit.delivery import Node
from tests.kit.talk import Call, Play, Talker

TAG = 'ETag: "v1"'


def counted() -> Play:
    """An origin that knows its own page again, and numbers its answers."""
    numbers = itertools.count()

    async def play(call: Call) -> None:
        if call.lines("if-none-match"):
            await call.answer(FRESH, TAG, status="304 Not Modified")
        else:
            await call.answer(FRESH, TAG, body=b"%d" % next(numbers))

    return play


def tell(node: Node, **message: object) -> None:
    """What its keeper would say."""
    node.worker.receive(message)


def is_at(node: Node, position: str) -> Mapping[str, object] | None:
    """It has no purge to carry out, and is there."""
    task = {"kind": "purges", "purges": [], "everything": False, "position": position}
    return node.worker.respond(task)


async def came(client: Talker, target: str = "/") -> str:
    """How the edge came by its answer, as Cache-Status has it."""
    return (await client.ask(target)).lines("cache-status")[-1].partition("; ")[2]


def pipeline(node: Node) -> Pipeline:
    """Its worker's."""
    return node.worker._pipeline


async def test_an_edge_that_is_cut_off_asks_first(keys: Path) -> None:
    """After its lease, also for what is ready; as soon as a parent is heard it need not."""
    async with standing(keys, counted()) as (net, client):
        await client.ask()
        await ready(net, client)
        pipeline(net.edge)._currency._lease_s = time.monotonic() - 1
        pipeline(net.edge)._currency.heard(time.monotonic() - LEASE_S - 1)
        asked = await client.ask()
        assert (asked.body, net.edge.log[-1]["reason"]) == (b"0", "purges-unknown")
        assert net.edge.log[-1]["verdict"] == "revalidate"
        tell(net.edge, kind="heard", heard_s=time.monotonic())
        assert (await came(client)).startswith("hit; ")


async def test_an_edge_that_is_cut_off_serves_where_nobody_can_be_asked(keys: Path) -> None:
    """By the rules for what is stale."""
    async with standing(keys, counted()) as (net, client):
        await client.ask()
        pipeline(net.edge)._currency._lease_s = time.monotonic() - 1
        pipeline(net.edge)._currency.heard(time.monotonic() - LEASE_S - 1)
        for parent in net.parents:
            await parent.stop()
        assert (await client.ask()).body == b"0"
        assert (await client.ask("/", "Cache-Control: only-if-cached")).status == 504


async def test_an_edge_hears_in_the_tunnel_that_it_is_behind(keys: Path) -> None:
    """Then nothing stored is used until its keeper has told it all."""
    async with standing(keys, counted()) as (net, client):
        is_at(net.edge, "a=1a:1")
        is_at(net.parents[0], "a=1a:1")
        await client.ask()
        await ready(net, client)
        tell(net.parents[0], kind="released", position="a=1a:2")
        await client.ask("/another")
        await client.ask()
        assert net.edge.log[-1]["reason"] == "purges-unknown"
        is_at(net.edge, "a=1a:2")
        assert (await came(client)).startswith("hit; ")


async def test_a_parent_that_is_behind_stands_aside(keys: Path) -> None:
    """It asks the origin for who knows more, and keeps nothing; later it is as before."""
    async with standing(keys, counted()) as (net, client):
        [parent] = net.parents
        assert is_at(parent, "a=1a:1") == {"done": True}
        await client.ask()
        is_at(net.edge, "a=1a:2")
        parent_had = parent.count("cache_objects")
        assert (await client.ask("/new")).status == 200
        reasons = [parent.log[-1]["reason"]]
        assert parent.count("cache_objects") == parent_had
        is_at(parent, "a=1a:2")
        assert (await client.ask("/newer")).status == 200
        reasons.append(parent.log[-1]["reason"])
        assert reasons == ["purges-unknown", "nothing-stored"]


async def test_positions_stay_in_the_tunnel(keys: Path) -> None:
    """Neither users nor origins see them, and what users send of them is nothing."""
    seen: list[list[str]] = []

    async def play(call: Call) -> None:
        seen.append(call.lines(PURGES))
        await call.answer(FRESH)

    async with standing(keys, play) as (net, client):
        for node in (*net.parents, net.edge):
            is_at(node, "a=1a:1")
            tell(node, kind="released", position="a=1a:1")
        answer = await client.ask("/", f"{PURGES}: a=1a:9")
        assert (seen, answer.lines(PURGES)) == ([[]], [])
        assert (await came(client)).startswith("hit; ")


async def test_a_new_worker_begins_with_nothing(keys: Path) -> None:
    """Its keeper's first word: what it fetched before may be older than a purge."""
    async with standing(keys, counted()) as (net, client):
        await client.ask()
        assert net.edge.count("cache_objects") == 1
        tell(net.edge, kind="position", position="a=1a:1", released="", heard_s=None)
        assert net.edge.count("cache_objects") == 0
        assert (await came(client)).startswith("fwd=uri-miss")


@pytest.mark.parametrize("everything", [False, True])
async def test_purges_come_from_the_keeper(keys: Path, everything: bool) -> None:
    """Those of the site, or all that there is."""
    purge = {"site": "blog" if everything else "shop", "scope": "site", "value": "", "soft": False}
    task = {"kind": "purges", "purges": [purge], "everything": everything, "position": "a=1a:1"}
    async with standing(keys, counted()) as (net, client):
        await client.ask()
        for node in (*net.parents, net.edge):
            assert node.worker.respond(task) == {"done": True}
        assert (await client.ask()).body == b"1"
