"""The pages that everybody may see, and their fragments.

Three kinds of answer to one URL. A surrogate that assembles pages gets a template that is the same
for all visitors. Else who has no `sid` gets a page that all such visitors share, and a visitor gets
a page of one's own.
"""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web

from origin.aio.site.catalogue import category_named, product_named, products_of, search
from origin.aio.site.clock import minute_of, rest_of_minute
from origin.aio.site.handlers import live
from origin.aio.site.http import answers
from origin.aio.site.http.capability import CONTROL, ESI, FIELD, announces_esi
from origin.aio.site.http.representation import Representation, represent
from origin.aio.site.pages.parts import page_count, page_link
from origin.aio.site.pages.view import View
from origin.aio.site.pages.whole import Pages
from origin.aio.site.releases.showing import shown
from origin.aio.site.visitors.cookies import visitor_of

PAGE_S = 60
SEARCH_S = 10
TEMPLATE_S = 600
"""Whatever is quicker than that stands in a fragment of its own."""
LONGEST_SEARCH = 100

_LIFETIMES_S = {"navigation": 86_400, "footer": 86_400, "related": 3_600, "reviews": 600}
_BY_THE_MINUTE = frozenset({"offer", "deals"})
_PERSONAL = frozenset({"greeting"})

Render = Callable[[Pages, View], str]


async def home(request: web.Request) -> web.Response:
    """`/`."""
    return _page(request, "/", Pages.home)


async def category(request: web.Request) -> web.Response:
    """`/shop/CAT?page=2`: its products, twenty at a time."""
    found = category_named(request.match_info["slug"])
    if found is None:
        raise web.HTTPNotFound
    number = page_number(request, len(products_of(found.slug)))
    path = page_link(found, number)
    return _page(request, path, lambda pages, view: pages.category(found, number, view))


async def product(request: web.Request) -> web.Response:
    """`/product/SLUG`."""
    found = product_named(request.match_info["slug"])
    if found is None:
        raise web.HTTPNotFound
    path = f"/product/{found.slug}"
    return _page(request, path, lambda pages, view: pages.product(found, view))


async def about(request: web.Request) -> web.Response:
    """`/about`."""
    return _page(request, "/about", Pages.about)


async def film(request: web.Request) -> web.Response:
    """`/film`."""
    return _page(request, "/film", Pages.film)


async def early(request: web.Request) -> web.Response:
    """`/early`: a 103 that has the style loaded, then the page of `/about`."""
    live.send_early_hints(
        request, f"<{shown(request).assets.url('site.css')}>; rel=preload; as=style"
    )
    return await about(request)


async def find(request: web.Request) -> web.Response:
    """`/search?q=compass`.

    Never a template for surrogates: it repeats what was asked, and no such text should be read for
    instructions.
    """
    words = search_words(request)
    found = search(words) if words else ()
    path = f"/search?q={quote(words, safe='')}"
    view = View(minute=minute_of(request), visitor=visitor_of(request), esi=False, path=path)
    html = shown(request).pages.search(words, found, view)
    item = _represent(html, _cache_control(view, SEARCH_S), {"Vary": "Cookie"})
    return answers.answer(request, item)


async def fragment(request: web.Request) -> web.Response:
    """`/fragments/NAME[/ARGUMENT]`: a piece of a page."""
    name, argument = request.match_info["name"], request.match_info.get("argument", "")
    visitor = visitor_of(request) if name in _PERSONAL else None
    view = View(minute=minute_of(request), visitor=visitor, esi=False, path=request.path)
    html = shown(request).pages.fragment(name, argument, view)
    if html is None:
        raise web.HTTPNotFound
    if name in _PERSONAL:
        item = _represent(html, "private, no-cache", {"Vary": "Cookie"})
        return answers.answer(request, item)
    lasts_s = rest_of_minute(request) if name in _BY_THE_MINUTE else _LIFETIMES_S.get(name, PAGE_S)
    return answers.answer(request, _represent(html, f"public, s-maxage={lasts_s}, max-age=0", {}))


def page_number(request: web.Request, products: int) -> int:
    """The page of a list that `?page=` asks for; 404 where the list has no such page."""
    asked = request.query.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 3 else 0
    if not 1 <= number <= page_count(products):
        raise web.HTTPNotFound
    return number


def search_words(request: web.Request) -> str:
    """What `?q=` looks for: one line, not too long."""
    return " ".join(request.query.get("q", "")[:LONGEST_SEARCH].split())


def _page(request: web.Request, path: str, render: Render) -> web.Response:
    esi = announces_esi(request.headers.getall(FIELD, ()))
    visitor = None if esi else visitor_of(request)
    view = View(minute=minute_of(request), visitor=visitor, esi=esi, path=path)
    now = shown(request)

    def make() -> Representation:
        # The body depends on that field whether it is there or not (RFC 9110 12.5.5).
        vary = {"Vary": FIELD if esi else f"Cookie, {FIELD}"}
        control = {CONTROL: f'content="{ESI}"'} if esi else {}
        return _represent(
            render(now.pages, view), _cache_control(view, PAGE_S), {**vary, **control}
        )

    item = now.rendered.page((path, view.minute, esi), make) if visitor is None else make()
    return answers.answer(request, item)


def _cache_control(view: View, lasts_s: int) -> str:
    if view.visitor is not None:
        return "private, no-cache"
    return f"public, s-maxage={TEMPLATE_S if view.esi else lasts_s}, max-age=0"


def _represent(html: str, cache_control: str, headers: dict[str, str]) -> Representation:
    return represent(
        html.encode(),
        content_type=answers.HTML,
        cache_control=cache_control,
        headers={**answers.PAGE_HEADERS, **headers},
    )


def failure(request: web.Request, status: HTTPStatus) -> str:
    """The page of an error; it repeats nothing of the request."""
    return shown(request).pages.error(status)
