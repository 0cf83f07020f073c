"""What the kernel still holds of what was written to a connection."""

import asyncio
import termios
from contextlib import suppress
from fcntl import ioctl
from struct import calcsize, unpack

_INT = calcsize("i")


def unacknowledged(transport: asyncio.BaseTransport) -> int:
    """Bytes that its peer has not acknowledged, of those that have left the process.

    The kernel may hold megabytes for a slow peer and ask for more only when a third of them is
    gone: what is written at its pace would look stalled for minutes.
    """
    sock = transport.get_extra_info("socket")
    with suppress(OSError, ValueError):  # closed, or a system that does not tell
        if sock is not None and sock.fileno() >= 0:
            # Linux calls it SIOCOUTQ (tcp(7)), with the same number.
            (size,) = unpack("i", ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(_INT)))
            return int(size)
    return 0
