"""What products stand before and lie on: studio walls, tables of wood, linen or stone, meadows."""

import functools
import random
from collections.abc import Sequence
from enum import StrEnum

from PIL import Image, ImageChops, ImageDraw, ImageOps

from origin.aio.site.pictures.colour import Colour, Size, blend, darker, faded, lighter, noise, soft
from origin.aio.site.pictures.plan import seeded

PLATE: Size = (960, 720)
"""Surfaces are painted so large once; pictures are cut out of them."""

_SOFTER = 4

_WALLS: tuple[Colour, ...] = (
    (226, 218, 204),  # oat
    (204, 212, 200),  # sage
    (226, 206, 190),  # clay
    (200, 212, 220),  # mist
    (232, 226, 214),  # chalk
    (216, 200, 206),  # heather
    (190, 200, 204),  # slate
    (228, 212, 172),  # straw
    (96, 108, 108),  # dark slate
    (70, 84, 78),  # dark pine
)


class Surface(StrEnum):
    """What a product lies on."""

    OAK = "oak"
    """Pale planks."""

    WALNUT = "walnut"
    """Dark planks."""

    LINEN = "linen"
    """A cloth with threads both ways."""

    STONE = "stone"
    """Grey and speckled."""

    FELT = "felt"
    """Even and dark green."""

    SAND = "sand"
    """Pale, with ripples."""


def studio(size: Size, rng: random.Random, main: Colour, *, floor: bool) -> Image.Image:
    """A wall that bends into a floor without an edge, or a plain paper; lit from the upper left."""
    # A wall too near to the product's own colour would swallow it.
    walls = [wall for wall in _WALLS if _distance(wall, main) > 90] or list(_WALLS)
    wall = rng.choice(walls)
    # All of it is soft, so it is painted small.
    small = (size[0] // _SOFTER, size[1] // _SOFTER)
    if floor:
        bands = (
            darker(wall, 0.16),
            wall,
            lighter(wall, 0.28),
            lighter(wall, 0.06),
            darker(wall, 0.1),
        )
        picture = _column(small, bands, (0.0, 0.45, 0.70, 0.76, 1.0))
    else:
        picture = _column(small, (lighter(wall, 0.12), darker(wall, 0.1)), (0.0, 1.0))
    picture.paste(lighter(wall, 0.75), mask=_lamp(small))
    return picture.resize(size, Image.Resampling.BILINEAR)


def surface(kind: Surface, size: Size, rng: random.Random) -> Image.Image:
    """A piece of a surface seen from above, darker towards its corners."""
    plate = surface_plate(kind)
    wide = PLATE[0] * rng.uniform(0.62, 1.0)
    high = min(wide * size[1] / size[0], PLATE[1])
    left, top = rng.uniform(0, PLATE[0] - wide), rng.uniform(0, PLATE[1] - high)
    piece = plate.resize(size, Image.Resampling.BILINEAR, (left, top, left + wide, top + high))
    if rng.random() < 0.5:
        piece = ImageOps.mirror(piece)
    piece.paste((20, 18, 24), mask=_corners(size))
    return piece


@functools.lru_cache(maxsize=8)
def _lamp(size: Size) -> Image.Image:
    """Where the studio's lamp shines."""
    width, height = size
    glow = Image.radial_gradient("L").resize(size, Image.Resampling.BILINEAR)
    lit = Image.new("L", size, 0)
    lit.paste(glow.point([max(0, 150 - v) // 2 for v in range(256)]), (-width // 8, -height // 7))
    return lit


@functools.lru_cache(maxsize=8)
def _corners(size: Size) -> Image.Image:
    """How much darker a picture is towards its corners."""
    plate = Image.radial_gradient("L").crop((48, 48, 208, 208)).point([v // 2 for v in range(256)])
    return plate.resize(size, Image.Resampling.BILINEAR)


@functools.lru_cache(maxsize=len(Surface))
def surface_plate(kind: Surface) -> Image.Image:
    """A whole surface, painted once."""
    match kind:
        case Surface.OAK:
            return _planks((206, 170, 124), "oak")
        case Surface.WALNUT:
            return _planks((112, 78, 56), "walnut")
        case Surface.LINEN:
            return _linen((218, 208, 190))
        case Surface.STONE:
            return _speckled((152, 152, 148), (6, 60, 180, 256), 0.34)
        case Surface.FELT:
            return _speckled((64, 88, 78), (4, 160, 256), 0.2)
        case Surface.SAND:
            return _speckled((224, 204, 168), (3, 120, 256), 0.15)


def ledge(size: Size, kind: Surface, light: Colour, rng: random.Random) -> Image.Image:
    """The top of a table or a rock that runs across a picture: far edge above, near one below."""
    width, height = size
    plate = surface_plate(kind)
    piece = plate.resize(size, Image.Resampling.BILINEAR, (0, rng.randrange(120), 960, 520))
    piece = Image.blend(piece, Image.new("RGB", size, light), 0.3)
    shade = Image.linear_gradient("L").resize(size).point([v * 2 // 5 for v in range(256)])
    piece.paste((16, 16, 24), mask=shade)
    edge = max(2, height // 28)
    piece.paste(lighter(light, 0.5), (0, 0, width, edge), Image.new("L", (width, edge), 90))
    return piece


def meadow(size: Size, ground: Colour, rng: random.Random) -> Image.Image:
    """Grass to stand a tent on: `RGBA`, its upper edge uneven."""
    width, height = size
    picture = _column(size, [lighter(ground, 0.22), ground, darker(ground, 0.35)], (0.0, 0.4, 1.0))
    draw = ImageDraw.Draw(picture)
    for _ in range(width * 2):
        x, y = rng.uniform(0, width), height * (0.05 + 0.95 * rng.random() ** 0.8)
        tall = 3 + height * 0.06 * y / height
        tone = blend(lighter(ground, 0.4), darker(ground, 0.4), rng.random())
        draw.line((x, y, x + rng.uniform(-2, 3), y - tall), fill=tone)
    mask = Image.new("L", size, 255)
    edge = ImageDraw.Draw(mask)
    for x in range(0, width, 2):
        edge.line((x, 0, x, rng.uniform(0.0, 0.07) * height), fill=0, width=2)
    picture.putalpha(mask)
    return picture


def _column(size: Size, colours: Sequence[Colour], at: Sequence[float]) -> Image.Image:
    """Level bands of colour that run into each other at these fractions of the height."""
    strip = Image.new("RGB", (1, 128))
    for y in range(128):
        way = y / 127
        index = max(i for i, stop in enumerate(at[:-1]) if stop <= way)
        part = (way - at[index]) / (at[index + 1] - at[index])
        smooth = part * part * (3 - 2 * part)
        strip.putpixel((0, y), blend(colours[index], colours[index + 1], smooth))
    return strip.resize((1, size[1]), Image.Resampling.BILINEAR).resize(
        size, Image.Resampling.NEAREST
    )


def _distance(one: Colour, other: Colour) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def _planks(wood: Colour, name: str) -> Image.Image:
    rng = seeded(name)
    picture = Image.new("RGB", PLATE)
    high = 120
    for row in range(PLATE[1] // high):
        tone = blend(wood, rng.choice((darker(wood, 0.2), lighter(wood, 0.14))), rng.random())
        left = rng.randrange(200)
        streaks = noise().resize(
            (PLATE[0], high), Image.Resampling.BICUBIC, (left, row * 20, left + 16, row * 20 + 60)
        )
        waves = noise().resize(
            (PLATE[0], high), Image.Resampling.BICUBIC, (left, row * 11, left + 5, row * 11 + 9)
        )
        grain = Image.blend(streaks, waves, 0.5)
        plank = ImageOps.colorize(grain, darker(tone, 0.3), lighter(tone, 0.2), mid=tone)
        picture.paste(plank, (0, row * high))
        draw = ImageDraw.Draw(picture)
        draw.rectangle((0, row * high, PLATE[0], row * high + 2), fill=darker(wood, 0.62))
        draw.rectangle((0, row * high + 3, PLATE[0], row * high + 4), fill=lighter(tone, 0.2))
        end = rng.randrange(PLATE[0])
        draw.rectangle((end, row * high, end + 2, (row + 1) * high), fill=darker(wood, 0.55))
    return picture


def _linen(cloth: Colour) -> Image.Image:
    across = noise().resize(PLATE, Image.Resampling.BICUBIC, (0, 0, 24, 250))
    along = noise().resize(PLATE, Image.Resampling.BICUBIC, (0, 0, 250, 18))
    threads = Image.blend(across, along, 0.5)
    folds = noise().resize(PLATE, Image.Resampling.BICUBIC, (30, 40, 35, 43))
    light = Image.blend(threads, folds, 0.4)
    return ImageOps.colorize(light, darker(cloth, 0.3), lighter(cloth, 0.5), mid=cloth)


def _speckled(stone: Colour, cells: Sequence[int], strength: float) -> Image.Image:
    light = Image.new("L", PLATE, 128)
    for at, count in enumerate(cells):
        area = (
            10 * at,
            8 * at,
            min(256, 10 * at + count),
            min(256, 8 * at + max(2, count * 3 // 4)),
        )
        octave = noise().resize(PLATE, Image.Resampling.BICUBIC, area)
        light = Image.blend(light, octave, 0.5 if at == 0 else 0.45)
    light = ImageOps.autocontrast(light, cutoff=0.5)
    return ImageOps.colorize(light, darker(stone, strength), lighter(stone, strength), mid=stone)


def shadow_of(alpha: Image.Image, radius: float, strength: float) -> Image.Image:
    """A blurred copy of a silhouette, with a margin of twice the radius around it."""
    margin = round(radius * 2)
    wide = Image.new("L", (alpha.width + 2 * margin, alpha.height + 2 * margin), 0)
    wide.paste(alpha, (margin, margin))
    return faded(soft(wide, radius), strength)


def dimmed(picture: Image.Image, light: Colour, amount: float) -> Image.Image:
    """An `RGBA` picture in coloured light."""
    alpha = picture.getchannel("A")
    rgb = picture.convert("RGB")
    lit = ImageChops.multiply(rgb, Image.new("RGB", rgb.size, light))
    lit = Image.blend(rgb, lit, amount)
    lit.putalpha(alpha)
    return lit
