"""The demo shop on a socket of its own, with a clock that stands still."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from origin.aio.site.app import make_app
from origin.aio.site.clock import MINUTE_S
from origin.config import SiteSettings

Client = TestClient[web.Request, web.Application]
NOON = 1_750_075_200.0
"""A minute that has just begun."""
MINUTE = int(NOON) // MINUTE_S


@dataclass(slots=True)
class Clock:
    """Unix seconds, as the test sets them."""

    now: float = NOON

    def __call__(self) -> float:
        """The time."""
        return self.now


@asynccontextmanager
async def open_shop(
    home: Path, clock: Clock | None = None, *, gzip: bool = True, faults: bool = False
) -> AsyncIterator[Client]:
    """A client of a running shop: it keeps no cookies and asks for no coding by itself."""
    settings = SiteSettings(node="shop-origin", home=str(home), gzip=gzip, faults=faults)
    app = make_app(settings, clock=clock or Clock(), tick_s=0.01)
    client = TestClient(
        TestServer(app),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=["Accept-Encoding"],
    )
    async with client:
        yield client


def set_cookies(response: aiohttp.ClientResponse) -> SimpleCookie:
    """What a response sets, with all attributes."""
    cookies = SimpleCookie()
    for line in response.headers.getall("Set-Cookie", ()):
        cookies.load(line)
    return cookies


def cookie_line(cookies: SimpleCookie) -> str:
    """What a browser sends back of them."""
    kept = [morsel for morsel in cookies.values() if morsel["max-age"] != "0"]
    return "; ".join(f"{morsel.key}={morsel.coded_value}" for morsel in kept)
