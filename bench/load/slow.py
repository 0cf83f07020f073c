"""Slow clients: thousands of connections, each of which says, sends or takes next to nothing.

They are a process of their own (`python -m bench.load.slow`), so that they do not slow down whoever
measures. Whoever is cut off comes back a second later.
"""

import asyncio
import json
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from statistics import median
from typing import cast

from bench.errors import LoadError
from bench.place import HOST, Address
from bench.programs import ROOT

_NETWORK = "127.68.2"
"""Where they come from: an address for each group of them."""
_AGAIN_S = 1.0
"""Between two bytes; before they come again."""
_COMING_PER_S = 1_000.0
_BUILD_UP_S = 60.0
"""In which all must have come once."""
_UPLOAD_BYTES = 1_000_000
_SIP_BYTES = 16
_SPARE_DESCRIPTORS = 64


class Attack(StrEnum):
    """What they do."""

    SLOW_HEAD = "slow-head"
    """Send a head, a byte a second: slowloris."""
    SLOW_BODY = "slow-body"
    """Send a body, a byte a second, behind a head that promises a megabyte."""
    SLOW_READ = "slow-read"
    """Ask for something large through the smallest window, and take 16 bytes a second."""
    IDLE = "idle"
    """Get one answer and stay."""
    SILENT = "silent"
    """Connect and say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Who they are."""

    attack: Attack
    connections: int
    """That they want to have, all together."""
    addresses: int
    """From which they come."""
    path: str
    """What they ask for; something large for `SLOW_READ`."""


@dataclass(slots=True, kw_only=True)
class Held:
    """How far they came; known when it is over."""

    connections: float = 0.0
    """That they had, in the median of all seconds in which they were there."""


@contextmanager
def attacking(where: Address, crowd: Crowd) -> Iterator[Held]:
    """Slow clients are there for the time of a `with`, all of which have come before it begins.

    Raises:
        LoadError: they did not come, or broke down.
    """
    held = Held()
    command = [sys.executable, "-m", "bench.load.slow", json.dumps([where, asdict(crowd)])]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise LoadError("no pipes to the attackers")
        try:
            if not process.stdout.readline():
                raise LoadError(f"{crowd.attack}: the attackers did not come")
            yield held
            process.stdin.close()
            told = process.stdout.readline()
            if not told:
                raise LoadError(f"{crowd.attack}: the attackers broke down")
            held.connections = float(told)
        finally:
            process.kill()


class _Client(asyncio.BufferedProtocol):
    """One connection of theirs."""

    def __init__(self, crowd: Crowd) -> None:
        self.over = asyncio.get_running_loop().create_future()
        self._attack = crowd.attack
        self._path = crowd.path
        self._answered = False
        self._room = bytearray(_SIP_BYTES if crowd.attack is Attack.SLOW_READ else 65_536)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what there is to say at once."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(_OPENING[self._attack].format(path=self._path, host=HOST).encode())
        self._later()

    def _later(self) -> None:
        if self._attack not in {Attack.IDLE, Attack.SILENT}:
            asyncio.get_running_loop().call_later(_AGAIN_S, self._go_on)

    def _go_on(self) -> None:
        if self.over.done():
            return
        if self._attack is Attack.SLOW_READ:
            self._transport.resume_reading()
        else:
            self._transport.write(b"a")
        self._later()

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002
        """As little as they want to take at a time."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Take it, or go: what is no good answer is an end."""
        if self._attack not in {Attack.IDLE, Attack.SLOW_READ} or not (
            self._answered or self._room[:nbytes].startswith(b"HTTP/1.1 200")
        ):
            self._transport.abort()
            return
        self._answered = True
        if self._attack is Attack.SLOW_READ:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Cut off."""
        if not self.over.done():
            self.over.set_result(None)


_GET = "GET {path} HTTP/1.1\r\nHost: {host}\r\n"
_OPENING = {
    Attack.SLOW_HEAD: _GET + "X-Slow: ",
    Attack.SLOW_BODY: "POST {path} HTTP/1.1\r\nHost: {host}\r\n"
    f"Content-Length: {_UPLOAD_BYTES}\r\n\r\n",
    Attack.SLOW_READ: _GET + "\r\n",
    Attack.IDLE: _GET + "\r\n",
    Attack.SILENT: "",
}


@dataclass(slots=True)
class _Siege:
    """All of them."""

    where: Address
    crowd: Crowd
    held: int = 0
    seen: list[int] = field(default_factory=list)
    """What was held, each second."""

    async def lay(self) -> None:
        """Come, tell so, stay until standard input ends, and tell what was held."""
        loop = asyncio.get_running_loop()
        came = [asyncio.Event() for _ in range(self.crowd.connections)]
        tasks = [asyncio.create_task(self._stay(n, event)) for n, event in enumerate(came)]
        async with asyncio.timeout(_BUILD_UP_S):
            for event in came:
                await event.wait()
        print("here", flush=True)
        over = loop.run_in_executor(None, sys.stdin.read)
        while not over.done():
            self.seen.append(self.held)
            await asyncio.wait([over], timeout=_AGAIN_S)
        print(median(self.seen), flush=True)
        for task in tasks:
            task.cancel()

    async def _stay(self, number: int, came: asyncio.Event) -> None:
        await asyncio.sleep(number / _COMING_PER_S)
        while True:
            with suppress(OSError):
                await self._once(f"{_NETWORK}.{1 + number % self.crowd.addresses}", came)
            came.set()
            await asyncio.sleep(_AGAIN_S)

    async def _once(self, source: str, came: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        try:
            sock.setblocking(False)
            if self.crowd.attack is Attack.SLOW_READ:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            sock.bind((source, 0))
            async with asyncio.timeout(_BUILD_UP_S / 2):
                await loop.sock_connect(sock, self.where)
            _, client = await loop.create_connection(lambda: _Client(self.crowd), sock=sock)
        except BaseException:
            sock.close()
            raise
        came.set()
        self.held += 1
        try:
            await client.over
        finally:
            self.held -= 1


def main() -> int:
    """Attack as the first argument says."""
    (host, port), wanted = json.loads(sys.argv[1])
    crowd = Crowd(**{**wanted, "attack": Attack(wanted["attack"])})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most != resource.RLIM_INFINITY and crowd.connections + _SPARE_DESCRIPTORS > most:
        print(f"{crowd.connections} connections, {most} open files at most", file=sys.stderr)
        return 1
    asyncio.run(_Siege((host, port), crowd).lay())
    return 0


if __name__ == "__main__":
    sys.exit(main())
