"""What workers could not tell a keeper that was gone: the next one does it before anything is read.

A line is a message, as JSON. Several workers may write at once: each line is one write.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

Message = Mapping[str, object]

NAME = "untold"


class Journal:
    """The file in one store's folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def add(self, message: Message) -> None:
        """Leave a message; a disk that takes nothing has no store either."""
        line = json.dumps(message).encode() + b"\n"
        with suppress(OSError):
            number = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(number, line)
            finally:
                os.close(number)

    def read(self) -> list[Message]:
        """All that was left, but for what was torn when its writer died. Raises OSError."""
        if not self._path.exists():
            return []
        found: list[Message] = []
        for line in self._path.read_bytes().splitlines():
            with suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict):
                    found.append(message)
        return found

    def clear(self) -> None:
        """It is done. Raises OSError."""
        self._path.unlink(missing_ok=True)
