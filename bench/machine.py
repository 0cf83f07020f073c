"""What a result says of where it was measured: machine, versions, commit, date."""

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench import programs

_LIBRARIES = ("midmile", "aiohttp", "uvloop", "zstandard", "libcachesim")


def machine() -> dict[str, str | int]:
    """The machine: enough to tell whether results compare, and nothing that names it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "kernel": platform.release(),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of Python, of the libraries that matter, and of these programs."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found | {name: programs.version(name) for name in names}


def commit() -> str:
    """The project's commit; `-dirty` where the tree differs from it, `unknown` without git."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        cwd=programs.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def date() -> str:
    """Now, as results write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
