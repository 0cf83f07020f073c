"""The fixed mix that benchmarks stand on: how large pages are, and what they load."""

import gzip
import re
from collections.abc import Iterator

import pytest

from origin.aio.site.catalogue import CATEGORIES, PRODUCTS, products_of
from origin.aio.site.pages.parts import page_count
from origin.aio.site.pages.view import View
from origin.aio.site.pages.whole import Pages
from origin.aio.site.pictures import page_pictures
from origin.aio.site.releases.assets import SHARED, load_assets
from origin.aio.site.releases.release import Release

KB = 1024
_VIEW = View(minute=29_050_000, visitor=None, esi=False, path="/")
_LOADED = re.compile(r'(?:<link rel="(?:stylesheet|preload)" href|<script src)="(/assets/[^"]+)"')
_PICTURE = re.compile(r'<img src="([^"]+)"')


def _walk(pages: Pages, step: int = 1) -> Iterator[tuple[str, str]]:
    """Pages of the mix, of the products every `step`th: the key of its pictures, and its text."""
    yield "home", pages.home(_VIEW)
    for category in CATEGORIES:
        for number in range(1, page_count(len(products_of(category.slug))) + 1):
            yield f"shop/{category.slug}/{number}", pages.category(category, number, _VIEW)
    for product in PRODUCTS[::step]:
        yield f"product/{product.slug}", pages.product(product, _VIEW)


@pytest.mark.parametrize("release", [0, 3])
def test_the_mix_is_fixed(release: int) -> None:
    """60 to 100 KB of HTML, the ten shared files, and twenty pictures of the page's own."""
    assets = load_assets(release)
    pages = Pages(assets, Release(number=release))
    shared = {assets.url(name) for name in SHARED}
    owners: dict[str, str] = {}
    count = 0
    for key, html in _walk(pages):
        count += 1
        assert 60 * KB <= len(html.encode()) <= 100 * KB, key
        assert set(_LOADED.findall(html)) == shared, key
        pictures = set(_PICTURE.findall(html))
        assert pictures == {picture.path for picture in page_pictures(key)}, key
        assert len(pictures) == 20, key
        assert all(owners.setdefault(path, key) == key for path in pictures), key
        assert "lazy" not in html, key
        assert "srcset" not in html, key
    assert count == 1 + 25 + 500


@pytest.mark.parametrize("release", [0, 1, 99])
def test_the_shared_files_weigh_300_kb(release: int) -> None:
    """Two styles, four scripts and four fonts, together within a twentieth of it."""
    assets = load_assets(release)
    sizes = [len(assets.by_path[assets.url(name)].body) for name in SHARED]
    assert len(sizes) == 10
    assert 0.95 * 300 * KB <= sum(sizes) <= 1.05 * 300 * KB


def test_pages_compress_as_real_ones_do() -> None:
    """Four to eight times, by gzip."""
    pages = Pages(load_assets(0), Release())
    for key, html in _walk(pages, step=25):
        text = html.encode()
        assert 4 <= len(text) / len(gzip.compress(text, 6)) <= 8, key
