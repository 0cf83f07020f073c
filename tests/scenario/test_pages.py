"""The demo shop in a real browser, at an address that needs no hosts file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.kit.browser import Browser, open_browser
from tests.kit.network import Running, grounds, running

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

SCREENSHOTS = Path(__file__).resolve().parents[2] / "var" / "screenshots"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(browser: Browser) -> AsyncIterator[Running]:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with grounds() as place:
        async with running(place) as started:
            yield started


@pytest.mark.parametrize(
    ("scheme", "name", "path", "title", "images"),
    [
        ("http", "home", "/", "Midmile Outfitters", 3),
        ("http", "shelf", "/shop/maps", "Maps", 2),
        ("http", "product", "/product/night-sky-chart", "Night", 2),
        ("http", "about", "/about", "", 0),
        ("http", "mine", "/me/20KB", "", 0),
        ("https", "home", "/", "Midmile Outfitters", 3),
        ("https", "product", "/product/night-sky-chart", "Night", 2),
    ],
)
async def test_a_page_is_complete(
    network: Running, browser: Browser, scheme: str, name: str, path: str, title: str, images: int
) -> None:
    """Every request of the page ends well and its scripts complain of nothing."""
    local = next(a for a in getattr(network.edge("east").listen, scheme) if a.host == "127.0.0.1")
    visit = await browser.visit(
        f"{scheme}://shop.localhost:{local.port}{path}",
        ignore_https_errors=scheme == "https",  # the browser's store does not know our CA
        screenshot=SCREENSHOTS / f"{scheme}-{name}.png",
    )
    assert visit.status == 200
    assert title in visit.title
    assert visit.failed == ()
    assert visit.console_errors == ()
    kinds = [fetched.kind for fetched in visit.requests]
    assert "stylesheet" in kinds
    assert kinds.count("image") >= images
