"""The words of the catalogue: categories with shelves, products, what is asked and said of them."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that people ask, and what the shop says to it."""

    asked: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A kind of thing within a category, with the grammar that its products are told in.

    Strings may hold choices and slots, as `phrases.expand` reads them.
    """

    slug: str
    name: str
    category: str
    noun: str
    titles: tuple[str, ...]
    price_range: tuple[int, int]
    """Cents, both ends included."""
    lines: tuple[str, ...]
    story: tuple[str, ...]
    spec: tuple[tuple[str, str], ...]
    """A detail's name, and its values with `|` between them."""
    praise: tuple[str, ...]
    grumble: tuple[str, ...]
    asks: tuple[Question, ...]
    materials: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One of the ten parts of the shop."""

    slug: str
    name: str
    label: str
    """Its short name, for narrow places."""
    line: str
    glyph: str
    """Name of its drawn sign in the templates."""
    guide: tuple[tuple[str, str], ...]
    """A heading and a paragraph each."""
    faq: tuple[Question, ...]
    asks: tuple[Question, ...]
    shelves: tuple[Shelf, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One thing on sale."""

    number: int
    """1 to 500."""
    slug: str
    name: str
    category: str
    shelf: str
    noun: str
    base_price_cents: int
    """The list price, which the price of a minute stays below or at."""
    line: str
    material: str
    details: tuple[tuple[str, str], ...]
    stars: tuple[int, ...]
    """One to five, for each review, the newest first."""
    told: tuple[str, ...] = ()
    """Paragraphs of its own, before what all of its shelf say."""
    to_order: bool = False
    """Made as it is ordered, and so never sold out."""

    @property
    def code(self) -> str:
        """As it is stamped on the thing: `MM-0104`."""
        return f"MM-{self.number:04d}"

    @property
    def rating(self) -> float:
        """The mean of its stars."""
        return sum(self.stars) / len(self.stars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What somebody says who has bought it."""

    author: str
    town: str
    on: date
    stars: int
    title: str
    text: str
    helpful: int
    """How many people found it so."""
    answer: str
    """The shop's; mostly empty."""
