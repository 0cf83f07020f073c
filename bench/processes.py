"""Processes of a contestant: started in their own folder, stopped by pid, and what they have used.

Linux only: what a process has used is read from /proc.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.errors import NotReadyError

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CPUCLOCK_SCHED = 2
"""The kernel's name for the precise one of a process' three clocks."""
_START_S = 60.0
"""A node on a busy machine; nothing here takes longer unless it will never be ready."""
_STOP_S = 20.0
"""Longer than midmile drains."""
_POLL_S = 0.02


@contextmanager
def running(
    command: Sequence[str | Path],
    home: Path,
    name: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """A daemon in the foreground, its output in `home/NAME.log`; its pid.

    It is a group of its own, so whatever it has started ends with it, also when it dies first.
    """
    with (home / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def ready(happened: Callable[[], bool], what: str, pid: int, log: Path) -> None:
    """Wait until something has happened to a process that was just started.

    Raises:
        NotReadyError: it ended, or took too long; with the end of what it said.
    """
    deadline = time.monotonic() + _START_S
    while not happened():
        if not _alive(pid) or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-2000:]
            raise NotReadyError(f"{what} did not start: {said}")
        time.sleep(_POLL_S)


def listening(address: tuple[str, int]) -> bool:
    """Whether somebody accepts TCP connections at an address."""
    try:
        with socket.create_connection(address, timeout=1):
            return True
    except OSError:
        return False


def tree(roots: Iterable[int]) -> list[int]:
    """These processes and all that descend from them."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = list(roots)
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_s(roots: Iterable[int]) -> float:
    """User and system time so far of these processes, their descendants, and those that ended."""
    return sum(map(_cpu_s, tree(roots)))


def _cpu_s(pid: int) -> float:
    """To the nanosecond; only that of children which have ended is counted in ticks."""
    if not (fields := _stat(pid)):
        return 0.0
    ended_s = sum(map(int, fields[13:15])) / _TICKS_PER_S  # cutime cstime (proc(5))
    try:
        return time.clock_gettime(_clock_of(pid)) + ended_s
    except OSError:  # it has just ended itself
        return 0.0


def _clock_of(pid: int) -> int:
    """As clock_getcpuclockid(3) has it, for which Python has no function."""
    return ~pid << 3 | _CPUCLOCK_SCHED


def anonymous_bytes(roots: Iterable[int]) -> int:
    """Resident memory of these processes and their descendants that no file stands behind."""
    return sum(map(_anonymous, tree(roots)))


def _anonymous(pid: int) -> int:
    """Proportional, so that pages which a fork shares count once; shared zones are memory too."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    sizes = {line.partition(":")[0]: line.split()[1] for line in rollup.splitlines()[1:]}
    return 1024 * (int(sizes["Pss_Anon"]) + int(sizes["Pss_Shmem"]))


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: the name before may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _alive(pid: int) -> bool:
    fields = _stat(pid)
    return bool(fields) and fields[0] not in {"Z", "X"}
