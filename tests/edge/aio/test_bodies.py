"""Bodies, interim responses and failures on their way between user and origin."""

import asyncio
import json
from pathlib import Path

import pytest

from edge.config import Limits
from tests.kit.delivery import QUICK, Delivery, delivery
from tests.kit.talk import Call, Talker, origin


async def test_uploads_of_both_kinds(keys: Path) -> None:
    """A known length stays known, chunks stay chunks, and every byte arrives."""
    got: list[tuple[str, bytes]] = []

    async def play(call: Call) -> None:
        kind = "chunked" if call.lines("transfer-encoding") else "length"
        got.append((kind, await call.body()))
        await call.answer(body=b"thanks")

    body = bytes(range(256)) * 2_000
    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask(method="POST", body=body)).body == b"thanks"
        client.request("/", "Transfer-Encoding: chunked", method="PUT")
        client.say(b"%x\r\n%b\r\n3;a=b\r\nend\r\n0\r\nX-T: 1\r\n\r\n" % (len(body), body))
        assert (await client.reply()).body == b"thanks"
        client.request("/", "Content-Length: 0", method="POST")
        assert (await client.reply()).body == b"thanks"
    assert got == [("length", body), ("chunked", body + b"end"), ("length", b"")]


async def test_continue_is_answered_by_the_edge(keys: Path) -> None:
    """Once a parent stands ready; the origin is not asked for leave."""

    async def play(call: Call) -> None:
        assert call.lines("expect") == []
        await call.answer(body=await call.body())

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        client.request("/", "Expect: 100-continue", "Content-Length: 2", method="POST")
        assert (await client.head()).status == 100
        client.say(b"ab")
        assert (await client.reply()).body == b"ab"
        client.request(
            "/", "Expect: 100-continue", "Content-Length: 2", method="POST", host="no.test"
        )
        assert (await client.reply()).status == 421
        assert await client.rest() == b""


async def test_an_upload_that_breaks(keys: Path) -> None:
    """The user gets 400, the origin sees an incomplete request, nobody is asked again."""
    gone = asyncio.Event()

    async def play(call: Call) -> None:
        await call.gone()
        gone.set()

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        client.request("/", "Transfer-Encoding: chunked", method="PUT")
        client.say(b"3\r\nabc\r\n")
        await shop.wait_for(1)
        client.say(b"zz\r\n")
        assert (await client.reply()).status == 400
        assert await client.rest() == b""
        await asyncio.wait_for(gone.wait(), 5)
        assert len(shop.calls) == 1
        assert net.edge.count("requests_refused_total", reason="bad-chunk") == 1
        assert net.edge.count("upstream_errors_total", reason="closed-before-answer") == 0


async def test_interim_responses_reach_the_user(keys: Path) -> None:
    """103 passes both nodes while the origin still thinks."""
    heard = asyncio.Event()

    async def play(call: Call) -> None:
        await call.write(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\nx: 1\r\n\r\n"
        )
        await heard.wait()
        await call.answer()

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        client.request()
        early = await client.head()
        assert (early.status, early.one("link"), early.one("x")) == (103, "</a.css>", None)
        heard.set()
        assert (await client.reply()).status == 200


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nCache-Control: max-age=9\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 999\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: a/xml\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
async def test_a_truncated_response_looks_truncated(keys: Path, response: bytes) -> None:
    """The connection is cut where the origin's was, and nothing of it is stored."""
    head, end, rest = response.partition(b"\r\n\r\n")
    seen = asyncio.Event()

    async def play(call: Call) -> None:
        await call.write(head + end + rest[:3])
        await seen.wait()
        await call.write(rest[3:])
        call.writer.close()

    async with origin(play) as shop, delivery(keys, shop) as net:
        for calls in (1, 2):
            seen.clear()
            async with net.client() as client:
                client.request()
                await client.head()
                seen.set()
                assert not (await client.rest()).endswith(b"0\r\n\r\n")
            assert len(shop.calls) == calls
        assert net.edge.log[-1]["error"] == "broken-body"


async def test_a_response_that_is_too_long(keys: Path) -> None:
    """What follows the announced length is nobody's answer."""

    async def play(call: Call) -> None:
        await call.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nEvil: 1\r\n\r\n"
        )

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        for _ in range(3):
            reply = await client.ask()
            assert (reply.body, reply.one("evil")) == (b"ok", None)


async def test_an_answer_nobody_asked_for_is_nobodys(keys: Path) -> None:
    """What an origin sends on an idle connection does not answer the next request."""
    sent = asyncio.Event()

    async def play(call: Call) -> None:
        await call.answer(body=b"mine")
        if len(shop.calls) == 1:
            await asyncio.sleep(0)
            await call.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            sent.set()

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask()).body == b"mine"
        await sent.wait()
        assert (await client.ask("/next")).body == b"mine"


async def test_a_body_until_the_connection_ends(keys: Path) -> None:
    """HTTP/1.0 origins: the user gets chunks and a proper end, the cache the whole."""

    async def play(call: Call) -> None:
        await call.write(b"HTTP/1.0 200 Fine\r\nCache-Control: max-age=9\r\n\r\nabc")
        call.writer.close()

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        first = await client.ask()
        assert (first.body, first.one("transfer-encoding"), first.reason) == (
            b"abc",
            "chunked",
            "Fine",
        )
        second = await client.ask()
        assert (second.body, second.one("content-length")) == (b"abc", "3")


@pytest.mark.parametrize(
    ("method", "said", "body"),
    [
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            b"3\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"0\r\n\r\n",
        ),
        (
            "GET",
            b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            b"abc",
        ),
    ],
    ids=["length", "head", "304", "chunked", "empty chunked", "interim"],
)
async def test_a_log_line_tells_heads_and_body_apart(
    keys: Path, method: str, said: bytes, body: bytes
) -> None:
    """To the byte as they came to the user, framing included."""

    async def play(call: Call) -> None:
        await call.write(said.replace(b"OK\r\n", b"OK\r\nContent-Type: Image/PNG; q=1\r\n"))

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        client.request("/", "Connection: close", method=method)
        taken = await client.rest()
        (line,) = net.edge.log
        assert taken.endswith(b"\r\n\r\n" + body)
        assert (line["response_bytes"], line["body_bytes"]) == (len(taken), len(body))
        assert line.get("type") == ("image/png" if b" 200 " in said else None)


@pytest.mark.parametrize("phrase", [b"", b"caf\xe9", "성공".encode(), b"\xff\xfe"])
async def test_reason_phrases_pass(keys: Path, phrase: bytes) -> None:
    """Whatever bytes they are made of."""

    async def play(call: Call) -> None:
        await call.write(b"HTTP/1.1 200 " + phrase + b"\r\nContent-Length: 0\r\n\r\n")

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask()).reason.encode("latin-1") in (phrase, b"OK")


async def test_error_pages(keys: Path) -> None:
    """In the form the client likes, with the id that is in the log; nobody stores them."""
    async with delivery(keys, dead={"parent-a": 9}, parents=()) as net, net.client() as client:
        for accept, media in (
            ("text/html,*/*", "text/html; charset=utf-8"),
            ("application/json", "application/json"),
            ("*/*", "text/plain; charset=utf-8"),
        ):
            reply = await client.ask("/", f"Accept: {accept}")
            assert (reply.status, reply.one("content-type")) == (502, media)
            assert (reply.one("cache-control"), bool(reply.one("date"))) == ("no-store", True)
            request_id = reply.one("x-request-id")
            assert request_id is not None
            assert request_id.encode() in reply.body
            assert net.edge.log[-1]["request_id"] == request_id
            assert net.edge.log[-1]["error"] == "connect-failed"
            if media == "application/json":
                assert json.loads(reply.body)["status"] == 502


async def test_no_upstream_at_all(keys: Path) -> None:
    """503 with leave to come again."""
    async with delivery(keys, parents=()) as net, net.client() as client:
        reply = await client.ask()
        assert (reply.status, reply.one("retry-after")) == (503, "2")


async def test_an_origin_that_does_not_answer(keys: Path) -> None:
    """504 from the parent, which stays the edge's parent."""

    async def play(call: Call) -> None:
        await call.gone()

    limits = Limits(answer_timeout_s=0.1, connect_timeout_s=1)
    async with (
        origin(play) as shop,
        delivery(keys, shop, limits=limits) as net,
        net.client() as client,
    ):
        reply = await client.ask("/", "Accept: application/json")
        assert reply.status == 504
        assert json.loads(reply.body)["node"] == "parent-a"
        assert net.edge.count("upstream_errors_total", reason="answer-timeout") == 0


async def test_a_client_that_leaves_is_logged(keys: Path) -> None:
    """As 499, and what was fetched for it alone is dropped at the origin too."""
    gone = asyncio.Event()

    async def play(call: Call) -> None:
        await call.body()
        await call.gone()
        gone.set()

    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            client.request(method="POST", body=b"x")
            await shop.wait_for(1)
        await asyncio.wait_for(gone.wait(), 5)
        await net.edge.stop()
        assert (net.edge.log[0]["status"], net.edge.log[0]["error"]) == (499, "client-gone")


async def test_a_client_that_leaves_in_mid_answer(keys: Path) -> None:
    """The origin stops being read for a response that only this client wanted."""
    gone = asyncio.Event()

    async def play(call: Call) -> None:
        await call.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await call.gone()
        gone.set()

    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            client.request()
            await client.head()
            assert await client.chunk() == b"a"
        await asyncio.wait_for(gone.wait(), 5)


async def streamed(net: Delivery, total: int) -> int:
    """Read a large response, stopping for a while; the size of what came."""
    async with net.client(limit=1024 * 1024) as client:
        client.request("/big")
        await client.head()
        got = 0
        while got < total and (data := await client.reader.read(1024 * 1024)):
            got += len(data)
        return got


async def test_a_large_response_is_not_held(keys: Path) -> None:
    """While the user reads nothing, neither edge nor parent takes more from the origin."""
    total = 100 * 1024 * 1024
    sent = 0

    async def play(call: Call) -> None:
        nonlocal sent
        await call.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent < total:
            await call.write(bytes(256 * 1024))
            sent += 256 * 1024
            stalled.clear()
            asyncio.get_running_loop().call_later(0.2, stalled.set)

    stalled = asyncio.Event()
    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            client.stop_reading()
            client.request("/big")
            await stalled.wait()  # the origin has not got rid of a piece for a while
            assert sent < total / 4  # kernel buffers of three connections
        sent = 0
        assert await streamed(net, total) == total


async def test_a_large_upload_is_not_held(keys: Path) -> None:
    """While the origin reads nothing, the user cannot go on sending."""
    total, sent = 100 * 1024 * 1024, 0
    may_read, stalled = asyncio.Event(), asyncio.Event()

    async def play(call: Call) -> None:
        await may_read.wait()
        got = 0
        while got < total:
            got += len(await call.reader.read(1024 * 1024))
        await call.answer(body=b"%d" % got)

    async def upload(client: Talker) -> None:
        nonlocal sent
        client.say(b"POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: %d\r\n\r\n" % total)
        while sent < total:
            client.say(bytes(256 * 1024))
            await client.writer.drain()
            sent += 256 * 1024
            stalled.clear()
            asyncio.get_running_loop().call_later(0.2, stalled.set)

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        task = asyncio.create_task(upload(client))
        await stalled.wait()
        assert sent < total / 4
        may_read.set()
        await task
        assert (await client.reply()).body == b"%d" % total


async def test_an_upload_that_nobody_takes_ends(keys: Path) -> None:
    """504 once the origin has taken nothing for too long, though the user could go on."""

    async def play(call: Call) -> None:
        await asyncio.Event().wait()

    limits = Limits(write_stall_s=0.3, connect_timeout_s=1)
    async with (
        origin(play) as shop,
        delivery(keys, shop, limits=limits) as net,
        net.client() as client,
    ):
        client.say(b"POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 99999999\r\n\r\n")
        filling = asyncio.create_task(fill(client))
        assert (await client.head()).status == 504
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


async def fill(client: Talker) -> None:
    """Send without end."""
    while True:
        client.say(bytes(256 * 1024))
        await client.writer.drain()


async def test_draining_an_edge(keys: Path) -> None:
    """What is under way finishes, through to the origin."""
    may_end = asyncio.Event()

    async def play(call: Call) -> None:
        await may_end.wait()
        await call.answer(body=b"done")

    async with (
        origin(play) as shop,
        delivery(keys, shop, limits=QUICK) as net,
        net.client() as client,
    ):
        client.request()
        await shop.wait_for(1)
        drain = asyncio.create_task(net.edge.stop(5))
        await asyncio.sleep(0)
        may_end.set()
        reply = await client.reply()
        assert (reply.body, reply.one("connection")) == (b"done", "close")
        await drain
