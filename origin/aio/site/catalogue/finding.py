"""Finding products: by words that somebody typed, and those that go well beside another."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from origin.aio.site.catalogue.phrases import pick, seeded
from origin.aio.site.catalogue.products import (
    PRODUCTS,
    category_named,
    product_numbered,
    products_of,
    shelf_named,
)
from origin.aio.site.catalogue.things import Product

MOST_FOUND = 60
MOST_WORDS = 8
"""Words beyond these narrow nothing that a person would notice."""
RELATED = 12
_SAME_SHELF, _SAME_CATEGORY = 5, 4

_WORD = re.compile(r"\w+")
_STOP = frozenset({"a", "an", "and", "for", "in", "of", "on", "or", "the", "to", "with"})


def search(words: str) -> tuple[Product, ...]:
    """At most 60 products that have all the words, the best first; a word may be a beginning."""
    asked = [word for word in _WORD.findall(words.lower()) if word not in _STOP][:MOST_WORDS]
    if not asked:
        return ()
    points = [_points(word) for word in asked]
    numbers = set(points[0]).intersection(*points[1:])
    ranked = sorted(numbers, key=lambda number: (-sum(each[number] for each in points), number))
    found = (product_numbered(number) for number in ranked[:MOST_FOUND])
    return tuple(product for product in found if product is not None)


def related(product: Product) -> tuple[Product, ...]:
    """Twelve others: of its shelf, of its category, and of the rest of the shop."""
    rng = seeded("related", product.slug)
    same = [each for each in products_of(product.category) if each is not product]
    shelf = [each for each in same if each.shelf == product.shelf]
    neighbours = [each for each in same if each.shelf != product.shelf]
    others = [each for each in PRODUCTS if each.category != product.category]
    rest = RELATED - _SAME_SHELF - _SAME_CATEGORY
    near = sorted(others, key=lambda each: abs(each.base_price_cents - product.base_price_cents))
    return (
        *pick(shelf, _SAME_SHELF, rng),
        *pick(neighbours, _SAME_CATEGORY, rng),
        *pick(near[:40], rest, rng),
    )


def _points(word: str) -> Mapping[int, int]:
    """What each product scores for one word: a whole word counts twice as much as a beginning."""
    index = _index()
    scores: dict[int, int] = defaultdict(int)
    for known, entries in index.items():
        if known.startswith(word) or (len(known) > 3 and word == f"{known}s"):
            share = 1 if len(known) > len(word) + 1 else 2
            for number, weight in entries.items():
                scores[number] = max(scores[number], weight * share)
    return scores


@cache
def _index() -> Mapping[str, Mapping[int, int]]:
    index: dict[str, dict[int, int]] = defaultdict(dict)
    for product in PRODUCTS:
        for weight, text in _texts(product):
            for word in _WORD.findall(text.lower()):
                entries = index[word]
                entries[product.number] = max(weight, entries.get(product.number, 0))
    return {word: entries for word, entries in index.items() if word not in _STOP}


def _texts(product: Product) -> Iterator[tuple[int, str]]:
    category = category_named(product.category)
    assert category is not None
    yield 8, f"{product.name} {product.code} {product.number}"
    yield 5, f"{product.noun} {shelf_named(product.shelf).name}"
    yield 3, f"{category.name} {category.label} {product.material}"
    yield 1, " ".join((product.line, *(value for _, value in product.details)))
