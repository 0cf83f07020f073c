"""A lab that runs, as measurements use it.

    async with lab(standard("far"), seed=1, congestion="cubic") as running:
        server = running.host("origin").popen("nginx", "-c", "origin.conf")
        running.cut("edge", "origin")

Everything here blocks for milliseconds at most; only starting and ending take longer, and `lab`
does these in a thread. When the process that made a lab is gone, so is the lab, with every program
that was started in it.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import (
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TextIO, cast

from bench.errors import LabError
from bench.lab import namespaces
from bench.lab.control import Remote
from bench.lab.link import Conditions, Drop, Link, LinkStatistics
from bench.lab.mesh import MeshStatistics
from bench.lab.topology import HostAddress, Topology
from bench.programs import ROOT

_END_PATIENCE_S = 20.0
_NOTHING = Link(Conditions(), seed="").statistics()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStatistics(MeshStatistics):
    """Counts of all links, and what tells whether the emulation kept up."""

    unread: int
    """Packets that hosts dropped because the relay read too slowly: not asked for. With `overflow`,
    anything but 0 makes a measurement worthless."""
    cpu_s: float
    """That the relay used since it began. Kernels deliver a packet on the account of who sends it,
    so this holds the receiving side of every host's TCP as well."""

    @property
    def is_sound(self) -> bool:
        """Whether no packet was lost but by the links' own conditions."""
        return not self.unread and not self.overflow


@dataclass(frozen=True, slots=True)
class Host:
    """A host of a running lab."""

    address: HostAddress
    namespace: str
    """A path that opens its network namespace; what `nsenter --net=` takes."""

    @property
    def ipv4(self) -> str:
        """Its IPv4 address."""
        return self.address.ipv4

    @property
    def ipv6(self) -> str:
        """Its IPv6 address."""
        return self.address.ipv6

    def command(self, *args: str | os.PathLike[str]) -> list[str]:
        """The command line that runs another one there. The process becomes the program itself."""
        return ["nsenter", f"--net={self.namespace}", "--", *(os.fspath(arg) for arg in args)]

    def popen(self, *args: str | os.PathLike[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program there; `options` are Popen's."""
        return subprocess.Popen(self.command(*args), **options)

    def run(
        self, *args: str | os.PathLike[str], **options: Any
    ) -> subprocess.CompletedProcess[Any]:
        """Run a program there to its end; `options` are `subprocess.run`'s."""
        check = options.pop("check", False)
        return subprocess.run(self.command(*args), check=check, **options)

    def entered(self) -> AbstractContextManager[None]:
        """This thread is there for the time of a `with`, in which nothing may be awaited."""
        return _entered(self.namespace)

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """A socket of ours that sends and receives there."""
        with self.entered():
            return socket.socket(family, kind)


@dataclass(slots=True, eq=False)
class Lab:
    """A running lab. `opened` and `lab` make them."""

    topology: Topology
    name: str
    """What `python -m bench.lab` calls it."""
    processes: tuple[int, ...]
    """The warden's and the relay's ids: what they use is the emulation's."""
    congestion: str
    """The congestion control that every host's TCP uses, unless a host was told otherwise."""
    _process: subprocess.Popen[str]
    _remote: Remote
    _namespaces: Mapping[str, str]
    """By location, paths that open them."""
    _hosts: dict[str, HostAddress] = field(init=False)
    _unread_before: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._hosts = self.topology.hosts()

    def host(self, name: str) -> Host:
        """A host by its name.

        Raises:
            KeyError: there is none of that name.
        """
        address = self._hosts[name]
        return Host(address, self._namespaces[address.location])

    def hosts(self) -> list[Host]:
        """All of them."""
        return [self.host(name) for name in self._hosts]

    def cut(self, a: str, b: str | None = None, *, one_way: bool = False) -> None:
        """Let nothing through between two hosts, or nothing over one's own first and last mile."""
        self.degrade(a, b, one_way=one_way, cut=True)

    def heal(self, a: str, b: str | None = None, *, one_way: bool = False) -> None:
        """Undo every change there."""
        self._remote.ask(do="heal", links=self.topology.links_of(a, b, one_way=one_way))

    def degrade(
        self, a: str, b: str | None = None, *, one_way: bool = False, **changes: float | bool
    ) -> None:
        """Change some of the `Conditions` there: `degrade("edge", "origin", loss=0.05)`.

        Raises:
            LabError: no link can be like that.
            KeyError: there is no such host.
        """
        links = self.topology.links_of(a, b, one_way=one_way)
        self._remote.ask(do="change", links=dict.fromkeys(links, changes))

    def change(self, links: Mapping[str, Conditions]) -> None:
        """Give links other conditions, all at the same moment.

        Raises:
            LabError: there is no such link.
        """
        told = {name: asdict(conditions) for name, conditions in links.items()}
        self._remote.ask(do="change", links=told)

    def statistics(self, *, reset: bool = False) -> LabStatistics:
        """What was counted since the beginning or the last reset."""
        counted = read_statistics(self._remote, self._namespaces.values(), reset=reset)
        unread = counted.unread - self._unread_before
        if reset:
            self._unread_before = counted.unread
        nothing = dict.fromkeys(self.topology.links(), _NOTHING)
        return replace(counted, unread=unread, links={**nothing, **counted.links})

    def set_congestion_control(self, name: str, *hosts: str) -> None:
        """For connections that hosts make from now on; all hosts unless some are named.

        Raises:
            LabError: this kernel has no such congestion control.
        """
        wanted = {self._hosts[host].location for host in hosts or self._hosts}
        paths = [self._namespaces[location] for location in sorted(wanted)]
        with ExitStack() as stack:
            namespaces.set_congestion_control(
                [stack.enter_context(_open(path)) for path in paths], name
            )
        if not hosts:
            self.congestion = name

    def forget_paths(self) -> None:
        """Let every host forget what its TCP remembers of the others (`ip-tcp_metrics(8)`).

        It would begin its next connection with the slow start threshold of an unlucky one before.
        """
        for host in {host.address.location: host for host in self.hosts()}.values():
            host.run("ip", "tcp_metrics", "flush", check=True)

    def wait(self) -> None:
        """Return when it has ended by itself, as it does when its relay was killed."""
        self._process.wait()

    def close(self) -> None:
        """End it, with every program that still runs in it."""
        self._remote.close()
        _end(self._process)


@contextmanager
def opened(topology: Topology, *, seed: int = 0, congestion: str = "cubic") -> Iterator[Lab]:
    """A lab for the time of a `with`.

    Raises:
        LabError: it cannot be made here; `why_not` would have said so.
    """
    running = _start(topology, seed=seed, congestion=congestion)
    try:
        yield running
    finally:
        running.close()


@asynccontextmanager
async def lab(
    topology: Topology, *, seed: int = 0, congestion: str = "cubic"
) -> AsyncIterator[Lab]:
    """A lab for the time of an `async with`; the loop runs on while it begins and ends.

    Raises:
        LabError: it cannot be made here; `why_not` would have said so.
    """
    running = await asyncio.to_thread(_start, topology, seed=seed, congestion=congestion)
    try:
        yield running
    finally:
        await asyncio.to_thread(running.close)


def read_statistics(remote: Remote, paths: Iterable[str], *, reset: bool) -> LabStatistics:
    """What a lab says of itself, and its namespaces (by paths) of what it did not read.

    Raises:
        LabError: it does not answer.
    """
    answer = remote.ask(do="statistics", reset=reset)
    links = {
        name: LinkStatistics(
            **{**counted, "drops": {Drop(why): n for why, n in counted["drops"].items()}}
        )
        for name, counted in answer["links"].items()
    }
    # The namespaces are asked from here: the relay has packets to carry.
    return LabStatistics(**{**answer, "links": links, "unread": sum(map(_unread, paths))})


def _unread(path: str) -> int:
    with _open(path) as descriptor:
        return namespaces.packets_dropped(descriptor)


def _start(topology: Topology, *, seed: int, congestion: str) -> Lab:
    if reason := namespaces.why_not():
        raise LabError(reason)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.lab.relay"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for us, who then end it
    )
    with ExitStack() as failing:
        failing.callback(_end, process)
        ready = _told(process, topology, seed)
        remote = Remote(ready["door"])
        failing.callback(remote.close)
        described = remote.ask(do="describe")
        running = Lab(
            topology=topology,
            name=remote.name,
            processes=tuple(described["processes"]),
            congestion=congestion,
            _process=process,
            _remote=remote,
            _namespaces=described["namespaces"],
        )
        running.set_congestion_control(congestion)
        failing.pop_all()
    return running


def _told(process: subprocess.Popen[str], topology: Topology, seed: int) -> dict[str, Any]:
    """Tell the relay its plan, and wait until it is ready."""
    to_relay, from_relay = _pipes(process)
    try:
        to_relay.write(json.dumps(asdict(topology.plan(seed=seed))) + "\n")
        to_relay.flush()
        line = from_relay.readline()
    except BrokenPipeError:
        line = ""
    ready: dict[str, Any] = json.loads(line) if line else {"error": "its relay ended at once"}
    if "error" in ready:
        raise LabError(f"the lab cannot be made: {ready['error']}")
    return ready


def _end(process: subprocess.Popen[str]) -> None:
    to_relay, from_relay = _pipes(process)
    with suppress(BrokenPipeError):
        to_relay.close()  # the sign to end
    try:
        process.wait(_END_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    from_relay.close()


def _pipes(process: subprocess.Popen[str]) -> tuple[TextIO, TextIO]:
    """Its standard input and output."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("it was started with both")
    return cast("TextIO", process.stdin), cast("TextIO", process.stdout)


@contextmanager
def _entered(path: str) -> Iterator[None]:
    with _open(path) as descriptor, namespaces.entered(descriptor):
        yield


@contextmanager
def _open(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
