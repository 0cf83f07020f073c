"""The cart in a cookie: what is read of one, what is written, and its bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.aio.site.catalogue import PRODUCTS, Product, product_numbered
from origin.aio.site.catalogue.market import offer
from origin.aio.site.visitors.cart import MOST_EACH, MOST_LINES, Cart, FullCartError


def _product(number: int) -> Product:
    found = product_numbered(number)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("cookie", "read"),
    [
        (None, ""),
        ("", ""),
        ("104x2.233x1", "104x2.233x1"),
        ("104x2.104x3", "104x2"),
        ("0x1", ""),
        ("501x1", ""),
        ("7x0", ""),
        ("7x10", ""),
        ("07x1", ""),
        ("7x1.", "7x1"),
        ("7x1.x.8x2", "7x1.8x2"),
        ("\u0667x1", ""),
        ("7x1;8x1", ""),
        (".".join(f"{number}x1" for number in range(1, 30)), None),
        ("." * 5_000 + "7x1", ""),
    ],
)
def test_a_cookie_is_read_as_the_cart_it_could_be(cookie: str | None, read: str | None) -> None:
    """What is no line is left out, as is what comes after the twentieth."""
    expected = ".".join(f"{number}x1" for number in range(1, 21)) if read is None else read
    assert Cart.read(cookie).written() == expected


@given(st.text(alphabet="0123456789x.\u0661 ;", max_size=200))
def test_any_cookie_is_some_cart(cookie: str) -> None:
    """It keeps its bounds, and is the same cart when it comes back."""
    cart = Cart.read(cookie)
    assert len(cart.lines) <= MOST_LINES
    assert cart.count <= MOST_LINES * MOST_EACH
    assert Cart.read(cart.written()) == cart


def test_things_go_in_and_out() -> None:
    """Adding adds up, a quantity is set, none of a thing is no line."""
    one, other = _product(104), _product(233)
    cart = Cart().with_added(one, 2).with_added(other).with_added(one)
    assert (cart.written(), cart.count) == ("104x3.233x1", 4)
    assert cart.with_quantity(one, 1).written() == "104x1.233x1"
    assert cart.with_quantity(one, 0).written() == "233x1"
    assert cart.without(other).without(one) == Cart()


def test_nine_of_a_thing_are_enough() -> None:
    """More is cut, not refused."""
    assert Cart().with_added(_product(5), 7).with_added(_product(5), 7).written() == "5x9"


def test_a_full_cart_says_so() -> None:
    """A twenty-first kind is refused, more of what is in it is not."""
    cart = Cart()
    for product in PRODUCTS[:MOST_LINES]:
        cart = cart.with_added(product)
    assert cart.with_added(PRODUCTS[0]).quantity(PRODUCTS[0]) == 2
    with pytest.raises(FullCartError):
        cart.with_added(PRODUCTS[MOST_LINES])


def test_the_total_goes_by_the_minute() -> None:
    """Each line at the price of that minute."""
    one, other = _product(104), _product(233)
    cart = Cart().with_added(one, 2).with_added(other)
    for minute in (29_000_000, 29_000_077):
        prices = 2 * offer(one, minute).price_cents + offer(other, minute).price_cents
        assert cart.total_cents(minute) == prices
