"""The status page of a real network in a real browser."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.kit.browser import Browser, open_browser
from tests.kit.network import Running, grounds, running
from tests.scenario.visitor import get, light_load

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

SCREENSHOTS = Path(__file__).resolve().parents[2] / "var" / "screenshots"
STORED = "/objects/1KB"
PATIENCE_MS = 20_000
BACK_S = 30.0


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


async def _see(page: Page, selector: str, text: str) -> None:
    await expect(page.locator(selector)).to_have_text(text, timeout=PATIENCE_MS)


async def test_requests_appear_while_one_looks(network: Running, browser: Browser) -> None:
    """Without the page being loaded again, and without a complaint of the browser's."""
    async with browser.tab(network.status_page) as tab:
        await _see(tab.page, ".health", "9 of 9 nodes well")
        await _see(tab.page, "#node-west .requests", "0")
        documents = [request.url for request in tab.witness.requests]
        url = f"http://{network.edge('west').advertise.http}{STORED}"
        async with aiohttp.ClientSession() as session:
            for _ in range(20):
                assert (await get(session, url, host="shop.cdn.test")).status == 200
        await _see(tab.page, "#node-west .requests", "20")
        await _see(tab.page, "#requests", "20")
        await _see(tab.page, "#sites tbody th", "shop")
        assert [request.url for request in tab.witness.requests] == documents
        assert tab.complaints == []


async def test_a_dead_node_is_seen_and_seen_to_come_back(
    network: Running, browser: Browser, tmp_path: Path
) -> None:
    """Its box, its row, the count in the headline, and what its death was in the last errors."""
    key = network.grounds.state / "keys" / "nodes" / "parent-a" / "tls.key"
    away = tmp_path / "tls.key"
    async with browser.tab(network.status_page) as tab, light_load(network, STORED):
        box = tab.page.locator('.runs-across a[href="#node-parent-a"]')
        await expect(box).to_have_class("node well", timeout=PATIENCE_MS)
        since = network.mark()
        key.rename(away)  # so that it stays dead while one looks
        os.kill((await network.pids())["parent-a"], signal.SIGKILL)
        await expect(box).to_have_class("node down", timeout=PATIENCE_MS)
        await _see(tab.page, ".health", "8 of 9 nodes well")
        died = tab.page.locator(".troubles li").filter(has_text="parent-a died (signal SIGKILL)")
        await expect(died).to_have_count(1, timeout=PATIENCE_MS)
        await tab.page.screenshot(path=SCREENSHOTS / "status-page-dead-node.png")
        away.rename(key)
        await network.midmile("status", "--wake", "parent-a")  # it may be between two tries
        await network.heard(since=since, event="node-back", within_s=BACK_S)
        await expect(box).to_have_class("node well", timeout=PATIENCE_MS)
        await _see(tab.page, ".health", "9 of 9 nodes well")
        assert tab.complaints == []


@pytest.mark.parametrize(
    ("name", "size", "dark", "scale"),
    [
        ("status-page", (1440, 1000), False, 1),
        ("status-page-dark", (1440, 1000), True, 1),
        ("status-page-phone", (390, 844), False, 2),
    ],
)
async def test_it_can_be_looked_at(
    network: Running, browser: Browser, name: str, size: tuple[int, int], dark: bool, scale: int
) -> None:
    """On a desk and on a phone nothing is wider than the window; pictures are kept."""
    async with (
        light_load(network, STORED, "/", per_second=30) as load,
        browser.tab(network.status_page, size=size, dark=dark, scale=scale) as tab,
    ):
        await load.visits(150)
        await _fetch(network, name, 40)
        await expect(tab.page.locator(".runs-across .flow").first).to_be_attached()
        await tab.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
        width = await tab.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0]
        assert tab.complaints == []


async def _fetch(network: Running, name: str, number: int) -> None:
    """Ask both edges for what nobody has asked for, so that they ask their parent."""
    async with aiohttp.ClientSession() as session:
        for count in range(number):
            for edge in network.network.edges:
                url = f"http://{edge.advertise.http}{STORED}?{name}-{count}"
                await get(session, url, host="shop.cdn.test")


async def test_a_network_that_stops_is_said_to_have_stopped(browser: Browser) -> None:
    """The page stays, says that it is old, and is live again with the next `up`."""
    with grounds("python-docs.toml") as place:
        async with running(place) as first, browser.tab(first.status_page) as tab:
            await expect(tab.page.locator("#connection")).to_be_hidden()
            await first.stop()
            await expect(tab.page.locator("#connection")).to_be_visible(timeout=PATIENCE_MS)
            async with running(place):
                await expect(tab.page.locator("#connection")).to_be_hidden(timeout=PATIENCE_MS)
