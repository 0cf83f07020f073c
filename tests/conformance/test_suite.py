"""http-cache-tests, the public suite for HTTP caches, through an edge and a parent that both cache.

What comes of each test is listed beside this file, so that a change of any of them shows. The suite
is the edition that is published as a package; docs/conformance.md tells of the newer one, and why
some tests are not passed.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.kit.delivery import QUICK, Standing, delivery
from tests.kit.programs import UNPACKED, need, need_made

HERE = Path(__file__).parent
SUITE_S = 180.0
"""It takes a third of that."""


@pytest.fixture
def suite() -> Path:
    """The folder of the unpacked suite."""
    return need_made(UNPACKED / "cache-tests", target="cache-tests")


@asynccontextmanager
async def playing(
    suite: Path, results: Path, only: Iterable[str]
) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """The suite's process, and the port of its origin."""
    process = await asyncio.create_subprocess_exec(
        need("node", package="nodejs"),
        "--no-warnings",
        HERE / "suite.mjs",
        suite,
        results,
        *only,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline()), process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def played(suite: Path, keys: Path, results: Path, only: Iterable[str] = ()) -> set[str]:
    """A line for each test: its kind, its name, whether it is passed, and why it is not."""
    async with (
        playing(suite, results, only) as (port, process),
        delivery(
            keys,
            Standing(port),
            limits=replace(QUICK, answer_timeout_s=30),
            heuristic_ttl_s=86_400.0,
            store_set_cookie=True,
            harmless_fields=("*",),
        ) as net,
    ):
        base = f"http://127.0.0.1:{net.edge.ports['http']}\n"
        await process.communicate(base.encode())
    return _lines(results)


def _lines(results: Path) -> set[str]:
    found: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8"))
    return {_line(each) for each in found}


def _line(result: dict[str, Any]) -> str:
    passed = result["found"] is True
    why = "" if passed else f": {result['found'][1]}"
    return f"{result['kind']} {result['id']} {'yes' if passed else 'no'}{why}"


def _name(line: str) -> str:
    return line.split()[1]


async def test_results_are_those_listed(suite: Path, keys: Path, tmp_path: Path) -> None:
    """What is passed and what is not, each test by name.

    The suite plays a hundred tests at a time against lifetimes of one second: on a machine that
    stands still for that long a test may come out otherwise. Such tests are played again, alone.
    """
    results = tmp_path / "results.json"
    expected = set((HERE / "results.txt").read_text(encoding="utf-8").splitlines())
    async with asyncio.timeout(SUITE_S):
        found = await played(suite, keys, results)
        again = {_name(line) for line in found - expected}
        if again:
            kept = {line for line in found if _name(line) not in again}
            found = kept | await played(suite, keys, results, sorted(again))
    (tmp_path / "results.txt").write_text("\n".join(sorted(found)) + "\n", encoding="utf-8")
    changed = sorted(found ^ expected)
    assert not changed, f"see {tmp_path / 'results.txt'}; changed: " + "\n".join(changed)
