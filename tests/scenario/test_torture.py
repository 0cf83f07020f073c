"""kill -9 in the middle of anything: no torn, foreign or purged byte.

As many kills as `MIDMILE_KILLS` says (`make torture`: 1,000), a few without it. Chance is seeded;
`MIDMILE_SEED` repeats a run as far as the machine lets it.
"""

import asyncio
import os
import secrets
import sys
import time

from tests.scenario.storm import LASTING, PATIENCE_S, Storm, storm

KILLS = int(os.environ.get("MIDMILE_KILLS", "15"))
SEED = int(os.environ.get("MIDMILE_SEED", "0")) or secrets.randbelow(2**32) + 1
VISITORS = 4
TOLD_EVERY = 25
"""Kills between two lines of progress."""
PAUSES_S = (0.0, 0.05, 0.3, 1.0)
"""At most, between two kills."""


async def test_no_byte_is_torn_foreign_or_purged() -> None:
    """Whoever dies, whenever: each answer is whole, its own, and no older than was confirmed."""
    tell(f"seed {SEED}")
    async with storm(SEED) as at:
        async with at.visited(VISITORS):
            await killed(at)
        assert await at.all_answered(), "it has calmed down"
        assert not at.wrong, (SEED, at.wrong)
        assert not at.stream.faults, (SEED, at.stream.faults)
        await kept(at)
    tell(f"{dict(at.ends)}, {at.versions.confirmed} times something older was ruled out")


async def killed(at: Storm) -> None:
    """All the kills, until an answer is wrong."""
    began = time.monotonic()
    for number in range(1, KILLS + 1):
        await asyncio.sleep(at.rng.choice(PAUSES_S) * at.rng.random())
        await at.kill_some()
        if at.wrong:
            return
        if number % TOLD_EVERY == 0:
            tell(f"{number} kills in {time.monotonic() - began:.0f} s: {dict(at.ends)}")


async def kept(at: Storm) -> None:
    """What is asked for twice outlives all processes: so there was something to lose."""
    async with asyncio.timeout(PATIENCE_S):
        while await at.counted("midmile_edge_disk_objects") < len(LASTING):
            await at.all_answered()
    await at.kill(at.keeper(), *at.workers())
    hits = 0.0
    async with asyncio.timeout(PATIENCE_S):
        while not hits:  # nobody knows what was purged until a parent is heard of
            await at.all_answered()
            hits = await at.counted("midmile_edge_disk_reads_total", result="hit")


def tell(text: str) -> None:
    """Progress, for whoever runs it with pytest's `-s`."""
    sys.stderr.write(f"{text}\n")
