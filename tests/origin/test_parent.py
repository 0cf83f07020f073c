"""Edge and parent together: who may speak, failing over, relays, and what crosses the tunnel."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.keys import NodeFiles, rotate
from edge.config import Limits
from edge.encoding.codecs import Encoder
from tests.kit.delivery import (
    PARENTS,
    PLAN,
    QUICK,
    delivery,
    listening,
    make_keys,
    port_of,
    site_rules,
    start_edge,
    start_parent,
)
from tests.kit.talk import Call, Talker, in_turn, origin, saying, talking

TEXT = "Content-Type: text/html"


def context_of(state: Path, node: str | None, authorities: Path | None = None) -> ssl.SSLContext:
    """A caller of the tunnel with a node's certificate, or without any."""
    files = NodeFiles(state, node or "east")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authorities or files.authorities)
    if node is not None:
        context.load_cert_chain(files.tls_crt, files.tls_key)
    return context


@asynccontextmanager
async def calling(
    port: int, context: ssl.SSLContext, name: str = "parent-a"
) -> AsyncIterator[Talker]:
    """A caller on a parent's tunnel port."""
    async with talking(port, context=context, name=f"{name}.parent.demo.midmile") as talker:
        yield talker


async def refused(port: int, context: ssl.SSLContext) -> bool:
    """Whether a parent gives this caller nothing at all."""
    try:
        async with calling(port, context) as talker:
            talker.request()
            return await talker.rest() == b""
    except (ConnectionError, ssl.SSLError):
        return True


async def test_a_parent_serves_edges_only(keys: Path, tmp_path: Path) -> None:
    """No certificate, another role's, another network's: nothing. An edge's: an answer."""
    strangers = make_keys(tmp_path)
    async with origin(saying()) as shop, delivery(keys, shop) as net:
        port = net.parents[0].ports["tunnel"]
        own = NodeFiles(keys, "east").authorities
        async with calling(port, context_of(keys, "east")) as edge:
            assert (await edge.ask()).status == 200
        assert await refused(port, context_of(keys, None))
        assert await refused(port, context_of(keys, "parent-b"))
        assert await refused(port, context_of(keys, "top-a"))
        assert await refused(port, context_of(strangers, "east", own))
        async with talking(port) as plain:
            plain.request()
            assert await plain.rest() == b""
        assert len(shop.calls) == 1
        assert net.parents[0].count("requests_refused_total", reason="stranger") == 2


async def test_an_edge_asks_parents_only(keys: Path, tmp_path: Path) -> None:
    """A server with another node's certificate, or another network's, gets no request."""
    strangers = make_keys(tmp_path)
    async with origin(saying()) as shop:
        rules = site_rules(shop)
        for state, name in ((keys, "parent-b"), (strangers, "parent-a")):
            false = await start_parent(state, name, rules, QUICK)
            edge = await start_edge(keys, rules, {"parent-a": false.ports["tunnel"]}, QUICK)
            async with talking(edge.ports["http"]) as client:
                assert (await client.ask()).status == 502
            assert edge.log[0]["error"] == "wrong-identity"
            for node in (edge, false):
                await node.stop()
                node.assert_quiet()
        assert shop.calls == []


@asynccontextmanager
async def broken(kind: str) -> AsyncIterator[int]:
    """A port where a parent should be: refused, silent, or closing before it answers."""
    sock = listening()
    if kind == "refused":
        sock.close()
        port = port_of(listening_once := listening())
        listening_once.close()
        yield port
        return
    if kind == "silent":
        yield port_of(sock)
        sock.close()
        return
    server = await asyncio.start_server(lambda _, writer: writer.close(), sock=sock)
    try:
        yield port_of(sock)
    finally:
        server.close()


@pytest.mark.parametrize("kind", ["refused", "silent", "closing"])
async def test_one_parent_is_dead(keys: Path, kind: str) -> None:
    """No request fails, and after the first the dead one is left alone for a while."""
    limits = Limits(connect_timeout_s=0.3)
    async with origin(saying()) as shop, broken(kind) as port:
        for dead, alive in (PARENTS, PARENTS[::-1]):
            async with (
                delivery(keys, shop, parents=[alive], dead={dead: port}, limits=limits) as net,
                net.client() as client,
            ):
                for method in ("GET", "PUT", "POST", "DELETE"):
                    body = b"x" if method in ("PUT", "POST") else b""
                    reply = await client.ask(method=method, body=body)
                    assert reply.status == 200, (method, reply)
                failures = sum(int(str(line["attempts"])) - 1 for line in net.edge.log)
                assert failures <= 1


@asynccontextmanager
async def dying(
    state: Path, name: str, said: bytes, *, lingers: bool = False
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A true parent by its certificate, which reads a request, says something, and dies.

    With `lingers` it dies when the edge has closed the connection.
    """
    files, got = NodeFiles(state, name), list[bytes]()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.tls_crt, files.tls_key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            got.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(said)
            await writer.drain()
            if lingers:
                await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield port_of(server.sockets[0]), got
    finally:
        server.close()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\nA: b\r\n"])
async def test_a_parent_dies_in_mid_head(keys: Path, said: bytes) -> None:
    """What may be repeated goes to the other; what may not is answered 502, sent once."""
    async with origin(saying()) as shop:
        for dead, alive in (PARENTS, PARENTS[::-1]):
            for method, body, status in (
                ("GET", b"", 200),
                ("DELETE", b"", 200),
                ("POST", b"", 502),
                ("POST", b"x", 502),
                ("PUT", b"x", 502),
            ):
                async with (
                    dying(keys, dead, said) as (port, got),
                    delivery(keys, shop, parents=[alive], dead={dead: port}) as net,
                    net.client() as client,
                ):
                    shop.calls.clear()
                    client.request(
                        "/", *([] if body else ["Content-Length: 0"]), method=method, body=body
                    )
                    reply = await client.reply()
                    asked = len(got) + len(shop.calls)
                    if got:  # the dead one was this site's first
                        assert (reply.status, asked) == (status, 2 if status == 200 else 1)
                    else:
                        assert (reply.status, asked) == (200, 1)


async def test_a_client_that_leaves_with_all_it_was_promised(keys: Path) -> None:
    """It is no error that it does not wait until the parent has come to its own end."""
    encoder = Encoder()
    coded = encoder.feed(b"hello") + encoder.finish()
    fields = b"Midmile-Coding: zstd\r\nMidmile-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    said = b"HTTP/1.1 200 OK\r\n%b\r\n%x\r\n%b\r\n" % (fields, len(coded), coded)
    async with (
        dying(keys, "parent-a", said, lingers=True) as (port, _),
        delivery(keys, parents=(), dead={"parent-a": port}) as net,
    ):
        async with net.client() as client:
            client.request()
            assert (await client.reply()).body == b"hello"
        await net.edge.stop()
        (line,) = net.edge.log
        assert line["status"] == 200
        assert "error" not in line


async def test_a_parent_logs_the_users_request(keys: Path) -> None:
    """Scheme, address and id are the user's, though it is an edge that asks, over TLS."""
    async with origin(saying()) as shop, delivery(keys, shop) as net:
        for tls in (None, "shop.test"):
            async with net.client(tls=tls) as client:
                await client.ask()
        for name in ("scheme", "client", "host", "request_id"):
            edge, parent = ([line[name] for line in one.log] for one in (net.edge, *net.parents))
            assert edge == parent
        assert [line["scheme"] for line in net.parents[0].log] == ["http", "https"]


async def test_both_ends_of_a_tunnel_count_the_same(keys: Path) -> None:
    """Text that crosses coded, a picture, and an upload: every byte of heads and bodies, once."""
    parts = [saying(TEXT, body=b"text " * 999), saying("Content-Type: image/png"), saying()]
    async with origin(in_turn(parts)) as shop, delivery(keys, shop) as net, net.client() as client:
        assert len((await client.ask("/page")).body) == 4_995
        await client.ask("/picture")
        await client.ask("/cart", method="POST", body=b"x" * 3_000)
        (parent,) = net.parents
        for name, direction in (("request", "upstream-out"), ("response", "upstream-in")):
            counted = sum(int(str(line[f"{name}_bytes"])) for line in parent.log)
            assert counted == net.edge.count("bytes_total", direction=direction)
        bodies = [int(str(line["body_bytes"])) for line in parent.log]
        assert bodies[0] < 200
        assert bodies[1:] == [5, 5]
        assert [line.get("type") for line in parent.log] == ["text/html", "image/png", None]


@pytest.mark.parametrize(
    "fields",
    [
        [f"X-{number}: 1" for number in range(QUICK.header_count - 1)],
        [f"X-{number}: {'a' * 8_000}" for number in range(4)] + [f"X: {'a' * 650}"],
    ],
    ids=["many fields", "large fields"],
)
async def test_what_an_edge_lets_through_its_parents_take(keys: Path, fields: list[str]) -> None:
    """Also where it is the most that an edge takes: it adds fields of its own."""
    async with origin(saying()) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask("/", *fields)).status == 200
        assert (await client.ask("/", *fields, "Y: 1", f"Z: {'a' * 100}")).status == 431
        assert {line["status"] for line in net.parents[0].log} == {200}


async def test_a_post_is_sent_once_on_a_kept_connection(keys: Path) -> None:
    """A connection that dies under a POST without a body costs it its answer."""

    async def die(call: Call) -> None:
        call.writer.close()

    parts = [saying(), die, saying(), saying(), die, saying()]
    async with origin(in_turn(parts)) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask()).status == 200
        client.request("/", "Content-Length: 0", method="POST")
        assert (await client.reply()).status == 502
        assert (await client.ask()).status == 200
        assert (await client.ask()).status == 200
        assert (await client.ask()).status == 200  # a GET is asked again
        assert [call.method for call in shop.calls] == ["GET", "POST", "GET", "GET", "GET", "GET"]


async def test_connections_are_kept(keys: Path) -> None:
    """One connection to the parent and one to the origin serve requests in turn."""
    async with origin(saying()) as shop, delivery(keys, shop) as net, net.client() as client:
        for _ in range(5):
            await client.ask()
        assert shop.connections == 1
        assert net.edge.count("connections", peer="upstream") == 1
        assert net.parents[0].count("connections", peer="client") == 1


async def test_text_crosses_under_zstd(keys: Path) -> None:
    """Users get the exact bytes and length; HEAD and ranges are right; little crosses."""
    body = b"<p>All work and no play</p>" * 10_000

    async def play(call: Call) -> None:
        if call.lines("range"):
            await call.answer(
                TEXT,
                "Content-Range: bytes 0-999/270000",
                body=body[:1_000],
                status="206 Partial Content",
            )
        else:
            await call.answer(TEXT, 'ETag: "v"', body=body)

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        reply = await client.ask()
        assert (reply.body, reply.one("content-length")) == (body, str(len(body)))
        assert reply.lines("midmile-coding") == reply.lines("midmile-length") == []
        assert reply.one("content-encoding") is None
        assert (await client.ask(method="HEAD")).one("content-length") == str(len(body))
        part = await client.ask("/", "Range: bytes=0-999")
        assert (part.status, part.body) == (206, body[:1_000])
        assert net.edge.count("bytes_total", direction="upstream-in") < len(body) / 20
        assert shop.calls[0].lines("midmile-accept") == []


@pytest.mark.parametrize(
    "fields",
    [
        (TEXT, "Content-Encoding: gzip"),
        (TEXT, "Cache-Control: no-transform"),
        ("Content-Type: image/jpeg",),
    ],
)
async def test_what_crosses_as_it_is(keys: Path, fields: tuple[str, ...]) -> None:
    """What is encoded already, must not be transformed, or would not shrink."""
    body = bytes(100_000)
    async with origin(saying(*fields, body=body)) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            assert (await client.ask()).body == body
        assert net.edge.count("bytes_total", direction="upstream-in") > len(body)


async def test_events_flow_at_once(keys: Path) -> None:
    """The head before any event, and each event before the next, through the tunnel's coding."""
    turn = asyncio.Semaphore(0)
    kinds = "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n"

    async def play(call: Call) -> None:
        await call.write(f"HTTP/1.1 200 OK\r\n{kinds}Transfer-Encoding: chunked\r\n\r\n".encode())
        for number in range(5):
            await turn.acquire()
            await call.write(b"e\r\ndata: event %d\n\r\n" % number)
        await call.write(b"0\r\n\r\n")

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        client.request("/events")
        assert (await client.head()).one("content-type") == "text/event-stream"
        for number in range(5):
            turn.release()
            assert await client.chunk() == b"data: event %d\n" % number
        assert await client.chunk() == b""
        assert net.parents[0].log[0]["status"] == 200


def handshake(client: Talker, *more: str) -> None:
    """Ask for a WebSocket."""
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    client.request("/ws", "Connection: Upgrade", "Upgrade: websocket", key, *more)


ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


async def test_websockets(keys: Path) -> None:
    """Bytes pass both ways, from the first segment on, and a close passes too."""
    over = asyncio.Event()

    async def play(call: Call) -> None:
        assert call.lines("upgrade") == ["websocket"]
        assert call.lines("connection") == ["Upgrade"]
        await call.write(ACCEPTED + b"hello")
        while data := await call.reader.read(65_536):
            await call.write(data)
        over.set()

    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            handshake(client)
            client.say(b"early")  # against RFC 6455 4.1, but it must not be read as HTTP
            head = await client.head()
            assert (head.status, head.one("upgrade"), head.one("connection")) == (
                101, "websocket", "Upgrade",
            )  # fmt: skip
            assert head.one("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
            assert await client.reader.readexactly(10) == b"helloearly"
            client.say(b"GET / HTTP/1.1\r\n\r\n\0\xff")
            assert await client.reader.readexactly(20) == b"GET / HTTP/1.1\r\n\r\n\0\xff"
            client.say(b"bye")
            assert await client.reader.readexactly(3) == b"bye"
        await asyncio.wait_for(over.wait(), 5)
        await net.edge.stop()
        assert net.edge.log[0]["status"] == 101


async def test_a_websocket_client_that_does_not_wait(
    keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """More before the answer than is held for it: 400, and the origin's side is closed too."""
    gone = asyncio.Event()

    async def play(call: Call) -> None:
        await call.write(ACCEPTED)
        await call.gone()
        gone.set()

    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            handshake(client)
            client.say(b"early" * 20_000)
            assert (await client.head()).status == 400
        await asyncio.wait_for(gone.wait(), 5)
    assert {line["error"] for line in net.edge.log} == {"bad-upgrade"}
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_the_last_words_of_a_websocket(keys: Path) -> None:
    """What either side says before it closes reaches the other."""
    got = asyncio.Queue[bytes]()

    async def play(call: Call) -> None:
        await call.write(ACCEPTED)
        if len(shop.calls) == 1:
            await call.write(b"x" * 1_000_000)
            call.writer.close()
        else:
            got.put_nowait(await call.reader.read())

    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            handshake(client)
            await client.head()
            assert len(await client.rest()) == 1_000_000
        async with net.client() as client:
            handshake(client)
            await client.head()
            client.say(b"y" * 1_000 + b"close")
            client.writer.close()
            assert await asyncio.wait_for(got.get(), 5) == b"y" * 1_000 + b"close"


async def test_a_websocket_may_be_silent(keys: Path) -> None:
    """Deadlines for bodies do not end it."""

    async def play(call: Call) -> None:
        await call.write(ACCEPTED + b"a")
        assert await call.reader.readexactly(1) == b"b"
        await call.write(b"c")

    limits = Limits(read_stall_s=0.05, body_stall_s=0.05, idle_timeout_s=0.05, write_stall_s=0.05)
    async with (
        origin(play) as shop,
        delivery(keys, shop, limits=limits) as net,
        net.client() as client,
    ):
        handshake(client)
        await client.head()
        assert await client.reader.readexactly(1) == b"a"
        asyncio.get_running_loop().call_later(0.3, client.say, b"b")  # six deadlines
        assert await client.reader.readexactly(1) == b"c"


async def test_a_websocket_nobody_reads(keys: Path) -> None:
    """Neither side is read faster than the other takes it."""
    sent, total = 0, 100 * 1024 * 1024
    stalled = asyncio.Event()

    async def play(call: Call) -> None:
        nonlocal sent
        await call.write(ACCEPTED)
        while sent < total:
            await call.write(bytes(256 * 1024))
            sent += 256 * 1024
            stalled.clear()
            asyncio.get_running_loop().call_later(0.2, stalled.set)

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        handshake(client)
        await client.head()
        client.stop_reading()
        await stalled.wait()
        assert sent < total / 4


async def test_a_handshake_that_is_declined(keys: Path) -> None:
    """The answer is an answer like any other, and HTTP goes on behind it."""
    declined = saying(body=b"no", status="426 Upgrade Required")
    async with origin(in_turn([declined, saying()])) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            handshake(client)
            client.request("/next")
            assert (await client.reply()).status == 426
            assert (await client.reply()).body == b"hello"
        assert net.edge.log[0]["reason"] == "upgrade"


@pytest.mark.parametrize(
    "fields",
    [
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
        ("Upgrade: websocket",),
    ],
)
async def test_other_upgrades_are_not_passed(keys: Path, fields: tuple[str, ...]) -> None:
    """RFC 9110 7.8: the origin does not hear of them."""
    async with origin(saying()) as shop, delivery(keys, shop) as net, net.client() as client:
        for _ in range(2):
            assert (await client.ask("/", *fields)).status == 200
        for name in ("upgrade", "connection", "http2-settings"):
            assert shop.calls[0].lines(name) == []


async def test_new_keys_while_requests_go_on(tmp_path: Path) -> None:
    """After `reload_keys` new connections show and trust the new keys; old ones live on."""
    state = make_keys(tmp_path)
    half = asyncio.Event()

    async def play(call: Call) -> None:
        if call.target == "/slow":
            await call.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            await half.wait()
            await call.write(b"cd")
        else:
            await call.answer()

    async with origin(play) as shop, delivery(state, shop) as net, net.client() as client:
        client.request("/slow")
        await client.head()
        before = await shown(net.parents[0].ports["tunnel"], context_of(state, "east"))
        rotate(state, PLAN, datetime.now(UTC) + timedelta(seconds=1))
        for node in (*net.parents, net.edge):
            await node.worker.reload_keys()
        async with net.client() as other:
            assert (await other.ask()).status == 200
        assert await shown(net.parents[0].ports["tunnel"], context_of(state, "east")) != before
        async with net.client(tls="shop.test") as user:
            assert (await user.ask()).status == 200
        half.set()
        assert await client.reader.readexactly(4) == b"abcd"


async def shown(port: int, context: ssl.SSLContext) -> bytes | None:
    """The certificate that a parent shows."""
    async with calling(port, context) as talker:
        assert (await talker.ask()).status == 200
        inside = talker.writer.get_extra_info("ssl_object")
        certificate: bytes | None = inside.getpeercert(binary_form=True)
        return certificate


async def test_misses_of_two_edges_become_one(keys: Path) -> None:
    """The parent collapses what edges ask at the same time."""
    go = asyncio.Event()

    async def play(call: Call) -> None:
        await go.wait()
        await call.answer("Cache-Control: max-age=60", body=b"one")

    async with origin(play) as shop, delivery(keys, shop) as net:
        parent = net.parents[0]
        other = await start_edge(
            keys, site_rules(shop), {"parent-a": parent.ports["tunnel"]}, QUICK
        )
        async with net.client() as here, talking(other.ports["http"]) as there:
            here.request()
            there.request()
            async with asyncio.timeout(5):
                while parent.count("requests_in_flight") < 2:  # noqa: ASYNC110 - a gauge wakes nobody
                    await asyncio.sleep(0)
            go.set()
            assert (await here.reply()).body == (await there.reply()).body == b"one"
        await other.stop()
        assert len(shop.calls) == 1
        assert parent.count("collapsed_total") == 1
