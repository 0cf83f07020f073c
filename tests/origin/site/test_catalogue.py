"""The catalogue of the demo shop: what it holds, how it is found, what is said of it."""

import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from origin.aio.site.catalogue import (
    CATEGORIES,
    PRODUCTS,
    category_named,
    product_named,
    product_numbered,
    products_of,
    related,
    search,
)
from origin.aio.site.catalogue.phrases import expand
from origin.aio.site.catalogue.telling import (
    care,
    choosing,
    questions,
    reviews,
    story,
    workshop,
)
from tests.house.tree import ROOT

_OWN = (
    "ridgeline-topographic-map",
    "night-sky-chart",
    "coastal-pilot-chart",
    "meridian-brass-compass",
    "cadet-baseplate-compass",
    "lamplight-lantern",
    "waymark-notebook",
    "longhaul-rucksack",
)
_DIGEST = """
import hashlib
from origin.aio.site.catalogue import PRODUCTS, related
from origin.aio.site.catalogue.telling import reviews, story
told = [(each, story(each), reviews(each), related(each)) for each in PRODUCTS[::50]]
print(hashlib.sha256(repr((PRODUCTS, told)).encode()).hexdigest())
"""


def test_there_are_five_hundred_products_in_ten_categories() -> None:
    """Numbers run from 1 to 500, no slug is there twice, and each category has whole pages."""
    assert len(CATEGORIES) == 10
    assert [product.number for product in PRODUCTS] == list(range(1, 501))
    assert len({product.slug for product in PRODUCTS}) == 500
    assert len({product.name for product in PRODUCTS}) == 500
    assert sum(len(products_of(category.slug)) for category in CATEGORIES) == 500
    assert not any(len(products_of(category.slug)) % 20 for category in CATEGORIES)


@pytest.mark.parametrize("slug", _OWN)
def test_the_old_products_stay(slug: str) -> None:
    """With their words and details, and made to order."""
    product = product_named(slug)
    assert product is not None
    assert product.to_order
    assert len(product.told) == 2
    assert story(product)[:2] == product.told


def test_what_is_not_there_is_none() -> None:
    """Look-ups by slug and number never raise."""
    assert product_named("no-such-thing") is None
    assert category_named("no-such-place") is None
    assert product_numbered(0) is product_numbered(501) is product_numbered(-1) is None
    assert products_of("no-such-place") == ()
    assert product_numbered(500) is PRODUCTS[-1]


def test_two_processes_sell_the_same() -> None:
    """Whatever their hash seed is."""
    runs = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_twelve_others_go_with_each() -> None:
    """Never the product itself, none twice, and some of its own shelf."""
    for product in PRODUCTS:
        others = related(product)
        assert len(set(others)) == 12
        assert product not in others
        assert sum(other.shelf == product.shelf for other in others) == 5


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("meridian brass compass", "meridian-brass-compass"),
        ("MERIDIAN", "meridian-brass-compass"),
        ("the ridgeline", "ridgeline-topographic-map"),
        ("lamplight lant", "lamplight-lantern"),
        ("mm 0001", PRODUCTS[0].slug),
    ],
)
def test_search_finds_by_words_and_their_beginnings(words: str, first: str) -> None:
    """In any case, without small words, the best match first."""
    assert search(words)[0].slug == first


@pytest.mark.parametrize("words", ["", "   ", "the of", "zzzz", "compass zzzz", "<script>", "\0"])
def test_search_for_nothing_finds_nothing(words: str) -> None:
    """All of the words must be there."""
    assert search(words) == ()


def test_search_is_bounded() -> None:
    """At most sixty products, however much is asked."""
    assert len(search("a e i o u s")) <= 60
    assert len(search("m")) == 60
    assert search(" ".join(["compass"] * 5000)) == search("compass")


def test_every_shelf_is_found_by_its_name() -> None:
    """The navigation links there."""
    for category in CATEGORIES:
        for shelf in category.shelves:
            found = search(shelf.name)
            there = [product for product in PRODUCTS if product.shelf == shelf.slug]
            assert set(there) <= set(found), shelf.name


def test_every_word_of_the_grammar_is_filled_in() -> None:
    """No choice, slot or doubled space is left in anything that is told."""
    for product in PRODUCTS[::7]:
        texts = [*story(product), *workshop(product), *care(product), *choosing(product)]
        texts += [each.answer for each in questions(product)]
        texts += [part for each in reviews(product) for part in (each.title, each.text)]
        texts += [each.answer for each in reviews(product)]
        for text in texts:
            assert not set("{}<>|") & set(text), text
            assert "  " not in text, text


def test_reviews_agree_with_the_stars() -> None:
    """One for each, the newest first, by different people; their text is not repeated."""
    for product in PRODUCTS[::25]:
        told = reviews(product)
        assert tuple(each.stars for each in told) == product.stars
        assert [each.on for each in told] == sorted((each.on for each in told), reverse=True)
        assert len({each.author for each in told}) == len(told)
        assert max(Counter(each.text for each in told).values()) == 1


def test_a_phrase_is_a_choice_of_choices() -> None:
    """Choices nest, slots are filled, and a capital slot begins with a capital letter."""
    rng = random.Random(1)
    told = {expand("{a|b {c|d}} <noun>; <Noun>", rng, {"noun": "map"}) for _ in range(60)}
    assert told == {"a map; Map", "b c map; Map", "b d map; Map"}
    with pytest.raises(KeyError):
        expand("<nowhere>", rng, {})
