"""Where a measurement runs: a folder of its own, addresses, and how much it is to do."""

import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.lab.running import Host
from bench.processes import listening

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
    host: Host | None = None
    """The host of a lab at which servers stand and clients ask; None: on loopback."""
    _began: float = field(default_factory=time.monotonic)

    def folder(self, name: str) -> Path:
        """A folder of its own below `home`."""
        folder = self.home / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def corner(self, name: str) -> "Place":
        """A place of its own within this one, for what is started more than once."""
        return replace(self, home=self.folder(name))

    def at(self, host: Host) -> "Place":
        """The same place, for what is to stand at a host of a lab."""
        return replace(self, host=host)

    def address(self, last: int, *, udp: bool = False) -> Address:
        """An address for a server, its port free for TCP, and for UDP if wanted.

        On loopback `last` tells servers apart; a host of a lab has one address for all.
        """
        host = f"{_NETWORK}.{last}" if self.host is None else self.host.ipv4
        with self.entered():
            return host, _free_port(host, udp=udp)

    def command(self, *args: str | Path) -> list[str]:
        """The command line that runs a program here, as the process itself."""
        return [*map(str, args)] if self.host is None else self.host.command(*args)

    def entered(self) -> AbstractContextManager[None]:
        """This thread's new sockets are of this place for the time of a `with`."""
        return nullcontext() if self.host is None else self.host.entered()

    def listening(self, where: Address) -> bool:
        """Whether somebody accepts TCP connections at an address, seen from here."""
        with self.entered():
            return listening(where)

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


def _free_port(host: str, *, udp: bool) -> int:
    while True:
        with socket.socket() as sock:
            sock.bind((host, 0))
            port: int = sock.getsockname()[1]
            if not udp or _free_for_udp(host, port):
                return port


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
