"""A person's own browser, outside a lab, uses the lab's servers as if it sat at one of its hosts.

    async with forwarding(8443, running.host("user"), (running.host("edge").ipv4, 443)):
        ...  # https://localhost:8443 is now as far away as the edge is from the user

What arrives at the machine's loopback is carried on from the host's namespace, byte by byte and not
looked into: TLS passes through. The near handshake takes no time and the far one begins with it, so
what the browser sends first waits for the far round trip, as it would have at the host itself: the
sum is right, though the browser's own tools show it as waiting instead of connecting.

Ends are passed on as they are. A half-close is a half-close; a reset is a reset, after what came
before it; where nobody answers, the browser's connection is reset. Whoever is on this machine may
connect, other users too.
"""

import asyncio
import errno
import os
import select
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from bench.errors import LabError
from bench.lab.running import Host

_MOST_CONNECTIONS = 256
"""All that one browser opens at once (Chromium's pool of sockets). Each has two descriptors here,
three when half closed, and a process usually has 1,024. Who comes too many is reset."""
_NEAR_BUFFER_BYTES = 32 * 1024
"""Of the socket towards the browser, each way (the kernel takes it twice, with its own overhead).
What lies here has left the server and not reached the browser, or the other way round: the more it
is, the more distance it hides. Less would make loopback slower than links; so it has 800 Mbit/s."""
_NEAR_SEGMENT_BYTES = 1448
"""As on an Ethernet. Of loopback's own 64 KB the browser's kernel would buffer 4 MB at once."""
_CHUNK_BYTES = 16 * 1024
"""Carried at a time, and all that this process itself holds: one TLS record (RFC 8446 5.1)."""
_UNSENT_BYTES = 16 * 1024
"""What may wait in the far socket beside what is in flight. Its own buffers are the kernel's and
grow with the distance, as the browser's would there: a smaller window would be a slower path."""
_ACCEPT_PAUSE_S = 0.1
"""After the kernel refused a connection, mostly for want of descriptors."""
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for no time: close() resets."""
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


@asynccontextmanager
async def forwarding(port: int, host: Host, to: tuple[str, int]) -> AsyncIterator[int]:
    """Forward `port` of 127.0.0.1, and of ::1 where there is IPv6, from `host` on to `to`.

    `to` is an IP address and a port, as the host sees them. Port 0 takes a free one; the one taken
    is what `async with` gives. At the end all connections are reset: none looks complete.

    Raises:
        LabError: the port is taken.
    """
    with ExitStack() as stack:
        listeners = list(_listen(port, stack))
        serving = asyncio.create_task(_Forward(host, to).serve(listeners))
        try:
            yield listeners[0].getsockname()[1]
        finally:
            serving.cancel()
            await asyncio.wait([serving])
        if not serving.cancelled():
            serving.result()


def _listen(port: int, stack: ExitStack) -> Iterator[socket.socket]:
    """Listeners on loopback, which `stack` closes; the second has the first one's port."""
    for family, loopback in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            listener = stack.enter_context(socket.socket(family))
            # Before listening: what is accepted inherits them, and windows are agreed on with SYN.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _NEAR_BUFFER_BYTES)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NEAR_BUFFER_BYTES)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _NEAR_SEGMENT_BYTES)
            listener.bind((loopback, port))
            listener.listen()
        except OSError as error:
            if family == socket.AF_INET6 and error.errno in _NO_IPV6:
                return
            raise LabError(f"cannot listen on {loopback} port {port}: {error.strerror}") from error
        listener.setblocking(False)
        port = listener.getsockname()[1]
        yield listener


@dataclass(slots=True, eq=False)
class _Forward:
    host: Host
    to: tuple[str, int]
    _open: int = 0

    async def serve(self, listeners: list[socket.socket]) -> None:
        """Carry whatever comes, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for listener in listeners:
                tasks.create_task(self._accept(listener, tasks))

    async def _accept(self, listener: socket.socket, tasks: asyncio.TaskGroup) -> None:
        while True:
            await _readable(listener)
            try:
                near, _ = listener.accept()
            except OSError:
                await asyncio.sleep(_ACCEPT_PAUSE_S)
                continue
            if self._open >= _MOST_CONNECTIONS:
                _reset(near)
                continue
            self._open += 1
            tasks.create_task(self._connection(near))

    async def _connection(self, near: socket.socket) -> None:
        try:
            with _closing(near), _closing(self.host.socket(self._family)) as far:
                for sock in (near, far):
                    sock.setblocking(False)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
                await self._connect(near, far)
                async with asyncio.TaskGroup() as ways:
                    ways.create_task(_carry(near, far))
                    ways.create_task(_carry(far, near))
        except* (OSError, LabError):
            pass  # one side is gone or was never there, and the other has been told by a reset
        finally:
            self._open -= 1

    @property
    def _family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.to[0] else socket.AF_INET

    async def _connect(self, near: socket.socket, far: socket.socket) -> None:
        """Connect from the host's own address, unless the browser gives up first."""
        six = self._family == socket.AF_INET6
        far.bind((self.host.ipv6 if six else self.host.ipv4, 0))
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(_ended(near))
            await asyncio.get_running_loop().sock_connect(far, self.to)
            watching.cancel()


async def _carry(source: socket.socket, destination: socket.socket) -> None:
    """Pass on what comes and its end; then stay until the other way has ended as well."""
    loop = asyncio.get_running_loop()
    while received := await loop.sock_recv(source, _CHUNK_BYTES):
        await loop.sock_sendall(destination, received)
        await asyncio.sleep(0)  # where both sides keep up, neither call lets others have their turn
    destination.shutdown(socket.SHUT_WR)
    await _ended(source)


async def _ended(sock: socket.socket) -> None:
    """Wait until both directions of a connection have ended, without reading from it.

    Raises:
        OSError: it was reset.
    """
    with select.epoll() as ends:
        # epoll(7) reports errors and hang-ups to those who ask for nothing.
        ends.register(sock, 0)
        await _readable(ends)
    if number := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(number, os.strerror(number))


async def _readable(what: socket.socket | select.epoll) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(what.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(what.fileno())


@contextmanager
def _closing(sock: socket.socket) -> Iterator[socket.socket]:
    """Close it at the end, by a reset if that is not the connection's own."""
    try:
        yield sock
    except BaseException:
        _reset(sock)
        raise
    sock.close()


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    sock.close()
