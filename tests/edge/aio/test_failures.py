"""What is said of upstreams that fail: one short line, in our words."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp.client_reqrep import ClientRequest
from yarl import URL

from edge.aio import tls
from edge.aio.failures import no_connection
from edge.aio.pool import NextHop
from edge.aio.upstream import Upstream
from edge.errors import UpstreamError, UpstreamReason
from tests.edge.aio.asking import connections, request
from tests.edge.aio.test_fetch import Given
from tests.kit.delivery import identity
from tests.kit.scripted import scripted


async def said(upstream: Upstream, hop: NextHop) -> tuple[str, str]:
    """The reason and the text of a request's failure."""
    with pytest.raises(UpstreamError) as caught:
        await upstream.exchange(hop, request(), None, lambda _: None, reuse=True)
    return caught.value.reason, caught.value.text


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"\x80\x81\x82\r\n\r\nabcd", "not an HTTP answer: 80 81 82 0d 0a 0d 0a 61"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not an HTTP answer: 53 53 48 2d 32 2e 30 2d"),
        (b"HTTP/9.9 200 OK\r\n\r\n", "malformed answer: invalid http version"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "malformed answer: invalid status code"),
        (b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", "malformed answer: invalid header token"),
        (
            b"HTTP/1.1 103 Early Hints\r\n\r\nnonsense\r\n\r\n",
            "not an HTTP answer: 6e 6f 6e 73 65 6e 73 65",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 99_999, "malformed answer: response head too large"),
    ],
)
async def test_what_is_no_answer(upstream: Upstream, answer: bytes, text: str) -> None:
    """By its first bytes, or by what is wrong with it."""
    async with scripted(answer) as server:
        hop = NextHop(name="origin", url=server.url)
        assert await said(upstream, hop) == (UpstreamReason.BAD_ANSWER, text)


async def test_nobody_there(upstream: Upstream) -> None:
    """Neither the address, which the network file has, nor an object of Python's."""
    async with scripted() as server:
        pass
    refused = await said(upstream, NextHop(name="origin", url=server.url))
    assert refused == (UpstreamReason.CONNECT_FAILED, "connection refused")


async def test_a_name_without_an_address() -> None:
    """As aiohttp tells of it."""
    loop = asyncio.get_running_loop()
    key = ClientRequest("GET", URL("http://nobody.invalid/"), loop=loop).connection_key
    error = aiohttp.ClientConnectorDNSError(key, OSError(None, "Domain name not found"))
    assert no_connection(error) == "its name has no address"
    assert no_connection(socket.gaierror(-2, "unknown")) == "its name has no address"


async def test_a_certificate_of_another(upstream: Upstream, keys: Path) -> None:
    """What the certificate lacks, as OpenSSL says it."""
    hop = NextHop(
        name="parent-b",
        url="",
        context=tls.tunnel_client(identity(keys, "east")),
        server_name="parent-b.parent.demo.midmile",
    )
    context = tls.tunnel_server(identity(keys, "parent-a"))
    server = await asyncio.start_server(_close, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    reason, text = await said(upstream, replace(hop, url=url))
    assert reason is UpstreamReason.WRONG_IDENTITY
    assert text == (
        "certificate refused: Hostname mismatch, certificate is not valid for "
        "'parent-b.parent.demo.midmile'"
    )
    server.close()


async def test_plain_text_where_tls_is_spoken(upstream: Upstream, keys: Path) -> None:
    """TLS failed, in OpenSSL's words."""
    plain = await asyncio.start_server(_close, "127.0.0.1", 0)
    hop = NextHop(
        name="parent-a",
        url=f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}",
        context=tls.tunnel_client(identity(keys, "east")),
    )
    reason, text = await said(upstream, hop)
    assert reason is UpstreamReason.CONNECT_FAILED
    assert text in ("TLS failed: wrong version number", "TLS failed: record layer failure")
    plain.close()


async def _close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 hello\r\n")
    writer.close()


async def test_a_name_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Who failed, and how."""
    async with scripted() as dead:
        pass
    fetcher = Given({"parent-b": dead})
    with pytest.raises(UpstreamError):
        await fetcher.ask()
    await fetcher.close()
    assert [record.getMessage() for record in caplog.records] == [
        "parent-b failed: connection refused"
    ]


async def test_too_late() -> None:
    """With the time that was given."""
    hasty = connections(answer_timeout_s=0.05)
    async with scripted() as server:
        hop = NextHop(name="origin", url=server.url)
        late = (UpstreamReason.ANSWER_TIMEOUT, "timed out after 0.05 s")
        assert await said(hasty, hop) == late
    await hasty.close()
