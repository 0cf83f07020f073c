"""Which server is asked, and which next; everything on real sockets, without a tunnel."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
from prometheus_client import CollectorRegistry

from edge.aio.fetch import Fetcher
from edge.aio.pool import NextHop
from edge.aio.upstream import Upload
from edge.config import Limits, SiteRules
from edge.errors import OurError, UpstreamError, UpstreamReason
from edge.metrics import EdgeMetrics
from tests.edge.aio.asking import OK, request
from tests.kit.scripted import CLOSE, Scripted, scripted

SITE = SiteRules(name="shop", hostnames=frozenset({"shop.test"}), origins=())


class Given(Fetcher):
    """Asks the servers that a test gives it, in their order of failing and hashing."""

    def __init__(self, servers: Mapping[str, Scripted], **limits: float) -> None:
        self.registry = CollectorRegistry()
        super().__init__(
            Limits(**limits),  # type: ignore[arg-type]
            EdgeMetrics(self.registry),
            idle_s=30,
        )
        self.servers = servers

    def hops(self, site: SiteRules) -> Mapping[str, NextHop]:  # noqa: ARG002 - one site
        """All of them."""
        return {name: NextHop(name=name, url=one.url) for name, one in self.servers.items()}

    async def ask(self, method: str = "GET", upload: Upload | None = None) -> tuple[str, bytes]:
        """Who answered, and what."""
        fetched = await self.fetch(SITE, request(method), upload, lambda _: None)
        body = b"".join([chunk async for chunk in fetched.chunks()])
        fetched.close()
        return fetched.hop, body

    def open(self) -> float | None:
        """Connections that stand."""
        name = "midmile_edge_connections"
        return self.registry.get_sample_value(name, {"peer": "upstream"})


async def piece() -> AsyncIterator[bytes]:
    """A request body."""
    yield b"abc"


async def first_of(*names: str) -> str:
    """The server that is asked first as long as all are well."""
    async with scripted(OK) as server:
        fetcher = Given(dict.fromkeys(names, server))
        name, _ = await fetcher.ask()
        await fetcher.close()
        return name


@pytest.mark.parametrize(
    ("method", "body", "asked_again"),
    [
        ("GET", False, True),
        ("HEAD", False, True),
        ("DELETE", False, True),
        ("PUT", False, True),
        ("PUT", True, False),
        ("POST", False, False),
        ("POST", True, False),
        ("PATCH", True, False),
    ],
)
async def test_what_is_sent_again(method: str, body: bool, asked_again: bool) -> None:
    """Only what may be repeated (RFC 9110 9.2.2), and no body that has begun to flow."""
    home = await first_of("a", "b")
    other = {"a": "b", "b": "a"}[home]
    async with scripted([CLOSE]) as dying, scripted(OK) as well:
        fetcher = Given({home: dying, other: well})
        upload = Upload(chunks=piece(), length=3) if body else None
        if asked_again:
            assert (await fetcher.ask(method, upload))[0] == other
        else:
            with pytest.raises(UpstreamError) as caught:
                await fetcher.ask(method, upload)
            assert caught.value.reason is UpstreamReason.CLOSED
        assert len(dying.requests) == 1
        assert len(well.requests) == asked_again
        await fetcher.close()


async def test_gone_between_head_and_body() -> None:
    """Another is asked, since nothing has been passed on yet; behind a POST none is."""
    home = await first_of("a", "b")
    other = {"a": "b", "b": "a"}[home]
    torn = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", CLOSE]
    async with scripted(torn, torn) as dying, scripted(OK) as well:
        fetcher = Given({home: dying, other: well})
        with pytest.raises(UpstreamError) as caught:
            await fetcher.ask("POST")
        assert caught.value.reason is UpstreamReason.BROKEN_BODY
        assert await fetcher.ask() == (other, b"ok")
        await fetcher.close()


async def test_a_stream_begins_when_it_likes() -> None:
    """A head that announces no length is passed on at once: its body may begin in an hour."""
    async with scripted(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") as server:
        fetcher = Given({"a": server})
        fetched = await fetcher.fetch(SITE, request(), None, lambda _: None)
        assert fetched.response.status == 200
        fetched.close()
        await fetcher.close()


async def test_a_body_is_still_whole_where_nobody_was_reached() -> None:
    """A refused connection costs even a POST nothing."""
    home = await first_of("a", "b")
    other = {"a": "b", "b": "a"}[home]
    async with scripted() as dead:
        pass
    async with scripted(OK) as well:
        fetcher = Given({home: dead, other: well})
        assert await fetcher.ask("POST", Upload(chunks=piece(), length=3)) == (other, b"ok")
        assert well.requests[0].endswith(b"\r\n\r\nabc")
        await fetcher.close()


async def test_all_are_dead() -> None:
    """The last one's error is told, after one attempt at each."""
    async with scripted([CLOSE]) as one, scripted([CLOSE]) as two:
        fetcher = Given({"a": one, "b": two})
        with pytest.raises(UpstreamError):
            await fetcher.ask()
        assert len(one.requests) == len(two.requests) == 1
        await fetcher.close()


async def test_nobody_waits_twice_for_an_answer() -> None:
    """A server that takes a request and is silent is the last to be asked."""
    async with scripted() as one, scripted() as two:
        fetcher = Given({"a": one, "b": two}, answer_timeout_s=0.05)
        with pytest.raises(UpstreamError) as caught:
            await fetcher.ask()
        assert caught.value.status == 504
        assert len(one.requests) + len(two.requests) == 1
        await fetcher.close()


async def test_connections_are_counted() -> None:
    """Those that stand, and none after closing; those cut off too."""
    async with scripted(OK, [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", CLOSE]) as server:
        fetcher = Given({"a": server})
        await fetcher.ask()
        assert fetcher.open() == 1
        with pytest.raises(UpstreamError):
            await fetcher.ask()
        await fetcher.close()
        for _ in range(5):
            await asyncio.sleep(0)
        assert fetcher.open() == 0


async def test_want_of_room_is_no_servers_failure() -> None:
    """Who finds all connections in use is told so; the server is asked first as before."""
    home = await first_of("a", "b")
    other = {"a": "b", "b": "a"}[home]
    async with scripted(OK, OK) as busy, scripted(OK) as idle:
        fetcher = Given({home: busy, other: idle}, upstream_connections=1, connect_timeout_s=0.05)
        held = await fetcher.fetch(SITE, request(), None, lambda _: None)
        with pytest.raises(OurError):
            await fetcher.ask()
        held.close()
        assert (await fetcher.ask())[0] == home
        assert idle.requests == []
        await fetcher.close()
