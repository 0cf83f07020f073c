"""What the lasting parts of pages are rendered from: the same at all times and for everybody."""

from collections import Counter
from collections.abc import Iterable
from math import ceil

from origin.aio.site.catalogue import (
    CATEGORIES,
    PER_PAGE,
    PRODUCTS,
    Category,
    Product,
    Review,
    best_first,
    category_named,
    products_of,
    shelf_named,
)
from origin.aio.site.catalogue.phrases import expand, pick, seeded
from origin.aio.site.catalogue.tables import voices
from origin.aio.site.catalogue.telling import (
    care,
    choosing,
    questions,
    reviews,
    story,
    workshop,
)
from origin.aio.site.pages import captions, journal
from origin.aio.site.pages.structured import category_data, home_data, product_data
from origin.aio.site.pictures import page_pictures

HEARD = 12
LETTERS = 12
LOVED_OF_SHELF = 1
_ALIKE = 12
"""Characters of a text by which its beginning is told from others."""

Context = dict[str, object]


def page_count(products: int) -> int:
    """On how many pages so many products are listed; an empty list has one page too."""
    return max(1, ceil(products / PER_PAGE))


def page_link(category: Category, number: int) -> str:
    """The address of one of them."""
    return f"/shop/{category.slug}" + (f"?page={number}" if number > 1 else "")


def category(category: Category, number: int) -> Context:
    """The body of a category's page."""
    everything = products_of(category.slug)
    first = (number - 1) * PER_PAGE
    products = everything[first : first + PER_PAGE]
    rng = seeded("heard", category.slug, number)
    return {
        "category": category,
        "products": products,
        "pictures": page_pictures(f"shop/{category.slug}/{number}"),
        "number": number,
        "pages": page_count(len(everything)),
        "page_link": lambda page: page_link(category, page),
        "first": first + 1,
        "total": len(everything),
        "shelf_size": len(everything) // len(category.shelves),
        "materials": Counter(each.material for each in everything).most_common(8),
        "neighbours": [each for each in CATEGORIES if each is not category][:6],
        "guide": _guide(category),
        "faq": category.faq,
        "heard": _heard(pick(products, HEARD, rng)),
        "data": category_data(category, products),
    }


def product_before(product: Product) -> Context:
    """What stands before the offer: the way here, the gallery, the name."""
    return {
        "product": product,
        "category": _category(product),
        "shelf": shelf_named(product.shelf),
        "pictures": page_pictures(f"product/{product.slug}"),
        "alts": captions.alts(product),
    }


def product_after(product: Product) -> Context:
    """What stands between the offer and the reviews."""
    pictures = page_pictures(f"product/{product.slug}")
    shelved = [each for each in products_of(product.category) if each.shelf == product.shelf]
    return {
        "product": product,
        "shelf": shelf_named(product.shelf),
        "shelved": shelved,
        "figures": shelf_named(product.shelf).spec[:5],
        "guide": _guide(_category(product)),
        "pictures": pictures,
        "alts": captions.alts(product),
        "captions": captions.place_lines(product),
        "owners": captions.owner_lines(product),
        "story": story(product),
        "workshop": workshop(product),
        "choosing": choosing(product),
        "care": care(product),
        "deliveries": voices().deliveries,
        "data": product_data(product, _category(product), pictures, reviews(product)),
    }


def product_questions(product: Product) -> Context:
    """What is asked about it."""
    return {"questions": questions(product)}


def home_before() -> Context:
    """What stands before the deals of the home page."""
    return {"pictures": page_pictures("home")}


def home_after() -> Context:
    """What stands after them."""
    loved = _loved()
    return {
        "pictures": page_pictures("home"),
        "own": [product for product in PRODUCTS if product.to_order],
        "stories": journal.STORIES,
        "bench": journal.BENCH,
        "loved": loved,
        "letters": _heard(loved[::3][:LETTERS]),
        "questions": journal.QUESTIONS,
        "data": home_data(),
    }


def _loved() -> list[Product]:
    seen: Counter[str] = Counter()
    loved = []
    for product in best_first():
        seen[product.shelf] += 1
        if seen[product.shelf] <= LOVED_OF_SHELF and not product.to_order:
            loved.append(product)
    return loved


def _heard(products: Iterable[Product]) -> list[tuple[Product, Review]]:
    """Each product with one of its better reviews, of which no two should begin alike."""
    begun: set[str] = set()
    heard = []
    for product in products:
        good = [each for each in reviews(product) if each.stars > 3]
        chosen = next((each for each in good if each.text[:_ALIKE] not in begun), good[0])
        begun.add(chosen.text[:_ALIKE])
        heard.append((product, chosen))
    return heard


def _guide(category: Category) -> list[tuple[str, str]]:
    rng = seeded("guide", category.slug)
    return [(heading, expand(paragraph, rng)) for heading, paragraph in category.guide]


def _category(product: Product) -> Category:
    found = category_named(product.category)
    assert found is not None
    return found
