"""Processes of contestants: counted with all their children, ended with all of them."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bench.errors import NotReadyError
from bench.processes import anonymous_bytes, cpu_s, ready, running, tree
from tests.kit.processes import alive, gone

_PARENT = """
import os, subprocess, sys, time
if sys.argv[1:]:
    held = bytearray(64 << 20)
    while time.process_time() < 0.3: pass
    print("worked", flush=True)
    time.sleep(60)
else:
    subprocess.run([sys.executable, __file__, "child"])
"""


def _script(folder: Path, text: str) -> list[str | Path]:
    script = folder / "program.py"
    script.write_text(text)
    return [sys.executable, script]


def test_children_count_too(tmp_path: Path) -> None:
    """Time and memory of a process that the one we started has started."""
    with running(_script(tmp_path, _PARENT), tmp_path, "parent") as pid:
        log = tmp_path / "parent.log"
        ready(lambda: "worked" in log.read_text(), "parent", pid, log)
        assert len(tree([pid])) == 2
        assert 0.25 < cpu_s([pid]) < 30
        assert 64 << 20 < anonymous_bytes([pid]) < 200 << 20


async def test_children_end_too(tmp_path: Path) -> None:
    """Though nobody else waits for them."""
    with running(_script(tmp_path, _PARENT), tmp_path, "parent") as pid:
        log = tmp_path / "parent.log"
        await asyncio.to_thread(ready, lambda: "worked" in log.read_text(), "parent", pid, log)
        started = tree([pid])
    for each in started:
        await gone(each)
        assert not alive(each)


def test_a_program_that_ends_at_once_is_told(tmp_path: Path) -> None:
    """With the end of what it said, so that nobody waits for it."""
    command = _script(tmp_path, "raise SystemExit('no such setting')")
    with (
        running(command, tmp_path, "broken") as pid,
        pytest.raises(NotReadyError, match="no such setting"),
    ):
        ready(lambda: False, "broken", pid, tmp_path / "broken.log")


def test_a_process_that_is_gone_counts_nothing() -> None:
    """Reading /proc races with the end of what is read about."""
    assert cpu_s([2**22 + 1]) == 0
    assert anonymous_bytes([2**22 + 1]) == 0
    assert anonymous_bytes([os.getpid()]) > 0
