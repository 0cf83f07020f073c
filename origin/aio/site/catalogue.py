"""What the shop sells: categories and products. Nothing here knows HTTP or HTML."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A shelf of the shop."""

    slug: str
    name: str
    label: str
    """Its short name, for the row of links at the top."""
    line: str
    banner: str
    """File name of its wide picture."""
    banner_alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One thing on sale."""

    slug: str
    name: str
    category: str
    price_cents: int
    line: str
    story: tuple[str, ...]
    details: tuple[tuple[str, str], ...]
    picture: str
    picture_alt: str
    field_picture: str
    field_alt: str

    @property
    def price(self) -> str:
        """As people write it: `€48.00`."""
        return f"€{self.price_cents // 100}.{self.price_cents % 100:02d}"


CATEGORIES = (
    Category(
        slug="maps",
        name="Maps & charts",
        label="Maps",
        line="Paper that tells you where you are, long after the battery has gone.",
        banner="banner-maps.webp",
        banner_alt="Contour lines of a hilly country with small lakes, tinted by height",
    ),
    Category(
        slug="compasses",
        name="Compasses",
        label="Compasses",
        line="One needle, one opinion, and it has never needed an update.",
        banner="banner-compasses.webp",
        banner_alt="Blue mountain ridges in snow light under a pale sun",
    ),
    Category(
        slug="travel-goods",
        name="Travel goods",
        label="Travel",
        line="Things that get better with every mile they are carried.",
        banner="banner-travel-goods.webp",
        banner_alt="A lit tent at the foot of red mountains at dusk",
    ),
)

PRODUCTS = (
    Product(
        slug="ridgeline-topographic-map",
        name="Ridgeline Topographic Map",
        category="maps",
        price_cents=1450,
        line="Every contour walked, every spring checked.",
        story=(
            (
                "Our surveyors walked this sheet twice, once in spring when the streams are "
                "loud and once in autumn when the paths are plain. Contours every ten metres,"
                " index lines every fifty, and each hut marked with the month in which its "
                "door is unlocked."
            ),
            (
                "Printed on a cotton paper that takes pencil in the rain and forgives being "
                "folded the wrong way, which everybody does."
            ),
        ),
        details=(
            ("Scale", "1 : 25,000"),
            ("Sheet", "96 by 68 cm, folds to a pocket"),
            ("Contours", "10 m, index lines 50 m"),
            ("Paper", "Cotton, water-repellent"),
        ),
        picture="ridgeline-map.svg",
        picture_alt="A folded topographic map with a red pin, a river and contour lines",
        field_picture="field-ridgeline.webp",
        field_alt="Green mountain ridges, one behind the other, under a noon sun",
    ),
    Product(
        slug="night-sky-chart",
        name="Night Sky Chart",
        category="maps",
        price_cents=2200,
        line="Set the date, set the hour, look up.",
        story=(
            (
                "A turning star chart for the middle latitudes. Set the outer ring to the "
                "date and the hour, hold it over your head, and the window shows the sky you "
                "stand under."
            ),
            (
                "The stars are printed in an ink that drinks daylight and gives it back for "
                "about an hour, so you need no lamp that would spoil your eyes."
            ),
        ),
        details=(
            ("Latitudes", "40° to 60° north"),
            ("Stars", "1,022, to magnitude 5"),
            ("Diameter", "24 cm"),
            ("Material", "Laminated board, brass rivet"),
        ),
        picture="night-sky-chart.svg",
        picture_alt="A round star chart with constellations, a brass pivot and a ring of dates",
        field_picture="field-night-sky.webp",
        field_alt="A starry night with a full moon over dark mountains",
    ),
    Product(
        slug="coastal-pilot-chart",
        name="Coastal Pilot Chart",
        category="maps",
        price_cents=3400,
        line="Soundings, lights and a safe way in.",
        story=(
            (
                "Forty miles of coast on one roll: depths at low water, lights with their "
                "rhythms, and the two anchorages that the harbour master would rather keep to"
                " herself."
            ),
            (
                "Rolled on oak rods, it hangs on a wall through the winter and lies flat on a"
                " chart table in summer."
            ),
        ),
        details=(
            ("Scale", "1 : 75,000"),
            ("Depths", "Metres below lowest tide"),
            ("Size", "70 by 62 cm"),
            ("Rods", "Oiled oak"),
        ),
        picture="coastal-chart.svg",
        picture_alt="A rolled sea chart with a coastline, a compass rose and a small sailing boat",
        field_picture="field-coast.webp",
        field_alt="A calm sea at dawn, with the sun's path on the water and a far island",
    ),
    Product(
        slug="meridian-brass-compass",
        name="Meridian Brass Compass",
        category="compasses",
        price_cents=8900,
        line="A pocket instrument for several lifetimes.",
        story=(
            (
                "Turned from solid brass and lacquered once; after that the colour is yours "
                "to make. The needle sits on a sapphire bearing and comes to rest in under "
                "four seconds."
            ),
            (
                "Each one is checked against true north in our yard before it leaves, and its"
                " correction is engraved inside the lid by hand."
            ),
        ),
        details=(
            ("Diameter", "62 mm"),
            ("Weight", "148 g"),
            ("Bearing", "Synthetic sapphire"),
            ("Settles in", "Under 4 s"),
        ),
        picture="meridian-compass.svg",
        picture_alt="A round brass compass with a cream dial and a red and blue needle",
        field_picture="field-meridian.webp",
        field_alt="Sand-coloured hills fading into a warm haze",
    ),
    Product(
        slug="cadet-baseplate-compass",
        name="Cadet Baseplate Compass",
        category="compasses",
        price_cents=2600,
        line="Learn it in an afternoon, trust it for good.",
        story=(
            (
                "The compass we hand to beginners and then find in the packs of people who "
                "have been walking for thirty years. Lay it on the map, turn the housing, "
                "walk the arrow."
            ),
            (
                "Two scales, a magnifier for the small print of rivers, and a cord that is "
                "long enough to use it without taking it off."
            ),
        ),
        details=(
            ("Scales", "1 : 25,000 and 1 : 50,000"),
            ("Housing", "Liquid-filled, 2° steps"),
            ("Weight", "38 g"),
            ("Cord", "Waxed cotton, 80 cm"),
        ),
        picture="cadet-compass.svg",
        picture_alt="A clear baseplate compass with a dark dial, a red arrow and a cord",
        field_picture="field-cadet.webp",
        field_alt="Layered hills at dawn with groves of spruce",
    ),
    Product(
        slug="lamplight-lantern",
        name="Lamplight Lantern",
        category="travel-goods",
        price_cents=5400,
        line="Twenty hours of small, steady company.",
        story=(
            (
                "A storm lantern that burns lamp oil or the clear spirit that village shops "
                "sell. The glass lifts on a lever, so that it can be lit with gloves on."
            ),
            (
                "Its light reaches to the edge of a camp and no further, which is all that is"
                " needed, and the stars stay where they are."
            ),
        ),
        details=(
            ("Burns", "20 h on one filling"),
            ("Height", "27 cm"),
            ("Frame", "Enamelled steel"),
            ("Glass", "Replaceable, borosilicate"),
        ),
        picture="lamplight-lantern.svg",
        picture_alt="A green storm lantern with a burning flame, at night",
        field_picture="field-lantern.webp",
        field_alt="A lit tent under the stars at the foot of dark mountains",
    ),
    Product(
        slug="waymark-notebook",
        name="Waymark Notebook",
        category="travel-goods",
        price_cents=1900,
        line="For what the map leaves out.",
        story=(
            (
                "A stitched notebook that opens flat on a knee. One hundred and ninety-two "
                "pages of paper with a faint grid, numbered, with room for an index that you "
                "will mean to keep."
            ),
            (
                "The cover is leather from one tannery and the pencil is cedar. The ribbon is"
                " red, since it must be found in a tent."
            ),
        ),
        details=(
            ("Pages", "192, numbered, 5 mm grid"),
            ("Size", "A5"),
            ("Cover", "Vegetable-tanned leather"),
            ("Comes with", "Cedar pencil"),
        ),
        picture="waymark-notebook.svg",
        picture_alt="A brown leather notebook with a compass rose on its cover, and a pencil",
        field_picture="field-notebook.webp",
        field_alt="A red evening over the sea, with dark rocks in front",
    ),
    Product(
        slug="longhaul-rucksack",
        name="Longhaul Rucksack",
        category="travel-goods",
        price_cents=16800,
        line="Forty litres, no zips, nothing to go wrong.",
        story=(
            (
                "Waxed canvas, leather straps, brass buckles that can be opened with cold "
                "fingers. Made in one size with a back that bends to fit, and mended free of "
                "charge for ever."
            ),
            (
                "It holds a week if you are sensible, and a fortnight if you leave the second"
                " book at home. You will not leave the second book at home."
            ),
        ),
        details=(
            ("Volume", "40 l"),
            ("Weight", "1.6 kg"),
            ("Canvas", "Waxed cotton, 18 oz"),
            ("Mending", "Free, for ever"),
        ),
        picture="longhaul-rucksack.svg",
        picture_alt="A green canvas rucksack with leather straps and a rolled blanket on top",
        field_picture="field-rucksack.webp",
        field_alt="Steep snow mountains in blue light, with a pale sun",
    ),
)


def category_named(slug: str) -> Category:
    """The category with this slug; KeyError without one."""
    return {category.slug: category for category in CATEGORIES}[slug]


def products_of(category: str) -> tuple[Product, ...]:
    """What stands on one shelf, in the catalogue's order."""
    return tuple(product for product in PRODUCTS if product.category == category)


def companions(product: Product, count: int = 3) -> tuple[Product, ...]:
    """Other products to show beside this one: the rest of its shelf first."""
    others = [other for other in PRODUCTS if other is not product]
    others.sort(key=lambda other: other.category != product.category)
    return tuple(others[:count])
