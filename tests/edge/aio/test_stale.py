"""Stale responses: served while the origin is asked, and where it cannot be."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.edge.aio.test_pipeline import node_says, status_of
from tests.kit.delivery import QUICK, delivery
from tests.kit.talk import PATIENCE_S, Call, Play, Talker, in_turn, origin, saying

STALE = ("Cache-Control: max-age=60", "Age: 100", 'ETag: "v"')
"""On arrival: no test waits for it."""


def ending() -> Play:
    """An origin that closes the connection instead of answering."""

    async def play(call: Call) -> None:
        call.writer.close()

    return play


async def test_a_stale_response_is_served_while_it_is_asked_about(keys: Path) -> None:
    """At once, however slow the origin is; who comes later gets what it said meanwhile."""
    stale = ("Cache-Control: max-age=60, stale-while-revalidate=600", "Age: 100", 'ETag: "v"')
    gate, told = asyncio.Event(), asyncio.Event()

    async def slow(call: Call) -> None:
        await gate.wait()
        await call.answer("Cache-Control: max-age=60", body=b"new")
        told.set()

    play = in_turn([saying(*stale), slow])
    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        first = await client.ask()
        assert (first.body, first.one("age")) == (b"hello", "100")
        second = await client.ask()
        assert second.body == b"hello"
        node, said = status_of(second.lines("cache-status"))[-1]
        assert (node, said["hit"], str(said["detail"])) == ("east", True, "stale-while-revalidate")
        assert said["ttl"] in (-40, -41)
        await shop.wait_for(2)
        assert (await client.ask()).body == b"hello", "nobody waits for a slow origin"
        assert net.edge.log[-1]["verdict"] == "stale"
        assert net.edge.log[-1]["reason"] == "stale-while-revalidate"
        gate.set()
        await told.wait()
        bodies = [(await client.ask()).body for _ in range(20)]
        assert bodies[-1] == b"new", "edge and parent each serve what is stale once more"
        assert len(shop.calls) == 2


async def test_a_failing_origin_is_not_asked_for_each_stale_answer(keys: Path) -> None:
    """Its errors are of no use to anybody, so it is left alone for a while."""
    stale = ("Cache-Control: max-age=60, stale-while-revalidate=600", "Age: 100", 'ETag: "v"')
    error = saying("Cache-Control: no-store", status="500 Internal Server Error")
    plays = in_turn([saying(*stale), *[error] * 40])
    async with origin(plays) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask()
        for _ in range(20):
            assert (await client.ask()).body == b"hello"
        assert len(shop.calls) <= 3, "once for the edge, once for the parent"


async def test_a_head_is_answered_stale_too(keys: Path) -> None:
    """What is asked for behind it is the whole response."""
    stale = ("Cache-Control: max-age=60, stale-while-revalidate=600", "Age: 100")
    async with origin(saying(*stale)) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask()
        reply = await client.ask(method="HEAD")
        assert (reply.status, reply.one("content-length")) == (200, "5")
        await shop.wait_for(2)
        assert [call.method for call in shop.calls] == ["GET", "GET"]


@pytest.mark.parametrize("validator", ['ETag: "v"', "X-None: 1"])
async def test_a_dead_origins_page_lives_on(keys: Path, validator: str) -> None:
    """The parent serves what it has; without that it says so, and the edge does."""
    fresh = ("Cache-Control: max-age=60", validator)
    plays = in_turn([saying(*fresh), *[ending()] * 40])
    async with origin(plays) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask()).body == b"hello"
        reply = await client.ask("/", "Cache-Control: max-age=0")
        assert (reply.status, reply.body) == (200, b"hello")
        (parent,) = net.parents
        assert parent.log[-1]["reason"] == "unreachable"
        parent.worker._pipeline._store.clear()
        reply = await client.ask("/", "Cache-Control: max-age=0")
        assert (reply.status, reply.body) == (200, b"hello")
        edge = dict(status_of(reply.lines("cache-status")))["east"]
        assert (str(edge["fwd"]), edge["fwd-status"]) == ("request", 502)
        assert str(edge["detail"]) == "unreachable"
        assert (net.edge.log[-1]["verdict"], net.edge.log[-1]["status"]) == ("stale", 200)
        assert reply.lines("midmile-failed") == []
        refused = await client.ask("/", "Cache-Control: no-cache")
        assert refused.status == 502


async def test_nobody_waits_twice_for_a_dead_origin(keys: Path) -> None:
    """One waits until it is given up; for a while others are served at once, and it is asked on."""
    silence = asyncio.Event()

    async def hang(call: Call) -> None:
        await silence.wait()
        await call.answer("Cache-Control: max-age=60", body=b"back")

    plays = in_turn([saying(*STALE), *[hang] * 40])
    limits = replace(QUICK, answer_timeout_s=0.2)
    async with (
        origin(plays) as shop,
        delivery(keys, shop, limits=limits) as net,
        net.client() as client,
    ):
        await client.ask()
        assert (await client.ask()).body == b"hello"
        asked = len(shop.calls)
        reply = await client.ask()
        assert reply.body == b"hello"
        waited, at_once = net.parents[0].log[-2:]
        assert [line["reason"] for line in (waited, at_once)] == ["unreachable"] * 2
        assert "answered_s" in waited
        assert "answered_s" not in at_once
        await shop.wait_for(asked + 1)  # behind the answer
        silence.set()
        async with asyncio.timeout(PATIENCE_S):
            async for body in _bodies(client):
                if body == b"back":
                    break


async def _bodies(client: Talker) -> AsyncIterator[bytes]:
    while True:
        yield (await client.ask()).body


async def test_without_parents_the_edge_serves_what_it_has(keys: Path) -> None:
    """All of them gone."""
    async with (
        origin(saying(*STALE)) as shop,
        delivery(keys, shop) as net,
        net.client() as client,
    ):
        await client.ask()
        for parent in net.parents:
            await parent.stop()
        reply = await client.ask()
        assert (reply.status, reply.body, reply.one("age")) == (200, b"hello", "100")
        assert net.edge.log[-1]["reason"] == "unreachable"


@pytest.mark.parametrize("directive", ["must-revalidate", "proxy-revalidate", "s-maxage=60"])
async def test_an_origin_may_forbid_it(keys: Path, directive: str) -> None:
    """RFC 9111 4.2.4: then there is an error, and never what is stale."""
    stale = (f"Cache-Control: max-age=60, {directive}", "Age: 100", 'ETag: "v"')
    plays = in_turn([saying(*stale), *[ending()] * 40])
    async with origin(plays) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask()).body == b"hello"
        assert (await client.ask()).status == 502


async def test_an_error_is_hidden_where_the_origin_lets_it(keys: Path) -> None:
    """`stale-if-error` (RFC 5861 4) covers 503; without it the origin's own word is passed on."""
    lenient = ("Cache-Control: max-age=60, stale-if-error=600", "Age: 100", 'ETag: "v"')
    error = saying("Cache-Control: no-store", body=b"sorry", status="503 Service Unavailable")
    for first, status, body in ((lenient, 200, b"hello"), (STALE, 503, b"sorry")):
        plays = in_turn([saying(*first), *[error] * 3])
        async with origin(plays) as shop, delivery(keys, shop) as net, net.client() as client:
            await client.ask()
            reply = await client.ask()
            assert (reply.status, reply.body) == (status, body)


async def test_those_who_wait_together_are_served_together(keys: Path) -> None:
    """One question, one failure, and a stale response for each."""
    gate = asyncio.Event()

    async def fail(call: Call) -> None:
        await gate.wait()
        call.writer.close()

    async with (
        origin(in_turn([saying(*STALE), *[fail] * 40])) as shop,
        delivery(keys, shop) as net,
        net.client() as one,
        net.client() as two,
    ):
        await one.ask()
        first = asyncio.create_task(one.ask())
        await shop.wait_for(2)
        second = asyncio.create_task(two.ask())
        gate.set()
        assert (await first).body == (await second).body == b"hello"
        assert net.edge.log[-1]["status"] == 200


async def test_a_client_may_take_what_is_stale(keys: Path) -> None:
    """`max-stale`: nobody is asked."""
    async with origin(saying(*STALE)) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask()
        said = await node_says(client, "east", "/", "Cache-Control: max-stale=50")
        assert (said["hit"], str(said["detail"])) == (True, "request-max-stale")
        assert len(shop.calls) == 1


async def test_what_ends_soon_is_asked_about_before(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user gets what is there at once; parent and edge have it fresh for the next."""
    play = in_turn([saying("Cache-Control: max-age=60", "Age: 55", 'ETag: "v"'), unchanged()])
    due = False
    for module in ("pipeline", "hits"):
        monkeypatch.setattr(f"edge.aio.{module}.refresh_due", lambda *_: due)
    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        for _ in range(3):
            assert (await client.ask()).one("age") in ("55", "56")
        assert (len(shop.calls), net.edge.log.filled) == (1, 1)
        due = True
        node, said = status_of((await client.ask()).lines("cache-status"))[-1]
        assert (node, said["hit"]) == ("east", True)
        due = False
        asked = await shop.wait_for(2)
        assert asked.lines("if-none-match") == ['"v"']
        async with asyncio.timeout(PATIENCE_S):
            while (await client.ask()).one("age") not in ("0", "1", None):
                pass
        assert len(shop.calls) == 2
        assert {line["verdict"] for line in net.edge.log[1:]} == {"hit"}


def unchanged() -> Play:
    """An origin that confirms what it is asked about."""

    async def play(call: Call) -> None:
        await call.answer("Cache-Control: max-age=60", 'ETag: "v"', status="304 Not Modified")

    return play


@pytest.mark.parametrize("asked", ["Authorization: Basic YTpi", "Cache-Control: no-store"])
async def test_strangers_cannot_drop_what_is_stored(keys: Path, asked: str) -> None:
    """Who asks for the origin's word, but lets nothing be stored, takes nothing from the others."""
    play = in_turn([saying("Cache-Control: max-age=60", 'ETag: "v"'), unchanged()])
    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask()
        assert (await client.ask("/", "Cache-Control: no-cache", asked)).body == b"hello"
        assert len(shop.calls) == 2
        for _ in range(2):
            node, said = status_of((await client.ask()).lines("cache-status"))[-1]
            assert (node, said.get("hit")) == ("east", True)
        assert len(shop.calls) == 2
