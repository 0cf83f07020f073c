"""A process that is ended by a fault of memory leaves a trace, and its successor says so."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.node import crash

_CHILD = """
import os, sys
from pathlib import Path
from deploy.node import crash
with crash.watched(Path(sys.argv[1])):
    os.kill(os.getpid(), int(sys.argv[2]))
"""
_NEXT = """
import sys
from pathlib import Path
from deploy.node import crash
with crash.watched(Path(sys.argv[1])) as crashed:
    print(crashed)
"""


def run(home: Path, number: int) -> bool:
    """Whether the run after one that was ended by this signal is told of a crash."""
    subprocess.run([sys.executable, "-c", _CHILD, home, str(number)], check=False, timeout=60)
    finished = subprocess.run(
        [
            sys.executable,
            "-c",
            _NEXT,
            home,
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return finished.stdout.strip() == "True"


@pytest.mark.parametrize(
    ("number", "told"),
    [(signal.SIGBUS, True), (signal.SIGSEGV, True), (signal.SIGKILL, False)],
)
def test_who_died_of_what_he_read(tmp_path: Path, number: int, told: bool) -> None:
    """And not who was killed by others; its trace is kept."""
    assert run(tmp_path, number) is told
    assert (tmp_path / crash.LAST).exists() is told
