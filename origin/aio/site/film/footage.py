"""The shop's film: fifty megabytes of a slow walk past mountains, to and fro.

Its frames are lossy WebP pictures, whose contents are VP8 key frames; so no film maker's program
is needed. How they are put into a file is in `webm`.
"""

import asyncio
import io
import math
from collections.abc import Iterator
from pathlib import Path

import PIL
from PIL import Image

from origin.aio.site.film.webm import Film, vp8_frame, webm
from origin.aio.site.kept import write_whole
from origin.aio.site.pictures.colour import with_grain
from origin.aio.site.pictures.plan import seeded
from origin.aio.site.pictures.scenery import DAWN, Scene, paint_sky, ridge

FILM_BYTES = 50_000_000

WIDTH, HEIGHT = 848, 480
FRAME_MS = 40

_STYLE = 1
"""Raise it with every change that alters the film's bytes."""

_FRAMES = 120
"""Different pictures on the way from one end of the landscape to the other."""

_TRAVEL = 700
"""How far the nearest ridge moves on that way, in pixels."""

_QUALITY = 80
_SPARE_BYTES = 100_000
"""Kept for what stands between the frames; the padding takes what is left of it."""

_SCENE = Scene(mood=DAWN, seed=230, sun_at=(0.56, 0.42), ridges=7, clouds=7)

_making: dict[Path, asyncio.Task[Path]] = {}


async def film_file(folder: Path) -> Path:
    """The film's file in `folder`, made at the first call; OSError if it cannot be written.

    Calls that come while it is being made wait for the same file. Several processes may share
    the folder: the file appears whole or not at all.
    """
    file = folder / f"film-{_STYLE}-{PIL.__version__}.webm"
    if file.is_file():
        return file
    task = _making.get(file)
    if task is None:
        task = asyncio.create_task(asyncio.to_thread(_make, file))
        _making[file] = task
        task.add_done_callback(lambda _: _making.pop(file))
    return await asyncio.shield(task)  # who goes away takes the film from nobody else


def film() -> Film:
    """The film, so long that it fills `FILM_BYTES` but for a little."""
    pictures = [vp8_frame(picture) for picture in _pictures()]
    there_and_back = pictures + pictures[-2:0:-1]
    frames: list[bytes] = []
    left = FILM_BYTES - _SPARE_BYTES
    while (frame := there_and_back[len(frames) % len(there_and_back)]) and left > len(frame):
        frames.append(frame)
        left -= len(frame)
    return Film(width=WIDTH, height=HEIGHT, frame_ms=FRAME_MS, frames=frames)


def _make(file: Path) -> Path:
    write_whole(file, _parts())
    return file


def _parts() -> Iterator[bytes]:
    """The file's contents, painted when the first is asked for: then there is a file for them."""
    yield from webm(film(), size_bytes=FILM_BYTES)


def _pictures() -> list[bytes]:
    wide = (WIDTH + _TRAVEL, HEIGHT)
    sky = paint_sky(_SCENE, wide)
    ridges = [ridge(_SCENE, layer, wide) for layer in range(_SCENE.ridges)]
    return [_picture(sky, ridges, number) for number in range(_FRAMES)]


def _picture(sky: Image.Image, ridges: list[tuple[Image.Image, Image.Image]], number: int) -> bytes:
    # Slow at both ends, where it turns round.
    way = (1 - math.cos(math.pi * number / (_FRAMES - 1))) / 2
    canvas = _window(sky, way * 0.06)
    for layer, (colours, mask) in enumerate(ridges):
        pace = way * (0.1 + 0.9 * (layer / (len(ridges) - 1)) ** 2)
        canvas.paste(_window(colours, pace), mask=_window(mask, pace))
    stream = io.BytesIO()
    grain = with_grain(canvas, 0.03, seeded(f"film {number}"))
    grain.save(stream, "WEBP", quality=_QUALITY, method=1)
    return stream.getvalue()


def _window(layer: Image.Image, way: float) -> Image.Image:
    left = round(_TRAVEL * way)
    return layer.crop((left, 0, left + WIDTH, HEIGHT))
