"""The demo shop on a real socket: pages, assets, objects, and what is made for each request."""

import asyncio
import hashlib
import json
import re
import socket
import time
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from yarl import URL

from origin.aio.site.catalogue import CATEGORIES, PRODUCTS
from origin.aio.site.pictures import page_pictures
from origin.aio.site.worker import SiteWorker
from origin.config import SiteSettings
from origin.metrics import SiteMetrics
from tests.kit.shop import NOON, Client, Clock, open_shop

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGES = (
    "/",
    "/about",
    "/film",
    *(f"/shop/{category.slug}" for category in CATEGORIES),
    f"/shop/{CATEGORIES[0].slug}?page=2",
    *(f"/product/{product.slug}" for product in PRODUCTS[::50]),
)
ESI = {"Surrogate-Capability": 'midmile="ESI/1.0"'}


class _Links(HTMLParser):
    """Collects what a page links to and checks what a reader without eyes needs."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fields = dict(attrs)
        self.seen.append(tag)
        for name in ("href", "src"):
            target = fields.get(name)
            if target and target.startswith("/"):
                self.targets.add(target.partition("#")[0])
        assert tag != "img" or "alt" in fields, fields
        assert not {"style", "onclick"} & fields.keys(), "the page's own policy forbids it"


@pytest.mark.parametrize("path", PAGES)
async def test_pages_are_whole(shop: Client, path: str) -> None:
    """Everything that a page links to is there, and it has landmarks, a heading and alt texts."""
    response = await shop.get(path)
    assert response.status == 200
    links = _Links()
    links.feed(await response.text())
    assert links.seen.count("h1") == links.seen.count("main") == 1
    for target in sorted(links.targets):
        if target.startswith("/pictures/"):  # painting them all would take minutes
            assert target in _planned(path)
        elif target.startswith("/media/"):
            assert target == "/media/film.webm"
        else:
            async with shop.get(target) as linked:
                assert linked.status == 200, target


def _planned(path: str) -> set[str]:
    key = path.strip("/") or "home"
    if key.startswith("shop/"):
        name, _, number = key.partition("?page=")
        key = f"{name}/{number or 1}"
    return {picture.path for picture in page_pictures(key)}


@pytest.mark.parametrize("path", PAGES)
async def test_pages_may_be_shared_for_a_minute(shop: Client, path: str) -> None:
    """Without a visitor pages are kept a minute by edges, and revalidate to a 304."""
    response = await shop.get(path)
    assert response.headers["Cache-Control"] == "public, s-maxage=60, max-age=0"
    assert response.headers["Vary"] == "Cookie, Surrogate-Capability, Accept-Encoding"
    again = await shop.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status == 304
    for name in ("ETag", "Vary", "Cache-Control"):
        assert again.headers[name] == response.headers[name]
    assert await again.read() == b""


@pytest.mark.parametrize("path", PAGES)
async def test_templates_are_for_who_assembles_them(shop: Client, path: str) -> None:
    """One for all visitors, ten minutes long, which says what must be done to it."""
    alone = await shop.get(path, headers=ESI)
    visited = await shop.get(path, headers={**ESI, "Cookie": "sid=1; visitor=Ada; cart=104x2"})
    assert await alone.read() == await visited.read()
    for response in (alone, visited):
        assert response.headers["Surrogate-Control"] == 'content="ESI/1.0"'
        assert response.headers["Cache-Control"] == "public, s-maxage=600, max-age=0"
        assert response.headers["Vary"] == "Surrogate-Capability, Accept-Encoding"
    assert b"<esi:" in await alone.read()
    whole = await shop.get(path)
    assert b"esi:" not in await whole.read()
    assert "Surrogate-Control" not in whole.headers


async def test_templates_do_not_go_by_the_minute(shop: Client, clock: Clock) -> None:
    """They are kept for ten of them; what is quicker stands in fragments."""
    tags: dict[str, set[str]] = {path: set() for path in PAGES}
    for seconds in (0, 60, 3_600, 86_400):
        clock.now = NOON + seconds
        for path in PAGES:
            tags[path].add((await shop.head(path, headers=ESI)).headers["ETag"])
    clock.now = NOON
    assert [path for path, seen in tags.items() if len(seen) > 1] == []


async def test_included_fragments_are_there(shop: Client) -> None:
    """Every fragment that a template names is served, and none of them wants assembling."""
    included = set()
    for path in PAGES:
        template = await (await shop.get(path, headers=ESI)).text()
        included |= set(re.findall(r'<esi:include src="([^"]+)"', template))
    assert len({path.split("/")[2] for path in included}) > 3
    for path in sorted(included):
        response = await shop.get(path, headers=ESI)
        assert response.status == 200, path
        assert "<esi:" not in await response.text()
        assert "Surrogate-Control" not in response.headers


@pytest.mark.parametrize(
    ("name", "cache_control", "vary"),
    [
        ("navigation", "public, s-maxage=86400, max-age=0", None),
        ("footer", "public, s-maxage=86400, max-age=0", None),
        ("greeting", "private, no-cache", "Cookie"),
        (f"offer/{PRODUCTS[7].slug}", "public, s-maxage=45, max-age=0", None),
        ("deals", "public, s-maxage=45, max-age=0", None),
        (f"related/{PRODUCTS[7].slug}", "public, s-maxage=3600, max-age=0", None),
        (f"reviews/{PRODUCTS[7].slug}", "public, s-maxage=600, max-age=0", None),
    ],
)
async def test_fragments_have_lifetimes_of_their_own(
    shop: Client, clock: Clock, name: str, cache_control: str, vary: str | None
) -> None:
    """What goes by the minute is kept to its end."""
    clock.now = NOON + 15.5
    response = await shop.get(f"/fragments/{name}")
    clock.now = NOON
    assert response.status == 200
    assert response.headers["Cache-Control"] == cache_control
    varied = response.headers.get("Vary", "").removesuffix("Accept-Encoding").removesuffix(", ")
    assert (varied or None) == vary
    again = await shop.get(
        f"/fragments/{name}", headers={"If-None-Match": response.headers["ETag"]}
    )
    assert again.status in {200, 304}


@pytest.mark.parametrize(
    "path",
    [
        *("/fragments/none", "/fragments/", "/fragments/offer", "/fragments/offer/none"),
        *("/fragments/related/none", "/fragments/reviews/none", "/fragments/a/b/c"),
        *("/shop/none", "/product/none", "/shop/maps?page=0", "/shop/maps?page=99"),
        *("/shop/maps?page=x", "/shop/maps?page=" + "9" * 5_000, "/shop/maps?page=%D9%A1"),
    ],
)
async def test_other_pages_are_not_there(shop: Client, path: str) -> None:
    """Names that the shop does not have, pages past a list's end."""
    assert (await shop.get(URL(path, encoded=True))).status == 404


async def test_prices_move_with_the_minute(shop: Client, clock: Clock) -> None:
    """A page is the same for a minute, and shows other prices in an hour."""
    tags = []
    for seconds in (0, 59, 3_600):
        clock.now = NOON + seconds
        tags.append((await shop.get(f"/product/{PRODUCTS[7].slug}")).headers["ETag"])
    clock.now = NOON
    assert tags[0] == tags[1] != tags[2]


async def test_searches_are_shown_as_text(shop: Client) -> None:
    """What was asked for is repeated, neither as HTML nor as instructions for an edge."""
    asked = "<esi:include src='/x'/><script>alert(1)</script>"
    for headers in ({}, ESI):
        response = await shop.get("/search", params={"q": asked}, headers=headers)
        text = await response.text()
        assert response.status == 200
        assert "<esi:include src=" not in text
        assert "<script>alert" not in text
        assert "Surrogate-Control" not in response.headers


async def test_a_search_finds_its_product(shop: Client) -> None:
    """By its name, first."""
    page = await (await shop.get("/search", params={"q": PRODUCTS[0].name})).text()
    assert f"/product/{PRODUCTS[0].slug}" in page


async def test_two_processes_agree(shop: Client, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Another process of the shop, on another machine, gives every page the same validator."""
    async with open_shop(tmp_path_factory.mktemp("home")) as other:
        for path in PAGES:
            one, two = await shop.head(path), await other.head(path)
            assert one.headers["ETag"] == two.headers["ETag"]


async def test_assets_are_immutable(shop: Client) -> None:
    """A versioned asset may be kept for ever, and its name carries its content's hash."""
    page = await (await shop.get("/")).text()
    paths = set(re.findall(r"/assets/[^\"]+", page))
    assert len(paths) > 5
    for path in paths:
        response = await shop.get(path)
        body = await response.read()
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert path.split(".")[-2] == hashlib.sha256(body).hexdigest()[:8]
        assert response.headers["Last-Modified"]
        assert response.content_type != "application/octet-stream"


async def test_ranges_on_the_wire(shop: Client) -> None:
    """An object tells that it has ranges, cuts one, and refuses one past its end."""
    whole = await shop.get("/objects/10KB")
    body = await whole.read()
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = await shop.get("/objects/10KB", headers={"Range": "bytes=100-199"})
    assert (part.status, await part.read()) == (206, body[100:200])
    assert part.headers["Content-Range"] == "bytes 100-199/10240"
    past = await shop.get("/objects/10KB", headers={"Range": "bytes=10240-"})
    assert past.status == 416
    assert past.headers["Content-Range"] == "bytes */10240"


@pytest.mark.parametrize(
    "path",
    ["/", "/cart", "/search?q=map", "/objects/1MB", "/api/items/20KB", "/api/me", "/echo", "/no"],
)
async def test_head_is_get_without_body(shop: Client, path: str) -> None:
    """HEAD tells the length that GET would have, and sends nothing."""
    head, get = await shop.head(path), await shop.get(path)
    assert head.status == get.status
    if path != "/echo":
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert await head.read() == b""


@pytest.mark.parametrize(
    ("path", "cache_control"),
    [
        ("/objects/1KB", "public, max-age=3600"),
        ("/objects/8KB-uncacheable", "no-store"),
        ("/api/items/2KB", "no-store"),
        ("/me/2KB", "private, no-cache"),
        ("/api/me", "private, no-store"),
        ("/api/cart", "private, no-store"),
        ("/cart", "private, no-store"),
        ("/login", "private, no-store"),
        ("/thanks?order=7", "private, no-store"),
        ("/search?q=map", "public, s-maxage=10, max-age=0"),
        ("/echo", "no-store"),
        ("/slow?ms=1", "no-store"),
        ("/robots.txt", "public, max-age=86400"),
        ("/favicon.ico", "public, max-age=86400"),
    ],
)
async def test_cache_control(shop: Client, path: str, cache_control: str) -> None:
    """Each kind of response says who may keep it."""
    response = await shop.get(path)
    assert response.status == 200
    assert response.headers["Cache-Control"] == cache_control


async def test_uncacheable_answers_differ(shop: Client) -> None:
    """No two answers of the uncacheable object and the API are the same."""
    for path in ("/objects/8KB-uncacheable", "/api/items/100KB"):
        one, other = await shop.get(path), await shop.get(path)
        assert await one.read() != await other.read()


async def test_a_diary_is_its_visitors(shop: Client) -> None:
    """The name in it goes by the cookie, and it revalidates."""
    pages = [
        await shop.get("/me/20KB", headers={"Cookie": f"sid={sid}"}) for sid in ("a", "b", "a")
    ]
    texts = [await page.text() for page in pages]
    assert texts[0] == texts[2] != texts[1]
    assert "Cookie" in pages[0].headers["Vary"]
    fields = {"Cookie": "sid=a", "If-None-Match": pages[0].headers["ETag"]}
    assert (await shop.get("/me/20KB", headers=fields)).status == 304


async def test_cookies_are_not_reflected(shop: Client) -> None:
    """What a client puts into its cookie does not come back in a page."""
    page = await shop.get("/me/2KB", headers={"Cookie": "sid=<script>alert(1)</script>"})
    assert "<script>" not in await page.text()


async def test_echo_tells_the_head_as_it_came(shop: Client) -> None:
    """`/echo` repeats method, raw target and fields as JSON, never as HTML."""
    target = URL("/echo?q=%3Cb%3E&x=1%2F2", encoded=True)
    response = await shop.request("PATCH", target, headers={"X-Odd": "<i>"})
    told = await response.json()
    assert (told["method"], told["target"]) == ("PATCH", "/echo?q=%3Cb%3E&x=1%2F2")
    assert ["X-Odd", "<i>"] in told["headers"]
    assert response.content_type == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("code", [200, 204, 301, 304, 404, 405, 418, 451, 500, 503, 599])
async def test_status_on_demand(shop: Client, code: int) -> None:
    """`/status/CODE` answers with that status, to any method, not to be stored."""
    response = await shop.post(f"/status/{code}", allow_redirects=False)
    assert response.status == code
    assert response.headers["Cache-Control"] == "no-store"
    assert code != 301 or response.headers["Location"] == "/"


@pytest.mark.parametrize(
    "path",
    [
        "/status/100",
        "/status/abc",
        "/assets/site.css",
        "/assets/..%2fapp.py",
        "/assets/%2e%2e/app.py",
        "/assets/%00",
        "/product/<script>alert(1)</script>",
        "/shop/none",
    ],
)
async def test_what_is_not_there(shop: Client, path: str) -> None:
    """A path that leads nowhere gives the shop's 404 page, which repeats nothing of it."""
    response = await shop.get(URL(path.replace("<", "%3C").replace(">", "%3E"), encoded=True))
    text = await response.text()
    assert response.status == 404
    assert "Off the map" in text
    assert "alert(1)" not in text
    assert response.headers["Cache-Control"] == "public, s-maxage=10, max-age=0"


async def test_missing_api_is_json(shop: Client) -> None:
    """Below `/api/` an error is JSON, since no person reads it."""
    response = await shop.get("/api/nothing")
    assert (response.status, await response.json()) == (404, {"error": "Not Found"})


@pytest.mark.parametrize(("path", "allow"), [("/", "GET,HEAD"), ("/upload", "POST,PUT")])
async def test_wrong_method(shop: Client, path: str, allow: str) -> None:
    """A method that a resource does not have gives 405 with those it has."""
    response = await shop.delete(path)
    assert response.status == 405
    assert response.headers["Allow"] == allow
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_upload_is_counted(shop: Client, method: str) -> None:
    """`/upload` tells length and hash of what was streamed to it."""
    pieces = [bytes([number]) * 50_000 for number in range(20)]

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    response = await shop.request(method, "/upload", data=body())
    digest = hashlib.sha256(b"".join(pieces)).hexdigest()
    assert await response.json() == {"length": 1_000_000, "sha256": digest}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        *(("0", 200), ("1", 200), ("-1", 400), ("x", 400), ("30001", 400), ("9" * 5000, 400)),
        *(("000000001" + "9" * 6, 400), ("0" * 5000, 400), ("\N{SUPERSCRIPT TWO}", 400)),
    ],
)
async def test_slow_is_bounded(shop: Client, asked: str, status: int) -> None:
    """`/slow` waits as told, within its bound."""
    response = await shop.get("/slow", params={"ms": asked})
    assert response.status == status
    assert response.headers["Cache-Control"] == "no-store"


async def test_events_tick(shop: Client) -> None:
    """`/events` is an event stream that goes on while the client stays."""
    async with shop.get("/events") as response:
        assert response.content_type == "text/event-stream"
        ticks: list[int] = []
        while len(ticks) < 3:
            line = await response.content.readline()
            if line.startswith(b"data: "):
                ticks.append(json.loads(line[6:])["tick"])
    assert ticks == [1, 2, 3]


async def test_websocket_echo(shop: Client) -> None:
    """`/ws/echo` sends text and bytes back; without an upgrade it asks for one."""
    async with shop.ws_connect("/ws/echo") as wire:
        await wire.send_str("north")
        assert await wire.receive_str() == "north"
        await wire.send_bytes(b"\x00\xff")
        assert await wire.receive_bytes() == b"\x00\xff"
    plain = await shop.get("/ws/echo")
    assert (plain.status, plain.headers["Upgrade"]) == (426, "websocket")


async def _raw(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    everything = await reader.read()
    writer.close()
    await writer.wait_closed()
    return everything


async def test_early_hints(shop: Client) -> None:
    """`/early` sends a 103 with a preload link before its 200."""
    head = b"GET /early HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
    answer = await _raw(shop.port or 0, head)
    hints, final, _ = answer.split(b"\r\n\r\n", 2)
    assert hints.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </assets/site.")
    assert final.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_no_early_hints_for_http_1_0(shop: Client) -> None:
    """A client of HTTP/1.0, which knows no interim responses, gets the 200 alone."""
    answer = await _raw(shop.port or 0, b"GET /early HTTP/1.0\r\nHost: shop\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")


def _listener() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    return listener


def _worker(home: Path, registry: CollectorRegistry | None = None) -> SiteWorker:
    settings = SiteSettings(node="shop-origin", home=str(home))
    return SiteWorker(settings, SiteMetrics(registry or CollectorRegistry()))


async def _begin_slow(
    port: int, milliseconds: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask for a slow page; returns when its handler is at work, which the 100 proves."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fields = "Host: shop\r\nContent-Length: 1\r\nExpect: 100-continue"
    writer.write(f"GET /slow?ms={milliseconds} HTTP/1.1\r\n{fields}\r\n\r\n".encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b".")
    return reader, writer


async def test_worker_serves_and_drains(tmp_path: Path) -> None:
    """A draining worker refuses new clients, ends streams, and has a slow page answer at once."""
    listener = _listener()
    host, port = listener.getsockname()
    worker = _worker(tmp_path)
    await worker.start({"http": [listener]})
    async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
        stream = await session.get("/events")
        await stream.content.readline()
        wire = await session.ws_connect("/ws/echo")
        reader, writer = await _begin_slow(port, 30_000)
        drained = asyncio.create_task(worker.drain(5.0))
        assert (await wire.receive()).type is aiohttp.WSMsgType.CLOSE
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, port)
        assert (await reader.read()).endswith(b"cut short: the shop closes.\n")
        await stream.read()
        await drained
    writer.close()


async def test_drain_is_bounded(tmp_path: Path) -> None:
    """A request that outlives the grace is cut off, and the worker ends all the same."""
    listener = _listener()
    worker = _worker(tmp_path)
    await worker.start({"http": [listener]})
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    fields = "Host: shop\r\nContent-Length: 1\r\nExpect: 100-continue"
    writer.write(f"PUT /upload HTTP/1.1\r\n{fields}\r\n\r\n".encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    async with asyncio.timeout(5):
        await worker.drain(0.05)
        assert await reader.read() == b""
    writer.close()
    await worker.drain(0.05)


async def test_a_client_that_leaves_frees_its_page(tmp_path: Path) -> None:
    """Nothing goes on for a client that has gone, so draining finds nothing to wait for."""
    listener = _listener()
    worker = _worker(tmp_path)
    await worker.start({"http": [listener]})
    _, writer = await _begin_slow(listener.getsockname()[1], 30_000)
    writer.close()
    await writer.wait_closed()
    began_s = time.monotonic()
    await worker.drain(30.0)
    assert time.monotonic() - began_s < 15, "it waited for a page that nobody reads"


async def test_requests_are_counted(tmp_path: Path) -> None:
    """Each answer by its status, those to mistakes too."""
    listener, registry = _listener(), CollectorRegistry()
    host, port = listener.getsockname()
    worker = _worker(tmp_path, registry)
    await worker.start({"http": [listener]})
    async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
        for path in ("/", "/about", "/no-such-page"):
            await (await session.get(path)).read()
    await worker.drain(1.0)
    counted = [
        registry.get_sample_value("midmile_origin_site_requests_total", {"status": status})
        for status in ("200", "404")
    ]
    assert counted == [2, 1]


async def test_upload_is_counted_as_sent(tmp_path: Path) -> None:
    """The worker does not unpack a body that says it is packed: what was sent is told."""
    listener = _listener()
    host, port = listener.getsockname()
    worker = _worker(tmp_path)
    await worker.start({"http": [listener]})
    async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
        fields = {"Content-Encoding": "gzip"}
        response = await session.put("/upload", data=b"not gzip at all", headers=fields)
        assert (await response.json())["length"] == 15
    await worker.drain(1.0)
