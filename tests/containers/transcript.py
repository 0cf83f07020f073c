"""What was typed and what came back, kept in a file for those who were not there."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

_LONGEST = 8_000
"""Characters of one output: a build prints more than anybody reads."""
_LONGEST_PAGE = 400
"""The same of a web page: that it is the shop's is seen at once."""


class Transcript:
    """Commands with their outputs, in order, under headings."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin = time.monotonic()
        self._known: set[tuple[str, str]] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def head(self, text: str) -> None:
        """Begin a new part."""
        self._known.clear()
        self._write(f"\n## {text}\n\n")

    def add(self, command: Sequence[str], output: str) -> None:
        """Note a command; who asks until an answer changes is noted once for each answer."""
        program, *arguments = command
        line = shlex.join([Path(program).name, *arguments])
        if (line, output) not in self._known:
            self._known.add((line, output))
            self._write(f"[{time.monotonic() - self._begin:6.1f} s] $ {line}\n{_shortened(output)}")

    def _write(self, text: str) -> None:
        with self._path.open("a") as file:
            file.write(text)


def _shortened(output: str) -> str:
    text = output.rstrip()
    longest = _LONGEST_PAGE if text.lower().startswith("<!doctype html") else _LONGEST
    if len(text) > longest:
        half = longest // 2
        text = f"{text[:half]}\n[... {len(text) - longest:,} characters ...]\n{text[-half:]}"
    return f"{text}\n" if text else ""
