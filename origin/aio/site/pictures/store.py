"""Where painted pictures are kept: as files, each made once, when it is first asked for.

Nothing of how they are painted is here.
"""

import logging
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

import PIL

from origin.aio.site.kept import write_whole
from origin.aio.site.pictures.painter import STYLE, paint
from origin.aio.site.pictures.plan import Picture, all_keys, page_pictures, picture_at
from origin.aio.site.pictures.queue import Queue

log = logging.getLogger("midmile.origin.site")

PAINTERS = 2
"""Pictures painted at the same time. Painting is all processor, and the pages want some of it."""
MOST_WAITING = 64
"""Pictures that wait to be painted: three pages' worth, which are a few seconds' work."""

_PREFIX = "pictures-"


class PictureStore:
    """The pictures of one node, in a private folder below `folder`.

    The folder's name tells the painter's style and Pillow's version, so whoever changes either
    gets new files. Several processes may share it: files appear whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / f"{_PREFIX}{STYLE}-{PIL.__version__}"
        self._wanted = Queue[bytes | Path](hands=PAINTERS, most=MOST_WAITING)

    async def get(self, path: str) -> bytes | Path | None:
        """The picture at this path of a URL: its file, or None where there is no such picture.

        Bytes stand for the file where it cannot be written, say on a full disk. Who asks for a
        picture that is being painted waits for that one. Raises BusyError where too many wait.
        """
        picture = picture_at(path)
        if picture is None:
            return None
        file = self._file(picture)
        if file.is_file():
            return file
        return await self._wanted.get(path, partial(_made, picture, file))

    def make_all(self, progress: Callable[[int, int], None]) -> None:
        """Paint every picture that is missing, on all processors; may be interrupted at any time.

        `progress` is called with how many are done and how many there are, at the very end of an
        interrupted call too. Raises OSError where
        files cannot be written.
        """
        keys = all_keys()
        total = sum(len(page_pictures(key)) for key in keys)
        done = 0
        progress(done, total)
        # Not forked: the process that calls may have threads, whose locks a child would inherit.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(mp_context=context, initializer=_stand_back) as pool:
            try:
                pages = [pool.submit(_make_page, self.folder, key) for key in keys]
                for page in as_completed(pages):
                    done += page.result()
                    progress(done, total)
            except BaseException:
                # Pages begun are finished; not to wait for them leaves the pool hanging at exit.
                pool.shutdown(wait=True, cancel_futures=True)
                progress(sum(self._has(key) for key in keys), total)
                raise
        self.remove_other_styles()

    def remove_other_styles(self) -> None:
        """Remove the pictures that an earlier painter left beside ours."""
        for other in self.folder.parent.glob(f"{_PREFIX}*"):
            if other != self.folder and other.is_dir() and not other.is_symlink():
                shutil.rmtree(other, ignore_errors=True)

    def _has(self, key: str) -> int:
        """How many pictures of a page are there."""
        return sum(self._file(picture).is_file() for picture in page_pictures(key))

    def _file(self, picture: Picture) -> Path:
        return _file_of(self.folder, picture)


def _file_of(folder: Path, picture: Picture) -> Path:
    return folder / picture.path.removeprefix("/pictures/")


def _made(picture: Picture, file: Path) -> bytes | Path:
    painted = paint(picture)
    try:
        write_whole(file, [painted])
    except OSError as error:
        log.warning(
            "cannot keep a picture",
            extra={"event": "picture-not-kept", "path": picture.path, "problem": error.strerror},
        )
        return painted
    return file


def _stand_back() -> None:
    """Let a shop that serves meanwhile go first, and leave a Ctrl-C to the process that asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)


def _make_page(folder: Path, key: str) -> int:
    """Paint what is missing of one page; how many pictures it has."""
    for picture in page_pictures(key):
        file = _file_of(folder, picture)
        if not file.is_file():
            write_whole(file, [paint(picture)])
    return len(page_pictures(key))
