"""Where a measurement runs: a folder of its own, loopback addresses, and how much it is to do."""

import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

Address = tuple[str, int]

_NAMED = re.compile(r"@([a-z]+)@")

_NETWORK = "127.68.0"
"""Of loopback addresses; every server gets a port that was free a moment ago."""
HOST = "shop.bench.test"
"""The one site that all contestants serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Handed to every measurement."""

    home: Path
    """For configurations, caches and logs; removed at the end."""
    smoke: bool = False
    """The tiny version: does it still run? Its numbers mean nothing."""
    quiet: bool = False
    _began: float = field(default_factory=time.monotonic)

    def folder(self, name: str) -> Path:
        """A folder of its own below `home`."""
        folder = self.home / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def corner(self, name: str) -> "Place":
        """A place of its own within this one, for what is started more than once."""
        return replace(self, home=self.folder(name))

    def say(self, line: str) -> None:
        """Progress, for whoever waits."""
        if not self.quiet:
            minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
            print(f"[{minutes:3}:{seconds:02}] {line}", file=sys.stderr, flush=True)


@contextmanager
def place(*, smoke: bool, quiet: bool = False) -> Iterator[Place]:
    """A place that is cleared away afterwards."""
    # Not below the tree: a cache's files would be in every editor's and backup's way.
    home = Path(tempfile.mkdtemp(prefix="midmile-bench-"))
    try:
        yield Place(home=home, smoke=smoke, quiet=quiet)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def address(last: int, *, udp: bool = False) -> Address:
    """An address of our loopback network whose port is free for TCP, and for UDP if wanted."""
    host = f"{_NETWORK}.{last}"
    while True:
        with socket.socket() as sock:
            sock.bind((host, 0))
            port: int = sock.getsockname()[1]
            if not udp or _free_for_udp(host, port):
                return host, port


def _free_for_udp(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((host, port))
        except OSError:
            return False
        return True


def shown(where: Address) -> str:
    """`127.68.0.1:8080`."""
    return f"{where[0]}:{where[1]}"


def configure(template: Path, target: Path, values: Mapping[str, object]) -> Path:
    """Write a configuration file from a template."""
    target.write_text(fill(template, values), encoding="utf-8")
    return target


def fill(template: Path, values: Mapping[str, object]) -> str:
    """A template's text, each `@name@` replaced; a name that is not given raises KeyError."""
    text = template.read_text(encoding="utf-8")
    return _NAMED.sub(lambda named: str(values[named[1]]), text)


def as_root() -> bool:
    """Whether we are root: some servers then want to be told not to change to a user of theirs."""
    return os.geteuid() == 0
