"""`python -m bench.lab`: a person holds a lab open, enters it, and changes its links."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.lab.control import open_labs
from tests.kit.lab import need_lab

pytestmark = pytest.mark.system

_ROOT = Path(__file__).resolve().parents[3]
_COMMAND = [sys.executable, "-m", "bench.lab"]


@pytest.fixture(autouse=True)
def _lab_or_skip() -> None:
    need_lab()


@pytest.fixture
def held() -> Iterator["subprocess.Popen[str]"]:
    """A lab that somebody holds open."""
    with subprocess.Popen(
        [*_COMMAND, "--topology", "regional"], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _welcome(process: "subprocess.Popen[str]") -> list[str]:
    """What it says once it is open; the last line tells of other commands."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith("From elsewhere"):
            break
    return lines


def _say(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*_COMMAND, *words], cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_it_tells_how_to_enter_each_host(held: "subprocess.Popen[str]") -> None:
    """The printed line works as it stands."""
    lines = _welcome(held)
    edge = next(line for line in lines if line.startswith("edge "))
    enter = edge[edge.index("nsenter") :].split()
    shown = subprocess.run([*enter, "ip", "-brief", "address"], capture_output=True, check=True)
    address = edge.split()[1]
    assert address in shown.stdout.decode()


def test_links_are_changed_from_elsewhere(held: "subprocess.Popen[str]") -> None:
    """Cut, degrade, heal; the statistics show what it did."""
    lines = _welcome(held)
    name = lines[0].split()[0]
    enter = next(line for line in lines if line.startswith("edge ")).split("sudo ")[1].split()
    origin = next(line for line in lines if line.startswith("origin ")).split()[1]
    send = [*enter, sys.executable, "-c", _SEND, origin]
    for words in (("cut", "edge", "parent"), ("degrade", "edge", "origin", "--loss", "1")):
        said = _say(*words, "--lab", name)
        assert said.stdout == "edge>origin origin>edge\n", said.stderr
        subprocess.run(send, check=True)
    table = _say("statistics", "--lab", name).stdout
    dropped = next(line for line in table.splitlines() if line.startswith("edge>origin")).split()
    assert dropped[1:4] == ["0", "0", "2"]
    assert _say("heal", "edge", "origin", "--lab", name).returncode == 0
    assert name in _say("list").stdout.split()


_SEND = """
import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", (sys.argv[1], 9))
"""


def test_a_signal_closes_it(held: "subprocess.Popen[str]") -> None:
    """Without noise, and with all that belongs to it."""
    name = _welcome(held)[0].split()[0]
    assert name in open_labs()
    held.terminate()
    assert held.wait(60) == 0
    assert name not in open_labs()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--topology", "lunar"), "lab: there is no topology 'lunar'; there are regional,"),
        (("--cities", "Frankfurt"), "lab: --cities wants two"),
        (("--cities", "Frankfurt, Atlantis"), "lab: no pings of 'Atlantis'"),
        (("cut", "a", "b", "--lab", "none"), "lab: there is no lab none"),
    ],
)
def test_mistakes_are_answered_in_one_line(words: tuple[str, ...], said: str) -> None:
    """On standard error, with an exit code."""
    finished = _say(*words)
    assert finished.returncode == 1
    assert finished.stderr.startswith(said)
    assert finished.stderr.count("\n") == 1
