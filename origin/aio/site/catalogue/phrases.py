"""A small grammar for sentences: `{a|b}` is a choice, which may hold others, `<slot>` is filled in.

`<Slot>` begins with a capital letter. Choices are made by the generator that is handed in.
"""

import random
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<(\w+)>")


def expand(phrase: str, rng: random.Random, slots: Mapping[str, str] | None = None) -> str:
    """One of the texts that `phrase` stands for; KeyError for a slot that is not filled."""
    choices = 1
    while choices:
        phrase, choices = _CHOICE.subn(lambda found: rng.choice(found[1].split("|")), phrase)
    if slots is None:
        return phrase
    filled = slots
    return _SLOT.sub(lambda found: _fill(found[1], filled), phrase)


def pick(phrases: Sequence[Item], count: int, rng: random.Random) -> list[Item]:
    """Some of `phrases`, none twice, in any order; all of them where there are fewer."""
    return rng.sample(phrases, min(count, len(phrases)))


def seeded(*words: object) -> random.Random:
    """A generator that is the same for the same words in every process."""
    return random.Random(" ".join(map(str, words)))


def _fill(name: str, slots: Mapping[str, str]) -> str:
    if name in slots:
        return slots[name]
    text = slots[name.lower()]
    return text[:1].upper() + text[1:]
