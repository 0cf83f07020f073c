"""The demo shop's pages as text: whole, safe, the same for the same view, and made of fragments."""

import json
import re
from html.parser import HTMLParser
from http import HTTPStatus
from itertools import pairwise

import pytest

from origin.aio.site.catalogue import CATEGORIES, PRODUCTS, product_named, search
from origin.aio.site.catalogue.market import offer
from origin.aio.site.catalogue.things import Product
from origin.aio.site.pages.templating import euro
from origin.aio.site.pages.view import View
from origin.aio.site.pages.whole import LoginForm, Pages
from origin.aio.site.releases.assets import FONTS, STYLES, Assets, load_assets
from origin.aio.site.releases.release import Release, changes
from origin.aio.site.visitors.cart import Cart
from origin.aio.site.visitors.cookies import Visitor

_MINUTE = 29_050_000
_STRANGER = View(minute=_MINUTE, visitor=None, esi=False, path="/")
_ESI = View(minute=_MINUTE, visitor=None, esi=True, path="/")
_HOSTILE = "<script>alert(1)</script>\"'"
_VOID = frozenset(
    {"br", "hr", "img", "input", "link", "meta", "source", "track", "circle", "path", "rect", "use"}
)
_LABELLED = frozenset({"input", "select", "textarea"})
_ESI_TAG = re.compile(r"</?esi:[^>]*>")


@pytest.fixture(scope="module")
def assets() -> Assets:
    """The static files of the first release."""
    return load_assets(0)


@pytest.fixture(scope="module")
def pages(assets: Assets) -> Pages:
    """The pages of the first release."""
    return Pages(assets, Release())


def _product(slug: str = "meridian-brass-compass") -> Product:
    found = product_named(slug)
    assert found is not None
    return found


def _known(name: str | None = "Ada", cart: str = "61x2.1x1") -> View:
    visitor = Visitor(sid="0123456789abcdef", name=name, cart=Cart.read(cart))
    return View(minute=_MINUTE, visitor=visitor, esi=False, path="/")


def _every(pages: Pages, view: View = _STRANGER) -> dict[str, str]:
    form = LoginForm(name="Ada", problem="Please try again.", back="/cart")
    return {
        "home": pages.home(view),
        **{f"shop {each.slug}": pages.category(each, 2, view) for each in CATEGORIES},
        **{each.slug: pages.product(each, view) for each in PRODUCTS[::60]},
        "search": pages.search("wool hat", search("wool hat"), view),
        "nothing found": pages.search("zzz", (), view),
        "no search": pages.search("", (), view),
        "cart": pages.cart(_known(), "Something is to be noted."),
        "empty cart": pages.cart(view, ""),
        "login": pages.login(view, form),
        "account": pages.account(_known()),
        "thanks": pages.thanks(_known(), 42),
        "about": pages.about(view),
        "film": pages.film(view),
        "error": pages.error(HTTPStatus.NOT_FOUND),
    }


class _Reader(HTMLParser):
    """Reads as strictly as a test should: every tag closed, nothing that the policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.fields: list[dict[str, str | None]] = []
        self.headings: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert len(given) == len(attrs), (tag, attrs)
        self.seen.append(tag)
        self.ids += [given["id"]] if given.get("id") else []  # type: ignore[list-item]
        assert "style" not in given, (tag, attrs)
        assert not any(name.startswith("on") and name != "onerror" for name in given), attrs
        if tag == "img":
            assert given.keys() >= {"alt", "width", "height", "src"}, attrs
        if tag == "label":
            self.labels.add(given["for"] or "")
        if tag in _LABELLED and given.get("type") != "hidden":
            self.fields.append(given)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "script":
            assert "src" in given or given["type"] == "application/ld+json", attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.open[-3:])


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_pages_are_well_formed_and_labelled(pages: Pages) -> None:
    """Tags are closed in order, ids are unique, and every field has a label of its own."""
    for name, html in _every(pages).items():
        reader = _read(html)
        assert len(reader.ids) == len(set(reader.ids)), name
        for field in reader.fields:
            assert field.get("aria-label") or field.get("id") in reader.labels, (name, field)
        assert reader.seen.count("h1") == reader.seen.count("main") == 1, name
        assert reader.headings[0] == 1, name
        steps = pairwise(reader.headings)
        assert all(deeper - higher <= 1 for higher, deeper in steps), (name, reader.headings)
        assert 'href="#main"' in html, name


def test_pages_link_only_to_what_is_there(pages: Pages, assets: Assets) -> None:
    """Products, categories and assets that a page names exist."""
    shops = {f"/shop/{category.slug}" for category in CATEGORIES}
    for name, html in _every(pages).items():
        for link in re.findall(r'(?:href|src)="(/[^"?#]*)', html):
            if link.startswith("/product/"):
                assert product_named(link.removeprefix("/product/")), (name, link)
            elif link.startswith("/shop/"):
                assert link in shops, (name, link)
            elif link.startswith("/assets/"):
                assert link in assets.by_path, (name, link)


def test_two_renderers_agree(pages: Pages, assets: Assets) -> None:
    """A page's text depends on its view alone, not on what was rendered before it."""
    other = Pages(assets, Release())
    assert other.product(PRODUCTS[300], _STRANGER) == pages.product(PRODUCTS[300], _STRANGER)
    assert _every(pages) == _every(other)


def test_a_visitor_is_greeted_by_name(pages: Pages) -> None:
    """With the name and how many things are in the cart; a guest is asked in."""
    html = pages.product(_product(), _known())
    assert 'Hello, <b data-name="plain">Ada</b>' in html
    assert 'data-cart="61x2.1x1"' in html
    assert ">3</span>" in html
    assert "Sign in" in pages.fragment("greeting", "", _known(name=None))  # type: ignore[operator]
    assert "Hello" not in pages.home(_STRANGER)


def test_nothing_is_reflected_unescaped(pages: Pages) -> None:
    """Names, searched words, problems and ways back are text wherever they stand."""
    form = LoginForm(name=_HOSTILE, problem=_HOSTILE, back=_HOSTILE)
    for html in (
        pages.home(_known(name=_HOSTILE)),
        pages.account(_known(name=_HOSTILE)),
        pages.thanks(_known(name=_HOSTILE), 1),
        pages.search(_HOSTILE, (), _STRANGER),
        pages.cart(_STRANGER, _HOSTILE),
        pages.login(_STRANGER, form),
    ):
        assert "<script>alert" not in html
        assert "alert(1)" in html
        _read(html)


def test_the_offer_is_that_of_the_minute(pages: Pages) -> None:
    """Price and stock stand in the page and in its fragment alike, and differ a minute later."""
    product = _product()
    now = offer(product, _MINUTE)
    fragment = pages.fragment("offer", product.slug, _STRANGER)
    assert fragment is not None
    assert euro(now.price_cents) in fragment
    assert fragment in pages.product(product, _STRANGER)
    later = View(minute=_MINUTE + 1, visitor=None, esi=False, path="/")
    assert pages.fragment("offer", product.slug, later) != fragment


def test_what_is_sold_out_cannot_be_bought(pages: Pages) -> None:
    """The button is there and disabled, and the page says so."""
    product = next(each for each in PRODUCTS if not offer(each, _MINUTE).stock)
    html = pages.product(product, _STRANGER)
    assert "Sold out just now" in html
    assert "data-offer-buy disabled>" in html


def test_deals_can_be_bought(pages: Pages) -> None:
    """Twelve of them, each in stock and below its list price."""
    html = pages.fragment("deals", "", _STRANGER)
    assert html is not None
    slugs = re.findall(r"/product/([a-z0-9-]+)", html)
    assert len(set(slugs)) == 12
    for slug in slugs:
        now = offer(_product(slug), _MINUTE)
        assert now.stock
        assert now.was_cents


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("nowhere", ""),
        ("offer", ""),
        ("offer", "no-such-thing"),
        ("related", "no-such-thing"),
        ("reviews", "../../etc/passwd"),
        ("navigation", "maps"),
        ("greeting", "x"),
        ("deals", "x"),
        ("base", ""),
    ],
)
def test_there_is_no_other_fragment(pages: Pages, name: str, argument: str) -> None:
    """What is not a fragment is None."""
    assert pages.fragment(name, argument, _STRANGER) is None


def test_included_fragments_make_the_same_page(pages: Pages) -> None:
    """Put in where a surrogate would, they give what stands inline without ESI."""
    product = _product()
    template = pages.product(product, _ESI)
    included = re.compile(
        r'<esi:include src="/fragments/([a-z]+)(?:/([^"]+))?" onerror="continue"/>'
    )

    def fetched(found: re.Match[str]) -> str:
        made = pages.fragment(found[1], found[2] or "", _STRANGER)
        assert made is not None, found[0]
        return made

    names = {name for name, _ in included.findall(template)}
    assert names == {"navigation", "offer", "reviews", "related", "footer"}
    assert "deals" in {name for name, _ in included.findall(pages.home(_ESI))}
    whole = included.sub(fetched, template)
    greeting = re.compile(r'<div class="visitor">.*?</div>', re.DOTALL)
    inline = pages.product(product, _STRANGER)
    assert greeting.sub("", whole) == greeting.sub("", inline)


def test_a_template_for_surrogates_greets_from_cookies(pages: Pages) -> None:
    """It is the same for everybody, and its ESI elements are closed in order."""
    html = pages.home(_ESI)
    assert "<esi:when test=\"$(HTTP_COOKIE{visitor}) != ''\">" in html
    assert 'data-cart="$(HTTP_COOKIE{cart})"' in html
    opened: list[str] = []
    for tag in _ESI_TAG.findall(html):
        if tag.startswith("</"):
            assert opened.pop() == tag[2:-1]
        elif not tag.endswith("/>"):
            opened.append(tag[1:-1].split()[0])
    assert opened == []


def test_without_esi_there_is_none_of_it(pages: Pages) -> None:
    """A browser would not know what to do with it."""
    for name, html in _every(pages).items():
        assert "esi:" not in html, name


def test_structured_data_is_json(pages: Pages) -> None:
    """Each block can be read, and product and offer name each other."""
    html = pages.product(_product(), _STRANGER)
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    by_type = {block["@type"]: block for block in map(json.loads, blocks)}
    assert by_type["Offer"]["itemOffered"]["@id"] == by_type["Product"]["@id"]
    assert by_type["Offer"]["price"] == f"{offer(_product(), _MINUTE).price_cents / 100:.2f}"


def test_a_release_changes_what_it_says(pages: Pages) -> None:
    """Style and script get other names, home a line, five products a sentence, others nothing."""
    assets = load_assets(1)
    released = Pages(assets, Release(number=1))
    first = load_assets(0)
    changed = {name for name, path in assets.paths.items() if first.paths[name] != path}
    assert changed == {"site.css", "site.js"}
    assert first.by_path.keys() < assets.by_path.keys()

    def without_assets(html: str) -> str:
        return re.sub(r"/assets/site\.[0-9a-f]{8}\.", "/assets/site.", html)

    notes = changes(1).notes
    for product in (*PRODUCTS[::40], *map(_product, notes)):
        before, after = (each.product(product, _STRANGER) for each in (pages, released))
        same = without_assets(before) == without_assets(after)
        assert same != (product.slug in notes), product.slug
    assert "release-1" in released.home(_STRANGER)


def test_styles_name_their_fonts_as_they_are_served(assets: Assets) -> None:
    """A preloaded font must be the very file that the style asks for."""
    style = assets.by_path[assets.url(STYLES[0])].body.decode()
    for font in FONTS:
        assert f'url("{assets.url(font).rpartition("/")[2]}")' in style
        assert f'url("{font}")' not in style


def test_a_release_finds_its_marks(assets: Assets) -> None:
    """The style has two accent colours, light and dark, and the script its constant."""
    style = assets.by_path[assets.url("site.css")].body.decode()
    script = assets.by_path[assets.url("site.js")].body.decode()
    assert len(re.findall(r"--accent:\s*#[0-9a-f]{6};", style)) == 2
    assert script.count("\nconst RELEASE = 0;\n") == 1


def test_the_account_belongs_to_the_cookie(pages: Pages) -> None:
    """The same `sid` has the same orders; another one has others; none of it is shown."""
    assert pages.account(_known()) == pages.account(_known())
    other = Visitor(sid="another", name="Ada", cart=Cart())
    view = View(minute=_MINUTE, visitor=other, esi=False, path="/account")
    assert re.findall(r"MO-\d{8}", pages.account(view)) != re.findall(
        r"MO-\d{8}", pages.account(_known())
    )
    assert "another" not in pages.account(view)


def test_the_cart_adds_up(pages: Pages) -> None:
    """At this minute's prices, with delivery until it is free."""
    view = _known(cart="1x1")
    price = offer(PRODUCTS[0], _MINUTE).price_cents
    html = pages.cart(view, "")
    assert euro(price + 490) in html
    assert "Free" in pages.cart(_known(cart="61x9"), "")
