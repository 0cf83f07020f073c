"""What a visitor has: the cart, the login, the account. Nobody but the visitor may keep any of it.

Every form is plain HTML and is answered with a 303, so that reloading repeats nothing.
"""

import secrets
from http import HTTPStatus

from aiohttp import web

from origin.aio.site.catalogue import Product, product_named, product_numbered
from origin.aio.site.catalogue.market import offer
from origin.aio.site.clock import minute_of
from origin.aio.site.http import answers
from origin.aio.site.http.forms import RefusedError, read_form, way_back, whole_number
from origin.aio.site.pages.view import View
from origin.aio.site.pages.whole import LoginForm
from origin.aio.site.releases.showing import shown
from origin.aio.site.visitors.cart import MOST_EACH, MOST_LINES, Cart, FullCartError
from origin.aio.site.visitors.cookies import (
    LONGEST_NAME,
    cart_of,
    forget,
    is_name,
    keep_cart,
    visitor_of,
    welcome,
)

LEAST_PASSWORD = 8
MOST_ORDERS = 10**8
NOTICES = {
    "full": f"Your cart holds {MOST_LINES} kinds of things; take one out before the next goes in.",
    "sold-out": "That one has just sold out. Prices and stock change by the minute; do try again.",
}
"""What the cart says after a form has failed, by the word in `?notice=`."""


async def cart(request: web.Request) -> web.Response:
    """`/cart`."""
    notice = NOTICES.get(request.query.get("notice", ""), "")
    return _personal(request, shown(request).pages.cart(_view(request), notice))


async def login(request: web.Request) -> web.Response:
    """`/login`: the form."""
    form = LoginForm(name="", problem="", back=way_back(request.query.get("back", ""), "/"))
    return _personal(request, shown(request).pages.login(_view(request), form))


async def account(request: web.Request) -> web.Response:
    """`/account`, for who has signed in."""
    visitor = visitor_of(request)
    if visitor is None or visitor.name is None:
        return answers.see_other("/login?back=/account")
    return _personal(request, shown(request).pages.account(_view(request)))


async def thanks(request: web.Request) -> web.Response:
    """`/thanks?order=123`, after the checkout."""
    number = whole_number(request.query.get("order"), least=0, most=MOST_ORDERS)
    if number is None:
        return answers.see_other("/")
    return _personal(request, shown(request).pages.thanks(_view(request), number))


async def sign_in(request: web.Request) -> web.Response:
    """`POST /login`: any name, and any password that is long enough; this is a demo."""
    fields = await read_form(request)
    name, back = fields.get("name", "").strip(), way_back(fields.get("back", ""), "/")
    if problem := _login_problem(name, fields.get("password", "")):
        form = LoginForm(name=name[:LONGEST_NAME], problem=problem, back=back)
        html = shown(request).pages.login(_view(request), form)
        return _personal(request, html, HTTPStatus.UNPROCESSABLE_ENTITY)
    response = answers.see_other(back)
    welcome(request, response, name)
    return response


async def sign_out(request: web.Request) -> web.Response:
    """`POST /logout`."""
    await read_form(request)
    response = answers.see_other("/")
    forget(request, response)
    return response


async def add(request: web.Request) -> web.Response:
    """`POST /cart/add`: product, quantity, back."""
    fields = await read_form(request)
    product, quantity = _line(fields.get("product"), fields.get("quantity", "1"))
    try:
        changed = added(request, product, quantity)
    except UnavailableError as reason:
        return answers.see_other(f"/cart?notice={reason}")
    return _keep(request, changed, way_back(fields.get("back", ""), "/cart"))


async def update(request: web.Request) -> web.Response:
    """`POST /cart/update`: product, quantity; 0 takes it out."""
    fields = await read_form(request)
    product, quantity = _line(fields.get("product"), fields.get("quantity"))
    try:
        changed = cart_of(request).with_quantity(product, quantity)
    except FullCartError:
        return answers.see_other("/cart?notice=full")
    return _keep(request, changed, "/cart")


async def remove(request: web.Request) -> web.Response:
    """`POST /cart/remove`: product."""
    fields = await read_form(request)
    product, _ = _line(fields.get("product"), "0")
    return _keep(request, cart_of(request).without(product), "/cart")


async def order(request: web.Request) -> web.Response:
    """`POST /cart/checkout`: the cart is empty then; nothing is sold, and nobody pays."""
    await read_form(request)
    if not cart_of(request).lines:
        return answers.see_other("/cart")
    return _keep(request, Cart(), f"/thanks?order={secrets.randbelow(MOST_ORDERS)}")


class UnavailableError(Exception):
    """A product cannot go into the cart; says why, by a key of `NOTICES`."""


def added(request: web.Request, product: Product, quantity: int) -> Cart:
    """The visitor's cart with more of a product; `UnavailableError` where that cannot be."""
    if not offer(product, minute_of(request)).stock:
        raise UnavailableError("sold-out")
    try:
        return cart_of(request).with_added(product, quantity)
    except FullCartError:
        raise UnavailableError("full") from None


def named_product(asked: object) -> Product | None:
    """The product of a slug or a number."""
    number = whole_number(asked, least=1, most=999_999)
    if number is not None:
        return product_numbered(number)
    return product_named(asked) if isinstance(asked, str) else None


def _line(product: object, quantity: object) -> tuple[Product, int]:
    found, many = named_product(product), whole_number(quantity, least=0, most=MOST_EACH)
    if found is None or many is None:
        raise RefusedError(
            HTTPStatus.BAD_REQUEST, f"this wants a product, and 0 to {MOST_EACH} of it"
        )
    return found, many


def _login_problem(name: str, password: str) -> str:
    if not is_name(name):
        return f"Please tell a name of 1 to {LONGEST_NAME} characters."
    if len(password) < LEAST_PASSWORD:
        return f"A password has at least {LEAST_PASSWORD} characters; any will do, this is a demo."
    return ""


def _view(request: web.Request) -> View:
    return View(
        minute=minute_of(request), visitor=visitor_of(request), esi=False, path=request.path
    )


def _keep(request: web.Request, changed: Cart, target: str) -> web.Response:
    response = answers.see_other(target)
    keep_cart(request, response, changed)
    return response


def _personal(request: web.Request, html: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return answers.text(
        request,
        html,
        content_type=answers.HTML,
        cache_control=answers.PRIVATE,
        status=status,
        headers=answers.PAGE_HEADERS,
    )
