"""Pictures and the film: files that the shop makes for itself, when they are first asked for."""

import asyncio
import hashlib
from pathlib import Path

from aiohttp import web

from origin.aio.site.film.footage import film_file
from origin.aio.site.http import answers
from origin.aio.site.http.representation import StoredFile, represent
from origin.aio.site.objects import RELEASED
from origin.aio.site.pictures import BusyError, Kind, PictureStore

FOR_A_WEEK = "public, max-age=604800"
BUSY_S = 2
"""When to come again for a picture, where too many others wait for theirs."""
_TYPES = {kind.suffix: kind.media_type for kind in Kind}


class Media:
    """What a node has made of pictures and film, below its home folder."""

    def __init__(self, home: Path) -> None:
        self.pictures = PictureStore(home / "pictures")
        self._folder = home / "media"
        self._making = asyncio.Lock()
        self._film: StoredFile | None = None

    async def film(self) -> StoredFile:
        """The film's file, and the tag of its bytes."""
        async with self._making:
            if self._film is None or not self._film.path.is_file():
                self._film = await asyncio.to_thread(_described, await film_file(self._folder))
            return self._film


MEDIA = web.AppKey("media", Media)


async def picture(request: web.Request) -> web.Response:
    """`/pictures/...`."""
    try:
        found = await request.app[MEDIA].pictures.get(request.path)
    except BusyError:
        headers = {"Retry-After": str(BUSY_S), "Cache-Control": answers.NO_STORE}
        text = "Too many pictures are being painted.\n"
        return web.Response(status=503, text=text, headers=headers)
    if found is None:
        raise web.HTTPNotFound
    # Some ten kilobytes: read whole, so that the tag is that of the bytes.
    body = found if isinstance(found, bytes) else await asyncio.to_thread(found.read_bytes)
    item = represent(
        body,
        content_type=_TYPES[Path(request.path).suffix],
        cache_control=FOR_A_WEEK,
        last_modified=RELEASED,
        ranges=True,
    )
    return answers.answer(request, item)


async def film(request: web.Request) -> web.StreamResponse:
    """`/media/film.webm`: read piece by piece, since it is fifty megabytes."""
    return await answers.answer_file(request, await request.app[MEDIA].film())


def _described(file: Path) -> StoredFile:
    with file.open("rb") as stream:
        tag = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
        size = stream.tell()
    return StoredFile(
        path=file,
        size=size,
        content_type="video/webm",
        cache_control=answers.FOR_A_DAY,
        etag=f'"{tag}"',
        last_modified=RELEASED,
    )
