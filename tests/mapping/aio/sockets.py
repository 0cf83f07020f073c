"""Bound sockets as the shell hands them to a worker."""

import contextlib
import socket
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry

from mapping.aio.server import Limits
from mapping.aio.worker import MappingWorker
from mapping.config import MappingSettings
from mapping.metrics import MappingMetrics

_TRIES = 50


def bound(address: str) -> tuple[int, dict[str, list[socket.socket]]]:
    """A UDP and a listening TCP socket with one port number that was free for both."""
    for _ in range(_TRIES):
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp.bind((address, 0))
        port = tcp.getsockname()[1]
        try:
            udp.bind((address, port))
        except OSError:
            tcp.close()
            udp.close()
            continue
        # Connections inherit it; with the usual megabytes back pressure would come late.
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
        tcp.listen()
        tcp.setblocking(False)
        udp.setblocking(False)
        return port, {"dns-udp": [udp], "dns-tcp": [tcp]}
    raise AssertionError("no port is free for both UDP and TCP")


@contextlib.asynccontextmanager
async def serving(
    settings: MappingSettings,
    address: str = "127.0.0.1",
    limits: Limits | None = None,
    registry: CollectorRegistry | None = None,
) -> AsyncIterator[tuple[MappingWorker, int]]:
    """A worker that serves, and its port."""
    worker = MappingWorker(settings, MappingMetrics(registry or CollectorRegistry()), limits)
    port, sockets = bound(address)
    await worker.start(sockets)
    try:
        yield worker, port
    finally:
        await worker.drain(1.0)
