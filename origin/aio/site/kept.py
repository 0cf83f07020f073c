"""Files that the shop makes for itself and keeps: written whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def write_whole(file: Path, parts: Iterable[bytes]) -> None:
    """Write `parts` to `file` so that nobody ever sees a part of it; OSError if it cannot be.

    Missing folders are made, for our user only. What a failed attempt left is removed.
    """
    private_folder(file.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(parts)
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def private_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, for our user only."""
    if folder.is_dir():
        return
    private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
