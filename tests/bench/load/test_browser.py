"""A browser's numbers are those of a page that really came, over the way that was meant."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.certificate import Pair, certify
from bench.errors import LoadError
from bench.lab.running import Host
from bench.lab.running import opened as lab
from bench.lab.topologies import standard
from bench.load.browser import Browser, opened
from bench.peers import nginx
from bench.place import HOST
from tests.kit.benching import need_programs, small_place
from tests.kit.lab import need_lab
from tests.kit.webserver import WebHandler, WebServer

pytestmark = pytest.mark.system

_HEAD = '<!doctype html><title>Shop</title><link rel="icon" href="data:,">'
_PIXEL = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
_PAGES = {
    "/one": f'{_HEAD}<link rel="stylesheet" href="/shop.css"><p>One</p><img src="/pixel.svg">',
    "/two": f'{_HEAD}<link rel="stylesheet" href="/shop.css"><p>Two</p><img src="/pixel.svg">',
    "/broken": f'{_HEAD}<p>Soon</p><img src="/missing.svg">',
    "/elsewhere": f'{_HEAD}<p>Ads</p><img src="https://ads.example/x.png">',
    "/white": _HEAD,
}
_KEPT = {"/shop.css": ("text/css", "p { color: green }"), "/pixel.svg": ("image/svg+xml", _PIXEL)}


class Site(WebServer):
    """A small shop; `asked` says what was asked for."""

    def __init__(self, *, pair: Pair | None = None, host: Host | None = None) -> None:
        super().__init__(_Handler, pair=pair, host=host)
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        """Of a page."""
        return f"https://{HOST}:{self.address[1]}{path}"


class _Handler(WebHandler):
    server: Site

    def answer(self) -> None:
        self.server.asked.append(self.path)
        kind, text = _KEPT.get(self.path, ("text/html", _PAGES.get(self.path, _HEAD)))
        self.send_response(200 if self.path in (*_KEPT, *_PAGES) else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        if self.path in _KEPT:
            self.send_header("Cache-Control", "public, max-age=3600")
        self.end_headers()
        self.wfile.write(text.encode())


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return certify(tmp_path_factory.mktemp("certificate"), HOST)


@pytest.fixture(scope="module")
def site(pair: Pair) -> Iterator[Site]:
    with Site(pair=pair) as running:
        yield running


@pytest.fixture(scope="module")
def browser(pair: Pair) -> Iterator[Browser]:
    need_programs("chromium")
    with _opened(pair) as running:
        yield running


@contextmanager
def _opened(pair: Pair) -> Iterator[Browser]:
    names, trusted = {HOST: "127.0.0.1"}, [pair.certificate]
    with opened(None, http2=False, resolve=names, trusted=trusted) as running:
        yield running


def test_a_visit_uses_what_it_has(browser: Browser, site: Site) -> None:
    """The second page's objects come from the browser's cache; another visit begins with none."""
    site.asked.clear()
    with browser.visit() as visit:
        first, second = visit.load(site.url("/one")), visit.load(site.url("/two"))
    # The objects are asked for side by side, over a connection each.
    assert (site.asked[0], *sorted(site.asked[1:3]), *site.asked[3:]) == (
        "/one",
        "/pixel.svg",
        "/shop.css",
        "/two",
    )
    assert (first.requests, first.network_requests) == (3, 3)
    assert (second.requests, second.network_requests) == (3, 1)
    assert [each.transferred_bytes > 0 for each in second.objects] == [True, False, False]
    assert first.transferred_bytes > second.transferred_bytes > len(_PAGES["/two"])
    with browser.visit() as visit:
        assert visit.load(site.url("/one")).network_requests == 3


def test_times_are_in_their_order(browser: Browser, site: Site) -> None:
    """Something has to come before it can be painted, and all of it before it has loaded."""
    with browser.visit() as visit:
        loaded = visit.load(site.url("/one"))
    assert 0 < loaded.ttfb_ms < min(loaded.fcp_ms, loaded.load_ms)
    assert loaded.protocols == {"http/1.1"}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/nothing", "/nothing: answered 404"),
        ("/broken", "/missing.svg: answered 404"),
        ("/elsewhere", "ads.example/x.png: net::ERR_NAME_NOT_RESOLVED"),
    ],
)
def test_a_broken_page_has_no_numbers(browser: Browser, site: Site, path: str, why: str) -> None:
    """Whether it is missing itself, or an object of it is; and it reaches no other server."""
    with browser.visit() as visit:
        with pytest.raises(LoadError, match=why):
            visit.load(site.url(path))
        assert visit.load(site.url("/one")).requests == 3


def test_a_white_page_has_no_numbers(
    browser: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loads, but nobody ever sees anything."""
    monkeypatch.setattr("bench.load.browser._PAINT_S", 0.1)
    with browser.visit() as visit, pytest.raises(LoadError, match="not painted"):
        visit.load(site.url("/white"))


def test_a_strangers_certificate_is_refused(browser: Browser, tmp_path: Path) -> None:
    """Only the keys that were named are trusted."""
    stranger = certify(tmp_path, HOST)
    with Site(pair=stranger) as site, browser.visit() as visit:
        with pytest.raises(LoadError, match="ERR_CERT_AUTHORITY_INVALID"):
            visit.load(site.url("/one"))
        assert site.asked == []


def test_who_does_not_listen_is_an_error(browser: Browser) -> None:
    """The browser's own word for it is told."""
    with socket.socket() as sock, browser.visit() as visit:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(LoadError, match="ERR_CONNECTION_REFUSED"):
            visit.load(f"https://{HOST}:{sock.getsockname()[1]}/")


def test_http2_is_spoken_if_wanted() -> None:
    """To an nginx that has both, by two browsers at once."""
    need_programs("chromium", "nginx")
    with small_place() as place, Site() as upstream:
        pair = certify(place.home, HOST)
        with nginx.edge(place, upstream.address, pair) as edge:
            assert edge.https is not None
            names, trusted = {HOST: edge.https[0]}, [pair.certificate]
            with (
                opened(None, http2=False, resolve=names, trusted=trusted) as without,
                opened(None, http2=True, resolve=names, trusted=trusted) as with_it,
            ):
                for browser, spoken in ((without, "http/1.1"), (with_it, "h2")):
                    with browser.visit() as visit:
                        loaded = visit.load(f"https://{HOST}:{edge.https[1]}/one")
                    assert loaded.protocols == {spoken}
                    assert loaded.requests == 3


def test_at_a_host_of_a_lab_distance_is_felt(pair: Pair) -> None:
    """Connecting, agreeing on keys and asking are three round trips of 30 ms."""
    need_lab()
    need_programs("chromium")
    with lab(standard("regional")) as running:
        origin = running.host("origin")
        names, trusted = {HOST: origin.ipv4}, [pair.certificate]
        with (
            Site(pair=pair, host=origin) as site,
            opened(running.host("user"), http2=True, resolve=names, trusted=trusted) as browser,
            browser.visit() as visit,
        ):
            first, second = visit.load(site.url("/one")), visit.load(site.url("/two"))
    # Three round trips of 30 ms; Chromium may begin to connect just before it starts its clock.
    assert first.ttfb_ms > 80
    assert first.load_ms >= 120, "what it embeds is asked for when it is known"
    assert second.ttfb_ms >= 30, "over the connection that is open"
    assert second.network_requests == 1
