"""Paints the shop's raster pictures: `python -m origin.aio.site.paint DIRECTORY`.

The pictures in `static/` were made by this module, so they carry no foreign licence and can be
made again, larger or in other numbers. It runs on a developer's machine only and needs Pillow;
the site itself serves the finished files and never imports this module.
"""

import math
import random
import sys
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]

SUPERSAMPLING = 2
"""Pictures are painted so much larger and then shrunk: Pillow's polygons have hard edges."""

SHORELINE = 0.6
"""Where water begins, as a fraction of the height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """The colours of a time of day, from the top of the sky to the ground at one's feet."""

    zenith: Colour
    horizon: Colour
    sun: Colour
    far: Colour
    near: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One landscape: what there is to see, and in which mood."""

    name: str
    mood: Mood
    seed: int
    size: tuple[int, int] = (960, 640)
    sun_at: Point = (0.7, 0.34)
    """Fractions of width and height."""
    sun_radius: float = 0.05
    """A fraction of the height."""
    ridges: int = 6
    steepness: float = 1.0
    spruces: bool = True
    stars: int = 0
    sea: bool = False
    """Water hides all ridges but the tops of the far ones and the nearest."""
    tent: bool = False


DAWN = Mood(
    zenith=(92, 128, 150),
    horizon=(250, 214, 170),
    sun=(255, 244, 214),
    far=(206, 176, 158),
    near=(24, 52, 48),
)
DUSK = Mood(
    zenith=(56, 62, 104),
    horizon=(240, 150, 104),
    sun=(255, 220, 170),
    far=(196, 124, 118),
    near=(30, 30, 52),
)
NOON = Mood(
    zenith=(108, 164, 186),
    horizon=(226, 236, 222),
    sun=(255, 252, 236),
    far=(164, 192, 190),
    near=(32, 72, 58),
)
NIGHT = Mood(
    zenith=(12, 20, 44),
    horizon=(58, 86, 116),
    sun=(240, 240, 226),
    far=(52, 78, 104),
    near=(8, 16, 28),
)
SAND = Mood(
    zenith=(120, 160, 176),
    horizon=(252, 226, 180),
    sun=(255, 246, 220),
    far=(236, 192, 140),
    near=(138, 74, 44),
)
SNOW = Mood(
    zenith=(122, 152, 186),
    horizon=(238, 232, 236),
    sun=(255, 250, 240),
    far=(206, 216, 230),
    near=(58, 84, 112),
)

SCENES = (
    Scene(name="hero", mood=DAWN, seed=7, size=(1920, 1000), sun_at=(0.68, 0.4), ridges=7),
    Scene(name="banner-compasses", mood=SNOW, seed=21, size=(1280, 560), steepness=1.5),
    Scene(
        name="banner-travel-goods",
        mood=DUSK,
        seed=34,
        size=(1280, 560),
        sun_at=(0.3, 0.45),
        tent=True,
    ),
    Scene(name="field-ridgeline", mood=NOON, seed=41, steepness=1.4),
    Scene(name="field-night-sky", mood=NIGHT, seed=52, stars=340, sun_at=(0.22, 0.2)),
    Scene(name="field-coast", mood=DAWN, seed=63, sea=True, ridges=3, spruces=False),
    Scene(name="field-meridian", mood=SAND, seed=74, steepness=0.6, spruces=False, ridges=5),
    Scene(name="field-cadet", mood=DAWN, seed=85, sun_at=(0.34, 0.36)),
    Scene(name="field-lantern", mood=NIGHT, seed=96, stars=160, tent=True, sun_at=(0.8, 0.18)),
    Scene(name="field-notebook", mood=DUSK, seed=107, sea=True, ridges=3, spruces=False),
    Scene(name="field-rucksack", mood=SNOW, seed=118, steepness=1.6, sun_at=(0.4, 0.24)),
)


def blend(start: Colour, end: Colour, part: float) -> Colour:
    """The colour that lies `part` (0 to 1) of the way from `start` to `end`."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
    return red, green, blue


def gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    """A picture that fades from one colour at its top to another at its bottom."""
    strip = Image.new("RGB", (1, 256))
    for y in range(256):
        strip.putpixel((0, y), blend(top, bottom, y / 255))
    return strip.resize(size, Image.Resampling.BICUBIC)


def rolling(rng: random.Random, octaves: int = 7) -> Callable[[float], float]:
    """A smooth random function of 0..1 with values around -1..1: hills, then hills on hills."""
    waves = [
        (rng.uniform(0.75, 1.25) * 2**octave * 1.3, rng.uniform(0, math.tau), 0.55**octave)
        for octave in range(octaves)
    ]

    def height(x: float) -> float:
        return sum(
            weight * (1 - 2 * abs(math.sin(frequency * math.pi * x + phase)))
            if octave > 1
            else weight * math.sin(frequency * math.tau * x + phase)
            for octave, (frequency, phase, weight) in enumerate(waves)
        )

    return height


def skyline(scene: Scene, layer: int, size: tuple[int, int]) -> list[Point]:
    """The upper edge of one ridge, left to right; layer 0 is the farthest."""
    width, height = size
    rng = random.Random(scene.seed * 1000 + layer)
    roll = rolling(rng)
    depth = layer / max(scene.ridges - 1, 1)
    base = height * (0.5 + 0.42 * depth)
    swing = height * (0.105 - 0.045 * depth) * scene.steepness
    steps = 480
    return [(width * i / steps, base - swing * roll(i / steps)) for i in range(steps + 1)]


def spruces(edge: list[Point], rng: random.Random, tall: float) -> Iterator[list[Point]]:
    """Triangular trees that stand along a skyline, in groves."""
    grove = rolling(rng, octaves=3)
    for (x, y), (_, after) in pairwise(edge):
        if grove(x / edge[-1][0]) < -0.1 or rng.random() < 0.25:
            continue
        size = tall * rng.uniform(0.45, 1.0)
        at = x + rng.uniform(-2, 2)
        foot = max(y, after) + 4
        for tier in range(3):
            top = foot - size + tier * size * 0.26
            half = size * (0.1 + 0.055 * tier)
            yield [(at, top), (at - half, top + size * 0.46), (at + half, top + size * 0.46)]


def paint_sky(scene: Scene, size: tuple[int, int]) -> Image.Image:
    """Sky, stars, and a sun or moon with its glow."""
    width, height = size
    mood = scene.mood
    canvas = gradient((width, round(height * 0.66)), mood.zenith, mood.horizon)
    sky = Image.new("RGB", size, mood.horizon)
    sky.paste(canvas)
    rng = random.Random(scene.seed)
    draw = ImageDraw.Draw(sky)
    for _ in range(scene.stars):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height * 0.55), rng.choice((0.7, 1, 1, 1.8))
        tone = blend(mood.zenith, (255, 255, 245), rng.uniform(0.35, 1))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tone)
    x, y = scene.sun_at[0] * width, scene.sun_at[1] * height
    radius = scene.sun_radius * height
    for reach, strength in ((5.0, 0.45), (2.2, 0.5), (1.0, 1.0)):
        halo = Image.new("L", size, 0)
        spread = radius * reach
        box = (x - spread, y - spread, x + spread, y + spread)
        ImageDraw.Draw(halo).ellipse(box, fill=round(255 * strength))
        if reach > 1:
            halo = halo.filter(ImageFilter.GaussianBlur(spread * 0.6))
        sky.paste(Image.new("RGB", size, mood.sun), mask=halo)
    return sky


def paint_sea(scene: Scene, picture: Image.Image) -> None:
    """Water from a little below the middle down, with the sun's broken reflection."""
    width, height = picture.size
    mood = scene.mood
    line = round(height * SHORELINE)
    deep = blend(mood.zenith, mood.near, 0.45)
    water = gradient((width, height - line), blend(mood.horizon, deep, 0.25), deep)
    picture.paste(water, (0, line))
    rng = random.Random(scene.seed + 1)
    draw = ImageDraw.Draw(picture)
    for _ in range(300):
        depth = rng.random() ** 1.4
        y = line + 4 + depth * (height - line)
        x = rng.gauss(scene.sun_at[0] * width, width * (0.014 + 0.05 * depth))
        half = width * (0.004 + 0.018 * depth) * rng.uniform(0.4, 1.4)
        tone = blend(
            blend(mood.horizon, deep, 0.25 + 0.75 * depth), mood.sun, rng.uniform(0.3, 0.8)
        )
        draw.ellipse((x - half, y - 1, x + half, y + 1 + 2 * depth), fill=tone)


def paint_ridge(scene: Scene, layer: int, picture: Image.Image) -> None:
    """One ridge with its trees; mist gathers at its foot."""
    width, height = picture.size
    depth = layer / max(scene.ridges - 1, 1)
    edge = skyline(scene, layer, picture.size)
    if scene.sea:
        edge = [(x, y + height * (0.1 if depth < 1 else 0.03)) for x, y in edge]
    mask = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(mask)
    draw.polygon([(0, height), *edge, (width, height)], fill=255)
    if scene.spruces and depth > 0.55:
        rng = random.Random(scene.seed * 77 + layer)
        for tree in spruces(edge, rng, height * 0.085 * depth**2):
            draw.polygon(tree, fill=255)
    colour = blend(scene.mood.far, scene.mood.near, depth**1.15)
    mist = blend(colour, scene.mood.horizon, 0.42 * (1 - depth))
    top = round(min(y for _, y in edge) - height * 0.08)
    ground = Image.new("RGB", picture.size, colour)
    ground.paste(gradient((width, round(height * 0.3)), colour, mist), (0, top))
    ground.paste(mist, (0, top + round(height * 0.3), width, height))
    picture.paste(ground, mask=mask)


def paint_tent(scene: Scene, picture: Image.Image) -> None:
    """A small tent, lit from inside, on the nearest ridge."""
    width, height = picture.size
    edge = skyline(scene, scene.ridges - 1, picture.size)
    x, y = edge[round(len(edge) * 0.64)]
    size = height * 0.075
    y += size * 0.25
    glow = Image.new("L", picture.size, 0)
    box = (x - size * 2.4, y - size * 1.9, x + size * 2.4, y + size)
    ImageDraw.Draw(glow).ellipse(box, fill=130)
    glow = glow.filter(ImageFilter.GaussianBlur(size * 0.7))
    picture.paste(Image.new("RGB", (width, height), (255, 190, 96)), mask=glow)
    draw = ImageDraw.Draw(picture)
    draw.polygon([(x - size, y), (x - size * 0.1, y - size), (x + size, y)], fill=(252, 196, 110))
    draw.polygon(
        [(x + size * 0.3, y), (x - size * 0.1, y - size), (x + size, y)], fill=(222, 140, 74)
    )
    draw.polygon(
        [(x - size * 0.42, y), (x - size * 0.1, y - size * 0.62), (x + size * 0.02, y)],
        fill=(120, 66, 44),
    )


def with_grain(picture: Image.Image, amount: float) -> Image.Image:
    """The picture with a breath of noise, which hides the steps in smooth skies."""
    width, height = picture.size
    rng = random.Random(1)
    tile = Image.frombytes("L", (128, 128), rng.randbytes(128 * 128))
    noise = Image.new("L", picture.size)
    for x in range(0, width, 128):
        for y in range(0, height, 128):
            noise.paste(tile, (x, y))
    return Image.blend(picture, Image.merge("RGB", (noise, noise, noise)), amount)


def landscape(scene: Scene) -> Image.Image:
    """The whole scene, at its own size."""
    large = (scene.size[0] * SUPERSAMPLING, scene.size[1] * SUPERSAMPLING)
    picture = paint_sky(scene, large)
    for layer in range(scene.ridges):
        if scene.sea and layer == scene.ridges - 1:
            paint_sea(scene, picture)
        paint_ridge(scene, layer, picture)
    if scene.tent:
        paint_tent(scene, picture)
    return with_grain(picture.resize(scene.size, Image.Resampling.LANCZOS), 0.015)


TINTS: tuple[Colour, ...] = (
    (150, 184, 190),
    (176, 202, 200),
    (190, 204, 168),
    (208, 216, 178),
    (226, 226, 190),
    (238, 230, 200),
    (242, 226, 190),
    (236, 212, 170),
    (228, 196, 150),
    (216, 178, 134),
    (204, 164, 124),
    (240, 234, 226),
)
"""Hypsometric tints: water, lowland, upland, snow."""


def relief(size: tuple[int, int], seed: int) -> list[float]:
    """A smooth random height for each pixel, row by row, around 0 to 255."""
    rng = random.Random(seed)
    width, height = size
    octaves: list[array[float]] = []
    for cells in (3, 6, 13):
        grid = (cells * width // height + 2, cells + 1)
        coarse = Image.frombytes("L", grid, rng.randbytes(grid[0] * grid[1])).convert("F")
        smooth = coarse.resize(size, Image.Resampling.BICUBIC)
        octaves.append(array("f", smooth.tobytes()))
    return [
        0.6 * hill + 0.3 * knoll + 0.1 * bump for hill, knoll, bump in zip(*octaves, strict=True)
    ]


def topographic(size: tuple[int, int], seed: int, interval: float = 7.0) -> Image.Image:
    """A map sheet: tints by height, a contour line each `interval`, every fifth one darker."""
    width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
    levels = [int(metres / interval) for metres in relief((width, height), seed)]
    low = min(levels)
    span = max(levels) - low + 1
    picture = Image.new("RGB", (width, height))
    tints = [TINTS[(level * len(TINTS)) // span] for level in range(span)]
    picture.putdata([tints[level - low] for level in levels])
    draw = ImageDraw.Draw(picture)
    for at in range(width * (height - 1) - 1):
        level = levels[at]
        other = levels[at + 1] if level != levels[at + 1] else levels[at + width]
        if level != other and (at + 1) % width:
            bold = max(level, other) % 5 == 0
            x, y = at % width, at // width
            reach = 2 if bold else 1
            ink = (122, 84, 52) if bold else (164, 122, 84)
            draw.rectangle((x, y, x + reach, y + reach), fill=ink)
    return picture.resize(size, Image.Resampling.LANCZOS)


def icon(size: int) -> Image.Image:
    """The shop's mark, a compass needle on a dark round, for tabs and home screens."""
    large = size * 8
    picture = Image.new("RGBA", (large, large))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((0, 0, large - 1, large - 1), fill=(31, 61, 54))
    middle, long, slim = large / 2, large * 0.4, large * 0.12
    lean = math.radians(35)
    along = (math.sin(lean), -math.cos(lean))
    across = (math.cos(lean), math.sin(lean))
    for way, fill in ((1, (232, 163, 61)), (-1, (244, 236, 220))):
        tip = (middle + way * long * along[0], middle + way * long * along[1])
        left = (middle - slim * across[0], middle - slim * across[1])
        right = (middle + slim * across[0], middle + slim * across[1])
        draw.polygon([tip, left, right], fill=fill)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def paint_all(folder: Path) -> None:
    """Write every raster picture of the shop into `folder`."""
    for scene in SCENES:
        picture = landscape(scene)
        picture.save(folder / f"{scene.name}.webp", quality=80, method=6)
        if scene.name == "hero":
            small = picture.crop((480, 0, 1680, 1000)).resize((900, 750), Image.Resampling.LANCZOS)
            small.save(folder / "hero-small.webp", quality=78, method=6)
    topographic((1280, 560), seed=5).save(folder / "banner-maps.webp", quality=72, method=6)
    icon(180).save(folder / "touch-icon.png", optimize=True)
    icon(48).save(folder / "favicon.ico", sizes=[(16, 16), (32, 32), (48, 48)])


if __name__ == "__main__":
    paint_all(Path(sys.argv[1]))
