"""The shop's pages: which there are, and how they are rendered.

All pages are the same for everybody (a visitor's greeting is fetched from `/api/me`), so they are
rendered once, when the site starts, and served from memory. Error pages are rendered as needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from origin.aio.site.assets import Assets
from origin.aio.site.catalogue import CATEGORIES, PRODUCTS, category_named, companions, products_of
from origin.aio.site.representation import Representation, represent

FOLDER = Path(__file__).parent / "templates"
HTML = "text/html; charset=utf-8"
SHARED_MINUTE = "public, s-maxage=60, max-age=0"
"""Edges keep a page for a minute, browsers ask again each time: a release is seen soon."""

PAGE_HEADERS: Mapping[str, str] = {
    # Everything a page loads is its own: an injected script or frame would not run.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
}

_ERROR_LINES = {
    HTTPStatus.NOT_FOUND: (
        "Off the map",
        "There is no path here, only heather. It may have moved, or it may never have been.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "Not by this gate",
        "This place exists, but it cannot be entered in the way you asked.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "A stone in the boot",
        "Something went wrong on our side. It has been written down; please try again shortly.",
    ),
}
_OTHER_ERROR = ("The way is closed", "This request could not be served as it was asked.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Rendered pages by path, and the means to render more."""

    by_path: Mapping[str, Representation]
    environment: Environment

    def error(self, status: HTTPStatus) -> str:
        """The page for an error; it repeats nothing of the request."""
        title, line = _ERROR_LINES.get(status, _OTHER_ERROR)
        template = self.environment.get_template("error.html")
        return template.render(status=status.value, title=title, line=line)


def make_environment(assets: Assets) -> Environment:
    """Jinja2 with escaping on for every template, and `asset(name)` for links to static files."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(asset=assets.url, categories=CATEGORIES)
    return environment


def build_pages(assets: Assets) -> Pages:
    """Render every page of the shop."""
    environment = make_environment(assets)

    def page(template: str, **context: object) -> Representation:
        html = environment.get_template(template).render(**context)
        return represent(
            html.encode(), content_type=HTML, cache_control=SHARED_MINUTE, headers=PAGE_HEADERS
        )

    by_path = {"/": page("home.html", products=PRODUCTS), "/about": page("about.html")}
    for category in CATEGORIES:
        by_path[f"/shop/{category.slug}"] = page(
            "category.html", category=category, products=products_of(category.slug)
        )
    for product in PRODUCTS:
        by_path[f"/product/{product.slug}"] = page(
            "product.html",
            product=product,
            category=category_named(product.category),
            companions=companions(product),
        )
    return Pages(by_path=by_path, environment=environment)
