"""Exchanges with the next hop, against servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from edge.aio.upstream import MOST_INTERIM, Upload, Upstream
from edge.errors import OurError, OurReason, UpstreamError, UpstreamReason
from edge.message import Response
from tests.edge.aio.asking import OK, ask, body_of, connections, fault_of, request, upload_of
from tests.kit.scripted import CLOSE, Scripted, scripted


async def test_the_target_goes_out_byte_for_byte(upstream: Upstream) -> None:
    """Empty queries, dot segments and odd escapes reach the origin as they were keyed."""
    for target in ("/a?", "//x/../y", "/%7e%2F?a=%zz&&b", "/a;b=c?x=y?z"):
        async with scripted(OK) as server:
            await body_of(await ask(upstream, server, request(target=target)))
            assert server.requests[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())


async def test_field_values_keep_their_bytes(upstream: Upstream) -> None:
    """Bytes outside ASCII pass in both directions, valid UTF-8 or not."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Name: caf\xe9 \xc3\xa9\r\n\r\n"
    async with scripted(answer) as server:
        got = await ask(upstream, server, request(x_name="\xe9\xc3\xa9"))
        assert b"X-Name: \xe9\xc3\xa9\r\n" in server.requests[0]
        assert got.response.headers.first("x-name") == "caf\xe9 \xc3\xa9"
        got.close()


async def test_interim_responses_are_passed_on(upstream: Upstream) -> None:
    """1xx responses reach the caller before the final one; 100 does not concern it."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    interim: list[Response] = []
    async with scripted([b"HTTP/1.1 100 Continue\r\n\r\n", early, early + OK]) as server:
        answer = await ask(upstream, server, request(), interim=interim)
        assert [(one.status, one.headers.first("link")) for one in interim] == [
            (103, "</a.css>"),
            (103, "</a.css>"),
        ]
        assert await body_of(answer) == b"ok"


async def test_a_body_longer_than_announced_is_cut(upstream: Upstream) -> None:
    """The announced bytes are delivered and the connection is not used again."""
    async with scripted(OK + b"HTTP/1.1 200 OK\r\nEvil: 1\r\n\r\n", OK) as server:
        assert await body_of(await ask(upstream, server, request())) == b"ok"
        assert await body_of(await ask(upstream, server, request())) == b"ok"
        assert server.connections == 2


async def test_connections_are_kept(upstream: Upstream) -> None:
    """Requests one after the other share a connection."""
    async with scripted(OK, OK, OK) as server:
        for _ in range(3):
            assert await body_of(await ask(upstream, server, request())) == b"ok"
        assert server.connections == 1


async def test_a_kept_connection_that_died_costs_one_more_try(upstream: Upstream) -> None:
    """A request that met a connection closed by the peer is sent once more on a fresh one."""
    async with scripted(OK, [CLOSE], OK) as server:
        await body_of(await ask(upstream, server, request()))
        assert await body_of(await ask(upstream, server, request())) == b"ok"
        assert len(server.requests) == 3


async def test_a_fresh_connection_that_dies_is_an_error(upstream: Upstream) -> None:
    """There is no second try where the first had a fresh connection."""
    async with scripted([CLOSE], OK) as server:
        assert await fault_of(upstream, server) == UpstreamReason.CLOSED
        assert len(server.requests) == 1


async def test_what_is_not_idempotent_is_sent_once(upstream: Upstream) -> None:
    """Without `reuse` a request gets a fresh connection and one try."""
    async with scripted(OK, [CLOSE], OK) as server:
        await body_of(await ask(upstream, server, request()))
        upload = Upload(chunks=upload_of(b"abc"), length=3)
        with pytest.raises(UpstreamError):
            await ask(upstream, server, request("POST"), upload, reuse=False)
        assert len(server.requests) == 2
        assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", CLOSE], UpstreamReason.BROKEN_BODY),
        (
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", CLOSE],
            UpstreamReason.BROKEN_BODY,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            UpstreamReason.BROKEN_BODY,
        ),
        (b"SSH-2.0-OpenSSH\r\n\r\n", UpstreamReason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nBad\x00Field: 1\r\n\r\n", UpstreamReason.BAD_ANSWER),
    ],
)
async def test_broken_answers(
    upstream: Upstream, answer: bytes | list[bytes], reason: UpstreamReason
) -> None:
    """An answer that is cut short or is no HTTP is an error, never a whole response."""
    async with scripted(answer) as server:
        assert await fault_of(upstream, server) == reason


async def test_uploads_in_both_framings(upstream: Upstream) -> None:
    """A body of known length goes with Content-Length, another one in chunks."""
    async with scripted(OK, OK) as server:
        known = Upload(chunks=upload_of(b"ab", b"c"), length=3)
        await body_of(await ask(upstream, server, request("POST"), known))
        assert server.requests[0].endswith(b"Content-Length: 3\r\n\r\nabc")
        unknown = Upload(chunks=upload_of(b"ab", b"c"), length=None)
        await body_of(await ask(upstream, server, request("POST"), unknown))
        assert server.requests[1].endswith(b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")


async def test_an_early_answer_ends_the_upload(upstream: Upstream) -> None:
    """A server that answers before it has the body is heard, and the rest is not sent."""

    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    listener = await asyncio.start_server(_refuse_at_once, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    answer = await ask(
        upstream, Scripted(port=port), request("PUT"), Upload(chunks=endless(), length=9)
    )
    assert answer.response.status == 413
    assert await body_of(answer) == b""
    listener.close()


async def _refuse_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
    await reader.read()
    writer.close()


async def test_no_server_there(upstream: Upstream) -> None:
    """A refused connection may always be tried elsewhere."""
    async with scripted() as server:
        pass
    with pytest.raises(UpstreamError) as caught:
        await ask(upstream, server, request("POST"))
    assert caught.value.reason is UpstreamReason.CONNECT_FAILED
    assert caught.value.may_retry("POST")


async def test_a_silent_server_is_given_up() -> None:
    """No head within the answer timeout is a gateway timeout."""
    hasty = connections(answer_timeout_s=0.05)
    async with scripted() as server:
        assert await fault_of(hasty, server) == UpstreamReason.ANSWER_TIMEOUT
    await hasty.close()


async def test_a_stalled_body_is_given_up() -> None:
    """A body that stops coming is an error."""
    hasty = connections(read_stall_s=0.05)
    async with scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab") as server:
        assert await fault_of(hasty, server) == UpstreamReason.BODY_STALLED
    await hasty.close()


async def test_a_relay_carries_bytes_both_ways(upstream: Upstream) -> None:
    """Behind a 101 bytes flow raw, those that came with the head too."""
    accepted = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nhello"
    async with scripted(accepted) as server:
        answer = await ask(upstream, server, request(upgrade="websocket"))
        assert answer.response.status == 101
        assert answer.relay is not None
        assert await answer.relay.read() == b"hello"
        await answer.relay.write(b"GET / HTTP/1.1\r\n\r\n")
        answer.relay.close()


@pytest.mark.parametrize("upgrade", [b"", b"Upgrade: h2c\r\n"])
async def test_a_switch_to_what_was_not_asked_for(upstream: Upstream, upgrade: bytes) -> None:
    """101 answers a WebSocket handshake, and only with WebSocket (RFC 9110 15.2.2)."""
    switching = b"HTTP/1.1 101 Switching Protocols\r\n%b\r\n"
    async with scripted(switching % b"Upgrade: websocket\r\n", switching % upgrade) as server:
        for asked in (request(), request(upgrade="websocket")):
            assert await fault_of(upstream, server, asked) == UpstreamReason.BAD_ANSWER


@pytest.mark.parametrize("more", [0, 1, 1_000])
async def test_interim_responses_are_counted(upstream: Upstream, more: int) -> None:
    """So many are passed on; one more is a fault, and is not passed on, nor is any behind it."""
    hint, interim = b"HTTP/1.1 103 Early Hints\r\n\r\n", list[Response]()
    async with scripted(hint * (MOST_INTERIM + more) + OK) as server:
        if more:
            with pytest.raises(UpstreamError) as caught:
                await ask(upstream, server, request(), interim=interim)
            assert caught.value.reason is UpstreamReason.BAD_ANSWER
        else:
            await body_of(await ask(upstream, server, request(), interim=interim))
        assert len(interim) == MOST_INTERIM


async def test_uploads_and_websockets_leave_room_for_others() -> None:
    """Those that clients can hold get one connection in two; their place is free at their end."""
    narrow = connections(upstream_connections=2)
    async with scripted(OK, OK, OK) as server:
        held = await ask(narrow, server, request("POST"), Upload(chunks=upload_of(b"a"), length=1))
        for asked, upload in (
            (request("POST"), Upload(chunks=upload_of(b"b"), length=1)),
            (request(upgrade="websocket"), None),
        ):
            with pytest.raises(OurError) as caught:
                await ask(narrow, server, asked, upload)
            assert caught.value.reason is OurReason.BUSY
        assert await body_of(await ask(narrow, server, request())) == b"ok"
        held.close()
        last = Upload(chunks=upload_of(b"c"), length=1)
        assert await body_of(await ask(narrow, server, request("POST"), last)) == b"ok"
    await narrow.close()


async def test_one_connection_is_enough_for_an_upload() -> None:
    """The share of what clients can hold is never nothing."""
    single = connections(upstream_connections=1)
    async with scripted(OK) as server:
        upload = Upload(chunks=upload_of(b"a"), length=1)
        assert await body_of(await ask(single, server, request("POST"), upload)) == b"ok"
    await single.close()
