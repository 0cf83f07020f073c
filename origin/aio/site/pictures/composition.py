"""Puts a product before its backdrop, in each of the ways that pictures show it."""

import functools
import random

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from origin.aio.site.pictures import scenery
from origin.aio.site.pictures.backdrops import (
    Surface,
    dimmed,
    ledge,
    meadow,
    shadow_of,
    studio,
    surface,
)
from origin.aio.site.pictures.colour import Colour, Size, blend, graded, lighter
from origin.aio.site.pictures.look import Look, look_of
from origin.aio.site.pictures.motifs import Motif, lights, motif_of
from origin.aio.site.pictures.plan import Picture, View, category_of, seeded
from origin.aio.site.pictures.scenery import SCENES

_LARGE, _SMALL = 640, 320
"""Sides of a product's own drawing, in pixels: for its own page, and for all others."""

_CAMP = "shelter"
"""The category whose products stand on grass."""

_SHADE: Colour = (22, 22, 32)

_HOURS = {
    "at-dawn": (scenery.DAWN, scenery.MEADOW, scenery.HEATH),
    "at-dusk": (scenery.DUSK, scenery.NIGHT),
}


class Subject:
    """A product, drawn."""

    def __init__(self, slug: str, pixels: int) -> None:
        self.category = category_of(slug)
        self.look: Look = look_of(slug)
        self.motif: Motif = motif_of(slug, self.category)
        sheet = self.motif.sheet(pixels, self.look)
        drawing = sheet.crop(sheet.getchannel("A").getbbox())
        self.picture = drawing
        # Smaller copies: scaling down from the next larger one is quick.
        self._copies = [drawing, drawing.reduce(2), drawing.reduce(4)]

    @property
    def glows(self) -> bool:
        """Whether it is a light."""
        return self.motif.draw.__module__ == lights.__name__

    def fitted(self, size: Size, part: float) -> Image.Image:
        """The drawing, scaled to take this part of a picture's height, or of its width."""
        wide, high = self.picture.size
        scale = min(size[1] * part / high, size[0] * part * 1.05 / wide)
        return self.scaled(scale)

    def scaled(self, scale: float) -> Image.Image:
        """The drawing, so many times its own size."""
        wide, high = self.picture.size
        size = (max(1, round(wide * scale)), max(1, round(high * scale)))
        copy = self._copies[0 if scale > 0.5 else 1 if scale > 0.25 else 2]
        return copy.resize(size, Image.Resampling.BILINEAR)


@functools.lru_cache(maxsize=6)
def subject_of(slug: str, pixels: int) -> Subject:
    """The drawn product; those of a page follow each other, so a few are enough to keep."""
    return Subject(slug, pixels)


def compose(picture: Picture, rng: random.Random) -> Image.Image:
    """The picture, before it is developed and encoded."""
    size = (picture.width, picture.height)
    if picture.view is View.PLACE:
        return _view_of(_scene_of(picture.path), size, rng, sharp=size[0] > 500)
    own_page = picture.path.startswith("/pictures/product/")
    subject = subject_of(picture.subject, _LARGE if own_page or picture.width > 700 else _SMALL)
    view = picture.view
    if view is View.OUTDOORS or (view is View.FLAT and subject.category == _CAMP):
        return _outdoors(subject, size, rng, _scene_of(picture.path))  # a tent lies on no table
    canvas = _BEFORE[view](subject, size, rng)
    # The back of most things is their front, seen in a mirror.
    return ImageOps.mirror(canvas) if "reverse" in picture.path else canvas


def _scene_of(path: str) -> int:
    """Which landscape a picture shows: on one page the same comes again only when all have come."""
    page, _, name = path.rpartition("/")
    moods = next((moods for hour, moods in _HOURS.items() if hour in name), ())
    order: list[int] = seeded(f"places of {page}").sample(range(len(SCENES)), len(SCENES))
    fitting = [at for at in order if not moods or SCENES[at].mood in moods]
    return fitting[int(name[:2]) % len(fitting)]


def _studio(subject: Subject, size: Size, rng: random.Random) -> Image.Image:
    canvas = studio(size, rng, subject.look.main, floor=subject.motif.stands)
    drawing = subject.fitted(size, 0.74)
    if subject.motif.stands:
        _stand(canvas, drawing, size[0] // 2, round(size[1] * 0.88))
    else:
        _lay(canvas, drawing, (size[0] // 2, size[1] // 2))
    return canvas


def _tilted(subject: Subject, size: Size, rng: random.Random) -> Image.Image:
    canvas = studio(size, rng, subject.look.main, floor=subject.motif.stands)
    drawing = subject.fitted(size, 0.76)
    if not subject.motif.stands:
        drawing = _turned(drawing, rng.choice((-1, 1)) * rng.uniform(12, 34), size, 0.9)
        _lay(canvas, drawing, (size[0] // 2, size[1] // 2))
        return canvas
    # Seen from the side a thing is narrower, and its level lines run off to one side.
    wide, high = drawing.size
    lean = rng.choice((-1, 1)) * 0.07
    drawing = drawing.transform(
        (round(wide * 0.88), round(high * 1.06)),
        Image.Transform.AFFINE,
        (1 / 0.88, 0, 0, lean / 0.88, 1, -0.5 * lean * wide - 0.03 * high),
        Image.Resampling.BILINEAR,
    )
    drawing = drawing.crop(drawing.getchannel("A").getbbox())
    _stand(canvas, drawing, round(size[0] * rng.uniform(0.42, 0.58)), round(size[1] * 0.9))
    return canvas


def _flat(subject: Subject, size: Size, rng: random.Random) -> Image.Image:
    canvas = surface(_surface_for(subject.look, rng), size, rng)
    drawing = _turned(subject.fitted(size, 0.78), rng.uniform(-24, 24), size, 0.9)
    at = (round(size[0] * rng.uniform(0.44, 0.56)), round(size[1] * rng.uniform(0.47, 0.53)))
    _lay(canvas, drawing, at)
    return canvas


def _close(subject: Subject, size: Size, rng: random.Random) -> Image.Image:
    canvas = studio(size, rng, subject.look.main, floor=subject.motif.stands)
    wide, high = subject.picture.size
    scale = min(1.5 * max(size[0] / wide, size[1] / high), 1.9 * size[1] / high + 0.4)
    # Only what can be seen is scaled: a window on the drawing, cut off at the drawing's edges.
    left = wide * rng.uniform(0.36, 0.64) - size[0] / scale / 2
    top = high * rng.uniform(0.32, 0.68) - size[1] / scale / 2
    area = (
        max(0.0, left),
        max(0.0, top),
        min(wide, left + size[0] / scale),
        min(high, top + size[1] / scale),
    )
    seen = (round((area[2] - area[0]) * scale), round((area[3] - area[1]) * scale))
    drawing = subject.picture.resize(seen, Image.Resampling.BILINEAR, area)
    middle = (
        round((area[0] - left) * scale) + seen[0] // 2,
        round((area[1] - top) * scale) + seen[1] // 2,
    )
    _lay(canvas, drawing, middle)
    return canvas


def _pair(subject: Subject, size: Size, rng: random.Random) -> Image.Image:
    canvas = studio(size, rng, subject.look.main, floor=subject.motif.stands)
    front = subject.fitted((round(size[0] * 0.62), size[1]), 0.66)
    back = ImageOps.mirror(_scaled(front, 0.84))
    side = rng.choice((-1, 1))
    if subject.motif.stands:
        _stand(canvas, back, size[0] // 2 + round(side * size[0] * 0.21), round(size[1] * 0.8))
        _stand(canvas, front, size[0] // 2 - round(side * size[0] * 0.13), round(size[1] * 0.9))
    else:
        back = _turned(back, side * 22, size, 0.7)
        _lay(canvas, back, (size[0] // 2 + round(side * size[0] * 0.2), round(size[1] * 0.44)))
        _lay(canvas, front, (size[0] // 2 - round(side * size[0] * 0.17), round(size[1] * 0.54)))
    return canvas


def _outdoors(subject: Subject, size: Size, rng: random.Random, number: int) -> Image.Image:
    mood = SCENES[number].mood
    width, height = size
    canvas = _view_of(number, size, rng, sharp=False).filter(ImageFilter.BoxBlur(width / 260))
    lying, camp = not subject.motif.stands, subject.category == _CAMP
    top = round(height * (0.5 if lying else 0.72))
    if camp:
        ground = meadow((width, height - top), blend(mood.near, mood.far, 0.25), rng)
        canvas.paste(ground, (0, top), ground)
    else:
        kind = rng.choice((Surface.OAK, Surface.STONE, Surface.WALNUT))
        canvas.paste(
            ledge((width, height - top), kind, blend(mood.far, mood.near, 0.5), rng), (0, top)
        )
    drawing = subject.fitted(size, 0.78 if camp else 0.66)
    if rng.random() < 0.5:
        drawing = ImageOps.mirror(drawing)
    light = blend(mood.sun, mood.horizon, 0.6)
    drawing = dimmed(drawing, light, 0.25 if subject.glows else 0.6)
    x = round(width * rng.uniform(0.4, 0.6))
    if subject.glows and mood in (scenery.NIGHT, scenery.DUSK):
        _halo(canvas, x, round(height * 0.55), height)
    if lying:
        flat = drawing.resize(
            (drawing.width, max(1, round(drawing.height * 0.7))), Image.Resampling.BILINEAR
        )
        _lay(canvas, flat, (x, round(height * 0.73)))
    else:
        _stand(canvas, drawing, x, round(height * 0.9))
    return canvas


def _view_of(number: int, size: Size, rng: random.Random, *, sharp: bool) -> Image.Image:
    """A piece of a landscape, now and then the other way round, and in a light of its own."""
    plate = scenery.landscape(number) if sharp else scenery.small_landscape(number)
    wide, high = plate.size
    part = rng.uniform(0.66, 1.0)
    high_piece = min(high * part, wide * part * size[1] / size[0])
    wide_piece = high_piece * size[0] / size[1]
    left = rng.uniform(0, wide - wide_piece)
    top = min(rng.uniform(0.15, 0.6) * (high - high_piece), high - high_piece)
    area = (left, top, left + wide_piece, top + high_piece)
    view = plate.resize(size, Image.Resampling.BILINEAR, area)
    if rng.random() < 0.5:
        view = ImageOps.mirror(view)
    mood = SCENES[number].mood
    return graded(view, mood.near, lighter(mood.sun, 0.2), rng.uniform(0.0, 0.3))


_BEFORE = {
    View.STUDIO: _studio,
    View.TILTED: _tilted,
    View.FLAT: _flat,
    View.CLOSE: _close,
    View.PAIR: _pair,
}


def _stand(canvas: Image.Image, drawing: Image.Image, x: int, foot: int) -> None:
    """Put a product on its feet, with its shadow on the ground."""
    wide, high = drawing.size
    left, top = x - wide // 2, foot - high
    alpha = drawing.getchannel("A")
    # Long and faint to the right, as the light comes from the upper left.
    cast = alpha.resize((wide, max(2, high // 5)), Image.Resampling.BILINEAR)
    fall = cast.transform(
        (wide + cast.height, cast.height),
        Image.Transform.AFFINE,
        (1, 1.0, -cast.height, 0, 1, 0),
        Image.Resampling.BILINEAR,
    )
    radius = max(2.0, wide * 0.022)
    shade = shadow_of(fall, radius, 0.34)
    margin = (shade.width - fall.width) // 2
    canvas.paste(_SHADE, (left - margin + 2, foot - cast.height - margin + 2), shade)
    contact = Image.new("L", (wide, max(6, wide // 11)), 0)
    ImageDraw.Draw(contact).ellipse((wide * 0.08, 0, wide * 0.92, contact.height - 1), fill=255)
    shade = shadow_of(contact, max(2.0, wide * 0.018), 0.55)
    margin = (shade.width - wide) // 2
    canvas.paste(_SHADE, (left - margin, foot - contact.height // 2 - margin - 1), shade)
    canvas.paste(drawing, (left, top), drawing)


def _lay(canvas: Image.Image, drawing: Image.Image, middle: tuple[int, int]) -> None:
    """Put a product down flat, with its shadow a little below and to the right."""
    wide, high = drawing.size
    left, top = middle[0] - wide // 2, middle[1] - high // 2
    reach = max(2.0, canvas.height * 0.016)
    shade = shadow_of(drawing.getchannel("A"), reach, 0.5)
    margin = (shade.width - wide) // 2
    away = round(reach * 0.9)
    canvas.paste(_SHADE, (left - margin + away, top - margin + round(away * 1.4)), shade)
    canvas.paste(drawing, (left, top), drawing)


def _halo(canvas: Image.Image, x: int, y: int, reach: int) -> None:
    half = round(reach * 0.75)
    halo = Image.radial_gradient("L").resize((2 * half, 2 * half))
    halo = halo.point([round(max(0.0, 1 - value / 180) ** 2 * 190) for value in range(256)])
    canvas.paste((255, 206, 128), (x - half, y - half), halo)


def _turned(drawing: Image.Image, degrees: float, size: Size, part: float) -> Image.Image:
    """The drawing turned, and small enough for a picture again."""
    turned = drawing.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    scale = min(1.0, size[0] * part / turned.width, size[1] * part / turned.height)
    return turned if scale == 1.0 else _scaled(turned, scale)


def _scaled(drawing: Image.Image, scale: float) -> Image.Image:
    size = (max(1, round(drawing.width * scale)), max(1, round(drawing.height * scale)))
    return drawing.resize(size, Image.Resampling.BILINEAR)


def _surface_for(look: Look, rng: random.Random) -> Surface:
    """A surface that is not of the product's own brightness."""
    bright = sum(look.main) > 330
    dark_ones = (Surface.WALNUT, Surface.FELT, Surface.STONE)
    pale_ones = (Surface.OAK, Surface.LINEN, Surface.SAND, Surface.STONE)
    return rng.choice(dark_ones if bright else pale_ones)
