"""The colours and small choices that make one product differ from the next of its sort."""

import random
from dataclasses import dataclass

from origin.aio.site.pictures.colour import Colour
from origin.aio.site.pictures.plan import seeded

_CLOTHS: tuple[Colour, ...] = (
    (47, 84, 72),  # pine
    (168, 74, 42),  # rust
    (204, 148, 52),  # amber
    (44, 70, 100),  # ink
    (120, 44, 52),  # wine
    (104, 112, 66),  # moss
    (66, 108, 122),  # lake
    (196, 176, 140),  # oat
    (78, 66, 92),  # heather
    (72, 76, 80),  # slate
    (188, 100, 76),  # brick
    (60, 124, 110),  # teal
    (150, 122, 84),  # khaki
    (214, 112, 58),  # signal
)
_LEATHERS: tuple[Colour, ...] = ((134, 82, 48), (98, 58, 36), (168, 112, 66), (64, 44, 38))
_METALS: tuple[Colour, ...] = ((200, 158, 84), (186, 190, 192), (92, 98, 104), (190, 124, 84))
_WOODS: tuple[Colour, ...] = ((196, 148, 96), (150, 100, 62), (222, 184, 132))
_PAPERS: tuple[Colour, ...] = ((243, 234, 214), (236, 226, 206), (246, 240, 228))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a product is made of."""

    seed: str
    main: Colour
    second: Colour
    accent: Colour
    leather: Colour
    metal: Colour
    wood: Colour
    paper: Colour
    variant: int
    """0 to 11: motifs choose pockets, lids and patterns by its remainders."""

    def rng(self) -> random.Random:
        """Numbers for this product's details; the same each time."""
        return seeded(f"details of {self.seed}")

    def option(self, choices: int) -> int:
        """One of so many choices."""
        return self.variant % choices


def look_of(slug: str) -> Look:
    """The look of the product with this slug."""
    rng = seeded(f"look of {slug}")
    main, second, accent = rng.sample(_CLOTHS, 3)
    return Look(
        seed=slug,
        main=main,
        second=second,
        accent=accent,
        leather=rng.choice(_LEATHERS),
        metal=rng.choice(_METALS),
        wood=rng.choice(_WOODS),
        paper=rng.choice(_PAPERS),
        variant=rng.randrange(12),
    )
