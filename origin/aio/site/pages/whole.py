"""The shop's pages: which there are, and how they are rendered.

A page is a frame around parts. Most parts are the same for everybody and at all times: they are
rendered when they are first wanted, and kept. What differs by minute or visitor stands in
fragments, each of which has one template, whether it is put inline, served alone, or left to a
surrogate.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from jinja2 import Template
from markupsafe import Markup

from origin.aio.site.catalogue import (
    PRODUCTS,
    Category,
    Product,
    product_named,
    products_of,
    related,
)
from origin.aio.site.catalogue.finding import MOST_FOUND
from origin.aio.site.catalogue.market import Offer, offer
from origin.aio.site.catalogue.telling import reviews
from origin.aio.site.pages import parts
from origin.aio.site.pages.structured import offer_data
from origin.aio.site.pages.templating import make_environment, shelf_samples
from origin.aio.site.pages.view import View
from origin.aio.site.releases.assets import Assets
from origin.aio.site.releases.release import Release
from origin.aio.site.visitors.account import account_of
from origin.aio.site.visitors.cart import Cart

MOST_PARTS = 1_200
"""Rendered parts kept, 8 KB each in the mean: those of some two hundred and forty products."""
DEALS = 12
DELIVERY_CENTS = 490
FREE_FROM_CENTS = 8_000

_ERROR_LINES = {
    HTTPStatus.NOT_FOUND: (
        "Off the map",
        "There is no path here, only heather. It may have moved, or it may never have been.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "Not by this gate",
        "This place exists, but it cannot be entered in the way you asked.",
    ),
    HTTPStatus.FORBIDDEN: (
        "This gate is locked",
        "That came from another place than this shop, so it was not done.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "A stone in the boot",
        "Something went wrong on our side. It has been written down; please try again shortly.",
    ),
}
_OTHER_ERROR = ("The way is closed", "This request could not be served as it was asked.")
_NOBODY = View(minute=0, visitor=None, esi=False, path="/")

Context = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginForm:
    """What somebody typed into the login, to be shown again."""

    name: str
    problem: str
    """Empty where nothing is wrong."""
    back: str
    """The path to go to after it."""


class Pages:
    """Renders the pages of one release."""

    def __init__(self, assets: Assets, release: Release) -> None:
        self._release = release
        self._environment = make_environment(assets)
        self._parts: OrderedDict[tuple[str, str], Markup] = OrderedDict()
        self._deals: tuple[int, tuple[tuple[Product, Offer], ...]] = (-1, ())
        self._fragments: Mapping[str, Callable[[str, View], Markup | None]] = {
            "navigation": lambda argument, _: None if argument else self._navigation(),
            "footer": lambda argument, _: None if argument else self._footer(),
            "greeting": lambda argument, view: None if argument else self._greeting(view),
            "deals": lambda argument, view: None if argument else self._deals_of(view),
            "offer": self._offer,
            "related": self._related,
            "reviews": self._reviews,
        }

    def home(self, view: View) -> str:
        """`/`."""
        return self._page("home.html", view, parts=self._home_parts())

    def category(self, category: Category, page_number: int, view: View) -> str:
        """`/shop/CAT`; pages are counted from 1."""
        key = f"{category.slug} {page_number}"
        body = self._part("category_body", key, lambda: parts.category(category, page_number))
        return self._page(
            "category.html",
            view,
            body=body,
            category=category,
            number=page_number,
            pages=parts.page_count(len(products_of(category.slug))),
            page_link=partial(parts.page_link, category),
        )

    def product(self, product: Product, view: View) -> str:
        """`/product/SLUG`."""
        note = self._release.note(product.slug)
        before = self._part(
            "product_before", product.slug, lambda: {**parts.product_before(product), "note": note}
        )
        after = self._part("product_after", product.slug, lambda: parts.product_after(product))
        questions = self._part(
            "product_questions", product.slug, lambda: parts.product_questions(product)
        )
        made = {"before": before, "after": after, "questions": questions}
        return self._page("product.html", view, product=product, parts=made)

    def search(self, words: str, found: Sequence[Product], view: View) -> str:
        """`/search?q=`."""
        return self._page("search.html", view, asked=words, found=found, most=MOST_FOUND)

    def cart(self, view: View, notice: str) -> str:
        """`/cart`, at the prices of this minute."""
        cart = view.visitor.cart if view.visitor else Cart()
        total = cart.total_cents(view.minute)
        return self._page(
            "cart.html",
            view,
            cart=cart,
            lines=[(line, offer(line.product, view.minute)) for line in cart.lines],
            total=total,
            delivery=0 if total >= FREE_FROM_CENTS else DELIVERY_CENTS,
            notice=notice,
        )

    def login(self, view: View, form: LoginForm) -> str:
        """`/login`."""
        return self._page("login.html", view, form=form)

    def account(self, view: View) -> str:
        """`/account`, for a visitor who is there."""
        assert view.visitor is not None
        account = account_of(view.visitor.sid)
        name = view.visitor.name or account.trail_name
        return self._page("account.html", view, account=account, name=name)

    def thanks(self, view: View, number: int) -> str:
        """`/thanks`, for an order's number."""
        name = view.visitor.name if view.visitor else None
        return self._page("thanks.html", view, number=number, name=name)

    def about(self, view: View) -> str:
        """`/about`."""
        return self._page("about.html", view)

    def film(self, view: View) -> str:
        """`/film`."""
        return self._page("film.html", view)

    def diary(self) -> str:
        """The frame of `/me/*`, with `{name}` and `{diary}` where those two belong."""
        return self._template("me.html").render()

    def error(self, status: HTTPStatus) -> str:
        """The page for an error; it repeats nothing of the request."""
        title, line = _ERROR_LINES.get(status, _OTHER_ERROR)
        return self._page("error.html", _NOBODY, status=status.value, title=title, line=line)

    def fragment(self, name: str, argument: str, view: View) -> str | None:
        """A fragment alone, never an include; None where there is no such fragment."""
        render = self._fragments.get(name)
        return render(argument, view) if render else None

    def _page(self, template: str, view: View, /, **context: object) -> str:
        return self._template(template).render(
            view=view, fragment=partial(self._inserted, view), **context
        )

    def _inserted(self, view: View, name: str, argument: str = "") -> Markup:
        """A fragment's text, or the place where a surrogate puts it (ESI 1.0, 3.1)."""
        if view.esi and name != "greeting":  # which is told from cookies, without a request
            path = f"/fragments/{name}" + (f"/{quote(argument)}" if argument else "")
            return Markup('<esi:include src="{}" onerror="continue"/>').format(path)
        made = self._fragments[name](argument, view)
        assert made is not None, (name, argument)
        return made

    def _home_parts(self) -> Mapping[str, Markup]:
        release = self._release
        news = {"banner": release.banner, "release": release.number}
        return {
            "before": self._part("home_before", "", lambda: {**parts.home_before(), **news}),
            "after": self._part("home_after", "", parts.home_after),
        }

    def _navigation(self) -> Markup:
        return self._part(
            "navigation", "", lambda: {"samples": shelf_samples()}, folder="fragments"
        )

    def _footer(self) -> Markup:
        return self._part("footer", "", dict, folder="fragments")

    def _greeting(self, view: View) -> Markup:
        return self._render("fragments/greeting.html", view=view)

    def _deals_of(self, view: View) -> Markup:
        if self._deals[0] != view.minute:
            self._deals = view.minute, _deals(view.minute)
        return self._render("fragments/deals.html", deals=self._deals[1], minute=view.minute)

    def _offer(self, slug: str, view: View) -> Markup | None:
        product = product_named(slug)
        if product is None:
            return None
        now = offer(product, view.minute)
        return self._render(
            "fragments/offer.html", product=product, offer=now, offer_data=offer_data
        )

    def _related(self, slug: str, _: View) -> Markup | None:
        product = product_named(slug)
        if product is None:
            return None
        return self._part("related", slug, lambda: {"others": related(product)}, folder="fragments")

    def _reviews(self, slug: str, _: View) -> Markup | None:
        product = product_named(slug)
        if product is None:
            return None
        return self._part(
            "reviews",
            slug,
            lambda: {"product": product, "entries": reviews(product)},
            folder="fragments",
        )

    def _part(
        self, name: str, key: str, context: Callable[[], Context], *, folder: str = "parts"
    ) -> Markup:
        """A part that is the same for everybody; the one longest unused makes room for another."""
        found = self._parts.get((name, key))
        if found is None:
            found = self._parts[name, key] = self._render(f"{folder}/{name}.html", **context())
            if len(self._parts) > MOST_PARTS:
                self._parts.popitem(last=False)
        else:
            self._parts.move_to_end((name, key))
        return found

    def _render(self, name: str, **context: object) -> Markup:
        # Every value in it has been escaped by its own template.
        return Markup(self._template(name).render(**context))  # noqa: S704

    def _template(self, name: str) -> Template:
        return self._environment.get_template(name)


def _deals(minute: int) -> tuple[tuple[Product, Offer], ...]:
    offers = ((product, offer(product, minute)) for product in PRODUCTS)
    there = [(product, now) for product, now in offers if now.stock]
    there.sort(key=lambda pair: (pair[1].price_cents / pair[0].base_price_cents, pair[0].number))
    return tuple(there[:DEALS])
