"""The sockets of a node: bound once by its keeper, inherited by its workers.

No SO_REUSEPORT: with it a second instance would quietly take half of the connections, and what
waits at a dead worker's socket would be lost.
"""

import errno
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from deploy.exits import ExitCode, Refusal
from deploy.names import Address
from deploy.plan import NodePlan, Transport

BACKLOG = 4096
"""Connections waiting to be accepted; the kernel cuts it to net.core.somaxconn."""
UNCLEAN_RETRY_S = 3.0
"""Workers of a keeper that was killed hold its addresses for a moment (`upward.ORPHAN_END_S`)."""
_RETRY_PAUSE_S = 0.1

Sockets = dict[str, list[socket.socket]]


def bind_all(node: NodePlan, retry_s: float) -> Sockets:
    """All sockets of a node by listener name (and `admin`), or `Refusal` and none of them."""
    deadline = time.monotonic() + retry_s
    wanted = [
        *(
            (part.name, part.transport, address)
            for part in node.listeners
            for address in part.addresses
        ),
        ("admin", Transport.TCP, node.admin),
    ]
    bound: Sockets = {part.name: [] for part in node.listeners}
    with ExitStack() as undo:
        for name, transport, address in wanted:
            sock = _bind_by(deadline, transport, address)
            undo.callback(sock.close)
            bound.setdefault(name, []).append(sock)
        undo.pop_all()
    return bound


def _bind_by(deadline: float, transport: Transport, address: Address) -> socket.socket:
    while True:
        try:
            return _bind(transport, address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                raise Refusal(_explain(error, transport, address), ExitCode.ADDRESS) from error
        time.sleep(_RETRY_PAUSE_S)


def _bind(transport: Transport, address: Address) -> socket.socket:
    tcp = transport is Transport.TCP
    family, kind, protocol, _, target = socket.getaddrinfo(
        address.host,
        address.port,
        type=socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM,
        flags=socket.AI_PASSIVE,
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if tcp:  # on UDP the same option would let two processes share a port unnoticed
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(target)
        if tcp:
            sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _explain(error: OSError, transport: Transport, address: Address) -> str:
    where = f"{transport.value} {address}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where} is in use by another program"
        case errno.EACCES | errno.EPERM:
            return f"no permission to listen on {where} (ports below 1024 need it)"
        case errno.EADDRNOTAVAIL:
            return f"{where} is not an address of this machine"
        case _:
            return f"cannot listen on {where}: {error.strerror or error}"


def descriptors(sockets: Mapping[str, list[socket.socket]]) -> dict[str, list[int]]:
    """The sockets' descriptors, for a worker's setup message; without the admin port's."""
    return {
        name: [sock.fileno() for sock in group]
        for name, group in sockets.items()
        if name != "admin"
    }


def adopt(numbers: Mapping[str, list[int]]) -> Sockets:
    """The sockets behind descriptors that this process has inherited."""
    adopted = {
        name: [socket.socket(fileno=number) for number in group] for name, group in numbers.items()
    }
    for group in adopted.values():
        for sock in group:
            sock.setblocking(False)
            sock.set_inheritable(False)
    return adopted


def close_all(sockets: Mapping[str, list[socket.socket]], spare: Callable[[str], bool]) -> None:
    """Close each group of sockets whose name `spare` does not spare."""
    for name, group in sockets.items():
        if not spare(name):
            for sock in group:
                sock.close()


def listen(address: Address) -> socket.socket:
    """A listening TCP socket of a process that is no node, or `Refusal`."""
    return _bind_by(time.monotonic(), Transport.TCP, address)
