"""Labs in tests: where none can run the test skips, and small servers that answer in one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from bench.lab.namespaces import why_not
from bench.lab.running import Host
from tests.kit.programs import need, need_root

_BUFFER_BYTES = 16 * 1024 * 1024
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33  # asm-generic/socket.h; Python has no names for them


def need_lab() -> None:
    """Skips the test where no lab can run."""
    need("ip", package="iproute2")
    need("nsenter", package="util-linux")
    need_root()
    if reason := why_not():
        pytest.skip(reason)


@asynccontextmanager
async def echo(host: Host, *, six: bool = False) -> AsyncIterator[tuple[str, int]]:
    """A host that sends every datagram back; its address."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_Echo, sock=bound(host, six=six))
    try:
        yield transport.get_extra_info("sockname")[:2]
    finally:
        transport.close()


def bound(host: Host, *, six: bool = False) -> socket.socket:
    """A datagram socket on a host, with room for whatever a test sends in one go."""
    family = socket.AF_INET6 if six else socket.AF_INET
    sock = host.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _BUFFER_BYTES)
    sock.bind((host.ipv6 if six else host.ipv4, 0))
    sock.setblocking(False)
    return sock


async def answers(host: Host, address: tuple[str, int], *, within_s: float) -> bool:
    """Whether an echo hears a host and is heard."""
    loop = asyncio.get_running_loop()
    with bound(host, six=":" in address[0]) as sock:
        await loop.sock_sendto(sock, b"are you there?", address)
        try:
            async with asyncio.timeout(within_s):
                await loop.sock_recv(sock, 100)
        except TimeoutError:
            return False
    return True


class _Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A selector loop's transports do not inherit from the class that they implement.
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data, addr)
