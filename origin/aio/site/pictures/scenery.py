"""Landscapes: ridges behind ridges, under a sky of some hour of the day.

A landscape is painted in layers, so that the film can move the near ones faster than the far.
"""

import functools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from origin.aio.site.pictures.colour import Colour, Size, blend, gradient, soft, with_grain
from origin.aio.site.pictures.plan import seeded

Point = tuple[float, float]

PLATE: Size = (1280, 720)
"""Landscapes are painted so large once; pictures are cut out of them."""

_FINER = 2
"""Masks are drawn so much larger and then shrunk: Pillow's polygons have hard edges."""

_STEPS = 360
"""Points along a skyline."""


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

    mood: Mood
    seed: int
    sun_at: Point = (0.7, 0.34)
    """Fractions of width and height."""
    sun_radius: float = 0.045
    """A fraction of the height."""
    ridges: int = 6
    steepness: float = 1.0
    spruces: bool = True
    stars: int = 0
    clouds: int = 0
    water: float = 0.0
    """How much of the height is a lake or a sea, which mirrors what is above; 0 for none."""
    tent: bool = False


DAWN = Mood(
    zenith=(86, 124, 150),
    horizon=(252, 214, 170),
    sun=(255, 244, 214),
    far=(206, 176, 158),
    near=(24, 52, 48),
)
DUSK = Mood(
    zenith=(56, 62, 104),
    horizon=(244, 152, 104),
    sun=(255, 222, 172),
    far=(196, 124, 118),
    near=(30, 30, 52),
)
NOON = Mood(
    zenith=(92, 154, 186),
    horizon=(224, 236, 226),
    sun=(255, 252, 236),
    far=(160, 190, 192),
    near=(34, 78, 54),
)
NIGHT = Mood(
    zenith=(12, 20, 44),
    horizon=(58, 86, 116),
    sun=(240, 240, 226),
    far=(52, 78, 104),
    near=(8, 16, 28),
)
SAND = Mood(
    zenith=(116, 160, 178),
    horizon=(253, 226, 180),
    sun=(255, 246, 220),
    far=(236, 192, 140),
    near=(134, 70, 42),
)
SNOW = Mood(
    zenith=(112, 146, 186),
    horizon=(238, 232, 236),
    sun=(255, 250, 240),
    far=(206, 216, 230),
    near=(52, 80, 110),
)
HEATH = Mood(
    zenith=(134, 140, 168),
    horizon=(246, 220, 206),
    sun=(255, 244, 226),
    far=(190, 160, 178),
    near=(72, 40, 62),
)
MEADOW = Mood(
    zenith=(104, 168, 176),
    horizon=(246, 240, 206),
    sun=(255, 253, 230),
    far=(178, 200, 160),
    near=(58, 92, 40),
)

SCENES = (
    Scene(mood=DAWN, seed=7, sun_at=(0.68, 0.4), ridges=7, clouds=5),
    Scene(mood=SNOW, seed=21, steepness=1.6, clouds=4),
    Scene(mood=DUSK, seed=34, sun_at=(0.3, 0.45), tent=True, clouds=4),
    Scene(mood=NOON, seed=41, steepness=1.4, clouds=9),
    Scene(mood=NIGHT, seed=52, stars=420, sun_at=(0.22, 0.2), sun_radius=0.032),
    Scene(mood=DAWN, seed=63, ridges=4, spruces=False, water=0.36, clouds=5),
    Scene(mood=SAND, seed=74, steepness=0.6, spruces=False, ridges=5),
    Scene(mood=MEADOW, seed=85, sun_at=(0.34, 0.3), clouds=8, ridges=5, steepness=0.8),
    Scene(mood=NIGHT, seed=96, stars=200, tent=True, sun_at=(0.8, 0.18), sun_radius=0.028),
    Scene(mood=DUSK, seed=107, ridges=4, water=0.4, sun_at=(0.55, 0.48)),
    Scene(mood=SNOW, seed=118, steepness=1.5, sun_at=(0.4, 0.24), water=0.3, ridges=5),
    Scene(mood=HEATH, seed=129, steepness=0.7, sun_at=(0.6, 0.36), clouds=6),
    Scene(mood=NOON, seed=140, ridges=5, water=0.34, clouds=7, steepness=1.2),
    Scene(mood=HEATH, seed=151, steepness=1.3, ridges=7, sun_at=(0.28, 0.3), tent=True),
)


@functools.lru_cache(maxsize=2)
def landscape(number: int) -> Image.Image:
    """One of `SCENES`, at the size of a plate. At 3 MB each only the latest are kept."""
    return landscape_of(SCENES[number], PLATE)


@functools.lru_cache(maxsize=len(SCENES))
def small_landscape(number: int) -> Image.Image:
    """The same at half its size: 10 MB for all of them, painted when asked for."""
    return landscape(number).reduce(2)


def landscape_of(scene: Scene, size: Size) -> Image.Image:
    """The whole scene."""
    picture = paint_sky(scene, size)
    mirror = round(size[1] * (1 - scene.water))
    for layer in range(scene.ridges):
        if scene.water and layer == scene.ridges - 1:
            paint_water(scene, picture, mirror)
        colours, mask = ridge(scene, layer, size)
        picture.paste(colours, mask=mask)
    if scene.tent:
        paint_tent(scene, picture)
    return with_grain(picture, 0.02, seeded(f"grain {scene.seed}"))


def paint_sky(scene: Scene, size: Size) -> Image.Image:
    """Sky, stars, clouds, and a sun or moon with its glow."""
    width, height = size
    mood = scene.mood
    sky = Image.new("RGB", size, mood.horizon)
    sky.paste(gradient((width, round(height * 0.66)), mood.zenith, mood.horizon))
    rng = seeded(f"sky {scene.seed}")
    draw = ImageDraw.Draw(sky)
    for _ in range(scene.stars):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height * 0.55), rng.choice((0, 0, 1, 1.5))
        tone = blend(mood.zenith, (255, 255, 245), rng.uniform(0.35, 1))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tone)
    _glow(scene, sky)
    for _ in range(scene.clouds):
        _cloud(scene, sky, rng)
    return sky


def _glow(scene: Scene, sky: Image.Image) -> None:
    width, height = sky.size
    x, y = scene.sun_at[0] * width, scene.sun_at[1] * height
    radius = scene.sun_radius * height
    for reach, strength in ((9.0, 0.35), (4.0, 0.4)):
        spread = round(radius * reach)
        halo = Image.radial_gradient("L").resize((2 * spread, 2 * spread))
        halo = halo.point(
            [round(max(0, 1 - value / 176) ** 2 * 255 * strength) for value in range(256)]
        )
        sky.paste(
            Image.new("RGB", halo.size, scene.mood.sun),
            (round(x) - spread, round(y) - spread),
            halo,
        )
    spread = round(radius)
    disc = Image.new("L", (spread * 8, spread * 8), 0)
    ImageDraw.Draw(disc).ellipse((0, 0, spread * 8 - 1, spread * 8 - 1), fill=255)
    disc = disc.reduce(4)
    sky.paste(
        Image.new("RGB", disc.size, scene.mood.sun), (round(x) - spread, round(y) - spread), disc
    )


def _cloud(scene: Scene, sky: Image.Image, rng: random.Random) -> None:
    """A bank of cloud: puffs on a level base, lit from above."""
    width, height = sky.size
    long = width * rng.uniform(0.12, 0.34)
    x, base = rng.uniform(-0.05, 0.95) * width, height * rng.uniform(0.08, 0.4)
    tall = long * rng.uniform(0.10, 0.2)
    size = (round(long), round(tall * 1.4))
    puffs = Image.new("L", size, 0)
    draw = ImageDraw.Draw(puffs)
    for _ in range(16):
        at = rng.uniform(0.12, 0.88)
        r = tall * rng.uniform(0.2, 0.5) * math.sin(math.pi * at)
        y = tall - r * rng.uniform(0.5, 1.0)
        draw.ellipse((at * long - r * 1.9, y - r, at * long + r * 1.9, y + r), fill=255)
    draw.rectangle((0, tall, *size), fill=0)
    fade = (
        Image.linear_gradient("L").resize(size).point([max(40, 215 - v // 2) for v in range(256)])
    )
    puffs = ImageChops.multiply(soft(puffs, tall * 0.08), fade)
    tone = blend(scene.mood.horizon, (255, 255, 255), 0.55)
    sky.paste(Image.new("RGB", size, tone), (round(x), round(base - tall)), puffs)


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


def skyline(scene: Scene, layer: int, size: Size) -> list[Point]:
    """The upper edge of one ridge, left to right; layer 0 is the farthest."""
    width, height = size
    roll = rolling(seeded(f"ridge {scene.seed} {layer}"))
    depth = layer / max(scene.ridges - 1, 1)
    base = height * (0.5 + 0.42 * depth)
    if scene.water:
        base = height * (0.5 + (0.46 - scene.water) * depth) if depth < 1 else height * 0.98
    swing = height * (0.105 - 0.045 * depth) * scene.steepness
    return [(width * i / _STEPS, base - swing * roll(i / _STEPS)) for i in range(_STEPS + 1)]


def ridge(scene: Scene, layer: int, size: Size) -> tuple[Image.Image, Image.Image]:
    """One ridge with its trees, and where it is; mist gathers at its foot."""
    width, height = size
    depth = layer / max(scene.ridges - 1, 1)
    edge = skyline(scene, layer, size)
    mask = Image.new("L", (width * _FINER, height * _FINER), 0)
    draw = ImageDraw.Draw(mask)
    draw.polygon(_finer([(-2, height), *edge, (width + 2, height)]), fill=255)
    if scene.spruces and depth > 0.45:
        rng = seeded(f"trees {scene.seed} {layer}")
        for tree in _spruces(edge, rng, height * 0.1 * depth**2):
            draw.polygon(_finer(tree), fill=255)
    colour = blend(scene.mood.far, scene.mood.near, depth**1.15)
    mist = blend(colour, scene.mood.horizon, 0.5 * (1 - depth))
    top = round(min(y for _, y in edge) - height * 0.08)
    ground = Image.new("RGB", size, colour)
    ground.paste(gradient((width, round(height * 0.32)), colour, mist), (0, top))
    ground.paste(mist, (0, min(height, top + round(height * 0.32)), width, height))
    mask = mask.reduce(_FINER)
    _light(scene, ground, mask, depth)
    return ground, mask


def _light(scene: Scene, ground: Image.Image, mask: Image.Image, depth: float) -> None:
    """Brighten the side of each slope that looks at the sun, a little below its edge."""
    reach = round(ground.size[1] * (0.012 + 0.02 * depth))
    way = reach if scene.sun_at[0] < 0.5 else -reach
    inner = Image.new("L", mask.size, 0)
    inner.paste(mask, (way, reach))
    rim = ImageChops.subtract(mask, soft(inner, reach * 0.9))
    ground.paste(
        Image.new("RGB", ground.size, blend(scene.mood.sun, scene.mood.horizon, 0.4)),
        mask=rim.point([round(value * (0.30 - 0.12 * depth)) for value in range(256)]),
    )


def _finer(points: list[Point]) -> list[Point]:
    return [(x * _FINER, y * _FINER) for x, y in points]


def _spruces(edge: list[Point], rng: random.Random, tall: float) -> Iterator[list[Point]]:
    """Triangular trees that stand along a skyline, in groves."""
    grove = rolling(rng, octaves=3)
    for (x, y), (_, after) in pairwise(edge):
        if grove(x / edge[-1][0]) < -0.1 or rng.random() < 0.3:
            continue
        size = tall * rng.uniform(0.45, 1.0)
        at = x + rng.uniform(-2, 2)
        foot = max(y, after) + 3
        for tier in range(3):
            top = foot - size + tier * size * 0.26
            half = size * (0.1 + 0.055 * tier)
            yield [(at, top), (at - half, top + size * 0.46), (at + half, top + size * 0.46)]


def paint_water(scene: Scene, picture: Image.Image, mirror: int) -> None:
    """Water below the row `mirror`: what is above it upside down, darker downwards, and rippled."""
    width, height = picture.size
    deep = height - mirror
    above = picture.crop((0, max(0, mirror - deep), width, mirror))
    image = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((width, deep))
    image = image.filter(ImageFilter.BoxBlur((2.5, 1.2)))
    rng = seeded(f"water {scene.seed}")
    for row in range(0, deep, 3):
        strip = image.crop((0, row, width, min(row + 3, deep)))
        away = round(math.sin(row * 0.9) * (1 + 5 * row / deep) + rng.uniform(-1, 1))
        image.paste(strip, (away, row))
    tone = blend(scene.mood.zenith, scene.mood.near, 0.5)
    shade = (
        Image.linear_gradient("L").resize((width, deep)).point([50 + v // 2 for v in range(256)])
    )
    image.paste(Image.new("RGB", image.size, tone), mask=shade)
    _glitter(scene, image, rng)
    picture.paste(image, (0, mirror))


def _glitter(scene: Scene, water: Image.Image, rng: random.Random) -> None:
    width, deep = water.size
    draw = ImageDraw.Draw(water)
    for _ in range(260):
        depth = rng.random() ** 1.4
        y = 2 + depth * deep
        x = rng.gauss(scene.sun_at[0] * width, width * (0.012 + 0.05 * depth))
        half = width * (0.003 + 0.012 * depth) * rng.uniform(0.4, 1.4)
        tone = blend(scene.mood.horizon, scene.mood.sun, rng.uniform(0.3, 0.8))
        draw.ellipse((x - half, y - 1, x + half, y + 1 + depth), fill=tone)


def paint_tent(scene: Scene, picture: Image.Image) -> None:
    """A small tent, lit from inside, on the nearest ridge."""
    width, height = picture.size
    edge = skyline(scene, scene.ridges - 1, picture.size)
    x, y = edge[round(len(edge) * 0.64)]
    size = height * 0.075
    y += size * 0.25
    glow = Image.new("L", (width // 4, height // 4), 0)
    box = ((x - size * 2) / 4, (y - size * 1.7) / 4, (x + size * 2) / 4, (y + size * 0.8) / 4)
    ImageDraw.Draw(glow).ellipse(box, fill=130)
    glow = glow.filter(ImageFilter.GaussianBlur(size * 0.18)).resize(picture.size)
    picture.paste(Image.new("RGB", picture.size, (255, 190, 96)), mask=glow)
    draw = ImageDraw.Draw(picture)
    for points, fill in (
        ([(-1, 0), (-0.1, -1), (1, 0)], (252, 196, 110)),
        ([(0.3, 0), (-0.1, -1), (1, 0)], (222, 140, 74)),
        ([(-0.42, 0), (-0.1, -0.62), (0.02, 0)], (120, 66, 44)),
    ):
        draw.polygon([(x + size * across, y + size * up) for across, up in points], fill=fill)
