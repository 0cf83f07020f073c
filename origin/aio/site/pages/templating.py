"""Jinja2 as the shop uses it: what every template may call, and how figures are written."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote_plus

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from origin.aio.site.catalogue import CATEGORIES, Product, best_first, products_of
from origin.aio.site.releases.assets import FONTS, SCRIPTS, STYLES, Assets

FOLDER = Path(__file__).parent / "templates"
SAMPLES = 4
"""Products of each shelf that the navigation names."""


def make_environment(assets: Assets) -> Environment:
    """Escaping on for every template, and `asset(name)` for links to static files."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters.update(euro=euro, words=quote_plus, clock=clock, stock=stock, values=dict)
    environment.globals.update(
        asset=assets.url,
        fonts=FONTS,
        styles=STYLES,
        scripts=SCRIPTS,
        categories=CATEGORIES,
        glyphs={category.slug: category.glyph for category in CATEGORIES},
        sizes={category.slug: len(products_of(category.slug)) for category in CATEGORIES},
        shelves={shelf.slug: shelf for category in CATEGORIES for shelf in category.shelves},
    )
    sprite = environment.get_template("parts/sprite.html").render()
    # The file is ours and holds no value of anybody's.
    environment.globals["sprite"] = Markup(sprite)  # noqa: S704
    macros = environment.get_template("parts/macros.html")
    environment.globals["m"] = macros.make_module({})
    return environment


def shelf_samples() -> dict[str, tuple[Product, ...]]:
    """The best of each shelf, by its slug."""
    ranked = best_first()
    return {
        shelf.slug: tuple(each for each in ranked if each.shelf == shelf.slug)[:SAMPLES]
        for category in CATEGORIES
        for shelf in category.shelves
    }


def euro(cents: int) -> str:
    """As people write it: `€48.00`, `€1,180.00`."""
    return f"€{cents // 100:,}.{cents % 100:02d}"


def clock(minute: int) -> str:
    """`2025-03-28T09:41`, in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M")


def stock(left: int) -> str:
    """What is said of so many; `live.js` says it in the same words."""
    if not left:
        return "Sold out just now; the next batch is on the bench"
    if left < 6:
        return f"Only {left} left"
    return f"{left} in stock"
