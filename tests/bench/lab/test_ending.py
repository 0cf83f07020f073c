"""Whatever ends a lab, nothing of it stays: no process, no namespace, no interface, no file."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench.errors import LabError
from bench.lab import namespaces
from bench.lab.control import open_labs
from bench.lab.running import Lab, lab, opened
from bench.lab.topology import Location, Topology
from tests.kit.lab import need_lab

pytestmark = pytest.mark.system

_ROOT = Path(__file__).resolve().parents[3]
_PATIENCE_S = 30.0
_PAIR = Topology(name="pair", locations=(Location(name="here"), Location(name="there")))
# A program that stays, and one that has left its parent and session as daemons do.
_OWNER = """
import json, os, subprocess, sys
from bench.lab.running import opened
from bench.lab.topology import Location, Topology

pair = Topology(name="pair", locations=(Location(name="here"), Location(name="there")))
with opened(pair) as running:
    stays = running.host("here").popen("sleep", "infinity")
    script = "setsid sleep infinity >/dev/null & echo $!"
    daemon = running.host("there").run("sh", "-c", script, stdout=subprocess.PIPE, text=True)
    pids = [*running.processes, stays.pid, int(daemon.stdout)]
    inode = os.stat(running.host("here").namespace).st_ino
    print(json.dumps({"name": running.name, "pids": pids, "inode": inode}), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _lab_or_skip() -> None:
    need_lab()


def _owner() -> tuple["subprocess.Popen[str]", dict[str, Any]]:
    """A process that has opened a lab and started programs in it, and what it told of them."""
    process = subprocess.Popen(
        [sys.executable, "-c", _OWNER],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def _wait_for_end(descriptors: list[int]) -> None:
    """Until every process behind these descriptors has ended."""
    deadline = time.monotonic() + _PATIENCE_S
    for descriptor in descriptors:
        left = deadline - time.monotonic()
        assert select.select([descriptor], [], [], max(left, 0))[0], "a process stayed"
        os.close(descriptor)


def _is_left(inode: int) -> bool:
    """Whether a network namespace has a process, or a name."""
    for entry in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            if entry.stat().st_ino == inode:
                return True
        except OSError:
            continue
    return f"net:[{inode}]" in Path("/proc/self/mountinfo").read_text()


@pytest.mark.parametrize("victim", ["owner", "group", "warden", "relay"])
def test_a_killed_lab_leaves_nothing(victim: str) -> None:
    """SIGKILL for its owner, for the owner's process group, or for one of its two processes."""
    owner, told = _owner()
    descriptors = [os.pidfd_open(pid) for pid in told["pids"]]
    assert told["name"] in open_labs()
    warden, relay, *_ = told["pids"]
    try:
        match victim:
            case "owner":
                owner.kill()
            case "group":
                os.killpg(owner.pid, signal.SIGKILL)
            case "warden":
                os.kill(warden, signal.SIGKILL)
            case "relay":
                os.kill(relay, signal.SIGKILL)
        _wait_for_end(descriptors)
    finally:
        owner.kill()
        owner.communicate()
    assert told["name"] not in open_labs()
    assert not _is_left(told["inode"])
    assert not Path("/sys/class/net", namespaces.INTERFACE).exists()


async def test_a_closed_lab_takes_its_programs_along() -> None:
    """Those that still run when the `async with` ends are killed."""
    async with lab(_PAIR) as running:
        program = running.host("here").popen("sleep", "infinity")
        descriptors = [os.pidfd_open(pid) for pid in (*running.processes, program.pid)]
    _wait_for_end(descriptors)
    assert program.wait() == -signal.SIGKILL


async def test_an_error_inside_closes_the_lab() -> None:
    """And comes out."""
    running: Lab | None = None
    with pytest.raises(ZeroDivisionError):
        async with lab(_PAIR) as running:
            _ = 1 / 0
    assert running is not None
    assert running.name not in open_labs()


async def test_a_dead_lab_says_so() -> None:
    """In one line, not by hanging."""
    async with lab(_PAIR) as running:
        descriptors = [os.pidfd_open(pid) for pid in running.processes]
        os.kill(running.processes[1], signal.SIGKILL)
        await asyncio.to_thread(_wait_for_end, descriptors)
        with pytest.raises(LabError, match="does not answer"):
            running.statistics()


def test_a_lab_that_cannot_be_made_leaves_nothing() -> None:
    """An unknown congestion control is found out when everything else stands already."""
    with pytest.raises(LabError, match="no warp"), opened(_PAIR, congestion="warp"):
        pytest.fail("it opened")
    assert not [name for name in open_labs() if name.startswith("pair-")]


def test_without_root_or_tun_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the remedy, and no lab."""
    monkeypatch.setattr(namespaces, "TUN", "/dev/net/no-such-device")
    assert "No such file" in str(namespaces.why_not())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match=r"wants root.*sudo$"), opened(_PAIR):
        pytest.fail("it opened")
