"""What clients may not do: unclear framing, broken bodies, slowness, one connection too many."""

import asyncio
import logging
import socket
import time
from contextlib import AsyncExitStack

import pytest

from edge.aio.exchange import Exchange
from edge.config import Limits
from edge.errors import RequestReason
from edge.message import Response
from tests.kit.serving import GET, bodies, echo, serving
from tests.kit.talk import PATIENCE_S, talking


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 40_000 + b"\r\n\r\n", 431),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: miracle\r\n\r\n", 417),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 60])
async def test_what_cannot_be_read_is_refused_in_its_turn(
    wire: bytes, status: int, before: int
) -> None:
    """Requests before it are answered first (more than aiohttp lets out at once, too)."""
    async with serving() as stage, talking(stage.port) as client:
        client.say(GET * before + wire + GET)
        assert await bodies(client, before) == ["GET / 0"] * before
        reply = await client.reply()
        assert (reply.status, reply.one("connection")) == (status, "close")
        assert await client.rest() == b""


async def test_a_whole_upload_before_garbage_is_served() -> None:
    """What follows a body does not spoil it, even while aiohttp still holds the body back."""
    may_read = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await may_read.wait()
        await echo(exchange)

    size = 200_000
    async with serving(answer) as stage, talking(stage.port) as client:
        client.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        client.say(b"x" * size + b"\0garbage")
        may_read.set()
        assert await bodies(client, 1) == [f"POST / {size}"]
        assert (await client.reply()).status == 400


async def test_a_body_that_breaks_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """A bad chunk in the middle ends the upload with 400, and nothing is logged as our fault."""
    begun = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        assert exchange.upload is not None
        async for _ in exchange.upload.chunks:
            begun.set()

    async with serving(answer) as stage, talking(stage.port) as client:
        client.request("/", "Transfer-Encoding: chunked", method="POST")
        client.say(b"3\r\nabc\r\n")
        await begun.wait()
        client.say(b"zz\r\n")
        reply = await client.reply()
        assert (reply.status, reply.body) == (400, b"bad-chunk")
        assert await client.rest() == b""
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_body_that_breaks_cuts_an_answer_that_has_begun() -> None:
    """The client sees an incomplete response."""

    async def answer(exchange: Exchange) -> None:
        exchange.start(Response(status=200))
        assert exchange.upload is not None
        async for chunk in exchange.upload.chunks:
            await exchange.write(chunk)

    async with serving(answer) as stage, talking(stage.port) as client:
        client.request("/", "Transfer-Encoding: chunked", method="POST")
        client.say(b"3\r\nabc\r\n")
        await client.head()
        assert await client.chunk() == b"abc"
        client.say(b"zz\r\n")
        assert await client.rest() == b""


async def test_a_slow_head_is_refused() -> None:
    """408 once a head has taken too long, however many bytes trickle in."""
    async with serving(limits=Limits(head_timeout_s=0.1)) as stage, talking(stage.port) as client:
        client.say(b"GET / HTTP/1.1\r\nHo")
        assert (await client.reply()).status == 408
        assert await client.rest() == b""


async def test_every_head_has_its_own_time() -> None:
    """Segments that each end within the next head are no slow head, however long they go on."""
    limits = Limits(head_timeout_s=10)
    async with serving(limits=limits) as stage, talking(stage.port) as client:
        client.say(GET + GET[:9])
        await bodies(client, 1)
        (connection,) = stage.server._connections
        between = time.monotonic()
        client.say(GET[9:] + GET[:9])
        await bodies(client, 1)
        connection.sweep(between + limits.head_timeout_s)
        client.say(GET[9:])
        assert await bodies(client, 1) == ["GET / 0"]


async def test_a_stalled_body_is_refused() -> None:
    """408 once a body has paused for too long."""
    async with serving(limits=Limits(body_stall_s=0.1)) as stage, talking(stage.port) as client:
        client.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab")
        assert (await client.reply()).status == 408
        assert await client.rest() == b""
        assert [error.reason for error in stage.failed] == [RequestReason.BODY_STALLED]


async def test_a_body_that_we_do_not_read_does_not_stall() -> None:
    """While it is our side that waits, the client's deadline does not run."""
    may_read = asyncio.Event()
    size = 4_000_000

    async def answer(exchange: Exchange) -> None:
        await may_read.wait()
        await echo(exchange)

    limits = Limits(body_stall_s=0.05)
    async with serving(answer, limits) as stage, talking(stage.port) as client:
        client.request(method="POST", body=b"x" * size)
        asyncio.get_running_loop().call_later(0.3, may_read.set)  # six deadlines
        assert await bodies(client, 1) == [f"POST / {size}"]


async def test_an_idle_connection_is_closed() -> None:
    """Before the first request and between two."""
    async with serving(limits=Limits(idle_timeout_s=0.1)) as stage:
        async with talking(stage.port) as client:
            assert await client.rest() == b""
        async with talking(stage.port) as client:
            await client.ask()
            assert await client.rest() == b""


@pytest.mark.parametrize("size", [100, 50_000_000])
async def test_a_client_that_reads_nothing_is_cut_off(size: int) -> None:
    """However little waits for it, a connection that takes no bytes does not last for ever."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        exchange.close_after()
        exchange.start(Response(status=200))
        begun.set()
        try:
            sent = 0
            while sent < size or not exchange._protocol._wire.get_write_buffer_size():  # type: ignore[attr-defined]
                sent += 60_000
                await exchange.write(bytes(60_000))
            await exchange.end()
        finally:
            over.set()

    async with serving(answer, Limits(write_stall_s=0.2)) as stage:
        sock = socket.socket()
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", stage.port))
        await asyncio.get_running_loop().sock_sendall(sock, GET)
        async with asyncio.timeout(PATIENCE_S):
            await over.wait()
            while stage.registry.get_sample_value("midmile_edge_connections", {"peer": "client"}):
                stage.server._fewer.clear()
                await stage.server._fewer.wait()
        assert stage.refused("write-stalled") == 1
        sock.close()


async def test_one_connection_too_many() -> None:
    """It is told so; when another has gone there is room again."""
    async with serving(limits=Limits(connections=1)) as stage:
        async with talking(stage.port) as first:
            await first.ask()
            async with talking(stage.port) as second:
                reply = await second.reply()
                assert (reply.status, reply.one("retry-after")) == (503, "1")
                assert await second.rest() == b""
            assert (await first.ask()).status == 200
            first.request("/", "Connection: close")
            await first.rest()
        async with talking(stage.port) as third:
            assert (await third.ask()).status == 200


async def test_many_slow_heads_are_refused_in_portions() -> None:
    """So that others are served in between; all of them are in the end."""
    many = 40
    async with serving(limits=Limits(head_timeout_s=0.2)) as stage, AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(talking(stage.port)) for _ in range(many)]
        for client in slow:
            client.say(b"GET /")
        for client in slow:
            assert (await client.reply()).status == 408
        assert len(stage.failed) == many
