"""A headless Chromium that opens a page and tells what happened.

Playwright's Python package drives Debian's own Chromium; it downloads no browser.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from playwright.async_api import Browser as _Chromium
from playwright.async_api import BrowserContext, ConsoleMessage, Page, async_playwright
from playwright.async_api import Request as _Request
from playwright.async_api import Response as _Response

from bench.load.browser import FLAGS
from tests.kit.programs import need

_TIMEOUT_MS = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One request that a page made. `status` is None where no response came."""

    url: str
    kind: str
    """Playwright's resource type: document, image, stylesheet, script, fetch, ..."""
    status: int | None
    failure: str | None
    """The browser's own error text (`net::ERR_...`), None where the request ended well."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A page that has loaded, and all that the browser did for it."""

    url: str
    status: int
    title: str
    text: str
    """What a reader sees of the body."""
    requests: tuple[Fetched, ...]
    console_errors: tuple[str, ...]

    @property
    def failed(self) -> tuple[Fetched, ...]:
        """Requests without a response or with an error status."""
        return tuple(
            fetched
            for fetched in self.requests
            if fetched.failure or fetched.status is None or fetched.status >= 400
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A page that stays open, and what it has done so far."""

    page: Page
    witness: "_Witness"

    @property
    def complaints(self) -> list[str]:
        """Errors on the console, and requests without an answer or with an error's."""
        return [*self.witness.console_errors, *self.witness.failures]


class Browser:
    """A running Chromium; `open_browser` makes one."""

    def __init__(self, chromium: _Chromium) -> None:
        self._chromium = chromium

    async def visit(
        self, url: str, *, ignore_https_errors: bool = False, screenshot: Path | None = None
    ) -> Visit:
        """Open `url` with an empty profile, wait until the network is quiet, tell what happened.

        `screenshot` is where to put a PNG of the whole page. Raises playwright's `Error` where
        not even the page itself could be loaded.
        """
        context = await self._chromium.new_context(ignore_https_errors=ignore_https_errors)
        try:
            return await _visit(context, url, screenshot)
        finally:
            await context.close()

    @asynccontextmanager
    async def tab(
        self, url: str, *, size: tuple[int, int] = (1440, 1000), dark: bool = False, scale: int = 1
    ) -> AsyncIterator[Tab]:
        """Open `url` with an empty profile and leave it open; `size` is the window's.

        Any certificate will do: the browser's store does not know a test network's CA.
        """
        context = await self._chromium.new_context(
            ignore_https_errors=True,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            device_scale_factor=scale,
        )
        try:
            page = await context.new_page()
            witness = _Witness().watching(page)
            await page.goto(url, timeout=_TIMEOUT_MS)
            yield Tab(page=page, witness=witness)
        finally:
            await context.close()


@asynccontextmanager
async def open_browser(*flags: str) -> AsyncIterator[Browser]:
    """Start Debian's Chromium with `flags` besides ours; skips the test where there is none."""
    program = need("chromium", package="chromium")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=program,
            args=[*FLAGS, *flags],
            chromium_sandbox=False,  # root, as in CI, has none
            timeout=_TIMEOUT_MS,
        )
        try:
            yield Browser(chromium)
        finally:
            await chromium.close()


class _Witness:
    """Collects what a page does while it loads."""

    def __init__(self) -> None:
        self.requests: list[_Request] = []
        self.console_errors: list[str] = []
        self.failures: list[str] = []

    def watching(self, page: Page) -> Self:
        page.on("request", self._request)
        page.on("requestfailed", lambda request: self.failures.append(request.url))
        page.on("response", self._response)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        return self

    def _request(self, request: _Request) -> None:
        self.requests.append(request)

    def _response(self, response: _Response) -> None:
        if response.status >= 400:
            self.failures.append(f"{response.status} {response.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console_errors.append(message.text)


async def _visit(context: BrowserContext, url: str, screenshot: Path | None) -> Visit:
    page = await context.new_page()
    witness = _Witness().watching(page)
    response = await page.goto(url, wait_until="networkidle", timeout=_TIMEOUT_MS)
    assert response is not None, "only a same-page anchor gives no response"
    if screenshot is not None:
        await page.screenshot(path=screenshot, full_page=True)
    return Visit(
        url=page.url,
        status=response.status,
        title=await page.title(),
        text=await page.inner_text("body"),
        requests=tuple([await _fetched(request) for request in witness.requests]),
        console_errors=tuple(witness.console_errors),
    )


async def _fetched(request: _Request) -> Fetched:
    response = None if request.failure else await request.response()
    size = 0 if response is None else (await request.sizes())["responseBodySize"]
    return Fetched(
        url=request.url,
        kind=request.resource_type,
        status=None if response is None else response.status,
        failure=request.failure,
        size_bytes=size,
    )
