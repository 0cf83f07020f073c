"""The hit path: it answers as the pipeline does, and only what the pipeline would answer so."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.web_protocol import RequestHandler
from prometheus_client import CollectorRegistry

from edge.aio.connection import JOINED_BYTES
from edge.aio.http1 import HttpServer
from edge.aio.worker import EdgeWorker
from edge.config import Limits
from edge.metrics import LATENCY_BUCKETS_S, EdgeMetrics
from tests.kit.delivery import QUICK, Delivery, delivery
from tests.kit.talk import PATIENCE_S, Call, Play, Reply, Talker, origin, saying, talking

FRESH = "Cache-Control: max-age=600"
VALIDATORS = ('ETag: "v1"', "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT")
BROWSER = (
    "Connection: keep-alive",
    "Upgrade-Insecure-Requests: 1",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0",
    "Accept: text/html,*/*;q=0.8",
    "Sec-Fetch-Mode: navigate",
    "Accept-Encoding: gzip, deflate, br",
    "Accept-Language: de, en;q=0.7",
    "Cookie: sid=1",
)


@asynccontextmanager
async def standing(
    keys: Path, play: Play, limits: Limits = QUICK
) -> AsyncIterator[tuple[Delivery, Talker]]:
    """A network whose origin plays this, and a user of its edge."""
    async with (
        origin(play) as shop,
        delivery(keys, shop, limits=limits) as net,
        net.client() as client,
    ):
        yield net, client


def servers(net: Delivery) -> list[HttpServer]:
    """The edge's listeners."""
    assert isinstance(net.edge.worker, EdgeWorker)
    return net.edge.worker._servers


async def until(true: Callable[[], object]) -> None:
    """Wait for something that nobody tells us."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def steady(reply: Reply) -> tuple[int, str, list[tuple[str, str]], bytes]:
    """A reply without what differs from one to the next."""
    fields = [(name, value) for name, value in reply.fields if name != "x-request-id"]
    return reply.status, reply.reason, fields, reply.body


async def ready(net: Delivery, client: Talker, *asked: str, method: str = "GET") -> Reply:
    """The answer from what is ready, which is the same as the pipeline's."""
    for _ in range(3):  # the second that passes may change Age between two answers
        before = net.edge.log.filled
        decided = await client.ask("/", *asked, method=method)
        at_once = await client.ask("/", *asked, method=method)
        assert net.edge.log.filled > before, "it was not answered from what is ready"
        if steady(decided) == steady(at_once):
            assert decided.one("x-request-id") != at_once.one("x-request-id")
            return at_once
    raise AssertionError((decided, at_once))


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ((), 200),
        (BROWSER, 200),
        (('If-None-Match: "v1"',), 304),
        (('If-None-Match: W/"v1", "other"', *BROWSER), 304),
        (('If-None-Match: "other"',), 200),
        (("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",), 304),
        (("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT",), 200),
        (("Range: bytes=1-3",), 206),
        (("Range: bytes=-2", 'If-Range: "v1"'), 206),
        (("Range: bytes=-2", 'If-Range: "v2"'), 200),
        (("X-Forwarded-Host: evil.test", "X-HTTP-Method-Override: DELETE", "Referer: /"), 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_same_as_the_pipeline(
    keys: Path, method: str, asked: tuple[str, ...], status: int
) -> None:
    """Status, every field in its order, and the body."""
    odd = "X-Odd: \xe9\x80%d"
    play = saying(FRESH, *VALIDATORS, "Content-Type: text/plain", odd, body=b"12345")
    async with standing(keys, play) as (net, client):
        await client.ask()
        reply = await ready(net, client, *asked, method=method)
        assert reply.status == (200 if (method, status) == ("HEAD", 206) else status)
        assert reply.lines("cache-status")[-1].startswith("east; hit; ttl=")


@pytest.mark.parametrize(
    "asked", [("Range: bytes=0-0,2-3",), ("If-None-Match: " + '"x",' * 600 + '"v1"',)]
)
async def test_what_would_take_memory_of_its_own_is_not_kept(
    keys: Path, asked: tuple[str, ...]
) -> None:
    """Bodies are the store's, and lines that count are short: nobody can fill the memory."""
    async with standing(keys, saying(FRESH, *VALIDATORS, body=b"12345")) as (net, client):
        await client.ask()
        for _ in range(3):
            assert (await client.ask("/", *asked)).status in (206, 304)
        assert net.edge.log.filled == 0


async def test_a_large_body_over_tls_is_never_ready(keys: Path) -> None:
    """TLS encrypts all that it is given at once: who does not read it is given little."""
    async with standing(keys, saying(FRESH, body=bytes(300_000))) as (net, client):
        await client.ask()
        assert (await ready(net, client)).status == 200
        before = net.edge.log.filled
        async with net.client(tls="shop.test") as secure:
            for _ in range(4):
                assert len((await secure.ask()).body) == 300_000
        assert net.edge.log.filled == before


async def test_over_tls_and_of_any_size(keys: Path) -> None:
    """Small ones are joined with their head, large ones are not; both arrive whole."""
    for size in (0, 1, JOINED_BYTES, JOINED_BYTES + 1, 200_000):
        body = bytes(range(256)) * (size // 256) + bytes(size % 256)
        async with standing(keys, saying(FRESH, body=body)) as (net, client):
            await client.ask()
            assert (await ready(net, client)).body == body
            async with net.client(tls="shop.test") as secure:
                await secure.ask()
                assert (await ready(net, secure)).body == body


async def test_a_large_body_is_sent_from_its_copy(keys: Path) -> None:
    """The kernel reads it from there; what has no copy is written, and is the same."""
    body = bytes(range(256)) * 2048
    async with standing(keys, saying(FRESH, body=body)) as (net, client):
        await client.ask()
        assert (await ready(net, client)).body == body
        (server,) = (one for one in servers(net) if one.scheme == "http")
        assert server.hits is not None
        (copy,) = server.hits._copies._held.values()
        os.pwrite(copy.file, b"x" * len(body), 0)
        assert (await client.ask()).body == b"x" * len(body)
        copy.close()
        assert (await client.ask()).body == body


async def test_what_the_kernel_does_not_take_of_a_copy_follows(keys: Path) -> None:
    """Who is slow to read gets all of it, in order, and small answers in between."""
    body = bytes(range(256)) * 4096

    async def play(call: Call) -> None:
        await call.answer(FRESH, body=body if call.target == "/large" else b"small")

    async with standing(keys, play) as (net, client):
        for target in ("/large", "/small") * 3:
            await client.ask(target)
        before = net.edge.log.filled
        client.stop_reading()
        asked = "GET {} HTTP/1.1\r\nHost: shop.test\r\n\r\n"
        client.say((asked.format("/large") + asked.format("/small")).encode() * 20)
        (server,) = (one for one in servers(net) if one.scheme == "http")
        (connection,) = server._connections
        await until(connection._wire.get_write_buffer_size)
        client.read_on()
        for _ in range(20):
            assert (await client.reply()).body == body
            assert (await client.reply()).body == b"small"
        assert net.edge.log.filled > before


async def test_http_and_https_are_apart(keys: Path) -> None:
    """The same head over another scheme is another request."""

    async def play(call: Call) -> None:
        await call.answer(FRESH, body=call.lines("x-forwarded-proto")[0].encode())

    async with standing(keys, play) as (net, client), net.client(tls="shop.test") as secure:
        for user in (client, secure):
            await user.ask()
        assert (await ready(net, client)).body == b"http"
        assert (await ready(net, secure)).body == b"https"


@pytest.mark.parametrize(
    "asked",
    [
        "Cache-Control: no-cache",
        "Cache-Control: max-age=0",
        "Pragma: no-cache",
        "Connection: close",
        "Connection: keep-alive, X-Hop",
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "Upgrade: websocket",
        "Expect: 100-continue",
        "TE: trailers",
        "CDN-Loop: midmile-demo",
        "Midmile-Accept: zstd",
        "Host: shop.test",
        "Host: other.test",
        "Content_Length: 4",
        " folded",
        "No-Colon",
        "Sp ace: x",
        "X: a\rb",
        "X: a\nb",
        "X: a\x00b",
        "Cookie: a\x7fb",
    ],
)
async def test_what_is_not_plain_goes_the_pipelines_way(keys: Path, asked: str) -> None:
    """It may mean another answer, or none at all."""
    async with standing(keys, saying(FRESH)) as (net, client):
        await client.ask()
        await ready(net, client, "Cookie: warm")
        before = net.edge.log.filled
        for _ in range(2):
            async with net.client() as other:
                other.request("/", asked)
                await other.head()
        assert net.edge.log.filled == before


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.0\r\nHost: shop.test\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\nHost: shop.test\n\n",
        b"get / HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        b"GET /?x HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        b"GET // HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: blog.test\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.test\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.test\r\nCookie: " + b"x" * 40_000 + b"\r\n\r\n",
    ],
)
async def test_other_heads_are_not_taken_for_it(keys: Path, head: bytes) -> None:
    """Only the very lines that were answered before."""
    async with standing(keys, saying(FRESH)) as (net, client):
        await client.ask()
        await ready(net, client)
        before = net.edge.log.filled
        async with talking(net.edge.ports["http"]) as other:
            other.say(head)
            await other.head()
        assert net.edge.log.filled == before


async def test_a_head_in_pieces(keys: Path) -> None:
    """It is put together where it always was."""
    async with standing(keys, saying(FRESH)) as (net, client):
        await client.ask()
        await ready(net, client)
        for byte in b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n":
            client.say(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.reply()).body == b"hello"


async def test_what_vary_names_counts(keys: Path) -> None:
    """Each variant has its own answer; what Vary does not name makes none."""

    async def play(call: Call) -> None:
        asked = call.lines("accept-encoding")
        body = gzip.compress(b"hello") if asked == ["gzip"] else b"hello"
        fields = ["Content-Encoding: gzip"] if asked == ["gzip"] else []
        await call.answer(FRESH, "Vary: Accept-Encoding", *fields, body=body)

    async with standing(keys, play) as (net, client):
        for coding in ("gzip", "identity"):
            await client.ask("/", f"Accept-Encoding: {coding}")
        packed = await ready(net, client, "Accept-Encoding: gzip", "Accept-Language: de")
        plain = await ready(net, client, "Accept-Encoding: identity", "Accept-Language: en")
        assert (gzip.decompress(packed.body), plain.body) == (b"hello", b"hello")
        before = net.edge.log.filled
        assert (await client.ask("/", "accept-encoding: gzip", "Accept-Language: fr")).body
        assert (await client.ask("/", "Accept-Encoding: gzip", "Accept-Language: fr")).body
        assert net.edge.log.filled == before + 1  # another spelling is looked at once more


async def test_what_varies_by_visitor_is_never_ready(keys: Path) -> None:
    """Nothing of a cookie is kept, and no page of one visitor is given to another."""

    async def play(call: Call) -> None:
        await call.answer(FRESH, "Vary: Cookie", body=call.lines("cookie")[0].encode())

    async with standing(keys, play) as (net, client):
        for _ in range(3):
            for name in ("a", "b"):
                assert (await client.ask("/", f"Cookie: sid={name}")).body == f"sid={name}".encode()
        assert net.edge.log.filled == 0


async def test_what_changes_is_not_ready_any_more(keys: Path) -> None:
    """An unsafe request drops it; the next answer is the new one."""
    versions = iter(range(100))

    async def play(call: Call) -> None:
        await call.body()
        await call.answer(FRESH, body=b"%d" % next(versions))

    async with standing(keys, play) as (net, client), net.client() as writer:
        await client.ask()
        assert (await ready(net, client)).body == b"0"
        assert (await writer.ask(method="POST", body=b"x")).body == b"1"
        assert (await client.ask()).body == b"2"
        assert (await ready(net, client)).body == b"2"


async def test_what_is_stale_is_not_ready(keys: Path) -> None:
    """Freshness ends at the same moment as on the pipeline's way."""
    async with standing(keys, saying("Cache-Control: max-age=1")) as (_, client):
        while (await client.ask()).lines("cache-status")[-1].startswith("east; fwd"):
            pass
        await client.ask()
        for _ in range(60):
            last = (await client.ask()).lines("cache-status")[-1]
            if "fwd" in last:
                break
            await asyncio.sleep(0.05)
        assert "fwd=stale" in last


async def test_pipelined_with_others(keys: Path) -> None:
    """Answers keep the order of the requests, whichever way they go."""

    async def play(call: Call) -> None:
        kept = FRESH if call.target == "/" else "Cache-Control: no-store"
        await call.answer(kept, body=call.target.encode())

    async with standing(keys, play) as (net, client):
        await client.ask()
        await ready(net, client)
        targets = ["/", "/", "/1", "/", "/2", "/", "/"]
        for target in targets:
            client.request(target)
        assert [(await client.reply()).body.decode() for _ in targets] == targets
        assert (await ready(net, client)).body == b"/"


async def test_who_does_not_read_is_written_little(keys: Path) -> None:
    """Hundreds of large answers asked for at once wait until the client has taken some."""
    body = bytes(100_000)
    async with standing(keys, saying(FRESH, body=body)) as (net, client):
        await client.ask()
        await ready(net, client)
        client.stop_reading()
        client.say(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n" * 400)
        (server,) = (one for one in servers(net) if one.scheme == "http")
        (connection,) = server._connections
        await until(connection._wire.get_write_buffer_size)
        await asyncio.sleep(0.1)
        assert connection._wire.get_write_buffer_size() < 4 * len(body)
        client.read_on()
        for _ in range(400):
            assert (await client.reply()).body == body


async def test_after_a_body_the_pipeline_answers(keys: Path) -> None:
    """On such a connection only the parser knows where a request begins."""
    async with standing(keys, saying(FRESH)) as (net, client):
        await client.ask()
        await ready(net, client)
        await client.ask("/else", method="POST", body=b"x")
        before = net.edge.log.filled
        for _ in range(2):
            assert (await client.ask()).body == b"hello"
        assert net.edge.log.filled == before


async def test_a_connection_in_use_is_kept(keys: Path) -> None:
    """One that is only ever served what is ready is no idle one; and one that rests is closed."""
    limits = replace(QUICK, idle_timeout_s=0.5)
    async with standing(keys, saying(FRESH), limits=limits) as (net, client):
        await client.ask()
        await client.ask()
        for _ in range(12):
            await asyncio.sleep(0.1)
            assert (await client.ask()).status == 200
        assert net.edge.log.filled >= 12
        assert await client.rest() == b""


async def test_a_node_that_drains_says_so(keys: Path) -> None:
    """The last answer of a connection goes the way on which that is said."""
    async with standing(keys, saying(FRESH)) as (net, client):
        await client.ask()
        await ready(net, client)
        for server in servers(net):
            server.draining = True
        assert (await client.ask()).one("connection") == "close"


async def test_it_is_logged_and_counted(keys: Path) -> None:
    """The same facts as on the pipeline's way."""
    async with standing(keys, saying(FRESH, "Content-Type: text/html")) as (net, client):
        await client.ask()
        reply = await ready(net, client, *BROWSER)
        decided, at_once = net.edge.log[-2:]
        assert at_once["request_id"] == reply.one("x-request-id")
        alike = decided.keys() - {"request_id", "seconds", "first_byte_s"}
        assert {name: decided[name] for name in alike} == {name: at_once[name] for name in alike}
        assert at_once.keys() == decided.keys() - {"first_byte_s"}
        hits = sum(line["verdict"] == "hit" for line in net.edge.log)
        labels = {"site": "shop", "verdict": "hit"}
        assert net.edge.count("requests_total", status="200", **labels) == hits
        assert net.edge.count("request_seconds_count", **labels) == hits
        sent = sum(int(str(line["response_bytes"])) for line in net.edge.log)
        assert net.edge.count("bytes_total", direction="client-out") == sent


def test_many_latencies_are_counted_as_one_by_one() -> None:
    """What is used of the library's inside does what its `observe` does."""
    seconds = [0.0, 0.0001, LATENCY_BUCKETS_S[0], 0.02, 99.0]
    one, other = CollectorRegistry(), CollectorRegistry()
    EdgeMetrics(one).hits("shop", 200, seconds)
    slowly = EdgeMetrics(other)
    for each in seconds:
        slowly.request_began()
        slowly.request_ended(site="shop", status=200, verdict="hit", seconds=each)

    def samples(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
        return {
            (sample.name, str(sorted(sample.labels.items()))): sample.value
            for family in registry.collect()
            for sample in family.samples
            if not sample.name.endswith("_created")
        }

    assert samples(one) == pytest.approx(samples(other))


def test_what_is_used_of_aiohttp() -> None:
    """Its idle connections are told that they are in use."""
    names = {name for kind in RequestHandler.__mro__ for name in getattr(kind, "__slots__", ())}
    assert {"_next_keepalive_close_time", "_keepalive_timeout"} <= names
    assert "_paused" in BaseProtocol.__slots__
