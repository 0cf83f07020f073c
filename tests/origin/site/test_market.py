"""Price and stock of the demo shop, minute by minute."""

from itertools import pairwise

import pytest

from origin.aio.site.catalogue import PRODUCTS, product_named
from origin.aio.site.catalogue.market import offer

_NOW = 29_050_000
"""A minute of the year 2025."""


def test_a_minute_has_one_offer() -> None:
    """The same minute gives the same offer, again and again."""
    assert offer(PRODUCTS[41], _NOW) == offer(PRODUCTS[41], _NOW)
    assert offer(PRODUCTS[41], _NOW).minute == _NOW


def test_offers_change_by_the_minute() -> None:
    """From one minute to the next price or stock of most products is another."""
    pairs = [(offer(each, _NOW), offer(each, _NOW + 1)) for each in PRODUCTS]
    changed = [(a.price_cents, a.stock) != (b.price_cents, b.stock) for a, b in pairs]
    assert sum(changed) > 300


@pytest.mark.parametrize("minute", [0, 1, _NOW, _NOW + 12_345])
def test_prices_stay_near_the_list_price(minute: int) -> None:
    """Never above it nor far below; the list price is told where the price is clearly below it."""
    for product in PRODUCTS:
        now = offer(product, minute)
        assert 0.77 * product.base_price_cents <= now.price_cents <= product.base_price_cents
        assert now.was_cents in {None, product.base_price_cents}
        assert now.was_cents is None or now.price_cents < now.was_cents


def test_prices_move_in_small_steps() -> None:
    """A minute moves a price by less than a tenth."""
    for product in PRODUCTS[::10]:
        prices = [offer(product, _NOW + minute).price_cents for minute in range(120)]
        steps = (abs(a - b) for a, b in pairwise(prices))
        assert max(steps) <= 0.1 * product.base_price_cents


def test_things_sell_out_and_come_again() -> None:
    """Over a day most products are sold out for a while; at any time only a few are."""
    day = range(_NOW, _NOW + 1440, 4)
    sold_out = [
        [offer(product, minute).stock == 0 for minute in day] for product in PRODUCTS[20:60]
    ]
    assert sum(any(each) for each in sold_out) > 20
    assert not any(all(each) for each in sold_out)
    assert sum(offer(product, _NOW).stock == 0 for product in PRODUCTS) < 60
    assert all(0 <= offer(product, _NOW).stock < 60 for product in PRODUCTS)


def test_what_is_made_to_order_is_always_there() -> None:
    """So that whoever tries the shop can always buy something."""
    product = product_named("ridgeline-topographic-map")
    assert product is not None
    assert min(offer(product, _NOW + minute).stock for minute in range(600)) >= 3
