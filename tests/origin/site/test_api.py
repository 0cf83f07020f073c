"""The shop for programs."""

import json
from typing import Any

import pytest

from origin.aio.site.catalogue import CATEGORIES, PRODUCTS
from origin.aio.site.catalogue.market import offer
from tests.kit.shop import MINUTE, NOON, Client, Clock, set_cookies

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOLD_OUT = next(each for each in PRODUCTS if not offer(each, MINUTE).stock)
IN_STOCK = next(each for each in PRODUCTS if offer(each, MINUTE).stock)


async def _json(shop: Client, path: str, **headers: str) -> Any:
    response = await shop.get(path, headers=headers)
    assert response.status == 200, path
    assert response.content_type == "application/json"
    return await response.json()


async def test_all_products_can_be_paged_through(shop: Client) -> None:
    """Twenty at a time, each once, those of a category too."""
    first = await _json(shop, "/api/products")
    assert (first["pages"], first["total"], len(first["products"])) == (25, 500, 20)
    seen = [
        each["slug"]
        for number in range(1, 26)
        for each in (await _json(shop, f"/api/products?page={number}"))["products"]
    ]
    assert sorted(seen) == sorted(product.slug for product in PRODUCTS)
    slug = CATEGORIES[0].slug
    shelf = await _json(shop, f"/api/products?category={slug}")
    assert {each["category"] for each in shelf["products"]} == {slug}


@pytest.mark.parametrize(
    "path",
    [
        *("/api/products?page=0", "/api/products?page=26", "/api/products?page=x"),
        *("/api/products?page=\u0661", "/api/products?page=" + "9" * 5_000),
        *("/api/products?category=none", "/api/products/none", "/api/stock/none", "/api/none"),
    ],
)
async def test_what_is_not_there_is_told_as_json(shop: Client, path: str) -> None:
    """Below `/api/` no person reads an error."""
    response = await shop.get(path)
    assert (response.status, await response.json()) == (404, {"error": "Not Found"})


async def test_stock_and_price_move_with_the_minute(shop: Client, clock: Clock) -> None:
    """All processes tell the same of a minute, and caches keep it until the next."""
    told = []
    for seconds in (0, 59.9, 60, 3_600):
        clock.now = NOON + seconds
        response = await shop.get(f"/api/stock/{IN_STOCK.slug}")
        told.append(await response.json())
        lasts_s = 1 if seconds == 59.9 else 60
        assert response.headers["Cache-Control"] == f"public, s-maxage={lasts_s}, max-age=0"
    clock.now = NOON
    assert told[0] == told[1]
    assert told[0]["as_of"] == NOON
    assert told[2]["as_of"] == NOON + 60
    now = offer(IN_STOCK, MINUTE + 60)
    assert (told[3]["price_cents"], told[3]["stock"]) == (now.price_cents, now.stock)


async def test_an_answer_that_is_kept_revalidates(shop: Client) -> None:
    """By its entity tag."""
    path = f"/api/products/{IN_STOCK.slug}"
    first = await shop.get(path)
    again = await shop.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304


async def test_search_finds(shop: Client) -> None:
    """By name, bounded, and nothing for nothing."""
    found = await _json(shop, f"/api/search?q={IN_STOCK.name}")
    assert IN_STOCK.slug in [each["slug"] for each in found["products"]]
    for words in ("", "%20", "qqqqqqqq"):
        assert (await _json(shop, f"/api/search?q={words}"))["total"] == 0
    assert len((await _json(shop, "/api/search?q=" + "a" * 3_000))["query"]) == 100


async def test_a_cart_is_changed_by_json(shop: Client) -> None:
    """The answer is the cart as it is then, with the cookies that hold it."""
    wish = {"action": "add", "product": IN_STOCK.slug, "quantity": 2}
    response = await shop.post("/api/cart", json=wish)
    cart = await response.json()
    assert (response.status, cart["count"]) == (200, 2)
    assert cart["total_cents"] == 2 * offer(IN_STOCK, MINUTE).price_cents
    assert set_cookies(response)["cart"].value == f"{IN_STOCK.number}x2"
    mine = {"Cookie": f"sid=1; visitor=Ada; cart={IN_STOCK.number}x2"}
    assert await _json(shop, "/api/cart", **mine) == cart
    assert await _json(shop, "/api/me", **mine) == {"name": "Ada", "returning": True, "cart": cart}
    steps: tuple[tuple[dict[str, object], int], ...] = (
        ({"action": "update", "product": IN_STOCK.number, "quantity": 7}, 7),
        ({"action": "remove", "product": IN_STOCK.slug}, 0),
        ({"action": "checkout"}, 0),
    )
    for step, count in steps:
        changed = await shop.post("/api/cart", json=step, headers=mine)
        assert (await changed.json())["count"] == count


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ("", 400, "not JSON"),
        ("[" * 15_000, 400, "not JSON"),
        ("[]", 400, "no JSON object"),
        ("{}", 400, "action is none of"),
        ('{"action": "steal"}', 400, "action is none of"),
        ('{"action": "add"}', 400, "action is none of"),
        ('{"action": "add", "product": "none"}', 404, "no such product"),
        ('{"action": "add", "product": [1]}', 404, "no such product"),
        ('{"action": "add", "product": true}', 404, "no such product"),
        ('{"action": "add", "product": 1, "quantity": 1.5}', 400, "from 0 to 9"),
        ('{"action": "update", "product": 1, "quantity": 10}', 400, "from 0 to 9"),
        (json.dumps({"action": "add", "product": SOLD_OUT.slug}), 409, "sold out"),
        ('{"x": "' + "x" * 20_000 + '"}', 413, "16384 bytes"),
    ],
)
async def test_a_wrong_wish_is_told(shop: Client, body: str, status: int, problem: str) -> None:
    """What is wrong with it, as JSON; the cart stays."""
    headers = {"Content-Type": "application/json"}
    response = await shop.post("/api/cart", data=body, headers=headers)
    assert response.status == status
    assert problem in (await response.json())["error"]
    assert "Set-Cookie" not in response.headers


async def test_other_sites_cannot_change_a_cart(shop: Client) -> None:
    """Neither with another Origin, nor with the body of a form."""
    wish = {"action": "checkout"}
    strange = await shop.post("/api/cart", json=wish, headers={"Origin": "https://bank.example"})
    assert strange.status == 403
    form = await shop.post("/api/cart", data=wish)
    assert form.status == 415
