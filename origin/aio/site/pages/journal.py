"""The words of the home page that belong to no product: stories, the bench, and what is asked."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from origin.aio.site.catalogue import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One entry of the journal."""

    title: str
    place: str
    minutes: int
    """How long it takes to read."""
    author: str
    alt: str
    """What its picture shows."""
    text: tuple[str, ...]


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

STORIES = tuple(Story(**{**row, "text": tuple(row["text"])}) for row in _TABLE["story"])
BENCH: tuple[tuple[str, str], ...] = tuple((row["name"], row["line"]) for row in _TABLE["bench"])
"""What lies on it, in the order of its pictures."""
QUESTIONS = tuple(Question(**row) for row in _TABLE["question"])
