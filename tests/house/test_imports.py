"""Imports run only downwards through the rooms, and never in circles."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.house.tree import PACKAGES, Module, modules

# DESIGN.md, "Rooms". A dotted name allows that module alone.
_MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "deploy": ("origin", "edge", "mapping", "overlay"),
    "origin": ("edge", "overlay"),
    "edge": ("overlay", "mapping.report"),
    "mapping": (),
    "overlay": (),
    # Not rooms: what measures them may see all of them, and is seen by tests only.
    "bench": ("deploy", "origin", "edge", "mapping", "overlay"),
}
_NEVER_IMPORTED = ("tests", "bench")


def imported(module: Module) -> Iterator[str]:
    """Dotted names that a module imports, also in functions; `from a import b` gives `a.b`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.parts if module.path.endswith("/__init__.py") else module.parts[:-1]
    parts = package[: len(package) - node.level + 1]
    return ".".join((*parts, node.module)) if node.module else ".".join(parts)


def _within(name: str, allowed: str) -> bool:
    return name == allowed or name.startswith(f"{allowed}.")


def wrong_directions(module: Module) -> list[str]:
    """Imports of our own code that its room may not do."""
    room = module.parts[0]
    allowed = (room, *_MAY_IMPORT[room])
    return [
        f"{module.path} imports {name}"
        for name in imported(module)
        if name.partition(".")[0] in (*PACKAGES, *_NEVER_IMPORTED)
        and not any(_within(name, permitted) for permitted in allowed)
    ]


def cycle(all_modules: Iterable[Module]) -> list[str] | None:
    """Names of modules that import each other in a circle, None without any."""
    known = {module.name: module for module in all_modules}
    graph = {
        name: {target for target in _targets(module, known) if target != name}
        for name, module in known.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def _targets(module: Module, known: Mapping[str, Module]) -> Iterator[str]:
    """The modules behind its imports: `edge.cache.verdict.decide` is in `edge.cache.verdict`."""
    for name in imported(module):
        if name in known:
            yield name
        elif (parent := name.rpartition(".")[0]) in known:
            yield parent


def _module(path: str, source: str) -> Module:
    return Module(path=path, source=source)


def test_imports_run_downwards() -> None:
    """No room imports one above it, and none imports tests or bench."""
    assert [fault for module in modules(*_MAY_IMPORT) for fault in wrong_directions(module)] == []


def test_there_is_no_import_cycle() -> None:
    """Not even through a function's import or one for types only."""
    assert cycle(modules(*_MAY_IMPORT)) is None


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("edge/cache/verdict.py", "from origin.config import ParentSettings"),
        ("edge/cache/verdict.py", "import mapping.scores"),
        ("edge/cache/verdict.py", "def late():\n    from mapping import reportage"),
        ("mapping/zone.py", "from overlay import wire"),
        ("overlay/wire.py", "import edge"),
        ("origin/pool.py", "from mapping.report import Report"),
        ("origin/aio/site/pages/whole.py", "import deploy.network"),
        ("deploy/cli.py", "from tests.kit import clock"),
        ("overlay/aio/router.py", "from ...edge import message"),
        ("bench/measure/hit.py", "from tests.kit.network import running"),
    ],
)
def test_an_upward_import_is_seen(path: str, source: str) -> None:
    """Whatever form it takes, and at any depth."""
    assert wrong_directions(_module(path, source)) != []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("edge/aio/worker.py", "from mapping.report import Report"),
        ("edge/aio/worker.py", "from mapping import report"),
        ("edge/cache/__init__.py", "from .verdict import decide"),
        ("origin/aio/upstream.py", "import edge.message, asyncio"),
        ("deploy/wiring.py", "from mapping.config import Region"),
    ],
)
def test_a_downward_import_is_welcome(path: str, source: str) -> None:
    """The rule refuses nothing that DESIGN.md allows."""
    assert wrong_directions(_module(path, source)) == []


def test_a_cycle_is_seen() -> None:
    """Through a package's own names and relative imports too."""
    ring = [
        _module("edge/__init__.py", ""),
        _module("edge/one.py", "from edge.two import thing"),
        _module("edge/two.py", "def late():\n    from . import three"),
        _module("edge/three.py", "import edge.one"),
    ]
    found = cycle(ring)
    assert found is not None
    assert set(found) == {"edge.one", "edge.two", "edge.three"}
