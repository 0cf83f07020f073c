"""Releases of the shop: what each one changes, and which one is shown.

A release is what a team brings out on a Tuesday: another accent colour and a new rule in the style,
a constant and a small function in the script, a line on the home page, a sentence on a few product
pages. What release 7 changes is made from the number 7, the same on every machine. Which release a
node shows stands in a file of its home folder.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from origin.aio.site.catalogue import PRODUCTS
from origin.aio.site.catalogue.phrases import seeded
from origin.aio.site.kept import write_whole

MOST_RELEASES = 99
"""Styles and scripts of all of them stay served, from memory."""
CHANGED_PRODUCTS = 5
KEPT_BLOCKS = 5
"""Rules and functions of so many releases stand in style and script; then they are tidied away."""
FILE = "release"
"""In a node's home folder: the number that is shown, and the highest that ever was."""

_MOODS = (
    ("Cairn red", "#a63a20", "#f0a183"),
    ("Heather", "#7a3a78", "#d9a3d6"),
    ("Tarn blue", "#1f5f8a", "#93c6e8"),
    ("Bracken", "#8a5a12", "#e6bd77"),
    ("Moss", "#3f6b1f", "#b3d98f"),
    ("Rowan", "#9c2f45", "#f2a0b1"),
)
_BANNERS = (
    "The {season} list is out: {count} things walked in, mended, and walked in again.",
    "New on the shelves this {season}: {count} pieces that have been out in the rain for a month.",
    "Free mending for everything bought before {season}; {count} straps came home last week.",
    "Our {season} packing list has {count} lines, and you need only half of them.",
)
_SEASONS = ("spring", "summer", "autumn", "winter")
_NOTES = (
    "Now with a stitched loop, so that it hangs in the hut; {count} of you asked for it.",
    "Changed this {season}: the edges are bound twice, after {count} honest complaints.",
    "From batch {count} on it comes in a paper band instead of a box.",
    "Walked for {count} miles this {season} before it went back on the shelf.",
    "Lighter by {count} grains since {season}; nobody has noticed anything else.",
    "The {season} colour is back, for as long as {count} metres of cloth last.",
    "Mended {count} times so far, and never for the same reason twice.",
    "We had the size wrong by a thumb's breadth. Put right this {season}, from number {count} on.",
)
_WRITTEN = re.compile(r"([0-9]{1,2})(?: ([0-9]{1,2}))?\n?")
"""`MOST_RELEASES` has two digits."""
_ACCENT = re.compile(r"(--accent:\s*)#[0-9a-f]{3,8}\b", re.IGNORECASE)
_CONSTANT = re.compile(r"^const RELEASE = 0;$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one release changes; release 0, the first, changes nothing."""

    number: int
    mood: str = ""
    """What the accent colour is called."""
    accents: tuple[str, str] = ("", "")
    """The accent colour on light and on dark paper."""
    rule: str = ""
    """A rule block that the style gets at its end."""
    function: str = ""
    """A function that the script gets at its end."""
    banner: str = ""
    """The line on the home page."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """By product slug: the sentence on its page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release that is shown."""

    number: int = 0
    highest: int = 0
    """The last one that ever was; what it brought stays served after a step back."""

    def __post_init__(self) -> None:
        assert 0 <= self.number <= MOST_RELEASES, self.number
        object.__setattr__(self, "highest", max(self.highest, self.number))

    @property
    def banner(self) -> str:
        """The line on the home page; empty at first."""
        return changes(self.number).banner

    def note(self, slug: str) -> str:
        """What this release or the last one before it says of a product; mostly nothing."""
        return _notes(self.number).get(slug, "")

    def style(self, source: str) -> str:
        """The style `source` as this release has it: another `--accent`, and the newest rules."""
        if not self.number:
            return source
        light, dark = changes(self.number).accents
        accents = iter((light, dark))
        recoloured = _ACCENT.sub(lambda old: old[1] + next(accents, dark), source)
        return "\n".join([recoloured, *(each.rule for each in _newest(self.number))])

    def script(self, source: str) -> str:
        """The script `source` as this release has it: `const RELEASE`, and the newest functions."""
        if not self.number:
            return source
        numbered = _CONSTANT.sub(f"const RELEASE = {self.number};", source)
        return "\n".join([numbered, *(each.function for each in _newest(self.number))])


@cache
def changes(number: int) -> Changes:
    """What release `number` changes."""
    assert 0 <= number <= MOST_RELEASES, number
    if not number:
        return Changes(number=0)
    rng = seeded("release", number)
    mood, light, dark = _MOODS[number % len(_MOODS)]
    season = rng.choice(_SEASONS)

    def told(texts: tuple[str, ...]) -> str:
        return rng.choice(texts).format(season=season, count=rng.randrange(7, 400))

    return Changes(
        number=number,
        mood=mood,
        accents=(light, dark),
        rule=_rule(number, rng),
        function=_function(number, rng),
        banner=told(_BANNERS),
        notes={product.slug: told(_NOTES) for product in rng.sample(PRODUCTS, CHANGED_PRODUCTS)},
    )


def differences(shown: int, wanted: int) -> Iterator[str]:
    """What changes where release `wanted` follows `shown`, a line each: file or page, and how."""
    between = range(min(shown, wanted) + 1, max(shown, wanted) + 1)
    changed = {slug for number in between for slug in changes(number).notes}
    if not between:
        return
    how = "with" if wanted > shown else "without"
    many = f"{how} release {between[0]}"
    if len(between) > 1:
        many = f"{how} releases {between[0]} to {between[-1]}"
    mood = changes(wanted).mood or "the first colour"
    yield f"site.css: accent {mood}, {many}"
    yield f"site.js: RELEASE = {wanted}, {many}"
    yield f"/: {changes(wanted).banner or 'no banner'}"
    for slug in sorted(changed):
        yield f"/product/{slug}: {Release(number=wanted).note(slug) or 'no note'}"


def read_release(home: Path) -> Release:
    """The release that the node of this home folder shows; the first where nobody said.

    OSError where the file cannot be read, ValueError where it names no release.
    """
    file = home / FILE
    try:
        text = file.read_text(encoding="ascii")
    except (FileNotFoundError, NotADirectoryError):
        return Release()
    except UnicodeDecodeError:
        text = ""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(f"{file} holds no release number")
    number = int(found[1])
    return Release(number=number, highest=int(found[2] or number))


def write_release(home: Path, release: Release) -> None:
    """Have the node of this home folder show `release`; its processes notice."""
    write_whole(home / FILE, [f"{release.number} {release.highest}\n".encode("ascii")])


def _until(number: int) -> Iterator[Changes]:
    return (changes(each) for each in range(1, number + 1))


def _newest(number: int) -> tuple[Changes, ...]:
    return tuple(_until(number))[-KEPT_BLOCKS:]


@cache
def _notes(number: int) -> Mapping[str, str]:
    return {slug: note for each in _until(number) for slug, note in each.notes.items()}


def _rule(number: int, rng: random.Random) -> str:
    inset, radius = rng.randrange(4, 28, 2), rng.randrange(0, 18, 3)
    return (
        f"/* Release {number}: {rng.choice(_SEASONS)} notes stand out from the text. */\n"
        f".release-{number} {{\n"
        f"  margin: {inset / 16}rem 0;\n"
        f"  padding: {inset // 2}px {inset}px;\n"
        f"  border-inline-start: {rng.randrange(2, 7)}px solid var(--accent);\n"
        f"  border-radius: {radius}px;\n"
        "}\n"
    )


def _function(number: int, rng: random.Random) -> str:
    words = rng.sample(("pass", "ridge", "tarn", "ford", "cairn", "hut", "stile", "beck"), 3)
    return (
        f"// Release {number}: says where on the road a page was read.\n"
        f"function waymark{number}(miles) {{\n"
        f"  const marks = {list(words)};\n"
        f"  return marks[Math.floor(miles / {rng.randrange(3, 40)}) % marks.length];\n"
        "}\n"
    ).replace("'", '"')
