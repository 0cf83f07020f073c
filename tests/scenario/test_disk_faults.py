"""A store on disk that is damaged, full, or not to be written to: the edge goes on without it.

Everything is done to a real edge in use, from outside, by the user that runs it. Each answer is
held to the byte; the edge's deaths are counted, since a store must not end it again and again.
"""

import asyncio
import os
import random
import resource
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.kit.processes import gone
from tests.scenario.storm import EDGE, LASTING, PATIENCE_S, Storm, storm

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE_BYTES = 4096
DIED = (("supervisor", "node-died"), (EDGE, "worker-died"))
TOLD = ("disk-failed", "disk-anew", "crashed")
"""What stands in the log, by its event."""
KILLED, DEATHS = 3, 8
"""What a test kills itself; so many deaths within two minutes put a process to long sleep."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at() -> AsyncIterator[Storm]:
    async with storm(1) as started:
        yield started


def empty(data: Path) -> None:
    """Nothing is left of it."""
    os.truncate(data, 0)


def halve(data: Path) -> None:
    """Whoever reads behind the file's end is ended by SIGBUS."""
    os.truncate(data, data.stat().st_size // 2 // PAGE_BYTES * PAGE_BYTES)


def hollow(data: Path) -> None:
    """The pages behind the first two are gone, and zeros stand there."""
    size = data.stat().st_size
    os.truncate(data, 2 * PAGE_BYTES)
    os.truncate(data, size)


def garble(data: Path) -> None:
    """Noise stands in all pages but the first two."""
    size = data.stat().st_size - 2 * PAGE_BYTES
    with data.open("r+b") as file:
        file.seek(2 * PAGE_BYTES)
        file.write(random.Random(1).randbytes(size))


def garble_all(data: Path) -> None:
    """Noise stands in all pages."""
    size = data.stat().st_size
    with data.open("r+b") as file:
        file.write(random.Random(2).randbytes(size))


async def fill(at: Storm) -> None:
    """Have all that lasts stored on disk, which is in use by then."""
    await restart(at)
    async with asyncio.timeout(PATIENCE_S):
        while await at.counted("midmile_edge_disk_objects") < len(LASTING):
            await at.all_answered()


async def restart(at: Storm) -> None:
    """Kill the whole edge at once: nothing is left in memory."""
    keeper, workers = at.keeper(), at.workers()
    await at.kill(keeper, *workers)
    for pid in (keeper, *workers):
        await gone(pid)


@pytest.mark.parametrize(
    ("damage", "anew"),
    [
        (empty, "workers"),
        (halve, "workers"),
        (halve, "all"),
        (hollow, "workers"),
        (garble, "workers"),
        (garble, "all"),
        (garble_all, "workers"),
    ],
)
async def test_an_index_that_is_damaged_while_in_use(
    at: Storm, damage: Callable[[Path], None], anew: str
) -> None:
    """Whoever begins anew and reads it: answers stay right, few die, and the log tells."""
    await fill(at)
    before = at.stream.events.copy()
    damage(at.store / "data.mdb")
    await at.kill(*([at.keeper()] if anew == "all" else []), *at.workers())
    async with at.visited(2):
        for _ in range(4):
            await at.all_answered()
    assert not at.wrong
    after = at.stream.events
    assert sum(after[each] - before[each] for each in DIED) < KILLED + DEATHS
    told = sum(after[EDGE, event] - before[EDGE, event] for event in TOLD)
    assert told, after - before


async def test_bodies_that_are_damaged(at: Storm) -> None:
    """Cut off, gone, or another's: they are fetched again."""
    await fill(at)
    bodies = sorted((at.store / "bodies").glob("*/*"))
    assert len(bodies) >= 9
    for number, body in enumerate(bodies):
        match number % 3:
            case 0:
                os.truncate(body, body.stat().st_size // 2)
            case 1:
                body.unlink()
            case _:
                body.write_bytes(random.Random(number).randbytes(body.stat().st_size))
    first, second = [body for body in bodies if body.exists()][:2]
    first.rename(second)
    await at.kill(*at.workers())
    async with asyncio.timeout(PATIENCE_S):
        while not await at.counted("midmile_edge_disk_reads_total", result="damaged"):
            await at.all_answered()
    assert not at.wrong


async def test_a_disk_that_is_full(at: Storm) -> None:
    """No file may grow: it does without the store, and its metric tells."""
    await fill(at)
    faults = await at.counted("midmile_edge_disk_faults_total")
    limit = (at.store / "data.mdb").stat().st_size
    for pid in (at.keeper(), *at.workers()):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, limit))
    async with asyncio.timeout(PATIENCE_S), at.visited(2):
        while await at.counted("midmile_edge_disk_faults_total") == faults:
            await at.all_answered()
    await at.all_answered()
    assert not at.wrong
    assert await at.counted("midmile_edge_disk_usable") == 0


def file(store: Path) -> None:
    """A file stands where the folder should be."""
    store.write_text("no folder")


def sealed(store: Path) -> None:
    """A folder in which nobody can make anything, root included."""
    store.symlink_to("/proc/sys")


@pytest.mark.parametrize("instead", [file, sealed])
async def test_no_folder_when_it_starts(at: Storm, instead: Callable[[Path], None]) -> None:
    """It says so and serves."""
    await fill(at)
    at.store.rename(at.store.with_name(f"without {instead.__name__}"))
    instead(at.store)
    before = at.stream.events.copy()
    await restart(at)
    await at.all_answered()
    after = at.stream.events
    assert after[EDGE, "disk-failed"] > before[EDGE, "disk-failed"]
    assert not at.wrong
    assert await at.counted("midmile_edge_disk_usable") == 0
