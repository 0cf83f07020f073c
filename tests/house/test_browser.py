"""The browser kit tells the truth about a page: what loaded, what failed, what it complained of."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from tests.kit.browser import open_browser

pytestmark = pytest.mark.system

_PAGE = """<!doctype html><title>Hello</title><link rel="icon" href="data:,">
<p>good day</p><img src="/missing.png"><script>console.error("oh dear")</script>"""


async def _page(_: web.Request) -> web.Response:
    return web.Response(text=_PAGE, content_type="text/html")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/", _page)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_a_visit_reports_page_requests_failures_and_console(
    server: str, tmp_path: Path
) -> None:
    """Status, title, text, each request with its status, console errors, a screenshot."""
    picture = tmp_path / "page.png"
    async with open_browser() as browser:
        visit = await browser.visit(server, screenshot=picture)
    assert (visit.status, visit.title, visit.text.strip()) == (200, "Hello", "good day")
    assert [(f.url, f.kind, f.status) for f in visit.requests if f.url.startswith("http")] == [
        (server, "document", 200),
        (f"{server}missing.png", "image", 404),
    ]
    assert [fetched.url for fetched in visit.failed] == [f"{server}missing.png"]
    assert "oh dear" in visit.console_errors
    assert picture.read_bytes().startswith(b"\x89PNG")
