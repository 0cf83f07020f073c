"""The shop for programs: products, stock, search, cart and visitor as JSON."""

from http import HTTPStatus

from aiohttp import web

from origin.aio.site.catalogue import (
    PER_PAGE,
    PRODUCTS,
    Product,
    category_named,
    product_named,
    products_of,
    search,
)
from origin.aio.site.catalogue.market import offer
from origin.aio.site.clock import MINUTE_S, minute_of, rest_of_minute
from origin.aio.site.handlers.browse import SEARCH_S, page_number, search_words
from origin.aio.site.handlers.checkout import NOTICES, UnavailableError, added, named_product
from origin.aio.site.http import answers
from origin.aio.site.http.forms import RefusedError, read_json, whole_number
from origin.aio.site.pages.parts import page_count
from origin.aio.site.visitors.cart import MOST_EACH, Cart, FullCartError
from origin.aio.site.visitors.cookies import cart_of, keep_cart, visitor_of

_ACTIONS = ("add", "update", "remove", "checkout")


async def products(request: web.Request) -> web.Response:
    """`/api/products?category=maps&page=2`."""
    slug = request.query.get("category")
    if slug is not None and category_named(slug) is None:
        raise web.HTTPNotFound
    listed = products_of(slug) if slug is not None else PRODUCTS
    number = page_number(request, len(listed))
    here = listed[(number - 1) * PER_PAGE : number * PER_PAGE]
    value = {
        "category": slug,
        "page": number,
        "pages": page_count(len(listed)),
        "total": len(listed),
        "products": [_product(each, minute_of(request)) for each in here],
    }
    return answers.data(request, value, cache_control=_until_next(request))


async def product(request: web.Request) -> web.Response:
    """`/api/products/SLUG`."""
    value = _product(_asked(request), minute_of(request))
    return answers.data(request, value, cache_control=_until_next(request))


async def stock(request: web.Request) -> web.Response:
    """`/api/stock/SLUG`: price and stock of this minute."""
    found, minute = _asked(request), minute_of(request)
    now = offer(found, minute)
    value = {
        "product": found.slug,
        "price_cents": now.price_cents,
        "was_cents": now.was_cents,
        "stock": now.stock,
        "as_of": minute * MINUTE_S,
    }
    return answers.data(request, value, cache_control=_until_next(request))


async def find(request: web.Request) -> web.Response:
    """`/api/search?q=compass`: the best first."""
    words = search_words(request)
    found = search(words) if words else ()
    value = {
        "query": words,
        "total": len(found),
        "products": [_product(each, minute_of(request)) for each in found],
    }
    return answers.data(request, value, cache_control=f"public, s-maxage={SEARCH_S}, max-age=0")


async def cart(request: web.Request) -> web.Response:
    """`/api/cart`: the visitor's cart."""
    return answers.data(
        request, _cart(cart_of(request), minute_of(request)), cache_control=answers.PRIVATE
    )


async def change_cart(request: web.Request) -> web.Response:
    """`POST /api/cart`: `{"action": "add", "product": "night-sky-chart", "quantity": 2}`.

    Actions: `add`, `update` (to that quantity, 0 to 9), `remove`, `checkout` (all is taken out).
    A product goes by slug or number. The answer is the cart as it is then.
    """
    wish = await read_json(request)
    changed = _changed(request, wish)
    response = answers.data(
        request, _cart(changed, minute_of(request)), cache_control=answers.PRIVATE
    )
    keep_cart(request, response, changed)
    return response


async def me(request: web.Request) -> web.Response:
    """`/api/me`: who is asking, as far as the shop knows; sets no cookie."""
    visitor = visitor_of(request)
    value = {
        "name": visitor.name if visitor else None,
        "returning": visitor is not None,
        "cart": _cart(visitor.cart if visitor else Cart(), minute_of(request)),
    }
    return answers.data(request, value, cache_control=answers.PRIVATE)


def _changed(request: web.Request, wish: object) -> Cart:
    match wish:
        case {"action": "checkout"}:
            return Cart()
        case {"action": "add" | "update" | "remove" as action, "product": asked, **more}:
            found = named_product(asked)
        case _:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"action is none of {', '.join(_ACTIONS)}")
    if found is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such product")
    if action == "remove":
        return cart_of(request).without(found)
    quantity = whole_number(more.get("quantity", 1), least=0, most=MOST_EACH)
    if quantity is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"quantity is not from 0 to {MOST_EACH}")
    try:
        if action == "add":
            return added(request, found, quantity)
        return cart_of(request).with_quantity(found, quantity)
    except UnavailableError as reason:
        raise RefusedError(HTTPStatus.CONFLICT, NOTICES[str(reason)]) from None
    except FullCartError:
        raise RefusedError(HTTPStatus.CONFLICT, NOTICES["full"]) from None


def _asked(request: web.Request) -> Product:
    found = product_named(request.match_info["slug"])
    if found is None:
        raise web.HTTPNotFound
    return found


def _until_next(request: web.Request) -> str:
    return f"public, s-maxage={rest_of_minute(request)}, max-age=0"


def _product(product: Product, minute: int) -> dict[str, object]:
    now = offer(product, minute)
    return {
        "slug": product.slug,
        "number": product.number,
        "name": product.name,
        "category": product.category,
        "line": product.line,
        "price_cents": now.price_cents,
        "stock": now.stock,
        "url": f"/product/{product.slug}",
    }


def _cart(cart: Cart, minute: int) -> dict[str, object]:
    return {
        "count": cart.count,
        "total_cents": cart.total_cents(minute),
        "lines": [
            {
                "product": line.product.slug,
                "name": line.product.name,
                "quantity": line.quantity,
                "price_cents": offer(line.product, minute).price_cents,
            }
            for line in cart.lines
        ],
    }
