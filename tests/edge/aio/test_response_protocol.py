"""Response heads and framing that no honest server sends."""

import asyncio

import aiohttp
import pytest

from edge.aio.response_protocol import FRUITLESS_BYTES, INTERIM_ROOM_BYTES, ResponseProtocol
from edge.aio.upstream import Upstream
from edge.config import DEFAULT_LIMITS
from edge.errors import UpstreamReason
from tests.edge.aio.asking import OK, ask, body_of, fault_of, request
from tests.kit.scripted import scripted

FIELD = b"X: " + b"a" * 995 + b"\r\n"
"""1,000 bytes."""
HEAD_BYTES = DEFAULT_LIMITS.head_bytes + INTERIM_ROOM_BYTES
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_a_head_of_many_large_fields(upstream: Upstream) -> None:
    """No field is too long by itself, all together are: that is no answer."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%b\r\n"
    most = (HEAD_BYTES - len(head)) // len(FIELD)
    async with scripted(head % (FIELD * most), head % (FIELD * (most + 1))) as server:
        assert await body_of(await ask(upstream, server, request())) == b""
        assert await fault_of(upstream, server) == UpstreamReason.BAD_ANSWER


@pytest.mark.parametrize("in_one", [True, False])
async def test_interim_heads_have_one_bound_together(upstream: Upstream, in_one: bool) -> None:
    """Few enough to be passed on, but as large as heads may be; in one segment or in many."""
    hint = b"HTTP/1.1 103 Early Hints\r\n%b\r\n" % (FIELD * 5)
    answer = [hint] * 10 + [OK]
    async with scripted(b"".join(answer) if in_one else answer) as server:
        assert await fault_of(upstream, server) == UpstreamReason.BAD_ANSWER


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        (b"1.1", b"Transfer-Encoding: gzip, chunked\r\n"),
        (b"1.1", b"Transfer-Encoding: xchunked\r\n"),
        (b"1.1", b"Transfer-Encoding: chunked, chunked\r\n"),
        (b"1.0", b"Transfer-Encoding: chunked\r\n"),
        (b"1.1", b"Content-Length: 2, 3\r\n"),
        (b"1.1", b"Content-Length: +2\r\n"),
        (b"1.1", b"Content-Length: 2\r\nX: a\x1b[31m\r\n"),
    ],
)
async def test_framing_with_two_readings(upstream: Upstream, version: bytes, fields: bytes) -> None:
    """What aiohttp's parser lets pass is still held to one reading."""
    answer = b"HTTP/%b 200 OK\r\n%b\r\n2\r\nok\r\n0\r\n\r\n" % (version, fields)
    async with scripted(answer) as server:
        assert await fault_of(upstream, server) == UpstreamReason.BAD_ANSWER


async def test_lengths_become_plain(upstream: Upstream) -> None:
    """The number is passed on, not the way it was written."""
    async with scripted(OK.replace(b"Length: 2", b"Length: 002")) as server:
        answer = await ask(upstream, server, request())
        assert answer.response.headers.lines("content-length") == ("2",)
        assert await body_of(answer) == b"ok"


@pytest.mark.parametrize("start", [b"5;", b"2\r\nok\r\n0\r\nX: "])
async def test_framing_that_never_ends(upstream: Upstream, start: bytes) -> None:
    """A chunk extension, or a trailer, that goes on and on brings no byte of a body."""
    async with scripted(nearly_endless(start)) as server, asyncio.timeout(3):
        assert await fault_of(upstream, server) == UpstreamReason.BROKEN_BODY


def nearly_endless(start: bytes) -> list[bytes]:
    """A body that opens like this, and then goes on for longer than is listened to."""
    return [CHUNKED, start, *[b"a" * 65_536] * (2 * FRUITLESS_BYTES // 65_536)]


async def test_framing_around_a_body_is_no_fault(upstream: Upstream) -> None:
    """More of it than the bound in all, as long as there are bytes of a body in between."""
    chunk = b"1;" + b"a" * 1_000 + b"\r\nx\r\n"
    count = 2 * FRUITLESS_BYTES // len(chunk)
    pieces = [CHUNKED, *[chunk * 100] * (count // 100), b"0\r\n\r\n"]
    async with scripted(pieces) as server:
        assert len(await body_of(await ask(upstream, server, request()))) == count // 100 * 100


def test_the_private_parts_of_aiohttp_are_there() -> None:
    """What the module names of aiohttp exists in the pinned version."""
    assert aiohttp.__version__ == "3.14.5"
    loop = asyncio.new_event_loop()
    protocol = ResponseProtocol(loop, lambda _: None)
    for name in ("_buffer", "_drain_helper", "_upgraded", "_payload", "_payload_parser"):
        assert hasattr(protocol, name)
    assert hasattr(protocol, "_drop_timeout")
    loop.close()
