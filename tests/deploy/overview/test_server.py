"""The status page's server: who is answered, and how many may watch."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from deploy.overview import server
from deploy.overview.page import PARTS
from deploy.overview.server import MOST_LISTENERS, StatusPage
from deploy.overview.view import View
from tests.deploy.overview.samples import at, busy, topology

PATIENCE_S = 60.0
"""Before a test gives up; nothing is measured by it."""


class Site:
    """A status page that is served, and how often its view was made."""

    def __init__(self) -> None:
        self.views = 0
        self._viewed = asyncio.Event()
        self.chronicle, self.reports = busy()
        self.page = StatusPage(frozenset({"status.example"}), topology(), self._view)
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.sock.setblocking(False)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.sock.getsockname()[1]}"

    async def viewed(self) -> None:
        """Wait until a view is made."""
        self._viewed.clear()
        await self._viewed.wait()

    async def idle(self) -> None:
        """Wait until no more views are made."""
        assert self.page._ticks is not None
        await self.page._ticks

    def _view(self) -> View:
        self.views += 1
        self._viewed.set()
        return self.chronicle.view(self.reports, at(1000.0 + self.views))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks that a test need not wait for."""
    monkeypatch.setattr(server, "TICK_S", 0.02)


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Site, aiohttp.ClientSession]]:
    """A page, and a client of it."""
    site = Site()
    await site.page.start(site.sock)
    connector = aiohttp.TCPConnector(limit=0)
    try:
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.timeout(20):
            yield site, session
    finally:
        await site.page.stop()


async def _event(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The next event's parts."""
    while True:
        line = await response.content.readline()
        assert line, "it ended"
        if line.startswith(b"data: "):
            found: dict[str, str] = json.loads(line.removeprefix(b"data: "))
            return found


@pytest.mark.parametrize(
    ("method", "path", "host", "fetch_site", "status"),
    [
        ("GET", "/", "localhost:8899", "", 200),
        ("GET", "/", "status.example", "cross-site", 403),
        ("HEAD", "/", "[::1]:8899", "", 200),
        ("GET", "/", "attacker.example", "", 421),
        ("GET", "/events", "attacker.example", "", 421),
        ("POST", "/", "localhost", "", 405),
        ("OPTIONS", "/status.json", "localhost", "", 405),
        ("GET", "/healthz", "localhost", "", 200),
        ("HEAD", "/events", "localhost", "", 200),
        ("GET", "/status.json", "localhost", "same-origin", 200),
        ("GET", "/status.json", "localhost", "cross-site", 403),
        ("GET", "/events", "localhost", "same-site", 403),
        ("GET", "/static/status.css", "localhost", "", 200),
        ("GET", "/static/../server.py", "localhost", "", 404),
        ("GET", "/nothing", "localhost", "", 404),
    ],
)
async def test_who_is_answered(
    method: str, path: str, host: str, fetch_site: str, status: int
) -> None:
    """Readers who know it by its own name; other sites' pages get no data and no stream."""
    async with serving() as (site, session):
        headers = {"Host": host, "Sec-Fetch-Site": fetch_site}
        async with session.request(method, site.url + path, headers=headers) as response:
            assert response.status == status
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_browsers_are_told_to_be_strict() -> None:
    """Nothing inline, nothing from elsewhere, in nobody's frame, kept nowhere."""
    async with serving() as (site, session), session.get(site.url) as response:
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_json_is_the_view() -> None:
    """What `midmile status --json` prints."""
    async with serving() as (site, session), session.get(f"{site.url}/status.json") as response:
        assert response.content_type == "application/json"
        told: dict[str, Any] = await response.json()
        assert told["totals"]["requests"] == 200
        assert len(told["nodes"]) == 9


async def test_events_carry_what_has_changed() -> None:
    """The first one everything; later ones only parts that differ."""
    async with serving() as (site, session), session.get(f"{site.url}/events") as response:
        assert response.content_type == "text/event-stream"
        first = await _event(response)
        assert set(first) == {*PARTS}
        site.chronicle.troubles.note({"level": "error", "message": "it broke\r\n\r\ndata: {}"})
        while "troubles" not in (later := await _event(response)):
            assert "sites" not in later
        assert "it broke\\x0d\\x0a" in later["troubles"]


async def test_nothing_is_made_while_nobody_watches() -> None:
    """One rendering a tick for all who watch, none once they have left."""
    async with serving() as (site, session):
        responses = [await session.get(f"{site.url}/events") for _ in range(10)]
        before = site.views
        for _ in range(3):
            await asyncio.gather(*(_event(response) for response in responses))
        assert site.views - before <= 4
        for response in responses:
            response.close()
        await site.idle()
        assert site.page.listeners == 0
        views = site.views
        async with session.get(f"{site.url}/healthz"):
            assert site.views == views


async def test_for_one_listener_too_many_the_oldest_is_let_go() -> None:
    """Whoever holds all places without an end keeps nobody out."""
    async with serving() as (site, session):
        url = f"{site.url}/events"
        oldest, *others = [await session.get(url) for _ in range(MOST_LISTENERS)]
        async with session.get(url) as welcome:
            assert await _event(welcome)
            assert site.page.listeners == MOST_LISTENERS
            with pytest.raises(aiohttp.ClientError):
                await oldest.read()
            await asyncio.gather(*(_event(response) for response in others))
        for response in others:
            response.close()


async def test_one_who_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel keeps little for a listener, and what waits for longer than a while ends it."""
    monkeypatch.setattr(server, "SLOW_S", 0.1)
    async with serving() as (site, session):
        lazy = socket.socket()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        with lazy:
            lazy.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(lazy, site.sock.getsockname())
            await loop.sock_sendall(lazy, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(PATIENCE_S), session.get(f"{site.url}/events") as eager:
                await _event(eager)
                assert site.page.listeners == 2
                while site.page.listeners != 1:
                    site.chronicle.troubles.note({"level": "error", "message": "x" * 400})
                    await _event(eager)


async def test_the_json_is_made_once_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is asked for, by whomever."""
    monkeypatch.setattr(server, "TICK_S", 3600.0)
    async with serving() as (site, session):
        texts = set()
        for _ in range(20):
            async with session.get(f"{site.url}/status.json") as response:
                texts.add(await response.text())
        assert (len(texts), site.views) == (1, 1)


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/events", 403), ("/status.json", 403)])
async def test_another_site_may_link_to_the_page(path: str, status: int) -> None:
    """Who follows a link sees the page; no link leads to its data."""
    async with serving() as (site, session):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}
        async with session.get(site.url + path, headers=headers) as response:
            assert response.status == status


@pytest.mark.parametrize("path", ["/events", "/status.json"])
async def test_another_origin_gets_no_data(path: str) -> None:
    """Also from a browser that does not send Sec-Fetch-Site."""
    async with serving() as (site, session):
        for origin, status in (("http://evil.example", 403), ("null", 403), (site.url, 200)):
            async with session.head(site.url + path, headers={"Origin": origin}) as response:
                assert response.status == status, origin


async def test_a_view_that_cannot_be_made_ends_no_stream() -> None:
    """It is logged, and the next tick tries again."""
    async with serving() as (site, session), session.get(f"{site.url}/events") as response:
        await _event(response)
        reports, site.reports = site.reports, [{}]
        await site.viewed()
        site.reports = reports
        assert await _event(response)
