"""wrk: as many requests as the server answers, each connection waiting for its answer."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from bench.errors import LoadError
from bench.place import HOST, Address, shown
from bench.programs import need

_HEADS = Path(__file__).with_name("heads.lua")
_GRACE_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to ask for."""

    path: str
    connections: int
    seconds: float
    """Rounded to whole ones, of which wrk takes one at least."""
    varied: bool = True
    """Heads that differ as browsers' do; otherwise one head, again and again."""
    tls: bool = False
    fields: tuple[str, ...] = ()
    """Further lines of each head."""
    status: int = 200
    """What the answers are to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of it."""

    requests: int
    seconds: float

    @property
    def per_s(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


def check(where: Address, load: Load) -> None:
    """Ask once: wrk itself takes any status below 400 for a good one.

    Raises:
        LoadError: the answer has another status than it is to have.
    """
    status = _answer(where, load.path, load.fields).status
    if status != load.status:
        raise LoadError(f"{shown(where)}{load.path}: answered {status}, not {load.status}")


def tag(where: Address, path: str) -> str:
    """The entity tag that a server gives an object."""
    return _answer(where, path).headers["ETag"]


def _answer(where: Address, path: str, fields: Sequence[str] = ()) -> HTTPResponse:
    connection = HTTPConnection(*where, timeout=_GRACE_S)
    try:
        headers = dict(line.split(": ", 1) for line in fields)
        connection.request("GET", path, headers={"Host": HOST, **headers})
        return connection.getresponse()
    finally:
        connection.close()


def run(where: Address, load: Load) -> Done:
    """Ask, and refuse the outcome if any answer was wrong.

    Raises:
        LoadError: an error status, a broken connection, or no answer at all.
    """
    command = [
        need("wrk"),
        "--threads=1",
        f"--connections={load.connections}",
        f"--duration={max(1, round(load.seconds))}",
        "--timeout=10",
        f"--script={_HEADS}",
        f"{'https' if load.tls else 'http'}://{shown(where)}{load.path}",
        "--",
        "varied" if load.varied else "same",
        HOST,
        load.path,
        *load.fields,
    ]
    told = subprocess.run(
        command, capture_output=True, text=True, timeout=load.seconds + _GRACE_S, check=False
    )
    lines = [line for line in told.stdout.splitlines() if line.startswith("{")]
    if told.returncode or not lines:
        raise LoadError(f"wrk failed: {told.stdout[-500:]}{told.stderr[-500:]}")
    summary = json.loads(lines[0])
    if summary["errors"] or not summary["requests"]:
        raise LoadError(f"{shown(where)}{load.path}: {told.stdout[-500:]}")
    return Done(requests=summary["requests"], seconds=summary["microseconds"] / 1e6)
