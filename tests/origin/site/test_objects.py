"""The benchmark objects: their sizes, that they never change, and that they compress like text."""

import hashlib
import json
import zlib

import pytest

from origin.aio.site import objects
from origin.aio.site.pages.whole import Pages
from origin.aio.site.releases.assets import load_assets
from origin.aio.site.releases.release import Release

SIZES = sorted(objects.DYNAMIC_SIZES.items())


@pytest.mark.parametrize(("name", "size"), sorted(objects.STATIC_SIZES.items()))
def test_static_sizes(name: str, size: int) -> None:
    """An object has exactly the size in its name."""
    assert len(objects.static_objects()[f"/objects/{name}"].body) == size


def test_bytes_are_the_same_everywhere() -> None:
    """Benchmarks of different days and machines stand on the same bytes."""
    body = objects.static_objects()["/objects/10KB"].body
    assert hashlib.sha256(body).hexdigest()[:16] == "f23afff947ec04ca"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_prose_compresses_like_text(seed: int) -> None:
    """DEFLATE shrinks the prose about as much as English, which is 2.2 to 3.5 times."""
    text = objects.prose(100 * 1024, seed).encode()
    assert 2.2 < len(text) / len(zlib.compress(text, 6)) < 3.5


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_items_are_json_of_exact_size(name: str, size: int) -> None:
    """`/api/items/NAME` is valid JSON of its size and tells request and time."""
    body = objects.items_json(size)("0123456789abcdef", "2025-01-06T09:00:00Z")
    content = json.loads(body)
    assert len(body) == size
    assert (content["request"], content["at"]) == ("0123456789abcdef", "2025-01-06T09:00:00Z")
    assert len(content["items"]) > size // 250


def test_items_differ_only_in_token_and_time() -> None:
    """Two answers of the API differ in a small part, as those of a polled API do."""
    make = objects.items_json(20 * 1024)
    one = make("0" * 16, "2025-01-06T09:00:00Z")
    other = make("f" * 16, "2025-01-06T09:00:01Z")
    assert sum(a != b for a, b in zip(one, other, strict=True)) == 17


@pytest.mark.parametrize(("_name", "size"), SIZES)
@pytest.mark.parametrize("visitor", ["stranger", "Wandering Ptarmigan", "<b>&\u00fc"])
def test_personal_pages_keep_their_size(_name: str, size: int, visitor: str) -> None:
    """A page made for somebody has its size whatever the name, and the name is escaped."""
    frame = Pages(load_assets(0), Release()).diary()
    page = objects.personal_html(size, frame)(visitor)
    assert len(page) == size
    assert b"<b>" not in page
    assert b"{name}" not in page


def test_uncacheable_begins_with_its_token() -> None:
    """Two copies of the uncacheable object can be told apart, and both have 8 KB."""
    body = objects.uncacheable("0123456789abcdef")
    assert len(body) == 8 * 1024
    assert body.startswith(b"0123456789abcdef\n")
