"""What products look like: which drawing shows a product of which name."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from origin.aio.site.pictures.look import Look
from origin.aio.site.pictures.motifs import (
    bags,
    clothing,
    feet,
    instruments,
    kitchen,
    lights,
    paper,
    shelter,
    soft,
    tools,
)
from origin.aio.site.pictures.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Motif:
    """A drawing, and whether the thing stands by itself; others are shown as they lie."""

    draw: Callable[[Sheet, Look], None]
    stands: bool = True

    def sheet(self, pixels: int, look: Look) -> Image.Image:
        """The thing on a transparent square."""
        sheet = Sheet(pixels)
        self.draw(sheet, look)
        return sheet.finished()


_STANDING = (
    (paper.book, "route-book pass-book log-book sketchbook star-atlas letter-case"),
    (paper.book, "trail-guide hut-guide journal notebook"),
    (paper.globe, "globe"),
    (instruments.storm_glass, "weather-glass storm-glass"),
    (instruments.field_glass, "field-glass"),
    (bags.hip_pack, "hip-pack handlebar-bag"),
    (bags.satchel, "map-case saddlebag satchel pannier frame-bag"),
    (bags.duffel, "basket-bag weekender duffel kit-bag"),
    (bags.dry_bag, "dry-bag roll-pouch deck-bag stuff-sack"),
    (bags.small_pack, "day-pack summit-pack lunch-pack town-pack"),
    (bags.rucksack, "rucksack pack"),
    (bags.kit_pouch, "repair-kit first-aid-kit foot-kit patch-set care-kit"),
    (bags.tin, "boot-grease"),
    (lights.candle_lantern, "candle-lantern hut-lamp"),
    (lights.headlamp, "headlamp clip-light"),
    (lights.tent_light, "tent-light deck-light"),
    (lights.torch, "torch dynamo-lamp"),
    (lights.lantern, "lantern lamp"),
    (shelter.net, "mosquito-net"),
    (shelter.camp_chair, "camp-chair"),
    (shelter.tunnel_tent, "tunnel-tent"),
    (shelter.dome_tent, "dome-tent solo-tent family-tent"),
    (shelter.bell_tent, "bell-tent meadow-tent orchard-tent base-tent"),
    (shelter.ridge_tent, "tent"),
    (shelter.tarp, "tarp awning rain-fly sun-sail lean-to"),
    (shelter.hammock, "hammock tree-bed orchard-swing"),
    (soft.cot, "camp-cot"),
    (soft.pillow, "pillow"),
    (soft.mat, "neck-roll mat"),
    (soft.blanket, "blanket throw steamer-rug quilt liner"),
    (clothing.neck_warmer, "neck-warmer"),
    (feet.boot, "boots"),
    (feet.shoe, "shoes"),
    (kitchen.stove, "stove gas-burner storm-cooker"),
    (kitchen.kettle, "kettle"),
    (kitchen.pot, "cook-set pot billy"),
    (kitchen.flask, "flask flask-set"),
    (kitchen.bottle, "water-bottle"),
    (kitchen.mug, "mug folding-cup"),
    (tools.wedge, "splitting-wedge"),
)
"""Drawings of things that stand by themselves, and the names of those things."""

_LYING = (
    (paper.map_sheet, "map valley-sheet"),
    (paper.star_chart, "sky-chart moon-chart planet-wheel"),
    (paper.sea_chart, "chart"),
    (instruments.baseplate_compass, "baseplate-compass trail-compass mirror-compass"),
    (instruments.baseplate_compass, "race-compass ranger-compass"),
    (instruments.pocket_compass, "compass"),
    (instruments.dial_instrument, "altimeter barometer barograph"),
    (instruments.loupe, "loupe"),
    (instruments.spyglass, "spyglass monocular sighting-glass"),
    (bags.tool_roll, "cutlery-roll sewing-roll"),
    (soft.sleeping_bag, "sleeping-bag down-bag season-bag winter-bag hut-bag"),
    (clothing.jumper, "boiled-wool-jacket jumper fleece"),
    (clothing.jacket, "jacket field-coat"),
    (clothing.vest, "down-vest"),
    (clothing.long_johns, "long-johns"),
    (clothing.shirt, "shirt base-layer"),
    (clothing.rain_hat, "rain-hat"),
    (clothing.wool_hat, "hat"),
    (clothing.gloves, "gloves"),
    (clothing.mittens, "mittens"),
    (feet.gaiters, "gaiters"),
    (feet.socks, "socks"),
    (feet.poles, "poles"),
    (feet.stick, "hazel-stick"),
    (feet.ice_grips, "ice-grips"),
    (kitchen.skillet, "skillet"),
    (kitchen.spoons, "spoon spoon-set"),
    (kitchen.board, "cutting-board"),
    (tools.bread_knife, "bread-knife"),
    (tools.knife, "knife"),
    (tools.axe, "axe hatchet"),
    (tools.bow_saw, "bow-saw"),
    (tools.folding_saw, "saw"),
    (tools.carabiners, "carabiner carabiner-set"),
    (tools.rope, "cord guy-line rope washing-line"),
)
"""Drawings of things that are shown as they lie, and the names of those things."""

_NAMED = {
    name: Motif(draw, stands=stands)
    for drawings, stands in ((_STANDING, True), (_LYING, False))
    for draw, names in drawings
    for name in names.split()
}

_PARCEL = Motif(tools.parcel)

_SHELVES = {
    "maps": "map",
    "compasses": "compass",
    "travel-goods": "duffel",
    "packs": "rucksack",
    "shelter": "tent",
    "sleeping": "sleeping-bag",
    "clothing": "jacket",
    "boots": "boots",
    "camp-kitchen": "pot",
    "light-tools": "axe",
}
"""What stands for a whole category, and for those of its products that no name tells."""


def motif_of(slug: str, category: str) -> Motif:
    """The drawing for a product, or for a category by its own slug.

    A product's noun stands last in its slug, so the longest ending that names a drawing tells it;
    what nothing tells is a parcel.
    """
    words = [] if slug == category else slug.split("-")
    for start in range(len(words)):
        ending = "-".join(words[start:])
        if motif := _NAMED.get(ending) or _NAMED.get(ending.removesuffix("s")):
            return motif
    return _NAMED.get(_SHELVES.get(category, ""), _PARCEL)
