"""A whole network as a user runs it: `midmile up` as a process of its own, on addresses of its own.

A sample network file is moved to a block of loopback addresses and to ports that nobody else uses,
so that many networks run on one machine at once. What the supervisor logs is read while it runs:
tests wait for what it says (`heard`), never for time to pass.
"""

import asyncio
import contextlib
import itertools
import json
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.command_socket import ask
from deploy.network import EdgeNode, Network, load
from tests.deploy.networks import NETWORKS
from tests.kit.processes import alive, free_ports, gone
from tests.kit.programs import need

MIDMILE = Path(sys.executable).with_name("midmile")
Record = Mapping[str, Any]
"""One line of the JSON log."""

_PORTS = ("8080", "8443", "7443", "8088", "5300", "8899", "8900")
"""Those of the sample files."""
_OPERATORS = ("status", "8899"), ("admin", "8900")
"""Addresses that a file need not give, and their usual ports."""
_MARK = "MIDMILE_TEST_RUN"
"""In the environment of all that a test has started, so that strays are found whoever owns them."""
_COMMAND_S = 60.0
_START_S = 90.0
_STOP_S = 45.0
_blocks = itertools.count(secrets.randbelow(240))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Where a network is to run: its file, its state, what the file says."""

    file: Path
    state: Path
    network: Network
    run: str
    """Marks the processes that are started here."""

    @property
    def environment(self) -> dict[str, str]:
        """For everything that is started here."""
        return {**os.environ, _MARK: self.run}

    def strays(self) -> list[int]:
        """Every process that descends from a command started here and still runs."""
        mark = f"{_MARK}={self.run}".encode()
        return [pid for pid in _pids() if alive(pid) and mark in _environment(pid)]

    async def midmile(self, *arguments: str, plain: bool = False) -> Finished:
        """Run a command that ends by itself; `plain`: as a user without root's privileges."""
        process = await asyncio.create_subprocess_exec(
            *(unprivileged() if plain else ()),
            MIDMILE,
            *arguments,
            cwd=self.file.parent,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_COMMAND_S):
                stdout, stderr = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode is not None
        return Finished(code=process.returncode, stdout=stdout.decode(), stderr=stderr.decode())


class Running:
    """A network that runs; `running` makes one."""

    def __init__(self, grounds: Grounds, process: asyncio.subprocess.Process) -> None:
        self.grounds = grounds
        self.network = grounds.network
        self.log: list[Record] = []
        """Every line of the JSON log so far."""
        self.notes = ""
        """What was said to the user: progress, and the table of where to point what."""
        self._process = process
        self._news = asyncio.Condition()
        self._open = True
        self._readers = (asyncio.create_task(self._read()), asyncio.create_task(self._take_notes()))

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    @property
    def authority(self) -> Path:
        """The network's CA certificate, as users get it."""
        return self.grounds.state / "keys" / "ca.crt"

    def edge(self, name: str) -> EdgeNode:
        """An edge of the network file."""
        edge = self.network.node(name)
        assert isinstance(edge, EdgeNode)
        return edge

    def admin(self, name: str) -> str:
        """The URL of a node's admin port."""
        return f"http://{self.network.admin_address(self.network.node(name))}"

    @property
    def status_page(self) -> str:
        """The URL of the status page."""
        return f"http://{self.network.about.status}/"

    def mark(self) -> int:
        """The log's present end, to wait for what is logged later."""
        return len(self.log)

    def said(self, *, since: int = 0, **fields: object) -> list[Record]:
        """The log's lines with these fields, from a mark on."""
        return [line for line in self.log[since:] if fields.items() <= line.items()]

    async def heard(self, *, since: int = 0, within_s: float = 15.0, **fields: object) -> Record:
        """Wait for a line with these fields."""
        try:
            async with asyncio.timeout(within_s), self._news:
                while not (found := self.said(since=since, **fields)):
                    assert self._open, f"the network has ended: {self.notes}"
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"nobody logged {fields} within {within_s} s") from None
        return found[0]

    async def status(self) -> dict[str, Any]:
        """What `midmile status --json` says."""
        done = await self.midmile("status", "--json")
        assert done.code == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    async def node(self, name: str) -> Record:
        """One node's part of the status, asked without a process of its own."""
        answer = await asyncio.to_thread(ask, self.grounds.state, {"kind": "status"})
        return next(node for node in answer["nodes"] if node["name"] == name)

    async def pids(self) -> dict[str, int]:
        """Every process of the network: `east` is its keeper, `east/0` its first worker."""
        found: dict[str, int] = {}
        for node in (await self.status())["nodes"]:
            found[node["name"]] = node["pid"]
            workers = enumerate(node["workers"])
            found |= {f"{node['name']}/{index}": worker["pid"] for index, worker in workers}
        return found

    async def midmile(self, command: str, *arguments: str) -> Finished:
        """Run another command of `midmile` for this network."""
        if command == "status":
            arguments = (*arguments, "--state", str(self.grounds.state))
        if command == "resolve":
            arguments = (*arguments, "--network", str(self.grounds.file))
        return await self.grounds.midmile(command, *arguments)

    def send(self, number: signal.Signals) -> None:
        """Send the supervisor a signal."""
        self._process.send_signal(number)

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to the process group that a terminal has in its foreground."""
        os.killpg(self._process.pid, signal.SIGINT)

    async def stop(self, within_s: float = _STOP_S) -> None:
        """End the network as a user does and hold it to it: code 0, nothing left behind."""
        if self._process.returncode is None:
            self.send(signal.SIGTERM)
        assert await self.ended(within_s) == 0, self.notes
        assert self.grounds.strays() == []

    async def ended(self, within_s: float = _STOP_S) -> int:
        """Wait for the supervisor's end; its exit code."""
        async with asyncio.timeout(within_s):
            code = await self._process.wait()
            await asyncio.gather(*self._readers)
        return code

    async def clear(self) -> None:
        """End whatever still runs, however it is."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        for pid in self.grounds.strays():
            with contextlib.suppress(TimeoutError):
                await gone(pid)
        for pid in self.grounds.strays():
            os.kill(pid, signal.SIGKILL)
        await asyncio.gather(*self._readers)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.log.append(json.loads(line))  # stdout carries JSON and nothing else
            await self._tell()
        self._open = False
        await self._tell()

    async def _take_notes(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.notes += line.decode()
            await self._tell()

    async def noted(self, text: str, within_s: float = 15.0) -> None:
        """Wait until the user has been told this."""
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(lambda: text in self.notes or not self._open)
        assert text in self.notes, f"the network has ended: {self.notes}"

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@contextlib.contextmanager
def grounds(sample: str = "demo.toml", *changes: tuple[str, str]) -> Iterator[Grounds]:
    """A place of its own for a network like a sample file's, with changes to its text."""
    # Not below pytest's own folder: a unix socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="midmile-"))
    try:
        text = _moved((NETWORKS / sample).read_text(encoding="utf-8"))
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        file = folder / sample
        file.write_text(text, encoding="utf-8")
        yield Grounds(
            file=file,
            state=folder / "var",
            network=load(text, str(file)),
            run=secrets.token_hex(8),
        )
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def starting(place: Grounds) -> AsyncIterator[Running]:
    """`midmile up`, not waited for; nothing of it is left behind afterwards."""
    process = await asyncio.create_subprocess_exec(
        MIDMILE,
        "up",
        place.file,
        "--state",
        place.state,
        cwd=place.file.parent,
        env=place.environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    network = Running(place, process)
    try:
        yield network
    finally:
        await network.clear()


@asynccontextmanager
async def running(place: Grounds) -> AsyncIterator[Running]:
    """A network that is ready; at the end it is stopped and must end well."""
    async with starting(place) as network:
        await network.heard(event="network-ready", within_s=_START_S)
        await network.noted("Ctrl-C")  # the table of where to point what comes behind that line
        yield network
        await network.stop()


def unprivileged() -> tuple[str, ...]:
    """What stands before a command to take root's privileges, not root's name, away from it."""
    if os.geteuid() != 0:
        return ()
    setpriv = need("setpriv", package="util-linux")
    return (str(setpriv), "--bounding-set=-all", "--inh-caps=-all")


def _moved(text: str) -> str:
    """A sample file's text with its addresses and ports moved to where nobody else is."""
    block = next(_blocks) % 240 + 10
    for key, port in _OPERATORS:
        if f"{key} =" not in text:
            text = text.replace("[network]", f'[network]\n{key} = "127.0.0.1:{port}"', 1)
    free = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    text = re.sub(rf":({'|'.join(_PORTS)})\b", lambda port: f":{free[port[1]]}", text)
    # Browsers take *.localhost to 127.0.0.1 itself; only the edge's two listeners stay there.
    for key, _ in _OPERATORS:
        text = text.replace(f'{key} = "127.0.0.1:', f'{key} = "127.{block}.0.1:')
    return (
        text.replace("127.0.0.1", "\0")
        .replace("127.0.", f"127.{block}.")
        .replace("\0", "127.0.0.1")
    )


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
