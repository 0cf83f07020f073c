"""Colours, and the soft things that are made of them: fades, blurs, grain."""

import functools
import random

from PIL import Image, ImageChops, ImageFilter, ImageOps

Colour = tuple[int, int, int]
Size = tuple[int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
CREAM: Colour = (244, 236, 220)


def blend(start: Colour, end: Colour, part: float) -> Colour:
    """The colour that lies `part` (0 to 1) of the way from `start` to `end`."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
    return red, green, blue


def darker(colour: Colour, part: float) -> Colour:
    """The colour in shade; shade is a little blue."""
    return blend(colour, (10, 14, 30), part)


def lighter(colour: Colour, part: float) -> Colour:
    """The colour in light; light is a little yellow."""
    return blend(colour, (255, 250, 236), part)


def gradient(size: Size, top: Colour, bottom: Colour) -> Image.Image:
    """A picture that fades from one colour at its top to another at its bottom."""
    fade = Image.linear_gradient("L").resize((1, max(size[1], 1)), Image.Resampling.BILINEAR)
    return ImageOps.colorize(fade, top, bottom).resize(size, Image.Resampling.NEAREST)


@functools.lru_cache(maxsize=16)
def slant(angle: int) -> Image.Image:
    """A small `L` square that fades from 0 to 255 in the direction of `angle`, in degrees."""
    plate = Image.linear_gradient("L").resize((96, 96)).rotate(angle, Image.Resampling.BILINEAR)
    return plate.crop((16, 16, 80, 80))


def soft(mask: Image.Image, radius: float) -> Image.Image:
    """The `L` picture blurred by `radius` pixels; wide blurs are made on a smaller copy."""
    step = max(1, min(8, int(radius / 2.5)))
    if step == 1:
        return mask.filter(ImageFilter.BoxBlur(radius * 0.8))
    small = mask.reduce(step).filter(ImageFilter.GaussianBlur(radius / step))
    return small.resize(mask.size, Image.Resampling.BILINEAR)


def shifted(mask: Image.Image, right: int, down: int) -> Image.Image:
    """The `L` picture moved, with black where nothing came to lie."""
    moved = Image.new("L", mask.size, 0)
    moved.paste(mask, (right, down))
    return moved


def faded(mask: Image.Image, strength: float) -> Image.Image:
    """The `L` picture with every value multiplied by `strength` (0 to 1)."""
    return mask.point([min(255, round(value * strength)) for value in range(256)])


@functools.cache
def noise() -> Image.Image:
    """A square of `L` film grain around the middle grey, for tiling."""
    rng = random.Random("grain")
    plate = Image.frombytes("L", (256, 256), rng.randbytes(65536))
    plate = plate.filter(ImageFilter.BoxBlur(0.45))
    return ImageOps.autocontrast(plate, cutoff=1)


@functools.lru_cache(maxsize=8)
def noise_of(size: Size) -> Image.Image:
    """Film grain that fills `size`."""
    plate = Image.new("L", size)
    for x in range(0, size[0], 256):
        for y in range(0, size[1], 256):
            plate.paste(noise(), (x, y))
    return plate


def with_grain(picture: Image.Image, amount: float, rng: random.Random) -> Image.Image:
    """The picture with film grain, which hides the steps in smooth fades."""
    width, height = picture.size
    grain = noise_of((1536, 1024))
    left, top = rng.randrange(1536 - width + 1), rng.randrange(1024 - height + 1)
    grain = grain.crop((left, top, left + width, top + height))
    return Image.blend(picture, Image.merge("RGB", (grain, grain, grain)), amount)


def graded(picture: Image.Image, shadows: Colour, lights: Colour, amount: float) -> Image.Image:
    """The picture as if developed warmer or colder: its greys lean from `shadows` to `lights`."""
    tinted = ImageOps.colorize(picture.convert("L"), shadows, lights)
    return Image.blend(picture, tinted, amount)


def multiplied(one: Image.Image, other: Image.Image) -> Image.Image:
    """Two `L` masks where both hold."""
    return ImageChops.multiply(one, other)
