"""Who still uses a store: a keeper that takes it over waits for the workers of one that was killed.

Such workers finish what they have begun, and may have something to say of it that nobody hears.
The lock is the kernel's, so it ends with its holder, however that ends.
"""

import asyncio
import fcntl
import os
from contextlib import suppress
from pathlib import Path

TRY_AGAIN_S = 0.05


class User:
    """A process that uses a store."""

    def __init__(self, folder: Path) -> None:
        self._path = _path(folder)
        self._held: int | None = None

    def begin(self) -> None:
        """Use it from now on. Where the disk refuses even that, nobody waits for us."""
        with suppress(OSError):
            if self._held is None:
                self._held = _opened(self._path)
                fcntl.flock(self._held, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def end(self) -> None:
        """Use it no more."""
        if self._held is not None:
            os.close(self._held)
            self._held = None


async def nobody_uses(folder: Path, patience_s: float) -> bool:
    """Wait until no other process uses a store, but not for longer; whether that is so."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + patience_s
    with suppress(OSError):
        lock = _opened(_path(folder))
        try:
            while not _is_free(lock):
                if loop.time() > until_s:
                    return False
                await asyncio.sleep(TRY_AGAIN_S)
        finally:
            os.close(lock)
    return True


def _is_free(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _path(folder: Path) -> Path:
    """Beside the store, which may be moved aside."""
    return folder.with_name(f"{folder.name}.users")
