"""The project's own files, as the house tests see them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("deploy", "origin", "edge", "mapping", "overlay")
_MADE = frozenset({".git", ".hypothesis", ".venv", "dist", "node_modules", "var", "__pycache__"})


@dataclass(frozen=True, kw_only=True)
class Module:
    """One Python file: where it stands (relative to the root, with slashes) and what it says."""

    path: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.source, self.path)

    @property
    def parts(self) -> tuple[str, ...]:
        """The dotted name's parts: `edge/cache/__init__.py` is `("edge", "cache")`."""
        parts = tuple(self.path.removesuffix(".py").split("/"))
        return parts[:-1] if parts[-1] == "__init__" else parts

    @property
    def name(self) -> str:
        """The dotted name."""
        return ".".join(self.parts)

    @property
    def is_core(self) -> bool:
        """Whether it must be pure (DESIGN: everything outside `aio/` in the four rooms)."""
        return self.parts[0] in PACKAGES[1:] and "aio" not in self.parts


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file of the project that is not made by a tool."""
    for entry in sorted(folder.iterdir()):
        if entry.name in _MADE or entry.name.endswith(("_cache", ".egg-info")):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from files(entry)
        elif entry.is_file():
            yield entry


def modules(*folders: str) -> list[Module]:
    """Every Python file below these top-level folders."""
    return [
        Module(path=path.relative_to(ROOT).as_posix(), source=path.read_text())
        for folder in folders
        if (ROOT / folder).is_dir()
        for path in files(ROOT / folder)
        if path.suffix == ".py"
    ]
