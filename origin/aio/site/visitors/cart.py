"""A visitor's cart, and the cookie that it lives in.

`cart=104x2.233x1` is two of product 104 and one of product 233. The shop keeps no carts;
whatever a client writes into the cookie is read as the cart it could be.
"""

import re
from dataclasses import dataclass, replace
from typing import Self

from origin.aio.site.catalogue import Product, product_numbered
from origin.aio.site.catalogue.market import offer

MOST_LINES = 20
"""As many fit into one cookie line without crowding a request's head."""
MOST_EACH = 9

_LINE = re.compile(r"([1-9][0-9]{0,2})x([1-9])")
_SEPARATOR = "."


class FullCartError(Exception):
    """Another product would be one line too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A product, and how many of it."""

    product: Product
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """What a visitor wants to buy; each product has one line."""

    lines: tuple[Line, ...] = ()

    @classmethod
    def read(cls, cookie: str | None) -> Self:
        """The cart in a cookie's value; what is no line of a cart is left out."""
        lines: dict[int, Line] = {}
        for word in (cookie or "").split(_SEPARATOR, MOST_LINES)[:MOST_LINES]:
            found = _LINE.fullmatch(word)
            product = product_numbered(int(found[1])) if found else None
            if found and product:
                lines.setdefault(product.number, Line(product=product, quantity=int(found[2])))
        return cls(lines=tuple(lines.values()))

    def written(self) -> str:
        """The cookie's value; empty for an empty cart."""
        return _SEPARATOR.join(f"{line.product.number}x{line.quantity}" for line in self.lines)

    @property
    def count(self) -> int:
        """How many things are in it."""
        return sum(line.quantity for line in self.lines)

    def total_cents(self, minute: int) -> int:
        """What all of it costs in this minute."""
        return sum(offer(each.product, minute).price_cents * each.quantity for each in self.lines)

    def quantity(self, product: Product) -> int:
        """How many of a product are in it."""
        return next((each.quantity for each in self.lines if each.product == product), 0)

    def with_added(self, product: Product, quantity: int = 1) -> Self:
        """With more of a product, up to `MOST_EACH`; `FullCartError` where it needs a new line."""
        return self.with_quantity(product, self.quantity(product) + quantity)

    def with_quantity(self, product: Product, quantity: int) -> Self:
        """With so many of a product, none to `MOST_EACH`; `FullCartError` as above."""
        wanted = Line(product=product, quantity=max(0, min(quantity, MOST_EACH)))
        if not wanted.quantity:
            return self.without(product)
        if self.quantity(product):
            kept = (wanted if each.product == product else each for each in self.lines)
            return replace(self, lines=tuple(kept))
        if len(self.lines) == MOST_LINES:
            raise FullCartError
        return replace(self, lines=(*self.lines, wanted))

    def without(self, product: Product) -> Self:
        """With none of a product."""
        return replace(self, lines=tuple(each for each in self.lines if each.product != product))
