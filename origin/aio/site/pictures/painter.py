"""From a planned picture to its bytes."""

import io
import math
from itertools import pairwise

from PIL import Image

from origin.aio.site.pictures.colour import with_grain
from origin.aio.site.pictures.composition import compose
from origin.aio.site.pictures.plan import Kind, Picture, seeded

STYLE = 1
"""Raise it with every change that alters a picture's bytes: kept files are made anew then."""

_GRAIN = 0.035

_GROWTH = {
    Kind.JPEG: ((40, 0.39), (60, 0.53), (75, 0.74), (84, 1.0), (88, 1.18), (92, 1.44), (95, 1.91)),
    Kind.WEBP: ((40, 0.45), (60, 0.58), (75, 0.72), (82, 1.0), (88, 1.52), (92, 1.82), (95, 2.44)),
}
"""How heavy a picture is at a quality, against itself at the one where this is 1. Measured on
pictures of all views; they differ from each other by about a tenth."""

_REFERENCE = {Kind.JPEG: 84, Kind.WEBP: 82}
_WEBP_PART = 0.53
"""How heavy a WebP at its reference quality is, against the JPEG at its own."""

_NEAR = {Kind.JPEG: 0.05, Kind.WEBP: 0.12}
"""How far from its planned weight a picture may stay. A page's twenty even each other out, and
a WebP takes ten times as long to try again."""

_TRIES = 3


def paint(picture: Picture) -> bytes:
    """The finished file, about as heavy as planned."""
    rng = seeded(picture.path)
    return encoded(with_grain(compose(picture, rng), _GRAIN, rng), picture)


def encoded(developed: Image.Image, picture: Picture) -> bytes:
    """The picture as a file: encoded, and again at a better guess until it weighs about enough."""
    kind, aim = picture.kind, picture.size_bytes
    # A JPEG tells most cheaply how much there is to see.
    content = _encode(developed, Kind.JPEG, _REFERENCE[Kind.JPEG])
    at_reference = len(content) * (1.0 if kind is Kind.JPEG else _WEBP_PART)
    best = content if kind is Kind.JPEG else b""
    for _ in range(_TRIES):
        if best and abs(len(best) / aim - 1) <= _NEAR[kind]:
            break
        quality = _quality_at(kind, aim / at_reference)
        content = _encode(developed, kind, quality)
        if not best or abs(len(content) - aim) < abs(len(best) - aim):
            best = content
        at_reference = len(content) / _growth_at(kind, quality)
    return best


def _quality_at(kind: Kind, growth: float) -> int:
    """The quality at which a picture weighs so many times what it does at the reference."""
    for (low, lighter), (high, heavier) in pairwise(_GROWTH[kind]):
        if growth <= heavier:
            part = math.log(growth / lighter) / math.log(heavier / lighter)
            return max(_GROWTH[kind][0][0], round(low + (high - low) * part))
    return _GROWTH[kind][-1][0]


def _growth_at(kind: Kind, quality: int) -> float:
    """What a picture weighs at a quality, against itself at the reference."""
    for (low, lighter), (high, heavier) in pairwise(_GROWTH[kind]):
        if quality <= high:
            part = (quality - low) / (high - low)
            return lighter * math.exp(part * math.log(heavier / lighter))
    return _GROWTH[kind][-1][1]


def _encode(developed: Image.Image, kind: Kind, quality: int) -> bytes:
    stream = io.BytesIO()
    match kind:
        case Kind.JPEG:
            developed.save(stream, "JPEG", quality=quality)
        case Kind.WEBP:
            developed.save(stream, "WEBP", quality=quality, method=0)
    return stream.getvalue()
