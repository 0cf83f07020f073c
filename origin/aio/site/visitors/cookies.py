"""Who is visiting: the cookies, which are all that the shop knows of a visitor.

`sid` tells visitors apart and says that there is one; `visitor` is the name given at the login;
`cart` is the cart. Who only looks gets none of them.
"""

import secrets
from dataclasses import dataclass
from urllib.parse import quote, unquote

from aiohttp import web

from origin.aio.site.visitors.cart import Cart

IDENTITY = "sid"
NAME = "visitor"
CART = "cart"
AGE_S = 30 * 86_400
LONGEST_NAME = 40
_LONGEST_WRITTEN = LONGEST_NAME * len("%F0%9F%A7%AD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who has signed in, or has put something into the cart."""

    sid: str
    name: str | None
    """As given at the login, not escaped; None is a guest."""
    cart: Cart


def visitor_of(request: web.Request) -> Visitor | None:
    """The visitor whose cookies a request has; None without `sid`, whatever else there is."""
    cookies = request.cookies
    sid = cookies.get(IDENTITY)
    if not sid:
        return None
    return Visitor(sid=sid, name=_name(cookies.get(NAME)), cart=Cart.read(cookies.get(CART)))


def is_name(text: str) -> bool:
    """Whether somebody may be called so: 1 to 40 printable characters, not all of them spaces."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and bool(text.strip())


def welcome(request: web.Request, response: web.StreamResponse, name: str) -> None:
    """Have the client known by `name`, under a new identity, with the cart it had."""
    # A new one at each login: whoever planted the old one learns nothing (session fixation).
    _set(request, response, IDENTITY, secrets.token_hex(16))
    _set(request, response, NAME, quote(name, safe=""))


def keep_cart(request: web.Request, response: web.StreamResponse, cart: Cart) -> None:
    """Have the client keep `cart`; who had no identity gets one."""
    if not request.cookies.get(IDENTITY):
        _set(request, response, IDENTITY, secrets.token_hex(16))
    if cart.lines:
        _set(request, response, CART, cart.written())
    else:
        _drop(request, response, CART)


def forget(request: web.Request, response: web.StreamResponse) -> None:
    """Have the client forget who it was, and the cart: the next one at this machine is another."""
    for cookie in (IDENTITY, NAME, CART):
        _drop(request, response, cookie)


def cart_of(request: web.Request) -> Cart:
    """The cart that a form or the API changes: the visitor's, empty for who is new."""
    visitor = visitor_of(request)
    return visitor.cart if visitor else Cart()


def is_secure(request: web.Request) -> bool:
    """Whether the visitor came by https, which the edge in front tells."""
    return request.headers.get("X-Forwarded-Proto", request.scheme).strip().lower() == "https"


def _name(cookie: str | None) -> str | None:
    if cookie is None:
        return None
    try:
        name = unquote(cookie[:_LONGEST_WRITTEN], errors="strict")
    except UnicodeDecodeError:
        return None
    return name if is_name(name) else None


def _set(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=AGE_S,
        path="/",
        secure=is_secure(request),
        httponly=True,  # no script of the shop's reads cookies
        samesite="Lax",
    )


def _drop(request: web.Request, response: web.StreamResponse, name: str) -> None:
    # The same attributes, or a browser keeps a Secure cookie that plain http could not replace.
    response.del_cookie(name, path="/", secure=is_secure(request), httponly=True, samesite="Lax")
