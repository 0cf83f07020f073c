"""What origins may not do, and what it costs nobody else: real requests through edge and parent."""

from pathlib import Path

import pytest

from edge.aio.response_protocol import INTERIM_ROOM_BYTES
from edge.aio.upstream import MOST_INTERIM
from edge.errors import UpstreamReason
from tests.kit.delivery import QUICK, Node, delivery
from tests.kit.talk import Call, Play, origin

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
FRESH = b"Cache-Control: max-age=9\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\n"


def blurting(response: bytes) -> Play:
    """An origin that says this and hangs up."""

    async def play(call: Call) -> None:
        await call.write(response)
        call.writer.close()

    return play


def largest(head: bytes) -> bytes:
    """All that a parent takes before a body, `head` being its beginning."""
    missing = QUICK.head_bytes + INTERIM_ROOM_BYTES - len(head) - len(b"\r\n")
    full, rest = divmod(missing, 1_000)
    fields = [
        b"A: " + b"b" * (size - 5) + b"\r\n" for size in [1_000] * (full - 1) + [1_000 + rest]
    ]
    return head + b"".join(fields) + b"\r\n"


def failures(node: Node) -> float:
    """How often a node found fault with whom it asked."""
    return sum(node.count("upstream_errors_total", reason=reason) for reason in UpstreamReason)


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        EMPTY + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        EMPTY + b"Content-Length: 2\r\n\r\nab",
        EMPTY + b"A: " + b"b" * 40_000 + b"\r\n\r\n",
        EMPTY + (b"A: " + b"b" * 995 + b"\r\n") * 45 + b"\r\n",
        EMPTY + b"A: \x1b[31m\r\n\r\n",
        CHUNKED.replace(b"chunked", b"gzip, chunked") + b"\r\n0\r\n\r\n",
        CHUNKED + b"\r\n0x2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"\r\n2\r\nok\r\n0x2\r\n",
        CHUNKED + FRESH + b"\r\n0x2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"Content-Type: text/html\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
        (HINT + b"\r\n") * 50,
        b"",
    ],
)
async def test_what_is_no_answer(keys: Path, response: bytes) -> None:
    """502, the user's connection goes on, and no parent is held to have failed."""
    async with origin(blurting(response)) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            for _ in range(2):
                client.request()
                reply = await client.reply()
                while reply.status == 103:
                    reply = await client.reply()
                assert reply.status == 502
        assert all("error" in line for line in net.parents[0].log)
        assert not any("error" in line for line in net.edge.log)
        assert failures(net.edge) == 0


@pytest.mark.parametrize(
    "response",
    [
        largest(EMPTY),
        largest(b"".join([HINT + b"\r\n"] * MOST_INTERIM) + EMPTY),
        EMPTY + b"A: b\r\n" * 198 + b"\r\n",
    ],
)
async def test_what_a_parent_takes_its_edges_take(keys: Path, response: bytes) -> None:
    """A head that just passes at the parent passes at the edge too, with what the parent added."""
    async with origin(blurting(response)) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            client.request()
            reply = await client.reply()
            while reply.status == 103:
                reply = await client.reply()
            assert reply.status == 200
        assert failures(net.edge) == failures(net.parents[0]) == 0


@pytest.mark.parametrize("framing", [b"Content-Length: 50\r\n", b"Transfer-Encoding: chunked\r\n"])
async def test_an_interim_response_brings_nothing_of_its_connection(
    keys: Path, framing: bytes
) -> None:
    """No framing, no cookie, nothing between our nodes; the answer behind it is found."""
    fields = b"Connection: x\r\nx: y\r\nSet-Cookie: a=b\r\nMidmile-Coding: zstd\r\nLink: </a>\r\n"
    answer = blurting(HINT + framing + fields + b"\r\n" + EMPTY + b"\r\n")
    async with origin(answer) as shop, delivery(keys, shop) as net, net.client() as client:
        client.request()
        hint = await client.head()
        assert hint.status == 103
        assert {name for name, _ in hint.fields} == {"link", "via"}
        assert (await client.reply()).status == 200
        assert failures(net.edge) == 0


async def test_a_coding_that_nobody_knows_is_none(keys: Path) -> None:
    """The body ends with the connection (RFC 9112 6.3), and is a whole one."""

    async def play(call: Call) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: bogus\r\nCache-Control: max-age=60\r\n\r\n"
        await call.write(head + b"hello")
        call.writer.close()

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        for _ in range(2):
            reply = await client.ask()
            assert (reply.status, reply.body) == (200, b"hello")
        assert len(shop.calls) == 1
