"""Reads the tables beside it: one file a category, the shop's own work, and everybody's words."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from origin.aio.site.catalogue.things import Category, Question, Shelf

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    """What all pages draw their words from; see `voices.toml`."""

    series: tuple[str, ...]
    names: tuple[str, ...]
    initials: str
    towns: tuple[str, ...]
    places: tuple[str, ...]
    companions: tuple[str, ...]
    seasons: tuple[str, ...]
    titles: tuple[str, ...]
    middling_titles: tuple[str, ...]
    openings: tuple[str, ...]
    middles: tuple[str, ...]
    endings: tuple[str, ...]
    grumbles: tuple[str, ...]
    answers: tuple[str, ...]
    """The shop's, to who is not content."""
    thanks: tuple[str, ...]
    """The shop's, to who is."""
    workshop: tuple[str, ...]
    care: tuple[str, ...]
    choosing: tuple[str, ...]
    asks: tuple[Question, ...]
    deliveries: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWork:
    """A product of the shop's own making, told word for word."""

    shelf: str
    name: str
    price_cents: int
    line: str
    material: str
    story: tuple[str, ...]
    details: tuple[tuple[str, str], ...]


@cache
def voices() -> Voices:
    """Everybody's words."""
    table = _read("voices.toml")
    asks, deliveries = _questions(table.pop("asks")), _rows(table.pop("deliveries"))
    lists = {name: tuple(words) for name, words in table.items() if isinstance(words, list)}
    return Voices(initials=table["initials"], asks=asks, deliveries=deliveries, **lists)


def own_work() -> tuple[OwnWork, ...]:
    """What the shop makes itself, to order."""
    return tuple(
        OwnWork(**{**row, "story": tuple(row["story"]), "details": _pairs(row["details"])})
        for row in _read("own_work.toml")["product"]
    )


def categories() -> tuple[tuple[Category, int], ...]:
    """Every category, with how many products it has: whole pages of twenty."""
    files = sorted((_FOLDER / "shelves").glob("*.toml"))
    return tuple(_category(_read(f"shelves/{file.name}")) for file in files)


def _category(table: Mapping[str, Any]) -> tuple[Category, int]:
    category = Category(
        slug=table["slug"],
        name=table["name"],
        label=table["label"],
        line=table["line"],
        glyph=table["glyph"],
        guide=_pairs(table["guide"]),
        faq=_questions(table["faq"]),
        asks=_questions(table["asks"]),
        shelves=tuple(_shelf(table["slug"], table["materials"], shelf) for shelf in table["shelf"]),
    )
    return category, table["size"]


def _shelf(category: str, materials: Sequence[str], table: Mapping[str, Any]) -> Shelf:
    low, high = table["price"]
    return Shelf(
        slug=table["slug"],
        name=table["name"],
        category=category,
        noun=table["noun"],
        titles=tuple(table["titles"]),
        price_range=(low, high),
        lines=tuple(table["lines"]),
        story=tuple(table["story"]),
        spec=_pairs(table["spec"]),
        praise=tuple(table["praise"]),
        grumble=tuple(table["grumble"]),
        asks=_questions(table["asks"]),
        materials=tuple(table.get("materials", materials)),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))


def _pairs(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in rows)


def _rows(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(map(tuple, rows))


def _questions(rows: Sequence[Sequence[str]]) -> tuple[Question, ...]:
    return tuple(Question(asked=asked, answer=answer) for asked, answer in rows)
