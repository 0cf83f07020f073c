"""The demo shop in a real browser, at an address that needs no hosts file."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.kit.browser import Browser, open_browser
from tests.kit.network import Running, grounds, running

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

SCREENSHOTS = Path(__file__).resolve().parents[2] / "var" / "screenshots"
PATIENCE_MS = 20_000


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
    ("scheme", "name", "path", "title", "pictures"),
    [
        ("http", "home", "/", "Midmile Outfitters", 20),
        ("http", "shelf", "/shop/maps", "Maps", 20),
        ("http", "product", "/product/night-sky-chart", "Night", 20),
        ("http", "search", "/search?q=compass", "Search", 0),
        ("http", "cart", "/cart", "Your cart", 0),
        ("http", "login", "/login", "Sign in", 0),
        ("http", "about", "/about", "", 0),
        ("http", "mine", "/me/20KB", "", 0),
        ("https", "home", "/", "Midmile Outfitters", 20),
        ("https", "product", "/product/night-sky-chart", "Night", 20),
    ],
)
async def test_a_page_is_complete(
    network: Running, browser: Browser, scheme: str, name: str, path: str, title: str, pictures: int
) -> None:
    """Every request of the page ends well and its scripts complain of nothing."""
    visit = await browser.visit(
        f"{_shop(network, scheme)}{path}",
        ignore_https_errors=scheme == "https",  # the browser's store does not know our CA
        screenshot=SCREENSHOTS / f"{scheme}-{name}.png",
    )
    assert visit.status == 200
    assert title in visit.title
    assert visit.failed == ()
    assert visit.console_errors == ()
    kinds = [fetched.kind for fetched in visit.requests]
    assert "stylesheet" in kinds
    painted = [fetched for fetched in visit.requests if "/pictures/" in fetched.url]
    assert len({fetched.url for fetched in painted}) == pictures


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_visitor_signs_in_and_buys(network: Running, browser: Browser, scheme: str) -> None:
    """Login, cart, another quantity, order, account, out again; greeted by name in between."""
    shop = _shop(network, scheme)
    async with browser.tab(f"{shop}/login") as tab:
        page = tab.page
        await page.fill("#name", "Ada Lovelace")
        await page.fill("#password", "analytical")
        await page.click("main button[type=submit]")
        await page.wait_for_url(f"{shop}/")
        assert "Ada Lovelace" in await page.inner_text("header")
        await page.goto(f"{shop}/about")
        verdict = page.locator("[data-trace-verdict]")
        await expect(verdict).to_contain_text("it is yours alone", timeout=PATIENCE_MS)
        await page.goto(f"{shop}/product/{await _in_stock(network)}")
        await page.click("[data-offer-buy]")
        await page.wait_for_url(f"{shop}/cart")
        assert await page.inner_text("[data-cart-count]") == "1"
        await page.fill("input[name=quantity]", "3")
        await page.click(".cart-many button")
        await page.wait_for_selector("[data-cart-count]:text-is('3')")
        await page.click("form[action='/cart/checkout'] button")
        await page.wait_for_url(f"{shop}/thanks?order=*")
        assert await page.inner_text("[data-cart-count]") == "0"
        await page.goto(f"{shop}/account")
        await page.click("form[action='/logout'] button")
        await page.wait_for_url(f"{shop}/")
        assert "Ada" not in await page.inner_text("header")
        assert tab.complaints == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_film_can_be_sought_in(network: Running, browser: Browser, scheme: str) -> None:
    """The browser asks for what lies at the place that it jumps to.

    It breaks off what it then needs no more, which is no failure.
    """
    async with browser.tab(f"{_shop(network, scheme)}/film") as tab:
        place = await tab.page.evaluate(
            """async () => {
                const film = document.querySelector("[data-film]");
                const told = (name) => new Promise((done) => film.addEventListener(name, done));
                if (film.readyState < 1) await told("loadedmetadata");
                const sought = told("seeked");
                film.currentTime = film.duration * 0.8;
                await sought;
                return film.currentTime / film.duration;
            }"""
        )
        await tab.page.screenshot(path=SCREENSHOTS / f"{scheme}-film.png")
        assert 0.79 < place < 0.81
        assert tab.witness.console_errors == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_events_and_echo_work(network: Running, browser: Browser, scheme: str) -> None:
    """Server-sent events tick, and the WebSocket says what was said to it."""
    async with browser.tab(f"{_shop(network, scheme)}/about") as tab:
        page = tab.page
        await page.click("#events-toggle")
        await page.wait_for_selector("#events-state:has-text('Tick 2')")
        await page.click("#events-toggle")
        await page.fill("#echo-text", "Who goes there?")
        await page.click("#echo-send")
        await page.wait_for_selector("#echo-state:has-text('Who goes there?')")
        assert tab.witness.console_errors == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("name", "path"),
    [("home", "/"), ("shelf", "/shop/maps"), ("product", "/product/night-sky-chart")],
)
async def test_a_phone_shows_it_whole(
    network: Running, browser: Browser, name: str, path: str, dark: bool
) -> None:
    """Nothing stands beyond the right edge of a narrow screen."""
    url = f"{_shop(network, 'http')}{path}"
    async with browser.tab(url, size=(390, 844), dark=dark, scale=2) as tab:
        await tab.page.wait_for_load_state("networkidle")
        shade = "-dark" if dark else ""
        await tab.page.screenshot(path=SCREENSHOTS / f"phone-{name}{shade}.png")
        width = await tab.page.evaluate("document.documentElement.scrollWidth")
        assert width == 390
        assert tab.complaints == []


def _shop(network: Running, scheme: str) -> str:
    """Where any browser finds the shop without a hosts file."""
    local = next(a for a in getattr(network.edge("east").listen, scheme) if a.host == "127.0.0.1")
    return f"{scheme}://shop.localhost:{local.port}"


async def _in_stock(network: Running) -> str:
    """A product that there is plenty of just now."""
    local = _shop(network, "http").replace("shop.localhost", "127.0.0.1")
    async with aiohttp.ClientSession() as session, session.get(f"{local}/api/products") as listed:
        products = (await listed.json())["products"]
    return str(max(products, key=lambda product: product["stock"])["slug"])
