"""How far the kernel has come with what was written to a connection."""

import asyncio
import socket
from contextlib import suppress
from struct import Struct, error

_TCP_INFO = 11
"""tcp(7): the option's number on Linux, which is the only system asked."""
_FACTS = Struct("120xQ16xI")
"""`struct tcp_info` of linux/tcp.h up to tcpi_bytes_acked and tcpi_notsent_bytes."""


def outstanding(transport: asyncio.BaseTransport) -> tuple[int, int] | None:
    """Bytes that the kernel has yet to send, and those that the peer has acknowledged so far.

    TLS and its records are part of both. None where the system does not tell, or the connection is
    closed. The kernel may hold megabytes for a slow peer and take more only when a third of them is
    gone, so what is written tells little of the peer; and what waits below TLS no transport tells.
    """
    sock = transport.get_extra_info("socket")
    with suppress(OSError, ValueError, error):
        if sock is not None and sock.fileno() >= 0:
            facts = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _FACTS.size)
            acknowledged, unsent = _FACTS.unpack(facts)
            return unsent, acknowledged
    return None
