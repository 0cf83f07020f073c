"""Clients' connections, without a pipeline: order, framing, deadlines, back pressure, the end."""

import asyncio
import socket

import aiohttp
import pytest
from aiohttp.web_protocol import RequestHandler

from edge.aio.connection import ClientConnection
from edge.aio.exchange import Exchange
from edge.head import METHODS
from edge.message import Headers, Response
from tests.kit.serving import GET, bodies, echo, said, serving
from tests.kit.talk import PATIENCE_S, talking


async def test_pipelined_requests_are_answered_in_order() -> None:
    """Requests of one segment, with and without bodies, are answered one after the other."""
    async with serving() as stage, talking(stage.port) as client:
        client.say(
            b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
            b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
            b"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nab\r\n2;x=y\r\ncd\r\n0\r\nX-Trailer: 1\r\n\r\n"
            b"GET /4 HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        assert await bodies(client, 4) == ["GET /1 0", "POST /2 3", "POST /3 4", "GET /4 0"]


async def test_every_method_that_the_gate_lets_through_is_read() -> None:
    """The parser behind it knows them all; any other ends at the gate, with 501."""
    methods = sorted(METHODS - {"HEAD"})  # whose answer has no body
    async with serving() as stage, talking(stage.port) as client:
        for method in methods:
            client.say(b"%b / HTTP/1.1\r\nHost: a\r\n\r\n" % method.encode())
        assert await bodies(client, len(methods)) == [f"{method} / 0" for method in methods]


async def test_a_quick_answer_waits_behind_a_slow_one() -> None:
    """An answer that is ready does not overtake the one before it."""
    may_end = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        if exchange.request.target == "/slow":
            await may_end.wait()
        await echo(exchange)

    async with serving(answer) as stage, talking(stage.port) as client:
        client.request("/slow")
        client.request("/quick")
        may_end.set()
        assert await bodies(client, 2) == ["GET /slow 0", "GET /quick 0"]


async def test_bytes_may_come_one_by_one() -> None:
    """Where segments end means nothing."""
    wire = (
        GET
        + b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    )
    async with serving() as stage, talking(stage.port) as client:
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in wire:
            client.say(bytes([byte]))
            await asyncio.sleep(0)
        assert await bodies(client, 2) == ["GET / 0", "POST /b 1"]


@pytest.mark.parametrize(
    ("request_line", "fields", "kept"),
    [
        ("GET / HTTP/1.1", "", True),
        ("GET / HTTP/1.1", "Connection: close\r\n", False),
        ("GET / HTTP/1.0", "", False),
        ("GET / HTTP/1.0", "Connection: keep-alive\r\n", True),
    ],
)
async def test_persistence(request_line: str, fields: str, kept: bool) -> None:
    """RFC 9112 9.3: HTTP/1.1 persists unless told, HTTP/1.0 only if told."""
    async with serving() as stage, talking(stage.port) as client:
        client.say(f"{request_line}\r\nHost: a\r\n{fields}\r\n".encode())
        reply = await client.reply()
        if kept:
            assert reply.one("connection") != "close"
            assert (await client.ask("/again")).body == b"GET /again 0"
        else:
            assert reply.one("connection") == "close"
            assert await client.rest() == b""


async def test_a_body_without_length() -> None:
    """It goes out in chunks, and to HTTP/1.0 until the connection ends."""

    async def answer(exchange: Exchange) -> None:
        exchange.start(Response(status=200))
        for piece in (b"ab", b"", b"c"):
            await exchange.write(piece)
        await exchange.end()

    async with serving(answer) as stage:
        async with talking(stage.port) as client:
            reply = await client.ask()
            assert (reply.one("transfer-encoding"), reply.body) == ("chunked", b"abc")
            assert (await client.ask()).body == b"abc"
        async with talking(stage.port) as client:
            client.say(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            head = await client.head()
            assert head.one("transfer-encoding") is None
            assert head.one("connection") == "close"
            assert await client.rest() == b"abc"


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [("HEAD", 200, "5"), ("GET", 304, "5"), ("GET", 204, None), ("HEAD", 204, None)],
)
async def test_responses_that_have_no_body(method: str, status: int, length: str | None) -> None:
    """HEAD, 204 and 304 end with their heads, whatever fields describe a body; 204 has none."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(*said("abcde", status))

    async with serving(answer) as stage, talking(stage.port) as client:
        for _ in range(2):
            reply = await client.ask(method=method)
            assert (reply.status, reply.one("content-length")) == (status, length)
            assert reply.one("transfer-encoding") is None


async def test_a_response_that_is_too_short_is_cut() -> None:
    """Nobody takes it for a whole one: the connection ends with announced bytes missing."""

    async def answer(exchange: Exchange) -> None:
        exchange.start(Response(status=200, headers=Headers([("content-length", "10")])))
        await exchange.write(b"abc")
        await exchange.end()

    async with serving(answer) as stage, talking(stage.port) as client:
        client.request()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.reply()


async def test_a_cut_is_a_reset() -> None:
    """To HTTP/1.0 the end of the connection is the end of the body: this must not look like it."""
    may_cut = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        exchange.start(Response(status=200))
        await exchange.write(b"abc")
        await may_cut.wait()
        exchange.abort()

    async with serving(answer) as stage, talking(stage.port) as client:
        client.say(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        await client.head()
        assert await client.reader.readexactly(3) == b"abc"
        may_cut.set()
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(ConnectionResetError):
                await client.reader.read()


async def test_a_response_can_be_withdrawn_until_it_leaves() -> None:
    """Nothing of it is seen; another one takes its place. Behind its first byte it is too late."""

    async def answer(exchange: Exchange) -> None:
        exchange.start(Response(status=204, headers=Headers([("x", "first")])))
        assert exchange.withdraw()
        exchange.start(Response(status=200, headers=Headers([("content-length", "3")])))
        await exchange.write(b"ab")
        assert not exchange.withdraw()
        await exchange.write(b"c")
        await exchange.end()
        assert not exchange.withdraw()

    async with serving(answer) as stage, talking(stage.port) as client:
        reply = await client.ask()
        assert (reply.status, reply.one("x"), reply.body) == (200, None, b"abc")


@pytest.mark.parametrize(("taken", "complete"), [(2, False), (3, True)])
async def test_what_was_announced_makes_it_complete(taken: int, complete: bool) -> None:
    """A client may leave once it has that, though we have not come to the response's end."""
    seen = asyncio.Queue[bool]()

    async def answer(exchange: Exchange) -> None:
        exchange.start(Response(status=200, headers=Headers([("content-length", "3")])))
        await exchange.write(b"abc"[:taken])
        try:
            await asyncio.Event().wait()
        finally:
            seen.put_nowait(exchange.complete)

    async with serving(answer) as stage:
        async with talking(stage.port) as client:
            client.request()
            await client.head()
            await client.reader.readexactly(taken)
        async with asyncio.timeout(PATIENCE_S):
            assert await seen.get() is complete


async def test_a_response_that_is_too_long_is_shortened() -> None:
    """What exceeds the announced length would be read as the next response."""

    async def answer(exchange: Exchange) -> None:
        exchange.start(Response(status=200, headers=Headers([("content-length", "3")])))
        await exchange.write(b"abcHTTP/1.1 200 OK\r\n")
        await exchange.end()

    async with serving(answer) as stage, talking(stage.port) as client:
        assert (await client.ask()).body == b"abc"
        assert (await client.ask()).body == b"abc"


async def test_continue_is_said_when_the_body_is_wanted() -> None:
    """100 goes out when somebody begins to read, not before, and only to HTTP/1.1."""
    may_read = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        exchange.interim(Response(status=103))
        await may_read.wait()
        await echo(exchange)

    async with serving(answer) as stage, talking(stage.port) as client:
        client.request("/", "Expect: 100-continue", "Content-Length: 2", method="POST")
        assert (await client.head()).status == 103
        may_read.set()
        assert (await client.head()).status == 100
        client.say(b"ab")
        assert (await client.reply()).body == b"POST / 2"
        client.say(
            b"POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"
        )
        assert (await client.reply()).body == b"POST / 1"


async def test_no_continue_for_a_body_that_is_not_wanted() -> None:
    """The answer comes instead, and the connection ends at once: nobody sends the body now."""

    async def answer(exchange: Exchange) -> None:
        exchange.close_after()
        await exchange.send(*said("no", 413))

    async with serving(answer) as stage, talking(stage.port) as client:
        client.request("/", "Expect: 100-continue", "Content-Length: 2", method="POST")
        assert (await client.reply()).status == 413
        async with asyncio.timeout(2):
            assert await client.rest() == b""


async def test_a_body_nobody_reads_is_thrown_away() -> None:
    """The next request is found behind it."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(*said(exchange.request.target))

    async with serving(answer) as stage, talking(stage.port) as client:
        client.request("/a", method="POST", body=b"GET /evil HTTP/1.1\r\n\r\n" * 20_000)
        client.request("/b")
        assert await bodies(client, 2) == ["/a", "/b"]


async def test_interim_responses_are_not_for_http_1_0() -> None:
    """RFC 9110 15.2: HTTP/1.0 knows no 1xx."""

    async def answer(exchange: Exchange) -> None:
        exchange.interim(Response(status=103, headers=Headers([("link", "</a>")])))
        await echo(exchange)

    async with serving(answer) as stage:
        async with talking(stage.port) as client:
            client.request()
            early = await client.head()
            assert (early.status, early.reason, early.one("link")) == (103, "Early Hints", "</a>")
            assert (await client.reply()).status == 200
        async with talking(stage.port) as client:
            client.say(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
            assert (await client.reply()).status == 200


async def test_a_client_that_leaves_ends_its_handler() -> None:
    """Whether it waits for an answer or is in the middle of one."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        try:
            if exchange.request.target == "/writing":
                exchange.start(Response(status=200))
                await exchange.write(b"x")
            begun.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(answer) as stage:
        for target in ("/waiting", "/writing"):
            async with talking(stage.port) as client:
                client.request(target)
                await begun.wait()
            async with asyncio.timeout(PATIENCE_S):
                assert await ended.wait()
            begun.clear()
            ended.clear()


async def test_a_client_that_leaves_in_its_upload() -> None:
    """Whoever reads the upload is told, and nothing is left."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        assert exchange.upload is not None
        try:
            async for _ in exchange.upload.chunks:
                begun.set()
        finally:
            ended.set()

    async with serving(answer) as stage:
        async with talking(stage.port) as client:
            client.say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
            await begun.wait()
        async with asyncio.timeout(PATIENCE_S):
            await ended.wait()


async def test_writing_waits_for_a_slow_client() -> None:
    """A response far larger than what the client takes is held in small part only."""
    most, total = 0, 100 * 1024 * 1024
    piece = bytes(256 * 1024)

    async def answer(exchange: Exchange) -> None:
        nonlocal most
        exchange.start(Response(status=200, headers=Headers([("content-length", str(total))])))
        for _ in range(total // len(piece)):
            await exchange.write(piece)
            size = exchange._protocol._wire.get_write_buffer_size()  # type: ignore[attr-defined]
            most = max(most, size)
        await exchange.end()

    async with serving(answer) as stage, talking(stage.port, limit=1024 * 1024) as client:
        client.request()
        await client.head()
        got = 0
        while got < total:
            got += len(await client.reader.read(4 * 1024 * 1024))
    assert got == total
    assert most < 1024 * 1024


async def test_draining() -> None:
    """Listeners close, idle connections end, what is under way finishes and is the last."""
    may_end, begun = asyncio.Event(), asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        if exchange.request.target == "/slow":
            begun.set()
            await may_end.wait()
        await echo(exchange)

    async with (
        serving(answer) as stage,
        talking(stage.port) as idle,
        talking(stage.port) as busy,
        talking(stage.port) as uploading,
    ):
        await idle.ask()
        uploading.say(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
        busy.request("/slow")
        await begun.wait()
        drain = asyncio.create_task(stage.server.drain(5.0))
        assert await idle.rest() == b""
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", stage.port)
        uploading.say(b"bc")
        assert await bodies(uploading, 1) == ["POST /up 3"]
        assert not drain.done()
        may_end.set()
        reply = await busy.reply()
        assert (reply.body, reply.one("connection")) == (b"GET /slow 0", "close")
        await drain


async def test_a_drain_ends() -> None:
    """After the grace whatever is left is cut off, also a client that reads nothing."""
    begun = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        exchange.start(Response(status=200))
        begun.set()
        while True:
            await exchange.write(bytes(1_000_000))

    async with serving(answer) as stage, talking(stage.port) as client:
        client.stop_reading()
        client.request()
        await begun.wait()
        async with asyncio.timeout(5):
            await stage.server.drain(0.1)
    assert stage.registry.get_sample_value("midmile_edge_connections", {"peer": "client"}) == 0


async def test_bytes_behind_an_upgrade_that_is_not_granted() -> None:
    """HTTP goes on with the requests that were held back."""
    async with serving() as stage, talking(stage.port) as client:
        client.request("/ws", "Connection: Upgrade", "Upgrade: websocket")
        client.request("/next")
        assert await bodies(client, 2) == ["GET /ws 0", "GET /next 0"]


@pytest.mark.parametrize("protocol", ["h2c", "tcp", "TLS/1.0", "websocket/13"])
async def test_other_upgrades_are_declined(protocol: str) -> None:
    """RFC 9110 7.8: they are ignored, and what follows is HTTP."""
    async with serving() as stage, talking(stage.port) as client:
        client.request("/a", "Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}")
        client.request("/b")
        assert await bodies(client, 2) == ["GET /a 0", "GET /b 0"]


def test_the_private_parts_of_aiohttp_are_there() -> None:
    """What the module names of aiohttp exists in the pinned version."""
    assert aiohttp.__version__ == "3.14.5"
    slots = {name for one in ClientConnection.__mro__ for name in getattr(one, "__slots__", ())}
    assert {"_messages", "_waiter", "_current_request", "_force_close"} <= slots
    assert {"_reading_paused", "_buffer_paused"} <= slots
    for name in ("_make_error_handler", "_drain_helper"):
        assert hasattr(RequestHandler, name)
