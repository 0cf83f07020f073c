"""A headless Chromium at a host of a lab, or on loopback: what a person at it would feel.

    names = {HOST: running.host("edge").ipv4}
    with opened(running.host("user"), http2=True, resolve=names, trusted=[crt]) as browser:
        with browser.visit() as visit:
            first = visit.load(f"https://{HOST}:8443/product/tent")
            second = visit.load(f"https://{HOST}:8443/product/compass")

Playwright's Python package drives Debian's own Chromium; it downloads no browser. It speaks with it
over a pipe, so the browser may stand in another network namespace than we do. Several may be open
at once. What DevTools tells of requests is read in `traffic.py`.
"""

import asyncio
import base64
import hashlib
import shlex
import tempfile
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Browser as _Chromium
from playwright.async_api import BrowserContext, CDPSession, Error, Page, async_playwright

from bench.errors import LoadError, SpoiltError
from bench.lab.running import Host
from bench.load.traffic import EVENTS, Event, Fetched, Traffic
from bench.place import as_root
from bench.programs import need

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""For whatever Chromium we start, besides playwright's own."""

_START_S = 60.0
_LOAD_S = 120.0
"""A page over the worst link, each of its packets lost once or twice."""
_REST_S = 30.0
"""After the load event: what comes then is small, or was seen too late."""
_QUIET_S = 0.5
"""Nothing asked for so long: the page is done."""
_PAINT_S = 10.0
_TIMES = """() => new Promise((tell) => new PerformanceObserver((list) => {
  const [paint] = list.getEntriesByName("first-contentful-paint");
  const [page] = performance.getEntriesByType("navigation");
  if (paint) tell([page.responseStart, paint.startTime, page.loadEventEnd]);
}).observe({ type: "paint", buffered: true }))"""
"""Of Navigation Timing and Paint Timing. Both count from the start of the navigation."""
_WARMING = "data:text/html,<!doctype html><title>Warm</title><p>Good day"


_T = TypeVar("_T")


class _Run(Protocol):
    """Has the browser's own loop do something to its end."""

    def __call__(self, coroutine: Coroutine[Any, Any, _T], /) -> _T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A page that has loaded, with everything in it. Times are from the start of the navigation."""

    url: str
    ttfb_ms: float
    """The first byte of the document (`responseStart`), after whatever connecting it took."""
    fcp_ms: float
    """First contentful paint: something can be seen."""
    load_ms: float
    """The end of the load event: everything that the page itself names is there."""
    objects: tuple[Fetched, ...]
    """The document, what it embeds, and what its scripts fetched, until the network was quiet."""

    @property
    def requests(self) -> int:
        """How many objects the page wanted."""
        return len(self.objects)

    @property
    def network_requests(self) -> int:
        """How many of them were not in the browser's cache, so that a server was asked."""
        return sum(not fetched.from_cache for fetched in self.objects)

    @property
    def transferred_bytes(self) -> int:
        """Heads and bodies of responses as they came, without TLS."""
        return sum(fetched.transferred_bytes for fetched in self.objects)

    @property
    def protocols(self) -> frozenset[str]:
        """What was spoken, as ALPN names it: `http/1.1`, `h2`."""
        return frozenset(fetched.protocol for fetched in self.objects if not fetched.from_cache)


class Visit:
    """A visit with an empty profile; `Browser.visit` begins one."""

    def __init__(self, run: _Run, page: Page) -> None:
        self._run = run
        self._page = page
        self._traffic = Traffic()
        self._news = asyncio.Event()

    def load(self, url: str) -> Loaded:
        """Load the next page; back when it has loaded, was painted and the network is quiet.

        Raises:
            LoadError: the page or something in it failed, or did not come in time.
            SpoiltError: it loaded, but never came to rest.
        """
        return self._run(self._load(url))

    async def watch(self, devtools: CDPSession) -> None:
        """Hear of every request of the page."""
        for name in EVENTS:
            devtools.on(name, partial(self._heard, name))
        await devtools.send("Network.enable")

    def _heard(self, name: str, event: Event) -> None:
        self._traffic.feed(name, event)
        self._news.set()

    async def _load(self, url: str) -> Loaded:
        self._traffic = Traffic()
        try:
            await self._page.goto(url, wait_until="load", timeout=_LOAD_S * 1000)
            await self._quiet()
            self._check()
            async with asyncio.timeout(_PAINT_S):
                ttfb_ms, fcp_ms, load_ms = await self._page.evaluate(_TIMES)
        except Error as error:
            self._check()  # says it more plainly
            raise LoadError(f"{url}: {_first_line(error)}") from error
        except TimeoutError as error:
            waits = ", ".join(self._traffic.pending)
            if not waits:
                raise LoadError(f"{url}: it was not painted") from error
            # It has loaded; once in some hundred visits Chromium tells no end of something.
            raise SpoiltError(f"{url} never came to rest: it waits for {waits}") from error
        return Loaded(
            url=url,
            ttfb_ms=ttfb_ms,
            fcp_ms=fcp_ms,
            load_ms=load_ms,
            objects=self._traffic.fetched,
        )

    async def _quiet(self) -> None:
        """Wait until nothing is on its way and nothing new was asked for in a while."""
        async with asyncio.timeout(_REST_S):
            while True:
                self._news.clear()
                try:
                    async with asyncio.timeout(_QUIET_S):
                        await self._news.wait()
                except TimeoutError:
                    if self._traffic.is_quiet:
                        return

    def _check(self) -> None:
        if failures := self._traffic.failures:
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            raise LoadError(f"{failures[0]}{more}")


class Browser:
    """A running Chromium; `opened` starts one."""

    def __init__(self, run: _Run, chromium: _Chromium) -> None:
        self._run = run
        self._chromium = chromium

    @contextmanager
    def visit(self) -> Iterator[Visit]:
        """A person who was never here: no cookies, nothing cached, no connection open."""
        context: BrowserContext = self._run(self._chromium.new_context())
        try:
            yield self._run(self._begun(context))
        finally:
            self._run(context.close())

    async def _begun(self, context: BrowserContext) -> Visit:
        page = await context.new_page()
        visit = Visit(self._run, page)
        await visit.watch(await context.new_cdp_session(page))
        # Fonts are found and processes forked now, not while the first page is measured.
        await page.goto(_WARMING)
        return visit


@contextmanager
def opened(
    host: Host | None, *, http2: bool, resolve: Mapping[str, str], trusted: Iterable[Path]
) -> Iterator[Browser]:
    """Start Chromium at a lab's host, or where we are ourselves.

    `resolve` has the address of every name that it is to know; there is no other, nor a DNS.
    `trusted` are PEM files with servers' certificates (or one of a CA that servers send along).

    Raises:
        MissingProgramError: there is no Chromium.
        LoadError: it does not start.
    """
    flags = [*FLAGS, "--no-proxy-server", _resolving(resolve), _trusting(trusted)]
    if not http2:
        flags.append("--disable-http2")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="midmile-browser-"))
        run = stack.enter_context(asyncio.Runner()).run
        program = need("chromium") if host is None else _script(Path(folder), host)
        driver = run(async_playwright().start())
        stack.callback(lambda: run(driver.stop()))
        try:
            chromium = run(
                driver.chromium.launch(
                    executable_path=program,
                    args=flags,
                    chromium_sandbox=not as_root(),  # root has none
                    timeout=_START_S * 1000,
                )
            )
        except Error as error:
            raise LoadError(f"Chromium does not start: {_first_line(error)}") from error
        stack.callback(lambda: run(chromium.close()))
        yield Browser(run, chromium)


def _script(folder: Path, host: Host) -> Path:
    """A program that becomes Chromium at a host."""
    script = folder / "chromium"
    command = shlex.join(host.command(need("chromium")))
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    script.chmod(0o700)
    return script


def _resolving(names: Mapping[str, str]) -> str:
    rules = [
        f"MAP {name} {f'[{address}]' if ':' in address else address}"
        for name, address in names.items()
    ]
    # The rest is nowhere: whatever Chromium wants to tell its makers stays with it.
    return f"--host-resolver-rules={','.join([*rules, 'MAP * ~NOTFOUND'])}"


def _trusting(certificates: Iterable[Path]) -> str:
    """Only so: with errors of certificates ignored altogether Chromium keeps nothing on disk."""
    pins = [
        _pin(certificate)
        for path in certificates
        for certificate in x509.load_pem_x509_certificates(path.read_bytes())
    ]
    return f"--ignore-certificate-errors-spki-list={','.join(pins)}"


def _pin(certificate: x509.Certificate) -> str:
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def _first_line(error: Error) -> str:
    return error.message.partition("\n")[0]
