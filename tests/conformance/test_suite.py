"""http-cache-tests, the public suite for HTTP caches, through an edge and a parent that both cache.

What comes of each test is listed beside this file, so that a change of any of them shows. The suite
is the edition that is published as a package; docs/conformance.md tells of the newer one, and why
some tests are not passed.
"""

import asyncio
import json
from collections.abc import AsyncIterator
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
    suite: Path, results: Path
) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """The suite's process, and the port of its origin."""
    process = await asyncio.create_subprocess_exec(
        need("node", package="nodejs"),
        "--no-warnings",
        HERE / "suite.mjs",
        suite,
        results,
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


def listed(results: list[dict[str, Any]]) -> list[str]:
    """A line for each test: its kind, its name, whether it is passed, and why it is not."""
    lines = []
    for each in sorted(results, key=lambda each: (each["kind"], each["id"])):
        passed = each["found"] is True
        why = "" if passed else f": {each['found'][1]}"
        lines.append(f"{each['kind']} {each['id']} {'yes' if passed else 'no'}{why}")
    return lines


async def test_results_are_those_listed(suite: Path, keys: Path, tmp_path: Path) -> None:
    """What is passed and what is not, each test by name."""
    results = tmp_path / "results.json"
    async with (
        asyncio.timeout(SUITE_S),
        playing(suite, results) as (port, process),
        delivery(
            keys,
            Standing(port),
            limits=replace(QUICK, answer_timeout_s=30),
            heuristic_ttl_s=86_400.0,
            store_set_cookie=True,
        ) as net,
    ):
        base = f"http://127.0.0.1:{net.edge.ports['http']}\n"
        await process.communicate(base.encode())
    found = listed(json.loads(results.read_text(encoding="utf-8")))
    (tmp_path / "results.txt").write_text("\n".join(found) + "\n", encoding="utf-8")
    expected = (HERE / "results.txt").read_text(encoding="utf-8").splitlines()
    changed = sorted(set(found) ^ set(expected))
    assert not changed, f"see {tmp_path / 'results.txt'}; changed: " + "\n".join(changed)
