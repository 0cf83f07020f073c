"""Which pictures a page has: their paths, sizes, kinds, and how many bytes each may take.

Pure and instant: templates ask this module, and nothing here paints. Every page has twenty
pictures that weigh `PAGE_BYTES` together, as one large, a few middling and many small ones.
"""

import functools
import hashlib
import random
import re
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from origin.aio.site.catalogue import (
    CATEGORIES,
    PER_PAGE,
    PRODUCTS,
    product_named,
    products_of,
)

PAGE_BYTES = 300 * 1024
"""What the pictures of a page weigh together. Benchmarks stand on it."""

PICTURES_A_PAGE = 20


class Kind(StrEnum):
    """How a picture is encoded."""

    JPEG = "jpeg"
    """As most shops still send them."""

    WEBP = "webp"
    """About a third smaller at the same looks."""

    @property
    def suffix(self) -> str:
        """The ending of a path, with its dot."""
        return ".jpg" if self is Kind.JPEG else ".webp"

    @property
    def media_type(self) -> str:
        """What `Content-Type` says."""
        return f"image/{self}"


class View(StrEnum):
    """How a picture shows its subject."""

    STUDIO = "studio"
    """Upright before a plain backdrop."""

    TILTED = "tilted"
    """The same, leaning a little and lit from the other side."""

    FLAT = "flat"
    """From above, on wood, stone or linen."""

    OUTDOORS = "outdoors"
    """On a ledge, with a country behind it."""

    CLOSE = "close"
    """Near enough to see the stitches."""

    PAIR = "pair"
    """Two of them, side by side."""

    PLACE = "place"
    """A country without any product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture of one page."""

    path: str
    width: int
    height: int
    kind: Kind
    view: View
    subject: str
    """The slug of the product that it shows, or of a category for any product of it; may be empty
    where `view` is a place."""
    size_bytes: int
    """What it should weigh; the file comes within about a tenth of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """A place for a picture on every page of one sort."""

    name: str
    view: View
    size: tuple[int, int]
    weight: float
    """Its share of the page's bytes; only the proportions between a page's slots count."""
    subject: str = ""


_LARGE, _MIDDLE, _CARD, _SMALL = (960, 720), (640, 480), (480, 360), (320, 240)
_WIDE, _STORY = (1280, 720), (640, 400)

_PRODUCT = (
    ("front", View.STUDIO, _LARGE, 55),
    ("angle", View.TILTED, _MIDDLE, 22),
    ("outdoors", View.OUTDOORS, _MIDDLE, 25),
    ("flat", View.FLAT, _MIDDLE, 24),
    ("reverse", View.STUDIO, _MIDDLE, 20),
    ("close", View.CLOSE, _CARD, 14),
    ("detail", View.CLOSE, _CARD, 13),
    ("at-dawn", View.OUTDOORS, _CARD, 14),
    ("at-dusk", View.OUTDOORS, _CARD, 14),
    ("pair", View.PAIR, _CARD, 13),
    ("packed", View.FLAT, _SMALL, 9),
    ("profile", View.TILTED, _SMALL, 8),
    ("texture", View.CLOSE, _SMALL, 8),
    ("place", View.PLACE, _SMALL, 8),
    ("trail", View.PLACE, _SMALL, 8),
    ("owner-1", View.OUTDOORS, _SMALL, 9),
    ("owner-2", View.FLAT, _SMALL, 9),
    ("owner-3", View.OUTDOORS, _SMALL, 9),
    ("owner-4", View.PAIR, _SMALL, 8),
    ("owner-5", View.OUTDOORS, _SMALL, 9),
)
_SHELF = ((_LARGE, 54), *((_CARD, weight) for weight in (14, 12, 13) * 6), (_CARD, 15))
_ON_THE_SHELF = (View.STUDIO, View.OUTDOORS, View.FLAT)
"""How a page of a category shows its products, and how again where it has fewer than twenty."""

_PATH = re.compile(
    r"/pictures/(?P<key>home|shop/[a-z0-9-]{1,80}/[1-9][0-9]{0,2}|product/[a-z0-9-]{1,80})"
    r"/(?P<number>[0-2][0-9])-[a-z0-9-]{1,90}\.(?:jpg|webp)"
)


def seeded(text: str) -> random.Random:
    """A stream of numbers that is the same for the same text on every machine."""
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))


@functools.cache
def all_keys() -> tuple[str, ...]:
    """Every page that has pictures: `home`, `shop/CATEGORY/NUMBER`, `product/SLUG`."""
    return (
        "home",
        *(
            f"shop/{category.slug}/{number}"
            for category in CATEGORIES
            for number in range(1, ceil(len(products_of(category.slug)) / PER_PAGE) + 1)
        ),
        *(f"product/{product.slug}" for product in PRODUCTS),
    )


@functools.lru_cache(maxsize=1024)
def page_pictures(key: str) -> tuple[Picture, ...]:
    """The twenty pictures of a page, in the order of their numbers; KeyError for an unknown one.

    On a page of a category the pictures follow the products that it shows; where these are fewer
    than twenty, they start again with other views of the same ones.
    """
    if key not in _known():
        raise KeyError(key)
    slots = _slots(key)
    assert len(slots) == PICTURES_A_PAGE, key
    rng = seeded(f"weights of {key}")
    weights = [slot.weight * rng.uniform(0.85, 1.15) for slot in slots]
    scale = PAGE_BYTES * rng.uniform(0.97, 1.03) / sum(weights)
    return tuple(
        _picture(key, number, slot, round(weight * scale))
        for number, (slot, weight) in enumerate(zip(slots, weights, strict=True), start=1)
    )


def picture_at(path: str) -> Picture | None:
    """The picture at this path of a URL, or None: only planned paths have one."""
    match = _PATH.fullmatch(path)
    if match is None or match["key"] not in _known():
        return None
    number = int(match["number"])
    if not 1 <= number <= PICTURES_A_PAGE:
        return None
    picture = page_pictures(match["key"])[number - 1]
    return picture if picture.path == path else None


def category_of(slug: str) -> str:
    """The category of a product; a category's own slug stands for itself."""
    product = product_named(slug)
    return product.category if product else slug


def _picture(key: str, number: int, slot: _Slot, size_bytes: int) -> Picture:
    kind = Kind.JPEG if number % 2 else Kind.WEBP
    return Picture(
        path=f"/pictures/{key}/{number:02d}-{slot.name}{kind.suffix}",
        width=slot.size[0],
        height=slot.size[1],
        kind=kind,
        view=slot.view,
        subject=slot.subject,
        size_bytes=size_bytes,
    )


def _slots(key: str) -> tuple[_Slot, ...]:
    match key.split("/"):
        case ["product", slug]:
            return tuple(
                _Slot(name=name, view=view, size=size, weight=weight, subject=slug)
                for name, view, size, weight in _PRODUCT
            )
        case ["shop", slug, number]:
            return _shelf(slug, int(number))
        case _:
            return _home()


def _shelf(category: str, number: int) -> tuple[_Slot, ...]:
    first = (number - 1) * PER_PAGE
    slugs = [product.slug for product in products_of(category)[first : first + PER_PAGE]]
    slots = []
    for at, (size, weight) in enumerate(_SHELF):
        turn, position = divmod(at, len(slugs))
        view = _ON_THE_SHELF[turn % len(_ON_THE_SHELF)]
        name = slugs[position] + (f"-{view}" if turn else "")
        slots.append(_Slot(name=name, view=view, size=size, weight=weight, subject=slugs[position]))
    return tuple(slots)


def _home() -> tuple[_Slot, ...]:
    aisles = [CATEGORIES[at % len(CATEGORIES)].slug for at in range(10)]
    return (
        _Slot(name="hero", view=View.PLACE, size=_WIDE, weight=58),
        *(
            _Slot(name=slug, view=View.OUTDOORS, size=_CARD, weight=11, subject=slug)
            for slug in aisles
        ),
        *(
            _Slot(name=f"story-{number}", view=View.PLACE, size=_STORY, weight=19)
            for number in range(1, 5)
        ),
        *(
            _Slot(name=f"workshop-{number}", view=View.FLAT, size=_SMALL, weight=11, subject=slug)
            for number, slug in zip(range(1, 6), aisles[1::2], strict=True)
        ),
    )


@functools.cache
def _known() -> frozenset[str]:
    return frozenset(all_keys())
