"""What is said under and instead of a product's twenty pictures, in their order."""

from origin.aio.site.catalogue import Product
from origin.aio.site.catalogue.phrases import pick, seeded
from origin.aio.site.catalogue.tables import voices

_ALTS = (
    "{name}, seen from the front",
    "{name}, leaning a little",
    "{name}, out of doors",
    "{name}, from above",
    "{name}, the other way round",
    "{name}, close up",
    "{name}, a detail",
    "{name}, at dawn",
    "{name}, at dusk",
    "Two of the {name}, side by side",
    "{name}, packed",
    "{name}, from the side",
    "The {material} of the {name}, very near",
    "The country where the {name} was tried",
    "The trail on which the {name} was tried",
)
_OWNER = "{name}, as {author} from {town} took it along"
_OWNER_LINES = (
    "{author}, {town}: “Day three.”",
    "{author}, {town}: “On the kitchen table, where it lives.”",
    "{author}, {town}: “You can just see the rain.”",
    "{author}, {town}: “Mine and my sister's.”",
    "{author}, {town}: “Further than planned.”",
    "{author}, {town}: “Before breakfast.”",
    "{author}, {town}: “With a view, for once.”",
)
OWNERS = 5


def alts(product: Product) -> tuple[str, ...]:
    """What a reader is told who does not see them."""
    slots = {"name": product.name, "material": product.material}
    own = (alt.format(**slots) for alt in _ALTS)
    owned = (
        _OWNER.format(name=product.name, author=author, town=town)
        for author, town in _owners(product)
    )
    return (*own, *owned)


def owner_lines(product: Product) -> tuple[str, ...]:
    """What the owners wrote under theirs."""
    lines = pick(_OWNER_LINES, OWNERS, seeded("owner lines", product.slug))
    return tuple(
        line.format(author=author, town=town)
        for line, (author, town) in zip(lines, _owners(product), strict=True)
    )


def place_lines(product: Product) -> tuple[str, str, str]:
    """Under the material and the two landscapes."""
    one, other = pick(voices().places, 2, seeded("places", product.slug))
    return (
        f"{product.material.capitalize()}, from as near as one can get.",
        f"Tried first in {one},",
        f"and then in {other}, for balance.",
    )


def _owners(product: Product) -> list[tuple[str, str]]:
    rng, words = seeded("owners", product.slug), voices()
    names, towns = pick(words.names, OWNERS, rng), pick(words.towns, OWNERS, rng)
    return list(zip(names, towns, strict=True))
