"""Who is connected to a worker, and whether one more may be.

An IPv6 user owns a /64 and can speak from any address in it, so all of it counts as one.
"""

from collections import defaultdict
from ipaddress import AddressValueError, IPv6Address

from edge.config import Limits
from edge.errors import EdgeError, OurError, OurReason, RequestError, RequestReason

_NETWORK_BYTES = 8
"""Of an IPv6 address, those that tell the /64."""


class Crowd:
    """The clients' connections of one worker, over all of its listeners."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._count = 0
        self._of: defaultdict[bytes, int] = defaultdict(int)

    def enter(self, party: bytes) -> EdgeError | None:
        """Count a connection in, or say why it may not be; `party` as `party_of` tells it."""
        if self._count >= self.limits.connections:
            return OurError(OurReason.BUSY, "no connection is left")
        if self._of.get(party, 0) >= self.limits.connections_per_client:
            return RequestError(RequestReason.CROWD, "too many connections from one address")
        self._count += 1
        self._of[party] += 1
        return None

    def leave(self, party: bytes) -> None:
        """Count one out that was counted in."""
        self._count -= 1
        self._of[party] -= 1
        if not self._of[party]:
            del self._of[party]


def party_of(client: bytes) -> bytes:
    """What of a client's address stands for all that it may use; the address as sockets tell it."""
    if b":" not in client:
        return client
    try:
        address = IPv6Address(client.decode("ascii"))
    except (AddressValueError, UnicodeDecodeError):
        return client
    mapped = address.ipv4_mapped
    return str(mapped).encode() if mapped is not None else address.packed[:_NETWORK_BYTES]
