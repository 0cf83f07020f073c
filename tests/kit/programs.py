"""Programs of the operating system that tests want: where they are, and how to get those missing.

`make test` installs none of them. A test that needs one calls `need`, which skips with the command
to type; `tests/conftest.py` repeats all such commands at the end of the run.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

UNPACKED = Path(__file__).resolve().parents[2] / "var" / "programs"
"""Where `make programs` unpacks the daemons that must not be installed, since they would start."""

_REMEDY = re.compile(r"install with: (?P<command>.+)")


def find(program: str) -> Path | None:
    """Where `program` is: on PATH, in a system folder a plain user's PATH lacks, or unpacked."""
    folders = [
        os.environ.get("PATH", os.defpath),
        "/usr/sbin:/sbin",
        *(str(UNPACKED / folder) for folder in ("usr/sbin", "usr/bin")),
    ]
    found = shutil.which(program, path=os.pathsep.join(folders))
    return Path(found) if found else None


def need(program: str, *, package: str, unpack: bool = False) -> Path:
    """The program's path; skips the test where it is missing.

    `package` is Debian's name for what holds it; `unpack` says that `make programs` brings it.
    """
    found = find(program)
    if found is None:
        pytest.skip(_missing(program, package, unpack=unpack))
    return found


def need_path(path: Path, *, package: str) -> Path:
    """The same for a file or folder that a Debian package brings."""
    if not path.exists():
        pytest.skip(_missing(str(path), package, unpack=False))
    return path


def need_made(path: Path, *, target: str) -> Path:
    """The same for a file or folder that `make TARGET` brings."""
    if not path.exists():
        pytest.skip(f"wants {path.name}, which is not here; install with: make {target}")
    return path


def need_root() -> None:
    """Skips the test where it does not run as root."""
    if os.geteuid() != 0:
        pytest.skip("wants root; run it with: sudo make test")


def remedy(reason: str) -> str | None:
    """The command in a skip's reason that would make the test run."""
    match = _REMEDY.search(reason)
    return match["command"].strip() if match else None


def _missing(what: str, package: str, *, unpack: bool) -> str:
    command = "make programs" if unpack else f"sudo apt-get install {package}"
    return f"wants {what}, which is not here; install with: {command}"
