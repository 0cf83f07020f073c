"""page: what a person with a browser waits for, and what crosses the middle mile meanwhile.

Every visit is somebody new, with an empty browser, who opens one product page and then another.
Nobody opened those two before on this way, but others have seen the shop: an edge holds what all
pages share, and the pictures of other products.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from bench import ways
from bench.certificate import Pair, certify
from bench.errors import LoadError
from bench.form import Result, Sample, samples
from bench.lab.running import Host
from bench.lab.topologies import STANDARD, VISITORS, standard
from bench.load import browser
from bench.load.browser import Browser, Visit
from bench.metric import Metric
from bench.picture import draw_grid
from bench.place import HOST, Place
from bench.rounds import in_turn
from bench.ways import Way
from origin.aio.site.catalogue import PRODUCTS

PROGRAMS = ("nginx", "chromium")
IN_LAB = True
_NAMES = ("midmile", "nginx", "nginx-h2", "direct", "direct-h2")
_CASES = ("product-first", "product-second")
_OTHERS_ASK = "/api/items/2KB"
"""Never cached, so it goes all the way to the origin."""
_AT_ONCE = 32
"""No page asks for more at once, by HTTP/2 either, and so waits for no handshake between hops."""
_SEED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    paths: tuple[str, ...]
    congestion: tuple[str, ...]
    visits: int
    spare: int
    """Visits that may be repeated because they were spoilt."""
    visitors: tuple[str, ...]

    def pages(self) -> Iterator[str]:
        """Products' pages that are opened on each way, if every spare visit is needed.

        In an order in which no page names the next one.
        """
        opened = len(self.visitors) + (self.visits + self.spare) * len(_CASES)
        return (f"/product/{each.slug}" for each in Random(_SEED).sample(PRODUCTS, opened))


_FULL = _Scale(
    paths=tuple(STANDARD), congestion=ways.CONGESTION, visits=20, spare=3, visitors=VISITORS
)
_SMOKE = _Scale(
    paths=("regional",),
    congestion=(ways.DEFAULT_CONGESTION,),
    visits=1,
    spare=1,
    visitors=VISITORS[:1],
)


def measure(place: Place) -> list[Sample]:
    """Both pages of a visit on every way, over every standard middle mile."""
    scale = _SMOKE if place.smoke else _FULL
    pair = certify(place.home, HOST)
    found: list[Sample] = []
    for path in scale.paths:
        with ExitStack() as stack:
            shoppers: list[_Shoppers] = []
            for congestion in scale.congestion:
                lab = ways.standing(place, standard(path), pair, _NAMES, congestion=congestion)
                standing = stack.enter_context(lab)
                place.say(f"{path}, {congestion}: the shop paints its pictures")
                _paint(standing, pair, scale.pages())
                place.say(f"{path}, {congestion}: others visit it first, on every way")
                shoppers += [stack.enter_context(_shoppers(way, pair, scale)) for way in standing]
            visit = partial(_Shoppers.visit, path=path)
            found += in_turn(place, path, shoppers, scale.visits, visit)
    return found


def _paint(standing: Iterable[Way], pair: Pair, pages: Iterable[str]) -> None:
    """Have the shop paint the pages' pictures, which it does when somebody wants to see them.

    Somebody beside it, who passes by all caches; the first user would wait for it otherwise.
    """
    straight = next(way for way in standing if way.contestant.name == "direct")
    with _browser(straight, straight.lab.host("parent"), pair) as painter:
        for page in pages:
            with painter.visit() as visit:
                visit.load(_url(straight, page))


def _browser(way: Way, host: Host, pair: Pair) -> AbstractContextManager[Browser]:
    resolve = {HOST: way.https[0]}
    return browser.opened(host, http2=way.http2, resolve=resolve, trusted=[pair.certificate])


def _url(way: Way, page: str) -> str:
    return f"https://{HOST}:{way.https[1]}{page}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shoppers:
    """All who come on one way, one after the other."""

    way: Way
    browser: Browser
    """At the user's place; each visit begins with an empty profile."""
    pages: Iterator[str]
    """Those that nobody has opened on this way yet, and whose pictures are painted."""

    @property
    def name(self) -> str:
        """The way's."""
        return self.way.name

    def visit(self, path: str) -> list[Sample]:
        """One visit of two pages."""
        self.way.keep_warm(_OTHERS_ASK, _AT_ONCE)
        found: list[Sample] = []
        with self.browser.visit() as visit:
            for case in _CASES:
                found += self._load(visit, f"{case}/{path}")
        return found

    def _load(self, visit: Visit, case: str) -> list[Sample]:
        with self.way.counting() as cost:
            loaded = visit.load(_url(self.way, self._next_page()))
        if loaded.protocols != {"h2" if self.way.http2 else "http/1.1"}:
            raise LoadError(f"{self.name} spoke {', '.join(loaded.protocols)}")
        values = {
            Metric.TTFB_MS: loaded.ttfb_ms,
            Metric.FCP_MS: loaded.fcp_ms,
            Metric.LOAD_MS: loaded.load_ms,
            Metric.MIDDLE_MILE_TEXT_BYTES: cost.crossed.text_bytes,
            Metric.MIDDLE_MILE_IMAGE_BYTES: cost.crossed.image_bytes,
            Metric.MIDDLE_MILE_BYTES: cost.link_bytes,
            Metric.CPU_US_PER_PAGE: cost.cpu_s * 1e6,
        }
        return samples(case, self.name, values)

    def _next_page(self) -> str:
        page = next(self.pages, None)
        if page is None:
            raise LoadError(f"{self.name}: more visits were spoilt than there are pages for")
        return page


def draw(result: Result, file: Path) -> None:
    """A column per path: what users wait for, then what text crosses for their second page."""
    shown = [
        *((case, metric) for case in _CASES for metric in (Metric.TTFB_MS, Metric.LOAD_MS)),
        *((case, Metric.MIDDLE_MILE_TEXT_BYTES) for case in _CASES),
    ]
    lines = [[(f"{case}/{path}", metric) for path in STANDARD] for case, metric in shown]
    draw_grid(result, file, lines)


@contextmanager
def _shoppers(way: Way, pair: Pair, scale: _Scale) -> Iterator[_Shoppers]:
    """Visitors see a page each first; then the shoppers' browser is open."""
    pages = scale.pages()
    for visitor in scale.visitors:
        with _browser(way, way.lab.host(visitor), pair) as theirs, theirs.visit() as visit:
            visit.load(_url(way, next(pages)))
    with _browser(way, way.user, pair) as opened:
        yield _Shoppers(way=way, browser=opened, pages=pages)
