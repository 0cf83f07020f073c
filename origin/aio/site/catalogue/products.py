"""The five hundred products, made when this module is first imported."""

import random
import re
from collections.abc import Iterator
from itertools import count, product

from origin.aio.site.catalogue import tables
from origin.aio.site.catalogue.phrases import expand, seeded
from origin.aio.site.catalogue.tables import OwnWork
from origin.aio.site.catalogue.things import Category, Product, Shelf

PER_PAGE = 20
"""Products on one page of a list; the tables hold whole pages of them."""

_TABLES = tables.categories()
_ODDS = (5, 5, 5, 5, 5, 5, 5, 5, 4, 4, 4, 4, 3, 3, 2)
"""How stars fall: people mostly review what they like."""
REVIEWS = (9, 13)
"""How many reviews a product has, both ends included."""


def category_named(slug: str) -> Category | None:
    """The category with this slug."""
    return _CATEGORY_BY_SLUG.get(slug)


def shelf_named(slug: str) -> Shelf:
    """The shelf with this slug; KeyError without one."""
    return _SHELF_BY_SLUG[slug]


def product_named(slug: str) -> Product | None:
    """The product with this slug."""
    return _BY_SLUG.get(slug)


def product_numbered(number: int) -> Product | None:
    """The product with this number, 1 to 500."""
    return PRODUCTS[number - 1] if 1 <= number <= len(PRODUCTS) else None


def products_of(category: str) -> tuple[Product, ...]:
    """What a category has, in the order of its pages; empty without such a category."""
    return _BY_CATEGORY.get(category, ())


def best_first() -> list[Product]:
    """All of them by their rating, and where that is the same by their number."""
    return sorted(PRODUCTS, key=lambda each: (-each.rating, each.number))


def _make() -> Iterator[Product]:
    numbers = count(1)
    own_work = tables.own_work()
    for category, size in _TABLES:
        of_shelf = [
            list(_shelf_products(category, shelf, own_work, size // len(category.shelves)))
            for shelf in category.shelves
        ]
        # Shelves take turns, so that a page of a category shows something of each.
        for turn in zip(*of_shelf, strict=True):
            for rng, shelf, name, told in turn:
                yield _product(next(numbers), category, shelf, name, told, rng)


_Draft = tuple[random.Random, Shelf, str, OwnWork | None]


def _shelf_products(
    category: Category, shelf: Shelf, own_work: tuple[OwnWork, ...], size: int
) -> Iterator[_Draft]:
    told = {each.name: each for each in own_work if each.shelf == shelf.slug}
    rng = seeded("names", category.slug, shelf.slug)
    names = [*told]
    pairs = list(product(tables.voices().series, shelf.titles))
    rng.shuffle(pairs)
    used = {name.split()[0] for name in names}
    for series, title in pairs:
        if len(names) == size:
            break
        if series not in used:
            used.add(series)
            names.append(f"{series} {title}")
    for name in names:
        yield seeded("product", shelf.slug, name), shelf, name, told.get(name)


def _product(
    number: int,
    category: Category,
    shelf: Shelf,
    name: str,
    own: OwnWork | None,
    rng: random.Random,
) -> Product:
    made = tuple((label, rng.choice(values.split("|"))) for label, values in shelf.spec)
    told = dict(own.details) if own else {}
    # They say of themselves what the shelf's table would only guess.
    details = (*told.items(), *(pair for pair in made if pair[0] not in told))
    low, high = shelf.price_range
    return Product(
        number=number,
        slug=_slug(name),
        name=name,
        category=category.slug,
        shelf=shelf.slug,
        noun=shelf.noun,
        base_price_cents=own.price_cents if own else rng.randrange(low, high, 50),
        line=own.line if own else expand(rng.choice(shelf.lines), rng),
        material=own.material if own else rng.choice(shelf.materials),
        details=details,
        stars=tuple(rng.choice(_ODDS) for _ in range(rng.randint(*REVIEWS))),
        told=own.story if own else (),
        to_order=own is not None,
    )


def _slug(name: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", name.lower().replace("'", "")))


CATEGORIES: tuple[Category, ...] = tuple(category for category, _ in _TABLES)
PRODUCTS: tuple[Product, ...] = tuple(_make())

_CATEGORY_BY_SLUG = {category.slug: category for category in CATEGORIES}
_SHELF_BY_SLUG = {shelf.slug: shelf for category in CATEGORIES for shelf in category.shelves}
_BY_SLUG = {each.slug: each for each in PRODUCTS}
_BY_CATEGORY = {
    category.slug: tuple(each for each in PRODUCTS if each.category == category.slug)
    for category in CATEGORIES
}
assert len(_BY_SLUG) == len(PRODUCTS), "two products with the same name"
