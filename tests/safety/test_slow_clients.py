"""Clients that are slow on purpose: their share is bounded, and so is their time.

Time is told to the connections by the tests, as the server's own sweep tells it.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from edge.aio.connection import ClientConnection
from edge.aio.exchange import Exchange
from edge.aio.http1 import HttpServer
from edge.aio.outstanding import outstanding
from edge.aio.worker import EdgeWorker
from edge.config import Limits
from edge.errors import EdgeError
from edge.framing import Waiting
from edge.message import Headers, Response
from tests.kit.delivery import Delivery, delivery
from tests.kit.delivery import keys as keys  # noqa: PLC0414 (a fixture)
from tests.kit.serving import GET, echo, serving
from tests.kit.talk import PATIENCE_S, Call, Talker, origin, talking

HEADS, UPLOADS, READERS = 200, 50, 50
LIMITS = Limits(connections=400, connections_per_client=HEADS + UPLOADS + READERS)
ATTACKER, VISITOR = "127.0.0.1", "127.0.0.2"
SLOW_HEAD = b"GET / HTTP/1.1\r\nHost: shop.test\r\nX-a: "
SLOW_UPLOAD = b"POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 999999\r\n\r\nx"
FILM = b"GET /film HTTP/1.1\r\nHost: shop.test\r\n\r\n"
FILM_BYTES = 8 * 1024 * 1024


async def until(true: Callable[..., bool], *given: object) -> None:
    """Let everybody else go on until something is so."""
    async with asyncio.timeout(PATIENCE_S * 3):
        while not true(*given):  # noqa: ASYNC110 (what is asked has no event)
            await asyncio.sleep(0)


@asynccontextmanager
async def calling(
    port: int, data: bytes, buffer_bytes: int = 4_096
) -> AsyncIterator[socket.socket]:
    """A connection of the attacker's that has sent `data`; nothing is read from it."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        sock.bind((ATTACKER, 0))
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        sock.sendall(data)
        yield sock


@asynccontextmanager
async def visiting(net: Delivery) -> AsyncIterator[Talker]:
    """Somebody else."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", net.edge.ports["http"], local_addr=(VISITOR, 0)
    )
    try:
        yield Talker(reader, writer)
    finally:
        writer.transport.abort()


def connections(server: HttpServer) -> list[ClientConnection]:
    """Those that are open."""
    return list(server._connections)


def sweep(server: HttpServer, now: float) -> None:
    """Tell its connections what time it is."""
    for connection in connections(server):
        connection.sweep(now)


def taken(connection: ClientConnection) -> int:
    """How much of what was written its client has."""
    told = outstanding(connection._wire)
    assert told is not None
    return told[1]


async def play_shop(call: Call) -> None:
    """A film, and a page for any other request once its body has come."""
    await call.body()
    body = bytes(FILM_BYTES) if call.target == "/film" else b"hello"
    await call.answer("Cache-Control: max-age=600", body=body)


async def test_slow_clients_keep_nobody_out(keys: Path) -> None:
    """One address has as many slow heads, uploads and downloads as it may, and no more.

    Others are served meanwhile, and the slow ones are ended by their deadlines: in vain they send
    a little now and then.
    """
    async with (
        origin(play_shop) as shop,
        delivery(keys, shop, limits=LIMITS) as net,
        visiting(net) as visitor,
    ):
        assert isinstance(net.edge.worker, EdgeWorker)
        server, port = net.edge.worker._servers[0], net.edge.ports["http"]
        assert len((await visitor.ask("/film")).body) == FILM_BYTES
        async with attacking(port) as uploads:
            await until(lambda: _under_way(server) == (HEADS, UPLOADS, READERS))
            await _served(visitor)
            async with calling(port, GET) as one_more:
                assert (await received(one_more)).startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
            assert net.edge.count(_REFUSED, reason="too-many-connections") == 1

            began = time.monotonic()
            for step in (1, 2, 3):
                for upload in uploads:
                    upload.send(b"x")
                expected = UPLOADS * (len(SLOW_UPLOAD) + step)
                await until(lambda expected: _uploaded(server) == expected, expected)
                sweep(server, began + step * 21)
                await _served(visitor)
            sweep(server, began + 130)
            await until(lambda: len(connections(server)) == 1)
        assert net.edge.count(_REFUSED, reason="head-timeout") == HEADS
        assert net.edge.count(_REFUSED, reason="body-too-slow") == UPLOADS
        cut = [net.edge.count(_REFUSED, reason=f"write-{how}") for how in ("stalled", "too-slow")]
        assert sum(cut) == READERS
        errors = [line.get("error") for line in net.edge.log]
        assert errors.count("body-too-slow") == UPLOADS


@asynccontextmanager
async def attacking(port: int) -> AsyncIterator[list[socket.socket]]:
    """All that an attacker may have; gives the uploads."""
    async with AsyncExitStack() as attack:
        for _ in range(HEADS):
            await attack.enter_async_context(calling(port, SLOW_HEAD))
        uploads = [
            await attack.enter_async_context(calling(port, SLOW_UPLOAD)) for _ in range(UPLOADS)
        ]
        for _ in range(READERS):
            await attack.enter_async_context(calling(port, FILM))
        yield uploads


async def received(sock: socket.socket) -> bytes:
    """What has come."""
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.get_running_loop().sock_recv(sock, 4_096)


_REFUSED = "requests_refused_total"


def _under_way(server: HttpServer) -> tuple[int, int, int]:
    """Heads that are not whole, bodies that are not, and answers that are not taken."""
    open_now = connections(server)
    waiting = [each._framer.waiting for each in open_now]
    stuck = [each for each in open_now if each._wire.get_write_buffer_size()]
    return waiting.count(Waiting.HEAD), waiting.count(Waiting.BODY), len(stuck)


def _uploaded(server: HttpServer) -> int:
    return sum(one._received for one in connections(server) if one._framer.waiting is Waiting.BODY)


async def _served(visitor: Talker) -> None:
    """A hit and a miss."""
    assert (await visitor.ask("/")).body == b"hello"
    assert (await visitor.ask(f"/{time.monotonic_ns()}")).body == b"hello"


async def test_an_upload_may_be_as_slow_as_is_said() -> None:
    """At the least rate it goes on for as long as it lasts, also with pauses."""
    async with serving() as stage, talking(stage.port) as client:
        size, now = 15_000, time.monotonic()
        client.request("/", f"Content-Length: {20 * size}", method="POST")
        for pieces in range(1, 21):
            client.say(bytes(size))
            await until(lambda pieces: _body_bytes(stage.server) >= pieces * size, pieces)
            now += 29
            sweep(stage.server, now)
        assert (await client.reply()).body == b"POST / 300000"


def _body_bytes(server: HttpServer) -> int:
    return sum(connection._received for connection in connections(server))


async def test_an_upload_that_trickles_is_refused() -> None:
    """408, though a byte comes well within the longest pause."""
    async with serving() as stage, talking(stage.port) as client:
        now = time.monotonic()
        client.request("/", "Content-Length: 1000", "Expect: 100-continue", method="POST")
        assert (await client.head()).status == 100
        for _ in range(3):
            before = _body_bytes(stage.server)
            client.say(b"x")
            await until(lambda before: _body_bytes(stage.server) > before, before)
            now += 21
            sweep(stage.server, now)
        reply = await client.reply()
        assert (reply.status, reply.body) == (408, b"body-too-slow")
        assert await client.rest() == b""


async def test_time_in_which_we_read_nothing_is_not_the_clients() -> None:
    """Neither its pause nor its slowness: it cannot send."""
    may_read = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await may_read.wait()
        await echo(exchange)

    async with serving(answer) as stage, talking(stage.port) as client:
        size = 1_000_000
        client.request(method="POST", body=bytes(size))
        await until(lambda: any(one._reading_paused for one in connections(stage.server)))
        now = time.monotonic()
        for connection in connections(stage.server):
            for _ in range(10):
                now += 100
                connection.sweep(now)
        may_read.set()
        assert (await client.reply()).body == b"POST / %d" % size


@pytest.mark.parametrize("piece", [64 * 1024, 1024 * 1024])
async def test_an_answer_that_is_taken_too_slowly(piece: int) -> None:
    """The connection is cut, though the client takes some all the time; at the rate it is not."""
    size, enough = 64 * 1024 * 1024, 1024 * 1024
    limits = Limits(least_bytes_s=enough / 25)

    async def answer(exchange: Exchange) -> None:
        exchange.start(Response(status=200, headers=Headers([("content-length", str(size))])))
        for _ in range(size // 65_536):
            await exchange.write(bytes(65_536))
        await exchange.end()

    loop = asyncio.get_running_loop()
    async with serving(answer, limits) as stage, calling(stage.port, GET, 32 * 1024) as sock:
        await until(lambda: _under_way(stage.server)[2] == 1)
        (connection,) = connections(stage.server)
        now = time.monotonic()
        for _ in range(5):
            connection.sweep(now)
            if stage.refused("write-too-slow"):
                break
            before, left = taken(connection), piece
            while left:
                data = await loop.sock_recv(sock, left)
                assert data
                left -= len(data)
            await until(lambda before: taken(connection) > before, before)
            now += 25
        assert stage.refused("write-too-slow") == (piece < enough)


@pytest.mark.parametrize("reads", [False, True])
async def test_over_tls_it_is_seen_too(keys: Path, *, reads: bool) -> None:
    """The transport says that nothing waits, though below it all waits for the client."""
    async with origin(play_shop) as shop, delivery(keys, shop, limits=LIMITS) as net:
        assert isinstance(net.edge.worker, EdgeWorker)
        (server,) = (one for one in net.edge.worker._servers if one.scheme == "https")
        async with net.client(tls="shop.test") as client:
            client.stop_reading()
            client.request("/film")
            await until(lambda: any(_unsent(each) for each in connections(server)))
            (connection,) = connections(server)
            connection.sweep(now := time.monotonic())
            if reads:
                client.read_on()
                assert len((await client.reply()).body) == FILM_BYTES
            connection.sweep(now + LIMITS.write_stall_s + 1)
        assert net.edge.count(_REFUSED, reason="write-stalled") == (not reads)


def _unsent(connection: ClientConnection) -> int:
    told = outstanding(connection._wire)
    return told[0] if told is not None else 0


async def test_who_takes_all_that_comes_may_wait_for_ever() -> None:
    """A stream of events with long pauses is no slow client."""
    events: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(exchange: Exchange) -> None:
        exchange.start(Response(status=200))
        while event := await events.get():
            await exchange.write(event)
        await exchange.end()

    async with serving(answer) as stage, talking(stage.port) as client:
        client.request()
        now = time.monotonic()
        for number in range(5):
            events.put_nowait(b"event %d" % number)
            if not number:
                await client.head()
            assert await client.chunk() == b"event %d" % number
            now += 3_600
            sweep(stage.server, now)
        events.put_nowait(b"")
        assert await client.chunk() == b""


async def test_both_listeners_share_the_places(keys: Path) -> None:
    """What one address has over HTTP it has not over HTTPS as well."""
    limits = Limits(connections=2, connections_per_client=1)
    async with delivery(keys, limits=limits, parents=()) as net, net.client() as plain:
        await plain.ask()
        with pytest.raises(OSError):  # a reset, or the end of the handshake
            async with net.client(tls="shop.test"):
                pass
        plain.request("/", "Connection: close")
        await plain.rest()
        async with net.client(tls="shop.test") as secure:
            assert (await secure.ask()).status == 503


def test_a_parent_leaves_the_judgement_to_its_edges() -> None:
    """An edge has thousands of connections, and waits itself for clients that are slow."""
    limits, parent = Limits(), Limits().patient()
    assert parent.connections_per_client == parent.connections
    assert parent.least_bytes_s == 0
    assert parent.body_stall_s > limits.body_stall_s + limits.slack_s
    assert parent.write_stall_s > limits.write_stall_s + limits.slack_s


async def test_whoever_waits_for_an_upload_is_told() -> None:
    """The reason reaches the handler as an error, not as the end of the body."""
    heard: asyncio.Queue[EdgeError] = asyncio.Queue()

    async def answer(exchange: Exchange) -> None:
        try:
            await echo(exchange)
        except EdgeError as error:
            heard.put_nowait(error)
            raise

    async with serving(answer) as stage, talking(stage.port) as client:
        client.request("/", "Transfer-Encoding: chunked", method="POST")
        client.say(b"1\r\nx\r\n")
        await until(lambda: any(one._in_body for one in connections(stage.server)))
        now = time.monotonic()
        for connection in connections(stage.server):
            connection.sweep(now)
            connection.sweep(now + 31)
        assert (await heard.get()).reason == "body-stalled"
        assert (await client.reply()).status == 408
