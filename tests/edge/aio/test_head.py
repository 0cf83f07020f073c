"""What the answer to a HEAD says of the stored response to a GET (RFC 9111 4.3.5)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.kit.delivery import delivery
from tests.kit.talk import Call, Origin, Talker, origin

STALE = ("Cache-Control: max-age=60", "Age: 100", 'ETag: "v"')
"""So that a HEAD goes up to the origin, and a GET after it unless it is made fresh."""


@asynccontextmanager
async def _after(keys: Path, *fields: str, body: bytes) -> AsyncIterator[tuple[Talker, Origin]]:
    """A user after a GET and a HEAD; `fields` and `body` are what the HEAD is told."""

    async def play(call: Call) -> None:
        if call.method == "HEAD":
            await call.answer(*fields, body=body)
        else:
            await call.answer(*STALE, "X-Release: 1", body=b"hello")

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask()
        assert (await client.ask(method="HEAD")).status == 200
        yield client, shop


async def test_a_head_freshens_what_it_is_about(keys: Path) -> None:
    """With its fields, and without asking for the body again."""
    fields = ("Cache-Control: max-age=60", 'ETag: "v"', "X-Release: 2")
    async with _after(keys, *fields, body=b"hello") as (client, shop):
        reply = await client.ask()
        assert (reply.body, reply.one("x-release")) == (b"hello", "2")
        assert [call.method for call in shop.calls] == ["GET", "HEAD"]


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (('ETag: "w"',), b"hello"),
        (('ETag: "v"',), b"hello, world"),
        (("Last-Modified: x",), b"12345"),
    ],
)
async def test_a_head_about_something_else_ends_it(
    keys: Path, fields: tuple[str, ...], body: bytes
) -> None:
    """Another validator, or another length: it is fetched anew, without a condition."""
    async with _after(keys, "Cache-Control: max-age=60", *fields, body=body) as (client, shop):
        assert (await client.ask()).body == b"hello"
        last = shop.calls[-1]
        assert (last.method, last.lines("if-none-match")) == ("GET", [])


async def test_an_error_says_nothing(keys: Path) -> None:
    """What is stored stays, to be validated."""

    async def play(call: Call) -> None:
        if call.method == "HEAD":
            await call.answer("Cache-Control: no-store", status="404 Not Found")
        else:
            await call.answer(*STALE, body=b"hello")

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask()
        assert (await client.ask(method="HEAD")).status == 404
        await client.ask()
        assert shop.calls[-1].lines("if-none-match") == ['"v"']


async def test_a_head_revives_nothing(keys: Path) -> None:
    """What a POST ended while the HEAD was on its way stays ended."""
    gate = asyncio.Event()

    async def play(call: Call) -> None:
        await call.body()
        if call.method == "HEAD":
            await gate.wait()
            await call.answer("Cache-Control: max-age=60", 'ETag: "v"', body=b"hello")
        elif call.method == "POST":
            await call.answer(body=b"done")
        else:
            await call.answer(*STALE, body=b"hello")

    async with (
        origin(play) as shop,
        delivery(keys, shop) as net,
        net.client() as client,
        net.client() as other,
    ):
        await client.ask()
        head = asyncio.create_task(client.ask(method="HEAD"))
        await shop.wait_for(2)
        await other.ask(method="POST", body=b"a=1")
        gate.set()
        assert (await head).status == 200
        await client.ask()
        last = shop.calls[-1]
        assert (last.method, last.lines("if-none-match")) == ("GET", [])
