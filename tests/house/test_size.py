"""Functions and modules stay small, and every test says what it is about."""

import ast
from collections.abc import Iterator, Mapping

import pytest

from tests.house.tree import PACKAGES, Module, modules

_FUNCTION_LINES = 70
_MODULE_LINES = 600

# "path::qualified.name" or "path" -> why it is better long. An entry no longer needed is a fault.
_EXCEPTIONS: Mapping[str, str] = {}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, _Function]]:
    """Every function below a node with its qualified name; one inside another counts by itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if isinstance(child, _Function):
                yield name, child
            yield from functions(child, f"{name}.")
        else:
            yield from functions(child, prefix)


def too_long(module: Module) -> dict[str, int]:
    """What in a module is longer than the house allows, with its number of lines.

    A function is counted from its `def` to its last line, docstring and comments included.
    """
    found = {
        f"{module.path}::{name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for name, node in functions(module.tree)
    }
    faults = {name: lines for name, lines in found.items() if lines > _FUNCTION_LINES}
    length = len(module.source.splitlines())
    return faults | ({module.path: length} if length > _MODULE_LINES else {})


def silent_tests(module: Module) -> list[str]:
    """Tests without a docstring."""
    return [
        f"{module.path}::{name}"
        for name, node in functions(module.tree)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]


def test_nothing_is_too_long() -> None:
    """But for the table of exceptions, in which nothing is stale."""
    found: dict[str, int] = {}
    for module in modules(*PACKAGES, "tests", "bench"):
        found |= too_long(module)
    excepted = set(_EXCEPTIONS)
    assert {name: lines for name, lines in found.items() if name not in excepted} == {}
    assert excepted - set(found) == set(), "no longer too long: take them off the table"


def test_every_test_states_a_behaviour() -> None:
    """In its docstring."""
    suites = [module for module in modules("tests") if module.parts[-1].startswith("test_")]
    assert [name for module in suites for name in silent_tests(module)] == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [(69, {}), (70, {"edge/sample.py::Sample.long": 71})],
    ids=["seventy lines", "one more"],
)
def test_a_long_function_is_seen(body: int, expected: dict[str, int]) -> None:
    """Methods too, with their class in the name."""
    lines = ["class Sample:", "    def long(self):", *["        pass"] * body, "done = True"]
    assert too_long(Module(path="edge/sample.py", source="\n".join(lines))) == expected


def test_a_function_in_a_function_is_seen_by_its_own_name() -> None:
    """Nesting hides nothing, not even below an `if`."""
    inner = ["        def inner():", *["            pass"] * 80]
    source = "\n".join(["def outer():", "    if True:", *inner])
    assert set(too_long(Module(path="edge/sample.py", source=source))) == {
        "edge/sample.py::outer",
        "edge/sample.py::outer.inner",
    }


def test_a_long_module_is_seen() -> None:
    """Six hundred lines pass, one more does not."""
    assert too_long(Module(path="edge/sample.py", source="x = 1\n" * 600)) == {}
    assert too_long(Module(path="edge/sample.py", source="x = 1\n" * 601)) == {
        "edge/sample.py": 601
    }


def test_a_silent_test_is_seen() -> None:
    """Also one that is a coroutine in a class."""
    source = 'def test_a():\n    """Says."""\nclass TestIt:\n    async def test_b(self): ...\n'
    assert silent_tests(Module(path="tests/test_sample.py", source=source)) == [
        "tests/test_sample.py::TestIt.test_b"
    ]
