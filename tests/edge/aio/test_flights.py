"""Requests that come together: one of them asks, all are answered."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from edge.aio.flights import WINDOW_BYTES, Ending, Flight
from edge.aio.misses import IN_FLIGHT_SHARE
from edge.message import Response
from tests.kit.delivery import QUICK, Delivery, delivery
from tests.kit.talk import Call, Origin, origin

FRESH = b"Cache-Control: max-age=60\r\n"


class Stage:
    """An origin that holds its answers back until the test says so."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.go = asyncio.Event()

    async def __call__(self, call: Call) -> None:
        """Answer in turn."""
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await call.body()
        await self.go.wait()
        await call.write(answer)


def whole(body: bytes, fields: bytes = FRESH, status: bytes = b"200 OK") -> bytes:
    """A response."""
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, fields, len(body), body)


async def visit(net: Delivery, *fields: str) -> bytes:
    """The body that one request gets."""
    async with net.client() as client:
        return (await client.ask("/", *fields)).body


async def answered(net: Delivery, stage: Stage, *fields: str) -> None:
    """Have one request answered before the others come."""
    stage.go.set()
    await visit(net, *fields)
    stage.go.clear()


async def all_arrive(
    net: Delivery, stage: Stage, shop: Origin, *fields: tuple[str, ...]
) -> list[bytes]:
    """The bodies of requests each of which the origin sees before it answers any."""
    before = len(shop.calls)
    tasks = [asyncio.create_task(visit(net, *extra)) for extra in fields]
    await shop.wait_for(before + len(fields))
    stage.go.set()
    return list(await asyncio.gather(*tasks))


async def joined(net: Delivery, requests: int) -> None:
    """Wait until so many requests are being answered at the edge."""
    async with asyncio.timeout(5):
        while net.edge.count("requests_in_flight") < requests:  # noqa: ASYNC110 - a gauge wakes nobody
            await asyncio.sleep(0)


async def all_ask(net: Delivery, stage: Stage, *fields: tuple[str, ...]) -> list[bytes]:
    """Send one request for each of `fields` at the same time; the answers' bodies, in order."""
    tasks = []
    for number, extra in enumerate(fields, 1):  # in this order
        tasks.append(asyncio.create_task(visit(net, *extra)))
        await joined(net, number)
    stage.go.set()
    return list(await asyncio.gather(*tasks))


async def test_shared(keys: Path) -> None:
    """One request reaches the origin; the others are told that theirs was collapsed."""
    stage = Stage(whole(b"one"))
    async with origin(stage) as shop, delivery(keys, shop) as net:
        assert await all_ask(net, stage, *[()] * 20) == [b"one"] * 20
        assert len(shop.calls) == 1
        assert net.edge.count("collapsed_total") == 19
        assert sum("collapsed" in line for line in net.edge.log) == 19


async def test_alone(keys: Path) -> None:
    """What is private goes to who asked first; the others ask for themselves, all at once."""
    stage = Stage(*[whole(b"%d" % number, b"Cache-Control: private\r\n") for number in range(9)])
    async with origin(stage) as shop, delivery(keys, shop) as net:
        assert sorted(await all_ask(net, stage, *[()] * 5)) == [b"0", b"1", b"2", b"3", b"4"]
        assert len(shop.calls) == 5


async def test_what_is_not_shared_is_remembered(keys: Path) -> None:
    """The next requests do not wait for each other: all reach the origin before any answer."""
    stage = Stage(whole(b"x", b"Cache-Control: private\r\n"))
    async with origin(stage) as shop, delivery(keys, shop) as net:
        await answered(net, stage)
        assert await all_arrive(net, stage, shop, *[()] * 4) == [b"x"] * 4
        assert len(shop.calls) == 5


class Visitors(Stage):
    """A page that is a signed-in visitor's own, and else everybody's."""

    async def __call__(self, call: Call) -> None:
        """Answer by the cookie."""
        await self.go.wait()
        if call.lines("cookie"):
            await call.write(whole(b"mine", b"Cache-Control: private\r\nVary: Cookie\r\n"))
        else:
            await call.write(whole(b"all", FRESH + b"Vary: Cookie\r\n"))


async def test_one_visitors_private_page_says_nothing_of_the_others(keys: Path) -> None:
    """Those without the cookie still come together; those with it do not wait for each other."""
    stage = Visitors()
    async with origin(stage) as shop, delivery(keys, shop) as net:
        await answered(net, stage, "Cookie: id=1")
        assert await all_ask(net, stage, *[()] * 20) == [b"all"] * 20
        assert len(shop.calls) == 2
        stage.go.clear()
        alike = [("Cookie: id=1",)] * 4
        assert await all_arrive(net, stage, shop, *alike) == [b"mine"] * 4


async def test_visitors_with_cookies_of_their_own_do_not_wait_for_each_other(keys: Path) -> None:
    """Once one of them has been answered, each is known to be answered alone."""
    stage = Visitors()
    async with origin(stage) as shop, delivery(keys, shop) as net:
        await answered(net, stage, "Cookie: id=0")
        others = [(f"Cookie: id={n}",) for n in range(1, 6)]
        assert await all_arrive(net, stage, shop, *others) == [b"mine"] * 5


async def test_who_waited_for_a_private_page_comes_together_again(keys: Path) -> None:
    """Those without its visitor's cookie ask once more, and once for all of them."""
    stage = Visitors()
    async with origin(stage) as shop, delivery(keys, shop) as net:
        fields = [("Cookie: id=1",), *[()] * 20, ("Cookie: id=1",)]
        answers = await all_ask(net, stage, *fields)
        assert answers == [b"mine", *[b"all"] * 20, b"mine"]
        assert len(shop.calls) == 3


async def test_validated(keys: Path) -> None:
    """A 304 serves everybody who waited; one that forbids sharing serves who asked first."""
    validator, confirmed = b'ETag: "v"\r\n', b"HTTP/1.1 304 Not Modified\r\n"
    stage = Stage(
        whole(b"kept", validator + b"Cache-Control: no-cache\r\n"),
        confirmed + validator + b"Cache-Control: no-cache\r\n\r\n",
        confirmed + validator + b"Cache-Control: private\r\n\r\n",
        whole(b"mine", b"Cache-Control: private\r\n"),
    )
    async with origin(stage) as shop, delivery(keys, shop) as net:
        stage.go.set()
        async with net.client() as client:
            await client.ask()
        stage.go.clear()
        assert await all_ask(net, stage, (), (), ()) == [b"kept"] * 3
        assert len(shop.calls) == 2
        stage.go.clear()
        assert sorted(await all_ask(net, stage, (), ())) == [b"kept", b"mine"]


async def test_failed(keys: Path) -> None:
    """All who waited get the error of the one attempt."""
    attempts = 0

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        await stage.go.wait()
        writer.close()

    stage = Stage(b"")
    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with delivery(keys, parents=(), dead={"parent-a": port}) as net:
        answers = await all_ask(net, stage, *[()] * 3)
        assert all(b"502 Bad Gateway" in answer for answer in answers)
        assert attempts == 1
    server.close()


async def test_another_variant(keys: Path) -> None:
    """Who waited for a response that is not for him gets his own."""

    async def play(call: Call) -> None:
        await stage.go.wait()
        language = call.lines("accept-language")[0].encode()
        await call.write(whole(language, FRESH + b"Vary: Accept-Language\r\n"))

    stage = Stage(b"")
    async with origin(play) as shop, delivery(keys, shop) as net:
        asked = [(f"Accept-Language: {language}",) for language in ("de", "en", "de")]
        assert await all_ask(net, stage, *asked) == [b"de", b"en", b"de"]
        assert len(shop.calls) == 2


async def test_followers_read_what_has_come(keys: Path) -> None:
    """Who joins in the middle of a body gets its beginning at once and then the rest."""
    half = asyncio.Event()

    async def play(call: Call) -> None:
        await call.write(b"HTTP/1.1 200 OK\r\n" + FRESH + b"Content-Length: 6\r\n\r\nabc")
        await half.wait()
        await call.write(b"def")

    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as first, net.client() as second:
            for client in (first, second):
                client.request()
                await client.head()
                assert await client.reader.readexactly(3) == b"abc"
            half.set()
            for client in (first, second):
                assert await client.reader.readexactly(3) == b"def"
        assert len(shop.calls) == 1


async def test_a_leader_that_leaves(keys: Path) -> None:
    """The fetch goes on for those who wait, and for the store."""
    stage = Stage(whole(b"one"))
    async with origin(stage) as shop, delivery(keys, shop) as net, net.client() as second:
        async with net.client() as first:
            first.request()
            await shop.wait_for(1)
            second.request()
            await joined(net, 2)
        stage.go.set()
        assert (await second.reply()).body == b"one"
        assert b"hit" in (await second.ask()).lines("cache-status")[0].encode()


@pytest.mark.parametrize("fields", [FRESH, b"Cache-Control: private\r\n"])
async def test_everybody_leaves_before_the_head(keys: Path, fields: bytes) -> None:
    """No connection is left behind, whatever comes."""
    stage = Stage(whole(b"x" * 1_000_000, fields))
    async with origin(stage) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            client.request()
            await shop.wait_for(1)
        stage.go.set()
        async with net.client() as client:
            assert len((await client.ask()).body) == 1_000_000


async def test_too_large_to_store(keys: Path) -> None:
    """A body of unknown length that outgrows the store still reaches all readers whole."""
    size = 3_000_000

    async def play(call: Call) -> None:
        await stage.go.wait()
        await call.write(b"HTTP/1.1 200 OK\r\n" + FRESH + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(size // 100_000):
            await call.write(b"%x\r\n%b\r\n" % (100_000, b"x" * 100_000))
        await call.write(b"0\r\n\r\n")

    stage = Stage(b"")
    limits = replace(QUICK, object_bytes=500_000)
    async with origin(play) as shop, delivery(keys, shop, limits=limits) as net:
        bodies = await all_ask(net, stage, (), (), ())
        assert {len(body) for body in bodies} == {size}
        assert len(shop.calls) == 1
        assert net.edge.count("not_stored_total", reason="too-large") == 1
        assert net.edge.count("cache_objects") == 0


async def test_too_many_bodies_at_once(keys: Path) -> None:
    """Those that began while there was room are not kept beyond their share; all come whole."""
    half, size = asyncio.Event(), 900_000

    async def play(call: Call) -> None:
        await call.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (FRESH, size))
        await shop.wait_for(2)
        await call.write(bytes(size * 2 // 3))
        await half.wait()
        await call.write(bytes(size // 3))

    share = 1_000_000
    async with (
        origin(play) as shop,
        delivery(keys, shop, cache_bytes=share * IN_FLIGHT_SHARE) as net,
        net.client() as one,
        net.client() as other,
    ):
        one.request("/1")
        other.request("/2")
        for client in (one, other):
            await client.head()
            await client.reader.readexactly(size * 2 // 3)
        assert net.edge.count("not_stored_total", reason="crowded") >= 1
        half.set()
        for client in (one, other):
            await client.reader.readexactly(size // 3)
        assert net.edge.count("cache_objects") <= 1


async def test_compressible_beyond_measure(keys: Path) -> None:
    """Text that the tunnel shrinks ten thousandfold arrives whole, stored or not."""
    size = 20_000_000
    fields = b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n" + FRESH

    async def play(call: Call) -> None:
        await call.write(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")
        await call.write(b"%x\r\n%b\r\n0\r\n\r\n" % (size, bytes(size)))

    limits = replace(QUICK, object_bytes=1_000_000)
    async with origin(play) as shop, delivery(keys, shop, limits=limits) as net:
        async with net.client(limit=4_000_000) as client:
            assert len((await client.ask()).body) == size
        assert net.edge.count("bytes_total", direction="upstream-in") < size / 100


async def test_a_response_that_has_gone_stale_is_not_joined(keys: Path) -> None:
    """A body that takes longer than its lifetime serves only those who asked in time."""
    half = asyncio.Event()
    fields = b'Cache-Control: no-cache\r\nETag: "v"\r\n'

    async def play(call: Call) -> None:
        await call.write(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 2\r\n\r\na")
        await half.wait()
        await call.write(b"b")

    async with (
        origin(play) as shop,
        delivery(keys, shop) as net,
        net.client() as first,
        net.client() as second,
    ):
        first.request()
        await first.head()
        second.request()
        await shop.wait_for(2)
        half.set()
        assert await first.reader.readexactly(2) == b"ab"
        assert (await second.reply()).body == b"ab"


async def test_a_change_in_mid_flight(keys: Path) -> None:
    """Who asks after a POST does not join a fetch that began before it."""
    half = asyncio.Event()
    parts = [b"old", b"", b"new"]

    async def play(call: Call) -> None:
        body = parts.pop(0)
        await call.body()
        await call.write(b"HTTP/1.1 200 OK\r\n" + FRESH + b"Content-Length: 3\r\n\r\n" + body)
        if body == b"":
            await call.write(b"yes")

    async def slow(call: Call) -> None:
        if len(shop.calls) == 1:
            parts.pop(0)
            await call.write(b"HTTP/1.1 200 OK\r\n" + FRESH + b"Content-Length: 3\r\n\r\nol")
            await half.wait()
            await call.write(b"d")
        else:
            await play(call)

    async with (
        origin(slow) as shop,
        delivery(keys, shop) as net,
        net.client() as first,
        net.client() as second,
    ):
        first.request()
        await first.head()
        await second.ask(method="POST", body=b"x")
        assert (await second.ask()).body == b"new"
        half.set()
        assert await first.reader.readexactly(3) == b"old"
        assert (await second.ask()).body == b"new"


async def read_all(flight: Flight) -> bytes:
    """Wait for the head and read the body."""
    assert await flight.landing(lambda _: None) is Ending.SHARED
    return b"".join([chunk async for chunk in flight.read()])


async def test_a_body_that_is_not_kept_waits_for_its_slowest_reader() -> None:
    """The window bounds what is held, and a reader who has not begun yet counts."""
    flight = Flight()
    flight.stop_keeping()
    reader = asyncio.create_task(read_all(flight))
    await asyncio.sleep(0)
    flight.share(Response(status=200))
    chunk = bytes(WINDOW_BYTES // 2)
    for _ in range(8):
        await flight.put(chunk)
        assert flight.size <= 2 * WINDOW_BYTES
    assert flight.finish() is None
    assert await reader == chunk * 8


async def test_a_body_that_nobody_reads_or_stores_ends() -> None:
    """The fetch is cancelled when its last reader has left."""
    flight = Flight()
    flight.stop_keeping()
    reader = asyncio.create_task(read_all(flight))
    await asyncio.sleep(0)
    flight.share(Response(status=200))
    await flight.put(b"x")
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    with pytest.raises(asyncio.CancelledError):
        await flight.put(b"y")
