"""A transparent sheet on which a product is put together, part on part.

Each part is lit from the upper left, rounded at its edges, and throws a shadow on those below it;
that is all the third dimension there is.
"""

import functools
import math
from enum import StrEnum

from PIL import Image, ImageChops, ImageDraw, ImageOps

from origin.aio.site.pictures.colour import (
    BLACK,
    WHITE,
    Colour,
    darker,
    faded,
    lighter,
    noise_of,
    shifted,
    slant,
    soft,
)
from origin.aio.site.pictures.shapes import Shape, bounds

_FINER = 2
"""Masks are drawn so much larger and then shrunk: Pillow's polygons have hard edges."""

Box = tuple[int, int, int, int]


class Form(StrEnum):
    """How light runs over a part."""

    BOARD = "board"
    """Level: from the upper left to the lower right."""

    TUBE = "tube"
    """An upright cylinder: dark at both sides, bright left of the middle."""

    ROLL = "roll"
    """A lying cylinder: bright above the middle, dark below."""

    BALL = "ball"
    """Bright at the upper left, dark around."""


class Sheet:
    """A square of `pixels` by `pixels`, which motifs see as 100 by 100."""

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self._unit = pixels / 100
        self._rgb = Image.new("RGB", (pixels, pixels))
        self._alpha = Image.new("L", (pixels, pixels), 0)

    def part(
        self,
        shape: Shape,
        colour: Colour,
        form: Form = Form.BOARD,
        *,
        depth: float = 1.0,
        weave: float = 0.0,
        contrast: float = 1.0,
    ) -> None:
        """Lay a part on the sheet.

        `depth` is how thick it looks: how wide its rounded edge and its shadow are, in hundredths
        of the sheet; `weave` how coarse its surface (0 to 1); `contrast` how much it shines.
        """
        area = self._area(shape)
        if area is None:
            return
        mask = self._mask(shape, area)
        size = mask.size
        under = self._alpha.crop(area)
        if depth > 0:
            reach = depth * self._unit
            shadow = shifted(mask, round(reach * 0.7), round(reach * 1.1))
            shadow = ImageChops.multiply(soft(shadow, reach), under)
            self._rgb.paste(darker(BLACK, 1), area, faded(shadow, 0.42))
        light = _form(form).resize(size, Image.Resampling.BILINEAR)
        low, high = darker(colour, 0.34 * contrast), lighter(colour, 0.24 * contrast)
        fill = ImageOps.colorize(light, low, high, mid=colour)
        if weave:
            grain = noise_of((1536, 1024)).crop((0, 0, *size))
            fill = Image.composite(Image.new("RGB", size, low), fill, faded(grain, 0.3 * weave))
        if depth > 0:
            self._round(fill, mask, depth)
        self._rgb.paste(fill, area, mask)
        self._alpha.paste(ImageChops.lighter(under, mask), area)

    def ink(self, shape: Shape, colour: Colour, strength: float = 1.0) -> None:
        """Print on what is there already, without any thickness."""
        area = self._area(shape)
        if area is not None:
            mask = ImageChops.multiply(self._mask(shape, area), self._alpha.crop(area))
            self._rgb.paste(colour, area, faded(mask, strength) if strength < 1 else mask)

    def glass(self, shape: Shape, colour: Colour, strength: float) -> None:
        """Lay something see-through on the sheet."""
        area = self._area(shape)
        if area is not None:
            mask = faded(self._mask(shape, area), strength)
            under = self._alpha.crop(area)
            bare = Image.new("RGB", mask.size, colour)
            # Where nothing lies below, the colour itself must not be mixed with black.
            below = Image.composite(self._rgb.crop(area), bare, under)
            self._rgb.paste(Image.composite(bare, below, mask), area)
            self._alpha.paste(ImageChops.lighter(under, mask), area)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Light what is there already, around a point."""
        half = round(radius * self._unit)
        halo = Image.radial_gradient("L").resize((2 * half, 2 * half))
        halo = halo.point(
            [round(max(0.0, 1 - value / 180) ** 2 * 255 * strength) for value in range(256)]
        )
        left, top = round(x * self._unit) - half, round(y * self._unit) - half
        area = (left, top, left + 2 * half, top + 2 * half)
        self._rgb.paste(colour, area, ImageChops.multiply(halo, self._alpha.crop(area)))

    def finished(self) -> Image.Image:
        """The sheet as an `RGBA` picture."""
        picture = self._rgb.copy()
        picture.putalpha(self._alpha)
        return picture

    def _round(self, fill: Image.Image, mask: Image.Image, depth: float) -> None:
        """Brighten the edges that look up, darken those that look down."""
        reach = max(1.0, depth * self._unit * 0.6)
        away = max(1, round(reach * 0.8))
        blurred = soft(mask, reach)
        lit = ImageChops.subtract(mask, shifted(blurred, away, away))
        dim = ImageChops.subtract(mask, shifted(blurred, -away, -away))
        fill.paste(lighter(WHITE, 0.5), mask=faded(lit, 0.34))
        fill.paste(darker(BLACK, 1), mask=faded(dim, 0.40))

    def _area(self, shape: Shape) -> Box | None:
        left, top, right, bottom = bounds(shape)
        area = (
            max(0, math.floor(left * self._unit) - 3),
            max(0, math.floor(top * self._unit) - 3),
            min(self.pixels, math.ceil(right * self._unit) + 3),
            min(self.pixels, math.ceil(bottom * self._unit) + 3),
        )
        return area if area[2] > area[0] and area[3] > area[1] else None

    def _mask(self, shape: Shape, area: Box) -> Image.Image:
        size = ((area[2] - area[0]) * _FINER, (area[3] - area[1]) * _FINER)
        mask = Image.new("L", size, 0)
        draw = ImageDraw.Draw(mask)
        zoom = self._unit * _FINER
        left, top = area[0] * _FINER, area[1] * _FINER
        for outline in shape:
            points = [(x * zoom - left, y * zoom - top) for x, y in outline.points]
            draw.polygon(points, fill=255 if outline.solid else 0)
        return mask.reduce(_FINER)


@functools.cache
def _form(form: Form) -> Image.Image:
    """A small `L` picture of how light runs over a part: 0 dark, 255 bright."""
    match form:
        case Form.BOARD:
            return slant(225).point([40 + round(v * 0.7) for v in range(256)])
        case Form.BALL:
            plate = Image.radial_gradient("L").crop((58, 66, 250, 250)).resize((64, 64))
            return plate.point([max(0, 255 - round(v * 1.25)) for v in range(256)])
        case _:
            row = Image.new("L", (64, 1))
            row.putdata([_across(at / 63) for at in range(64)])
            return row if form is Form.TUBE else row.rotate(-90, expand=True)


def _across(at: float) -> int:
    """The brightness across a cylinder, from one side (0) to the other (1)."""
    bright = math.exp(-(((at - 0.3) / 0.2) ** 2))
    edge = min(1.0, at / 0.12, (1 - at) / 0.35)
    return round(255 * min(1.0, 0.12 + 0.38 * edge + 0.5 * bright))
