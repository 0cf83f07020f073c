"""What a product costs, and how many there are, in a minute of the clock.

Both follow from the product's number and the minute alone, so all processes of all origins agree
without speaking to each other. Minutes are wall-clock seconds // 60.
"""

import hashlib
from dataclasses import dataclass

from origin.aio.site.catalogue import Product

_KNOT = 11
"""Minutes from one turn of a price to the next."""
_DEEPEST = 0.22
"""The most that a price falls below the list price, as a share of it."""
_WORTH_SAYING = 0.03
"""A smaller discount is not announced."""
_SOLD_OUT = 0.05
"""The share of its time for which something is sold out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Price and stock of one minute."""

    price_cents: int
    was_cents: int | None
    """The list price, where the price is clearly below it."""
    stock: int
    """0: sold out."""
    minute: int


def offer(product: Product, minute: int) -> Offer:
    """The offer of this minute."""
    base = product.base_price_cents
    price = base - round(base * _discount(product.number, minute) / 10) * 10
    return Offer(
        price_cents=price,
        was_cents=base if base - price > base * _WORTH_SAYING else None,
        stock=_stock(product, minute),
        minute=minute,
    )


def _discount(number: int, minute: int) -> float:
    """From one knot to the next in a straight line, with a small step every minute."""
    knot, after = divmod(minute + number, _KNOT)
    begin, end = _chance("price", number, knot), _chance("price", number, knot + 1)
    wave = begin + (end - begin) * after / _KNOT
    step = (_chance("step", number, minute) - 0.5) * 0.12
    return min(max(wave + step - 0.3, 0.0), 0.7) / 0.7 * _DEEPEST


def _stock(product: Product, minute: int) -> int:
    """It sells until there is none, and then a new batch comes."""
    number = product.number
    lasts = 90 + int(_chance("lasts", number, 0) * 300)
    batch, age = divmod(minute + number * 17, lasts)
    size = 12 + int(_chance("batch", number, batch) * 40)
    left = size - int(size * age / (lasts * (1 - _SOLD_OUT)))
    wobble = int(_chance("left", number, minute) * 2)
    return max(left + wobble, 3) if product.to_order else max(left + wobble if left > 0 else 0, 0)


def _chance(what: str, number: int, minute: int) -> float:
    """From 0 up to 1, the same everywhere."""
    drawn = hashlib.blake2b(f"{what} {number} {minute}".encode(), digest_size=4).digest()
    return int.from_bytes(drawn, "big") / 2**32
