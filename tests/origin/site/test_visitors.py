"""Login, cart and account: forms that work without script, and cookies that are all there is."""

import re
from http.cookies import SimpleCookie
from urllib.parse import urljoin

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.aio.site.catalogue import PRODUCTS, Product
from origin.aio.site.catalogue.market import offer
from origin.aio.site.http.forms import way_back
from tests.kit.shop import MINUTE, Client, cookie_line, set_cookies

on_one_loop = pytest.mark.asyncio(loop_scope="module")
ADA = {"name": "Ada Lovelace", "password": "analytical"}


def _in_stock(*, wanted: bool = True) -> Product:
    return next(each for each in PRODUCTS if bool(offer(each, MINUTE).stock) is wanted)


async def _post(
    shop: Client, path: str, cookies: str = "", data: dict[str, str] | None = None, **fields: str
) -> aiohttp.ClientResponse:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    if cookies:
        headers["Cookie"] = cookies
    return await shop.post(path, data=data or {"x": ""}, headers=headers, allow_redirects=False)


@on_one_loop
@pytest.mark.parametrize(
    "path",
    [
        *("/", "/about", "/film", "/search?q=map", "/cart", "/login", "/api/me", "/api/cart"),
        *("/fragments/greeting", "/me/2KB", f"/product/{PRODUCTS[0].slug}"),
    ],
)
async def test_who_only_looks_gets_no_cookie(shop: Client, path: str) -> None:
    """So that the pages can be shared."""
    response = await shop.get(path)
    assert response.status == 200
    assert "Set-Cookie" not in response.headers


@on_one_loop
async def test_a_login_is_known_again(shop: Client) -> None:
    """A 303 back to where the visitor was, three harmless cookies, and a greeting by name."""
    response = await _post(shop, "/login", data={**ADA, "back": "/about"})
    assert (response.status, response.headers["Location"]) == (303, "/about")
    assert response.headers["Cache-Control"] == "private, no-store"
    cookies = set_cookies(response)
    assert set(cookies) == {"sid", "visitor"}
    assert cookies["visitor"].value == "Ada%20Lovelace"
    for cookie in cookies.values():
        assert cookie["httponly"]
        assert (cookie["samesite"], cookie["path"], cookie["secure"]) == ("Lax", "/", "")
    mine = {"Cookie": cookie_line(cookies)}
    page = await shop.get("/", headers=mine)
    assert "Ada Lovelace" in await page.text()
    assert page.headers["Cache-Control"] == "private, no-cache"
    account = await shop.get("/account", headers=mine)
    assert (account.status, account.headers["Cache-Control"]) == (200, "private, no-store")


@on_one_loop
async def test_cookies_are_secure_where_the_visitor_came_by_https(shop: Client) -> None:
    """Which the edge in front of the shop tells."""
    response = await _post(shop, "/login", data=ADA, X_Forwarded_Proto="https")
    assert all(cookie["secure"] for cookie in set_cookies(response).values())


@on_one_loop
@pytest.mark.parametrize(
    ("name", "password"),
    [
        *(("", "long enough"), ("   ", "long enough"), ("x" * 41, "long enough")),
        *(("Ada\x00", "long enough"), ("Ada", "short"), ("Ada", "")),
    ],
)
async def test_a_bad_login_is_told(shop: Client, name: str, password: str) -> None:
    """The form again, with the problem, under a status that no script takes for success."""
    response = await _post(shop, "/login", data={"name": name, "password": password})
    assert response.status == 422
    assert "Set-Cookie" not in response.headers
    text = await response.text()
    assert "<form" in text
    assert password not in text or not password


@on_one_loop
async def test_names_are_shown_as_text(shop: Client) -> None:
    """Not as HTML, nor as instructions for an edge; neither from the form nor from the cookie."""
    name = "<b>$(X)</b><esi:vars>"
    response = await _post(shop, "/login", data={"name": name, "password": "x"})
    assert "<esi:vars" not in await response.text()
    cookies = {"Cookie": "sid=1; visitor=%3Cb%3E%24(X)%3Cesi:vars%3E"}
    for path in ("/", "/account", "/fragments/greeting"):
        text = await (await shop.get(path, headers=cookies)).text()
        assert "<b>$(X)" not in text
        assert "<esi:vars" not in text


@on_one_loop
async def test_the_account_wants_a_login(shop: Client) -> None:
    """And leads back afterwards; a guest with a cart has none either."""
    for cookies in ("", "sid=1; cart=104x1"):
        response = await shop.get("/account", headers={"Cookie": cookies}, allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (303, "/login?back=/account")


@on_one_loop
async def test_a_visitor_has_one_trail_name(shop: Client) -> None:
    """The account and the diary call whoever has the same `sid` the same."""
    for sid in ("1", "another"):
        cookies = {"Cookie": f"sid={sid}; visitor=Ada"}
        account = await (await shop.get("/account", headers=cookies)).text()
        diary = await (await shop.get("/me/2KB", headers=cookies)).text()
        named = re.search(r"Known on the road as (\w+ \w+)<", account)
        assert named is not None
        assert named[1] in diary


@on_one_loop
async def test_logging_out_forgets_all(shop: Client) -> None:
    """Name, cart and identity: the next one at this machine is another."""
    response = await _post(shop, "/logout", "sid=1; visitor=Ada; cart=104x1")
    assert (response.status, response.headers["Location"]) == (303, "/")
    cookies = set_cookies(response)
    assert {name: cookie["max-age"] for name, cookie in cookies.items()} == {
        "sid": "0",
        "visitor": "0",
        "cart": "0",
    }


@on_one_loop
async def test_a_guest_fills_a_cart_and_empties_it(shop: Client) -> None:
    """Added, changed, taken out; the first thing in it makes a visitor of a guest."""
    product = _in_stock()
    first = await _post(
        shop, "/cart/add", data={"product": product.slug, "quantity": "2", "back": "/about"}
    )
    assert (first.status, first.headers["Location"]) == (303, "/about")
    mine = set_cookies(first)
    assert set(mine) == {"sid", "cart"}
    assert mine["cart"].value == f"{product.number}x2"
    page = await (await shop.get("/cart", headers={"Cookie": cookie_line(mine)})).text()
    assert product.slug in page
    changed = await _post(
        shop, "/cart/update", cookie_line(mine), {"product": str(product.number), "quantity": "5"}
    )
    assert set_cookies(changed)["cart"].value == f"{product.number}x5"
    assert "sid" not in set_cookies(changed)
    emptied = await _post(shop, "/cart/remove", cookie_line(mine), {"product": product.slug})
    assert (emptied.status, emptied.headers["Location"]) == (303, "/cart")
    assert set_cookies(emptied)["cart"]["max-age"] == "0"


@on_one_loop
async def test_a_checkout_leaves_an_empty_cart(shop: Client) -> None:
    """And thanks, under an address that can be read again."""
    done = await _post(shop, "/cart/checkout", "sid=1; cart=104x2")
    assert done.status == 303
    assert done.headers["Location"].startswith("/thanks?order=")
    assert set_cookies(done)["cart"]["max-age"] == "0"
    thanks = await shop.get(done.headers["Location"])
    assert thanks.status == 200
    nothing = await _post(shop, "/cart/checkout", "sid=1")
    assert nothing.headers["Location"] == "/cart"
    for order in ("", "x", "-1", "9" * 30):
        again = await shop.get(f"/thanks?order={order}", allow_redirects=False)
        assert (again.status, again.headers["Location"]) == (303, "/")


@on_one_loop
async def test_what_cannot_go_into_the_cart_is_told(shop: Client) -> None:
    """Sold out, or a twenty-first kind: the cart says so and stays as it is."""
    full = ".".join(f"{number}x1" for number in range(1, 21))
    other = next(each for each in PRODUCTS[20:] if offer(each, MINUTE).stock)
    for cookies, product, notice in (
        ("", _in_stock(wanted=False), "sold out"),
        (f"sid=1; cart={full}", other, "20 kinds"),
    ):
        refused = await _post(shop, "/cart/add", cookies, {"product": product.slug})
        assert refused.headers["Location"].startswith("/cart?notice=")
        assert "Set-Cookie" not in refused.headers
        page = await (await shop.get(refused.headers["Location"])).text()
        assert notice in page


@on_one_loop
@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/cart/add", {"product": "no-such-thing"}),
        ("/cart/add", {"product": "501"}),
        ("/cart/add", {}),
        ("/cart/add", {"product": "104", "quantity": "-1"}),
        ("/cart/add", {"product": "104", "quantity": "10"}),
        ("/cart/add", {"product": "104", "quantity": "\u0661"}),
        ("/cart/update", {"product": "104"}),
        ("/cart/remove", {}),
    ],
)
async def test_a_form_that_is_wrong_is_refused(
    shop: Client, path: str, data: dict[str, str]
) -> None:
    """With a page, not with a trace."""
    response = await _post(shop, path, "sid=1", data)
    assert response.status == 400
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers


@on_one_loop
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"a=b", {"Content-Type": "text/plain"}, 415),
        (b"a=b", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"a=b", {"Content-Encoding": "gzip"}, 415),
        (b"a=" + b"x" * 20_000, {}, 413),
        (b"a=b&" * 30, {}, 400),
        (b"name=\xff", {}, 400),
        (b"name=%ff", {}, 400),
    ],
)
async def test_a_body_that_is_no_form_is_refused(
    shop: Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    """Another type, another coding, too much, too many fields, no UTF-8."""
    usual = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await shop.post("/login", data=body, headers={**usual, **headers})
    assert response.status == status


@on_one_loop
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://{host}", 303),
        ("http://{HOST}", 303),
        ("https://elsewhere.example", 303),
        ("https://bank.example", 403),
        ("http://{host}.bank.example", 403),
        ("http://127.0.0.1:1", 403),
        ("null", 403),
        ("", 403),
        ("http://[", 403),
    ],
)
@pytest.mark.parametrize("path", ["/login", "/logout", "/cart/checkout"])
async def test_other_sites_cannot_send_our_forms(
    shop: Client, path: str, origin: str, status: int
) -> None:
    """An Origin has to be the host that was asked for, here or at the edge."""
    host = f"localhost:{shop.port}"
    response = await _post(
        shop,
        path,
        data=ADA,
        Host=host,
        Origin=origin.format(host=host, HOST=host.upper()),
        X_Forwarded_Host="elsewhere.example",
    )
    assert response.status == status


@pytest.mark.parametrize(
    ("asked", "way"),
    [
        ("/about", "/about"),
        ("/search?q=a%20b&x=1", "/search?q=a%20b&x=1"),
        ("", "/default"),
        ("about", "/default"),
        ("//bank.example/", "/default"),
        ("/\\bank.example/", "/default"),
        ("/a\\b", "/default"),
        ("https://bank.example/", "/default"),
        ("/a\r\nSet-Cookie: x=y", "/default"),
        ("/\t/bank.example", "/default"),
        ("/a b", "/default"),
        ("/\u00fc", "/default"),
        ("/" + "x" * 400, "/default"),
    ],
)
def test_the_way_back_stays_here(asked: str, way: str) -> None:
    """Nobody is led to another site by a form of ours."""
    assert way_back(asked, "/default") == way


@given(st.text(max_size=60))
def test_no_way_back_leads_elsewhere(asked: str) -> None:
    """Whatever is asked for, it is a path, and what a browser makes of it is on this host."""
    way = way_back(f"/{asked}", "/default")
    joined = urljoin("http://shop.example/login", way)
    assert joined.startswith("http://shop.example/")
    assert way.isprintable()


@on_one_loop
async def test_a_form_without_fields_is_one(shop: Client) -> None:
    """A button alone sends nothing but its type."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await shop.post("/logout", data=b"", headers=headers, allow_redirects=False)
    assert response.status == 303


@on_one_loop
async def test_a_page_may_be_shared_until_a_visitor_comes(shop: Client) -> None:
    """Without `sid` pages are one for all, other cookies or not; with it they are one's own."""
    for path in ("/", "/search?q=map"):
        lasts_s = 60 if path == "/" else 10
        alone = await shop.get(path)
        other = await shop.get(path, headers={"Cookie": "cart=104x9; visitor=Eve; sid="})
        assert await alone.read() == await other.read()
        for response in (alone, other):
            cache_control = response.headers["Cache-Control"]
            assert cache_control == f"public, s-maxage={lasts_s}, max-age=0"
            assert "Cookie" in response.headers["Vary"]
        mine = await shop.get(path, headers={"Cookie": "sid=1; cart=104x9"})
        assert mine.headers["Cache-Control"] == "private, no-cache"
        assert "Cookie" in mine.headers["Vary"]
        assert mine.headers["ETag"] != alone.headers["ETag"]


@on_one_loop
@pytest.mark.parametrize(
    "cookie", ["visitor=%ff", "visitor=%00", "visitor=", f"visitor={'x' * 99}"]
)
async def test_a_name_that_nobody_may_have_makes_a_guest(shop: Client, cookie: str) -> None:
    """Whatever is written into the cookie."""
    response = await shop.get("/api/me", headers={"Cookie": f"sid=1; {cookie}"})
    assert (await response.json())["name"] is None


def test_a_cookie_line_leaves_out_what_was_dropped() -> None:
    """As a browser does."""
    cookies = SimpleCookie("a=1; b=2")
    cookies["b"]["max-age"] = "0"
    assert cookie_line(cookies) == "a=1"
