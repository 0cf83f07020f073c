"""Network namespaces without names: made, entered, and cleared of whoever is left in them.

A namespace here lives as long as a descriptor of it or a process in it. Nothing is put below
/run/netns, so that nothing stays there when a lab is killed.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import LabError

TUN = "/dev/net/tun"
INTERFACE = "wan0"
MTU = 1500

_SELF = "/proc/thread-self/ns/net"
_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_QUEUE_PACKETS = 10_000
"""The interface's own queue, deep enough that packets wait where the lab says and not there."""
_CONGESTION = Path("/proc/sys/net/ipv4/tcp_congestion_control")
_ALLOWED = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
_AVAILABLE = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
_IPV6 = Path("/proc/sys/net/ipv6")
_KILL_ROUNDS = 200
_KILL_PAUSE_S = 0.01

_libc = ctypes.CDLL(None, use_errno=True)


def why_not() -> str | None:
    """Why no lab can run here, in one line with the remedy; None where one can."""
    if os.geteuid() != 0:
        return "the lab wants root, for network namespaces; run it with: sudo"
    for program, package in (("ip", "iproute2"), ("nsenter", "util-linux")):
        if shutil.which(program) is None:
            return f"the lab wants {program}; install with: sudo apt-get install {package}"
    try:
        os.close(os.open(TUN, os.O_RDWR))
    except OSError as error:
        return f"the lab wants {TUN} ({error.strerror}); install with: sudo modprobe tun"
    return None


def make(addresses: Iterable[str]) -> tuple[int, int]:
    """A namespace with one interface that leads to us: descriptors of it and of the TUN device.

    Raises:
        LabError: the kernel or `ip` refuses.
    """
    with _returning():
        if _libc.unshare(_CLONE_NEWNET):
            raise LabError(f"no network namespace can be made: {_errno()}")
        namespace = os.open(_SELF, os.O_RDONLY)
        device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
        name = struct.pack("16sH22x", INTERFACE.encode(), _IFF_TUN | _IFF_NO_PI)
        fcntl.ioctl(device, _TUNSETIFF, name)
        _configure(addresses)
    return namespace, device


@contextmanager
def entered(namespace: int) -> Iterator[None]:
    """What this thread does within happens in a namespace: sockets made there stay there.

    Nothing may be awaited within: other tasks of the thread would find themselves there as well.
    """
    with _returning():
        if _libc.setns(namespace, _CLONE_NEWNET):
            raise LabError(f"the namespace cannot be entered: {_errno()}")
        yield


def set_congestion_control(namespaces: Collection[int], name: str) -> None:
    """What TCP connections made in these namespaces from now on use.

    Raises:
        LabError: this kernel has no such congestion control.
    """
    available = _AVAILABLE.read_text().split()
    if name not in available:
        raise LabError(f"this kernel has no {name}; it has {', '.join(available)}")
    # Outside the first namespace the kernel takes only what anyone may use, and who may use what is
    # one list for the whole machine: it is widened for a moment. Labs take turns at that.
    with Path(TUN).open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        allowed = _ALLOWED.read_text()
        if name not in allowed.split():
            _ALLOWED.write_text(f"{allowed.strip()} {name}")
        try:
            for namespace in namespaces:
                with entered(namespace):
                    _CONGESTION.write_text(name)
        finally:
            if name not in allowed.split():
                _ALLOWED.write_text(allowed)


def clear(namespaces: Iterable[int], *, spared: Collection[int]) -> None:
    """Kill every process that is in one of these namespaces, but for the spared."""
    ours = {_identity(os.fstat(namespace)) for namespace in namespaces}
    # Whoever forks between two looks is found by the next one.
    for _ in range(_KILL_ROUNDS):
        found = [pid for pid in _inhabitants(ours) if pid not in spared]
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_KILL_PAUSE_S)


def packets_dropped(namespace: int) -> int:
    """How many packets the interface dropped for want of room before they reached the lab."""
    with entered(namespace):
        lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
    counts = next(line for line in lines if line.strip().startswith(f"{INTERFACE}:"))
    # Received bytes packets errs drop fifo frame compressed multicast, then sent bytes packets ...
    fields = counts.partition(":")[2].split()
    return int(fields[11])


def _configure(addresses: Iterable[str]) -> None:
    """Addresses and routes of the interface in the namespace that this thread is in."""
    lines = ["link set lo up", f"link set {INTERFACE} addrgenmode none"]
    for address in addresses:
        if ":" not in address:
            lines.append(f"addr add {address}/32 dev {INTERFACE}")
        elif _IPV6.exists():
            lines.append(f"addr add {address}/128 dev {INTERFACE} nodad")
    lines.append(f"link set {INTERFACE} mtu {MTU} txqueuelen {_QUEUE_PACKETS} up")
    lines.append(f"route add 0.0.0.0/0 dev {INTERFACE}")
    if _IPV6.exists():
        lines.append(f"route add ::/0 dev {INTERFACE}")
    done = subprocess.run(
        ["ip", "-batch", "-"], input="\n".join(lines), text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise LabError(f"ip refuses: {' '.join(done.stderr.split())}")


@contextmanager
def _returning() -> Iterator[None]:
    """Whatever namespace this thread goes to within, it comes back."""
    home = os.open(_SELF, os.O_RDONLY)
    try:
        yield
    finally:
        if _libc.setns(home, _CLONE_NEWNET):
            raise LabError(f"there is no way back out of a namespace: {_errno()}")
        os.close(home)


def _inhabitants(ours: Collection[tuple[int, int]]) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            there = _identity((entry / "ns" / "net").stat())
        except OSError:  # it has ended, or is a zombie
            continue
        if there in ours:
            yield int(entry.name)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _errno() -> str:
    return os.strerror(ctypes.get_errno())
