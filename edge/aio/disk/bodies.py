"""Large bodies, each in a file of its own, named after its record so that strays can be found."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from edge.store.record import BodyFile

_TOKEN_BYTES = 6
_UNFINISHED = ".new"


class Bodies:
    """The files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, key: bytes, body: bytes) -> BodyFile:
        """Put a body into a file that only its name's owner will know. Raises OSError."""
        name = f"{key.hex()}-{secrets.token_hex(_TOKEN_BYTES)}"
        path = self._path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(_UNFINISHED)
        try:
            with unfinished.open("xb") as file:
                file.write(body)
            unfinished.rename(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        return BodyFile(name=name, size=len(body), checksum=crc32(body))

    def read(self, file: BodyFile) -> bytes:
        """What is in a file, to be checked. Raises OSError."""
        return self._path(file.name).read_bytes()

    def remove(self, name: str) -> None:
        """Delete a file that is of no use any more, if it is there."""
        with suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def old(self, before_s: float) -> Iterator[tuple[bytes, Path]]:
        """Files that are older than that time, in Unix seconds, each with its record's key.

        What is no name of ours has no key.
        """
        for path in sorted(self._folder.glob("*/*")):
            with suppress(OSError):
                if path.stat().st_mtime < before_s:
                    yield _key(path.name), path

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


def _key(name: str) -> bytes:
    try:
        return bytes.fromhex(name.partition("-")[0])
    except ValueError:
        return b""
