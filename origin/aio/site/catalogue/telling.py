"""What a product's page says at length: its story, reviews, questions. Made anew at each call."""

import random
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from origin.aio.site.catalogue.phrases import expand, pick, seeded
from origin.aio.site.catalogue.products import category_named, shelf_named
from origin.aio.site.catalogue.tables import voices
from origin.aio.site.catalogue.things import Product, Question, Review

_NEWEST = date(2025, 3, 28)
"""When the shop was last filled: dates that moved with the clock would change every page daily."""
QUESTIONS = 8


def story(product: Product) -> tuple[str, ...]:
    """Paragraphs on what it is."""
    rng = seeded("story", product.slug)
    told = [expand(sentence, rng) for sentence in shelf_named(product.shelf).story]
    if product.told:  # which says the shelf's first sentences already, and better
        return (*product.told, " ".join(told[2:]))
    return " ".join(told[:2]), " ".join(told[2:])


def workshop(product: Product) -> tuple[str, ...]:
    """Paragraphs on how it is made."""
    rng = seeded("workshop", product.slug)
    told = _expanded(voices().workshop, 7, product, rng)
    return " ".join(told[:4]), " ".join(told[4:])


def care(product: Product) -> tuple[str, ...]:
    """Sentences on how it lasts."""
    return tuple(_expanded(voices().care, 5, product, seeded("care", product.slug)))


def choosing(product: Product) -> tuple[str, ...]:
    """Sentences on whom it suits."""
    return tuple(_expanded(voices().choosing, 4, product, seeded("choosing", product.slug)))


def questions(product: Product) -> tuple[Question, ...]:
    """What people ask of it, the most special first."""
    rng = seeded("questions", product.slug)
    category = category_named(product.category)
    assert category is not None
    special = (*shelf_named(product.shelf).asks, *category.asks)
    general = pick(voices().asks, QUESTIONS - len(special), rng)
    return tuple(
        Question(asked=each.asked, answer=expand(each.answer, rng)) for each in (*special, *general)
    )


def reviews(product: Product) -> tuple[Review, ...]:
    """One for each of its stars, the newest first; no sentence twice but in other words."""
    return tuple(_reviews(product))


def _reviews(product: Product) -> Iterator[Review]:
    rng = seeded("reviews", product.slug)
    words, shelf, many = voices(), shelf_named(product.shelf), len(product.stars)
    authors, towns = pick(words.names, many, rng), pick(words.towns, many, rng)
    openings, endings = pick(words.openings, many, rng), pick(words.endings, many, rng)
    middles = iter(pick(words.middles, len(words.middles), rng))
    praises = iter(pick(shelf.praise, len(shelf.praise), rng))
    grumbles = iter(pick((*shelf.grumble, *words.grumbles), 8, rng))
    titles = iter(pick(words.titles, many, rng))
    middling = iter(pick(words.middling_titles, many, rng))
    on = _NEWEST - timedelta(days=rng.randrange(1, 12))
    for number, stars in enumerate(product.stars):
        slots = _slots(product, rng) | {"town": towns[number], "author": authors[number]}
        told = [openings[number], next(praises, ""), next(middles, "")]
        if rng.random() < 0.4:
            told.append(next(middles, ""))
        if stars < 5:
            told.append(next(grumbles, ""))
        if stars != 3:  # the lukewarm end without a word
            told.append(endings[number] if stars > 3 else "It has gone back.")
        title = next(titles) if stars > 3 else next(middling, "Hm")
        yield Review(
            author=f"{authors[number]} {rng.choice(words.initials)}.",
            town=towns[number],
            on=on,
            stars=stars,
            title=expand(title, rng),
            text=" ".join(expand(sentence, rng, slots) for sentence in told if sentence),
            helpful=rng.randrange(0, 34),
            answer=_answer(stars, slots, rng),
        )
        on -= timedelta(days=rng.randrange(3, 62))


def _answer(stars: int, slots: Mapping[str, str], rng: random.Random) -> str:
    if rng.random() > (0.15 if stars > 3 else 0.8):
        return ""
    answers = voices().thanks if stars > 3 else voices().answers
    return expand(rng.choice(answers), rng, slots)


def _expanded(
    phrases: tuple[str, ...], count: int, product: Product, rng: random.Random
) -> list[str]:
    return [expand(each, rng, _slots(product, rng)) for each in pick(phrases, count, rng)]


def _slots(product: Product, rng: random.Random) -> dict[str, str]:
    words = voices()
    return {
        "name": product.name,
        "noun": product.noun,
        "material": product.material,
        "place": rng.choice(words.places),
        "season": rng.choice(words.seasons),
        "companion": rng.choice(words.companions),
    }
