"""Which congestion control the tunnel's TCP connections use: BBR, where the kernel has it.

Loss on a long path is mostly no congestion. What takes it for that, as Linux's default does (CUBIC,
RFC 9438), sends 3 Mbit/s over 80 ms with one lost packet in 200, whatever the path could carry; BBR
(draft-ietf-ccwg-bbr) goes by the rate that arrives.
"""

import logging
import socket
from collections.abc import Iterable
from contextlib import suppress

log = logging.getLogger("midmile.edge.congestion")

PREFERRED = "bbr"

_NAME_BYTES = 16


def prefer_bbr(sock: socket.socket) -> str:
    """Let a socket, and those accepted from it, use BBR; gives what it uses, "" if nobody knows.

    The kernel may lack it, or not allow it to this process: then it stays at the system's default.
    """
    with suppress(OSError, AttributeError):  # TCP_CONGESTION is Linux's
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, PREFERRED.encode())
    with suppress(OSError, AttributeError):
        name = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, _NAME_BYTES)
        return name.rstrip(b"\0").decode()
    return ""


def tunnel_listeners(sockets: Iterable[socket.socket]) -> None:
    """Let those who will connect be sent to with BBR, and say so if that cannot be."""
    used = {prefer_bbr(sock) for sock in sockets}
    if used != {PREFERRED}:
        log.info(
            "the tunnel's TCP uses %s: load tcp_bbr, and name it in tcp_allowed_congestion_control",
            ", ".join(sorted(used)) or "the system's congestion control",
            extra={"event": "congestion-control", "uses": sorted(used)},
        )


def tunnel_socket(address: tuple[object, ...]) -> socket.socket:
    """A socket to connect to a parent; aiohttp's `socket_factory`, which is given an addrinfo."""
    family, kind, proto, *_ = address
    sock = socket.socket(family, kind, proto)  # type: ignore[arg-type]
    sock.setblocking(False)
    prefer_bbr(sock)
    return sock
