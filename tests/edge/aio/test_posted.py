"""What a POST is answered with may be what a GET gets (RFC 9110 9.3.3)."""

import asyncio
from pathlib import Path

import pytest

from tests.edge.aio.test_pipeline import status_of
from tests.kit.delivery import delivery
from tests.kit.talk import Call, origin, saying

ITSELF = "Content-Location: /form"
FRESH = "Cache-Control: max-age=60"


async def test_a_get_is_answered_with_a_posts_response(keys: Path) -> None:
    """Where the origin says that it is the target's own, and how long it lasts."""
    async with (
        origin(saying(FRESH, ITSELF)) as shop,
        delivery(keys, shop) as net,
        net.client() as client,
    ):
        posted = await client.ask("/form", method="POST", body=b"a=1")
        assert dict(status_of(posted.lines("cache-status")))["east"]["stored"] is True
        got = await client.ask("/form")
        assert (got.status, got.body) == (200, b"hello")
        assert [call.method for call in shop.calls] == ["POST"]
        assert net.edge.log[-1]["verdict"] == "hit"
        again = await client.ask("/form", method="POST", body=b"a=2")
        assert again.status == 200
        assert [call.method for call in shop.calls] == ["POST", "POST"], "never answers a POST"


@pytest.mark.parametrize(
    "fields",
    [
        (FRESH,),
        (FRESH, "Content-Location: /other"),
        (FRESH, "Content-Location: http://other.test/form"),
        (ITSELF,),
        (ITSELF, 'ETag: "v"', "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT"),
        (ITSELF, "Cache-Control: no-store, max-age=60"),
        (ITSELF, "Cache-Control: private, max-age=60"),
        (ITSELF, FRESH, "Set-Cookie: a=b"),
        (ITSELF, FRESH, "Vary: *"),
    ],
)
async def test_otherwise_it_is_not_stored(keys: Path, fields: tuple[str, ...]) -> None:
    """And what was there before is gone: the POST may have changed it."""

    async def play(call: Call) -> None:
        await call.body()
        if call.method == "POST":
            await call.answer(*fields, body=b"posted")
        else:
            await call.answer(FRESH, body=b"got")

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask("/form")
        await client.ask("/form", method="POST", body=b"a=1")
        assert (await client.ask("/form")).body == b"got"
        assert [call.method for call in shop.calls] == ["GET", "POST", "GET"]


async def test_half_a_response_is_not_stored(keys: Path) -> None:
    """The connection ended before the body did."""

    async def play(call: Call) -> None:
        await call.body()
        if call.method == "GET":
            await call.answer(FRESH, body=b"got")
            return
        head = f"HTTP/1.1 200 OK\r\n{FRESH}\r\n{ITSELF}\r\nContent-Length: 10\r\n\r\nhalf"
        await call.write(head.encode())
        call.writer.close()

    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            client.say(b"POST /form HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\n\r\na=1")
            assert (await client.head()).status == 200
            await client.rest()
        async with net.client() as client:
            assert (await client.ask("/form")).body == b"got"


async def test_a_post_that_was_overtaken_is_not_stored(keys: Path) -> None:
    """Another one changed the target while the first was on its way."""
    gate = asyncio.Event()

    async def play(call: Call) -> None:
        body = await call.body()
        if body == b"slow":
            await gate.wait()
            await call.answer(FRESH, ITSELF, body=b"old")
        else:
            await call.answer(FRESH, body=b"new")

    async with (
        origin(play) as shop,
        delivery(keys, shop) as net,
        net.client() as client,
        net.client() as other,
    ):
        slow = asyncio.create_task(client.ask("/form", method="POST", body=b"slow"))
        await shop.wait_for(1)
        await other.ask("/form", method="POST", body=b"quick")
        gate.set()
        assert (await slow).body == b"old"
        assert (await client.ask("/form")).body == b"new"
