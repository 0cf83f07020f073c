"""Cores are pure: no clock, socket, file, environment, randomness or event loop outside `aio/`.

Ruff's banned-api sees imports; this sees calls and syntax as well, and has no `noqa`.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.house.tree import PACKAGES, Module, modules

_BANNED_MODULES = frozenset(
    {
        "aiohttp",
        "asyncio",
        "concurrent",
        "fcntl",
        "glob",
        "mmap",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "socketserver",
        "sqlite3",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "uuid",
        "uvloop",
        "urllib.request",
    }
)
_BANNED_CALLS = frozenset({"open", "input", "print", "exec", "eval", "breakpoint"})
_BANNED_METHODS = frozenset({"now", "utcnow", "today"})
_CALENDAR = frozenset({"datetime", "date", "dt"})
_ASYNC = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)


def impurities(module: Module) -> list[str]:
    """What a core may not do, each with its line."""
    return [f"{module.path}:{line} {fault}" for line, fault in sorted(_faults(module.tree))]


def _faults(tree: ast.Module) -> Iterator[tuple[int, str]]:
    hashing = _lines_of_hash_methods(tree)
    for node in ast.walk(tree):
        if isinstance(node, _ASYNC):
            yield node.lineno, "is asynchronous"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, f"imports {name}") for name in _banned_imports(node))
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, f"calls {name}") for name in _banned_calls(node, hashing))


def _banned_imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        names = [f"{node.module or ''}.{alias.name}" for alias in node.names if not node.level]
    else:
        names = [alias.name for alias in node.names]
    for name in names:
        parts = name.split(".")
        if any(".".join(parts[:depth]) in _BANNED_MODULES for depth in (1, 2)):
            yield name


def _banned_calls(node: ast.Call, hashing: frozenset[int]) -> Iterator[str]:
    match node.func:
        case ast.Name(id=name) if name in _BANNED_CALLS:
            yield name
        case ast.Name(id="hash") if node.lineno not in hashing:
            yield "hash, which differs from process to process"
        case ast.Attribute(value=ast.Name(id=kind) | ast.Attribute(attr=kind), attr=name) if (
            kind in _CALENDAR and name in _BANNED_METHODS
        ):
            yield f"{kind}.{name}"


def _lines_of_hash_methods(tree: ast.Module) -> frozenset[int]:
    """`__hash__` is the one place where builtin `hash` belongs."""
    return frozenset(
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "__hash__"
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    )


def test_cores_are_pure() -> None:
    """Everything outside `aio/` in edge, origin, mapping and overlay."""
    cores = [module for module in modules(*PACKAGES) if module.is_core]
    assert [fault for module in cores for fault in impurities(module)] == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from datetime import datetime\ndatetime.now()",
        "import datetime as dt\ndt.datetime.utcnow()",
        "from socket import AF_INET",
        "def late():\n    import random",
        "from urllib import request",
        "import asyncio.events as e",
        "async def fetch(): ...",
        "def read():\n    return open('x').read()",
        "def pick(key, n):\n    return hash(key) % n",
        "print('hello')",
    ],
)
def test_an_impure_core_is_seen(source: str) -> None:
    """A clock, a file, a socket, an event loop, chance: each is named with its line."""
    faults = impurities(Module(path="edge/sample.py", source=source))
    assert len(faults) == 1, faults
    assert faults[0].startswith(f"edge/sample.py:{len(source.splitlines())} ")


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import UTC, datetime\ndatetime.fromtimestamp(0, UTC)",
        "from urllib.parse import urlsplit",
        "class Key:\n    def __hash__(self):\n        return hash(self.parts)",
        "def verdict(entry, now, rng):\n    return rng.random() < entry.age(now)",
        "import itertools, hashlib, re",
    ],
)
def test_a_pure_core_is_left_alone(source: str) -> None:
    """Calendar arithmetic, hashing, and chance handed in are what cores are made of."""
    assert impurities(Module(path="edge/sample.py", source=source)) == []


@pytest.mark.parametrize(
    ("path", "core"),
    [
        ("edge/cache/verdict.py", True),
        ("overlay/wire.py", True),
        ("origin/aio/site/pages/whole.py", False),
        ("deploy/cli.py", False),
        ("tests/kit/clock.py", False),
    ],
)
def test_what_counts_as_a_core(path: str, core: bool) -> None:
    """The four rooms but their `aio/`; deploy and tests touch the world."""
    assert Module(path=path, source="").is_core is core
